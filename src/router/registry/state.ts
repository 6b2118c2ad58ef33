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

/** Missing files are an empty state. @throws UserError for a damaged one: what it protected is not given up silently. */
export async function loadState(dir: string): Promise<RegistryState> {
  const inForce = (await readJson(dir, IN_FORCE)) as { readonly inForce?: InForce } | undefined;
  const rest = (await readJson(dir, PROGRESS)) as Partial<RegistryState> | undefined;
  return { ...NOTHING, ...rest, inForce: inForce?.inForce };
}

/** Large, and written only when it changes: a sync without news must cost a router next to nothing. */
const IN_FORCE = 'in-force.json';
const PROGRESS = 'progress.json';

async function readJson(dir: string, name: string): Promise<object | undefined> {
  const file = path.join(registryDir(dir), name);
  let text: string | undefined;
  try {
    text = utf8Text(await readBounded(file, STATE_BYTES_MAX));
  } catch (error) {
    if (error instanceof UserError && error.code === 'not-found') return undefined;
    throw error;
  }
  try {
    const { version, ...rest } = JSON.parse(text ?? '');
    if (version === VERSION) return rest;
  } catch {
    // Told below.
  }
  throw new UserError(`${file} is damaged`, {
    ...{ code: 'bad-state', exit: 4, file },
    hint: 'remove it and sync again: the registry is then believed as it is now',
  });
}

/** @param before What the files hold. The state in force goes first: an approval is used up only when it is on disk. */
export async function saveState(
  dir: string,
  before: RegistryState,
  { inForce, ...progress }: RegistryState,
): Promise<void> {
  await ensureDirectory(registryDir(dir), 0o700);
  const write = (name: string, data: object): Promise<void> =>
    writeFileAtomic(
      path.join(registryDir(dir), name),
      JSON.stringify({ version: VERSION, ...data }),
    );
  if (inForce !== before.inForce) await write(IN_FORCE, { inForce });
  await write(PROGRESS, progress);
}
