/**
 * Invitations that this router gave out: `invites.json` in the state directory (0600, as it holds their secrets, written
 * atomically). The router and, while none runs, the command line both work on it through this.
 */
import path from 'node:path';
import { fromHex, toHex, utf8Text } from '../base/bytes.js';
import { EXIT, UserError } from '../base/errors.js';
import { formatNodeId, type NodeId } from '../base/ip6.js';
import { formatInviteLine, INVITE_SECRET_BYTES } from '../identity/invite-line.js';
import { isName } from '../identity/names.js';
import type { Invite } from '../mesh/invites.js';
import { kernelEntropy } from '../platform/crypto.js';
import { readBounded, writeFileAtomic } from '../platform/files.js';
import type { Identity } from '../platform/keystore.js';
import { INVITE_ID_BYTES } from '../wire/limits.js';

export const INVITES_FILE = 'invites.json';
const FILE_BYTES_MAX = 1 << 20;
/** Ours. */
const INVITES_MAX = 256;
const USES_MAX = 100;
const LIFE_MSEC_MIN = 60_000;
const LIFE_MSEC_MAX = 365 * 86_400_000;
/** Ours: an invitation that is over is listed this long, and can still say why it serves no more. */
const REMEMBER_MSEC = 7 * 86_400_000;

interface Stored {
  /** Hex. */
  readonly id: string;
  readonly secret: string;
  /** For people: who it is for; may be empty. */
  readonly name: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly usesMax: number;
  readonly uses: readonly Use[];
  readonly revokedAt: number | null;
}

interface Use {
  readonly address: string;
  readonly name: string;
  readonly at: number;
}

export interface NewInvite {
  readonly lifeMsec: number;
  readonly usesMax: number;
  /** Empty: nobody in particular. */
  readonly name: string;
}

/** What the line says of this router. */
export interface Inviter {
  readonly name: string;
  readonly endpoints: readonly string[];
}

export class InviteStore {
  readonly #file: string;
  readonly #identity: Identity;
  #invites: readonly Stored[];
  #writing: Promise<void> = Promise.resolve();

  private constructor(file: string, identity: Identity, invites: readonly Stored[]) {
    this.#file = file;
    this.#identity = identity;
    this.#invites = invites;
  }

  /** @throws UserError (exit 4) when the file is bad. */
  static async open(dir: string, identity: Identity): Promise<InviteStore> {
    const file = path.join(dir, INVITES_FILE);
    return new InviteStore(file, identity, await readInvites(file));
  }

  /** For the mesh. */
  book(): Invite[] {
    return this.#remembered().map((one) => ({
      id: fromHex(one.id) ?? new Uint8Array(INVITE_ID_BYTES),
      secret: fromHex(one.secret) ?? new Uint8Array(INVITE_SECRET_BYTES),
      expiresAt: one.expiresAt,
      usesLeft: one.usesMax - one.uses.length,
      revoked: one.revokedAt !== null,
    }));
  }

  #remembered(): readonly Stored[] {
    return this.#invites.filter(({ expiresAt }) => Date.now() < expiresAt + REMEMBER_MSEC);
  }

  /** `alamesh.invite/1`, with the line. @throws UserError for numbers out of range, or when there are too many. */
  async create(wanted: NewInvite, inviter: Inviter) {
    refuseBad(wanted);
    const kept = this.#remembered();
    if (kept.length >= INVITES_MAX) {
      const hint = 'they are forgotten a week after they expire';
      throw new UserError(`there are ${INVITES_MAX} invitations already`, { code: 'full', hint });
    }
    const entropy = kernelEntropy();
    const [id, secret] = [entropy.bytes(INVITE_ID_BYTES), entropy.bytes(INVITE_SECRET_BYTES)];
    const { lifeMsec, usesMax, name } = wanted;
    const createdAt = Date.now();
    const expires = Math.floor((createdAt + lifeMsec) / 1000);
    const made: Stored = {
      ...{ id: toHex(id), secret: toHex(secret), name, createdAt, expiresAt: expires * 1000 },
      ...{ usesMax, uses: [], revokedAt: null },
    };
    await this.#save([...kept, made]);
    const { realm, work, noisePublic: noiseKey, id: node } = this.#identity;
    const line = formatInviteLine({
      ...{ id, secret, expires, realm, work, noiseKey, node, nameForYou: name, ...inviter },
    });
    return { schema: 'alamesh.invite/1', ...shown(made), line, endpoints: inviter.endpoints };
  }

  /** `alamesh.invites/1`; without secrets. */
  list() {
    return { schema: 'alamesh.invites/1', invites: this.#remembered().map(shown) };
  }

  /** @param id Hex, or the beginning of one. */
  async revoke(id: string) {
    const known = this.#remembered();
    const found = known.filter((one) => id !== '' && one.id.startsWith(id.toLowerCase()));
    const [one] = found;
    if (one === undefined || found.length > 1) {
      const what = one === undefined ? 'no invitation' : `${found.length} invitations`;
      throw new UserError(`${what} with an id like '${id.slice(0, 32)}'`, {
        ...{ code: one === undefined ? 'not-found' : 'ambiguous' },
        hint: 'see `alamesh invite list`',
      });
    }
    const revoked = { ...one, revokedAt: one.revokedAt ?? Date.now() };
    await this.#save(known.map((other) => (other === one ? revoked : other)));
    return { schema: 'alamesh.invite/1', ...shown(revoked), message: `revoked ${one.id}` };
  }

  /** Somebody came with it. In memory at once, so that what `book` says next counts it. */
  async use(id: Uint8Array, who: { readonly id: NodeId; readonly name: string }): Promise<void> {
    const key = toHex(id);
    const use = { address: formatNodeId(who.id), name: who.name, at: Date.now() };
    const count = (one: Stored): Stored =>
      one.id === key ? { ...one, uses: [...one.uses, use] } : one;
    await this.#save(this.#invites.map(count));
  }

  async #save(invites: readonly Stored[]): Promise<void> {
    this.#invites = invites;
    const text = `${JSON.stringify({ version: 1, invites }, null, 1)}\n`;
    const write = (): Promise<void> => writeFileAtomic(this.#file, text, 0o600);
    this.#writing = this.#writing.then(write, write);
    await this.#writing;
  }
}

/** Everything but the secret. */
function shown(one: Stored) {
  const { id, name, createdAt, expiresAt, usesMax, uses, revokedAt } = one;
  const state = stateOf(one);
  return { id, name, state, createdAt, expiresAt, revokedAt, usesMax, uses };
}

function stateOf({ revokedAt, expiresAt, uses, usesMax }: Stored): string {
  if (revokedAt !== null) return 'revoked';
  if (uses.length >= usesMax) return 'used';
  return Date.now() >= expiresAt ? 'expired' : 'open';
}

function refuseBad({ lifeMsec, usesMax, name }: NewInvite): void {
  const fault = (message: string, hint: string): UserError =>
    new UserError(message, { code: 'bad-invite', hint, exit: EXIT.usage });
  if (!(lifeMsec >= LIFE_MSEC_MIN && lifeMsec <= LIFE_MSEC_MAX))
    throw fault('an invitation lives from a minute to a year', 'for instance --expires 24h');
  if (!Number.isInteger(usesMax) || usesMax < 1 || usesMax > USES_MAX)
    throw fault(`an invitation serves 1 to ${USES_MAX} times`, 'for instance --uses 3');
  if (name !== '' && !isName(name))
    throw fault(`'${name.slice(0, 80)}' is not the name of a node`, 'letters, digits, - and _');
}

async function readInvites(file: string): Promise<readonly Stored[]> {
  try {
    const text = utf8Text(await readBounded(file, FILE_BYTES_MAX)) ?? '';
    const { invites } = JSON.parse(text) as { invites?: unknown };
    if (!Array.isArray(invites) || !invites.every(isStored))
      throw new SyntaxError('not as written');
    return invites;
  } catch (error) {
    if (error instanceof UserError && error.code === 'not-found') return [];
    if (error instanceof UserError) throw error;
    throw new UserError(`${file}: ${(error as Error).message}`, {
      ...{ code: 'bad-file', exit: EXIT.badFile, file },
      hint: 'remove it: open invitations are lost, peers are not',
    });
  }
}

function isStored(raw: unknown): raw is Stored {
  const { id, secret, name, createdAt, expiresAt, usesMax, uses, revokedAt } = (raw ??
    {}) as Record<string, unknown>;
  const isHex = (text: unknown, bytes: number): boolean =>
    typeof text === 'string' && fromHex(text)?.length === bytes;
  const numbers = [createdAt, expiresAt, usesMax].every((one) => Number.isSafeInteger(one));
  const isRevoked = revokedAt === null || Number.isSafeInteger(revokedAt);
  return (
    isHex(id, INVITE_ID_BYTES) &&
    isHex(secret, INVITE_SECRET_BYTES) &&
    typeof name === 'string' &&
    numbers &&
    isRevoked &&
    Array.isArray(uses)
  );
}
