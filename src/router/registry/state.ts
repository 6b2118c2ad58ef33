/** What is in force: the last good state of the registry, a file in the state directory, written atomically. */
import path from 'node:path';
import { utf8Text } from '../../base/bytes.js';
import { UserError } from '../../base/errors.js';
import { ensureDirectory, readBounded, writeFileAtomic } from '../../platform/files.js';
import type { Member, ServiceRow, Tombstone } from '../../registry/snapshot.js';

export interface MemberInForce extends Member {
  /** Not in the registry any more: no revocation, so it stays until it expires. */
  readonly absent: boolean;
}

export interface InForce {
  /** Where it came from; passwords included. */
  readonly url: string;
  readonly head: string;
  readonly realm: string;
  readonly appliedAt: number;
  readonly members: readonly MemberInForce[];
  readonly services: readonly ServiceRow[];
  readonly tombstones: readonly Tombstone[];
}

export interface Pending {
  readonly head: string;
  readonly since: number;
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly ended: readonly string[];
}

export interface RegistryState {
  readonly inForce: InForce | undefined;
  readonly pending: Pending | undefined;
  /** The head that a person let pass. */
  readonly approved: string | undefined;
  /** Epoch milliseconds of the last answer; 0: never. */
  readonly syncedAt: number;
  readonly lastError: string;
}

const NOTHING: RegistryState = {
  ...{ inForce: undefined, pending: undefined, approved: undefined, syncedAt: 0, lastError: '' },
};
const VERSION = 1;
/** Ours: 10,000 members are about 5 MB. */
const STATE_BYTES_MAX = 1 << 26;

export const registryDir = (dir: string): string => path.join(dir, 'registry');
const stateFile = (dir: string): string => path.join(registryDir(dir), 'state.json');

/** A missing file is an empty state. @throws UserError for a damaged one: what it protected is not given up silently. */
export async function loadState(dir: string): Promise<RegistryState> {
  const file = stateFile(dir);
  let text: string | undefined;
  try {
    text = utf8Text(await readBounded(file, STATE_BYTES_MAX));
  } catch (error) {
    if (error instanceof UserError && error.code === 'not-found') return NOTHING;
    throw error;
  }
  try {
    const { version, ...state } = JSON.parse(text ?? '');
    if (version === VERSION) return { ...NOTHING, ...state };
  } catch {
    // Told below.
  }
  throw new UserError(`${file} is damaged`, {
    ...{ code: 'bad-state', exit: 4, file },
    hint: 'remove it and sync again: the registry is then believed as it is now',
  });
}

export async function saveState(dir: string, state: RegistryState): Promise<void> {
  await ensureDirectory(registryDir(dir), 0o700);
  await writeFileAtomic(stateFile(dir), JSON.stringify({ version: VERSION, ...state }), 0o600);
}
