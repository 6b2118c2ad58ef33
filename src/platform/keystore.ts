/**
 * The identity of a router on disk: `identity.key`, TOML, mode 0600. It holds the secret keys, so no message here
 * quotes it (a TOML parser's error would), and it is refused when others can read it.
 */
import path from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { assert } from '../base/assert.js';
import { fromBase64, utf8Text } from '../base/bytes.js';
import { EXIT, UserError } from '../base/errors.js';
import { formatNodeId, type NodeId, type Prefix } from '../base/ip6.js';
import { defaultWork, deriveNode, WORK_MAX } from '../identity/address.js';
import { isName, isRealm } from '../identity/names.js';
import type { Proof } from '../wire/types.js';
import { kernelEntropy, nodeCrypto } from './crypto.js';
import { ensureDirectory, readBoundedFile, writeFileAtomic } from './files.js';
import { findNonce, type WorkProgress } from './work.js';

export const IDENTITY_FILE = 'identity.key';
const IDENTITY_BYTES_MAX = 4_096;
const VERSION = 1;
const KEY_BYTES = 32;
const U64_MAX = (1n << 64n) - 1n;
const FIELDS = ['version', 'realm', 'work', 'name', 'seed', 'successor', 'nonce', 'noise_key'];

/** Secrets included: never log or print one. */
export interface Identity {
  readonly realm: string;
  /** Leading zero bits that the proof was made for. */
  readonly work: number;
  readonly name: string;
  /** Ed25519 seed, 32 bytes, secret. */
  readonly seed: Uint8Array;
  readonly proof: Proof;
  /** X25519 private key, 32 bytes, secret. */
  readonly noisePrivate: Uint8Array;
  readonly noisePublic: Uint8Array;
  readonly id: NodeId;
  readonly prefix: Prefix;
}

export interface CreateOptions {
  readonly realm: string;
  /** Default: the realm's own (20 for alanet, else 0). */
  readonly work?: number | undefined;
  readonly name: string;
  readonly onProgress?: ((progress: WorkProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Makes keys and finds the nonce; writes nothing. @throws UserError on a bad realm, work or name, or when cancelled. */
export async function createIdentity(options: CreateOptions): Promise<Identity> {
  const { realm, name, onProgress, signal } = options;
  const work = options.work ?? defaultWork(realm);
  const wrong = optionFault(realm, work, name);
  if (wrong !== undefined) throw new UserError(wrong, { code: 'bad-option', exit: EXIT.usage });
  const crypto = nodeCrypto();
  const seed = kernelEntropy().bytes(KEY_BYTES);
  const publicKey = crypto.ed25519Public(seed);
  const successor = new Uint8Array(KEY_BYTES);
  const nonce = await findNonce({ realm, work, publicKey, successor, onProgress, signal });
  const noisePrivate = kernelEntropy().bytes(KEY_BYTES);
  const identity = complete({ realm, work, name, seed, successor, nonce, noisePrivate });
  assert(identity !== undefined, 'the nonce that was found has the work');
  return identity;
}

function optionFault(realm: string, work: number, name: string): string | undefined {
  if (!isRealm(realm)) return `realm '${realm}' is not 1 to 63 of a-z, 0-9 and -`;
  if (!isName(name)) return `name '${name}' is not 1 to 63 letters, digits, - and _`;
  const inRange = Number.isInteger(work) && work >= 0 && work <= WORK_MAX;
  return inRange ? undefined : `work ${work} is not a whole number from 0 to ${WORK_MAX}`;
}

interface Stored {
  readonly realm: string;
  readonly work: number;
  readonly name: string;
  readonly seed: Uint8Array;
  readonly successor: Uint8Array;
  readonly nonce: bigint;
  readonly noisePrivate: Uint8Array;
}

/** Derives what is public. @returns undefined when the proof lacks the stated work. */
function complete(stored: Stored): Identity | undefined {
  const { realm, work, name, seed, successor, nonce, noisePrivate } = stored;
  const crypto = nodeCrypto();
  const proof = { publicKey: crypto.ed25519Public(seed), successor, nonce };
  const derived = deriveNode(crypto, realm, proof);
  if (derived.work < work) return undefined;
  const noisePublic = crypto.x25519Public(noisePrivate);
  const { id, prefix } = derived;
  return { realm, work, name, seed, proof, noisePrivate, noisePublic, id, prefix };
}

/**
 * Writes `identity.key`, making the directory (0700) where there is none.
 * @throws UserError `identity-exists` unless forced.
 */
export async function saveIdentity(
  dir: string,
  identity: Identity,
  { force = false }: { readonly force?: boolean } = {},
): Promise<void> {
  const file = path.join(dir, IDENTITY_FILE);
  await ensureDirectory(dir, 0o700);
  try {
    await writeFileAtomic(file, identityText(identity), 0o600, { replace: force });
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== 'exists') throw error;
    throw new UserError(`${dir} has an identity already`, {
      code: 'identity-exists',
      hint: 'To give its address up for a new one, use --force.',
      file,
    });
  }
}

function identityText(identity: Identity): string {
  const { proof } = identity;
  return `# The secret keys of this alamesh router. Whoever reads this file can be this node.
# ${formatNodeId(identity.id)}
version = ${VERSION}
realm = "${identity.realm}"
work = ${identity.work}
name = "${identity.name}"
seed = "${base64(identity.seed)}"
successor = "${base64(proof.successor)}"
nonce = "${proof.nonce}"
noise_key = "${base64(identity.noisePrivate)}"
`;
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** @throws UserError (exit 4) when it is missing, readable by others, malformed, or its proof does not hold. */
export async function loadIdentity(dir: string): Promise<Identity> {
  const file = path.join(dir, IDENTITY_FILE);
  const { bytes, stats } = await readIdentity(file);
  if (!stats.isFile()) throw badIdentity(file, 'is not a regular file');
  if ((stats.mode & 0o077) !== 0) throw exposed(file, stats.mode);
  const stored = parseStored(parseToml(file, bytes));
  if (typeof stored === 'string') throw badIdentity(file, stored);
  const identity = complete(stored);
  if (identity === undefined) {
    throw badIdentity(
      file,
      `its keys and nonce do not have the stated work of ${stored.work} bits`,
    );
  }
  return identity;
}

async function readIdentity(file: string): ReturnType<typeof readBoundedFile> {
  try {
    return await readBoundedFile(file, IDENTITY_BYTES_MAX);
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== 'not-found') throw error;
    throw new UserError(`there is no identity in ${path.dirname(file)}`, {
      ...{ code: 'no-identity', hint: 'Make one with: alamesh init', exit: EXIT.badFile, file },
    });
  }
}

function parseToml(file: string, bytes: Uint8Array): Readonly<Record<string, unknown>> {
  const text = utf8Text(bytes);
  if (text === undefined) throw badIdentity(file, 'is not text');
  try {
    return parse(text);
  } catch (error) {
    const line = error instanceof TomlError ? error.line : undefined;
    throw badIdentity(file, 'is not valid TOML', line);
  }
}

/** @returns What is wrong, without quoting any value. */
function parseStored(toml: Readonly<Record<string, unknown>>): Stored | string {
  const unknown = Object.keys(toml).find((key) => !FIELDS.includes(key));
  if (unknown !== undefined) return 'has a field that is none of ours';
  const { version, realm, work, name } = toml;
  if (version !== VERSION) return `is not of version ${VERSION}`;
  if (typeof realm !== 'string' || typeof work !== 'number' || typeof name !== 'string') {
    return 'lacks realm, work or name';
  }
  if (optionFault(realm, work, name) !== undefined) return 'has a bad realm, work or name';
  const seed = key(toml.seed);
  const successor = key(toml.successor);
  const noisePrivate = key(toml.noise_key);
  if (!seed || !successor || !noisePrivate) return 'lacks a key, or one has not 32 bytes of base64';
  const nonce = u64(toml.nonce);
  if (nonce === undefined) return 'lacks the nonce, or it is not a number in quotes';
  return { realm, work, name, seed, successor, nonce, noisePrivate };
}

function key(value: unknown): Uint8Array | undefined {
  const bytes = typeof value === 'string' ? fromBase64(value) : undefined;
  return bytes?.length === KEY_BYTES ? bytes : undefined;
}

function u64(value: unknown): bigint | undefined {
  if (typeof value !== 'string' || !/^\d{1,20}$/.test(value)) return undefined;
  const number = BigInt(value);
  return number <= U64_MAX ? number : undefined;
}

function exposed(file: string, mode: number): UserError {
  const bits = (mode & 0o777).toString(8).padStart(4, '0');
  return new UserError(`${file} can be used by others (mode ${bits})`, {
    code: 'identity-exposed',
    hint: `If nobody else has read it: chmod 600 ${file}; else make a new one: alamesh init --force`,
    ...{ exit: EXIT.badFile, file },
  });
}

function badIdentity(file: string, what: string, line?: number): UserError {
  const message = `identity file ${file}: ${what}`;
  const hint = 'Restore it from a backup, or make a new one: alamesh init --force';
  const place = line === undefined ? { file } : { file, line };
  return new UserError(message, { code: 'bad-identity', hint, exit: EXIT.badFile, ...place });
}
