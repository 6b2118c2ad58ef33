/**
 * The keys of services: `services/NAME.key` in the state directory, TOML, mode 0600. Whoever holds the file holds the
 * service's address, so it may be moved to another host. No message quotes it.
 */
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'smol-toml';
import { fromBase64, utf8Text } from '../base/bytes.js';
import { EXIT, UserError } from '../base/errors.js';
import type { Prefix } from '../base/ip6.js';
import { deriveService } from '../identity/address.js';
import { isName, isRealm } from '../identity/names.js';
import { formatPort, parsePort, type ServicePort } from '../identity/ports.js';
import { PORTS_MAX } from '../wire/limits.js';
import type { Proof } from '../wire/types.js';
import { kernelEntropy, nodeCrypto } from './crypto.js';
import { ensureDirectory, readBoundedFile, writeFileAtomic } from './files.js';

const FOLDER = 'services';
const FILE_BYTES_MAX = 4_096;
const KEY_BYTES = 32;
const VERSION = 1;
/** Ours: services of one host. */
const SERVICES_MAX = 256;

/** Secret included: never log or print one. */
export interface ServiceKey {
  readonly name: string;
  readonly realm: string;
  /** Ed25519 seed, 32 bytes, secret. */
  readonly seed: Uint8Array;
  readonly proof: Proof;
  /** Its /128. */
  readonly prefix: Prefix;
  readonly ports: readonly ServicePort[];
  /** Records of it have a higher number. */
  readonly seq: number;
}

/**
 * For its next record. Hosts count by the clock, in ms, so that the one that it moved to is ahead of the one before; a
 * clock that is behind is no matter, as the number travels with the key.
 */
export const nextServiceSeq = ({ seq }: ServiceKey): number => Math.max(Date.now(), seq + 1);

const fileOf = (dir: string, name: string): string => path.join(dir, FOLDER, `${name}.key`);

const usage = (message: string, hint = 'see `alamesh service create --help`'): UserError =>
  new UserError(message, { code: 'bad-option', hint, exit: EXIT.usage });

/** @param ports `80`, `http:80/tcp`. @throws UserError for a bad name or port. Writes nothing. */
export function makeService(name: string, realm: string, ports: readonly string[]): ServiceKey {
  refuseBadName(name);
  if (ports.length > PORTS_MAX) throw usage(`a service has at most ${PORTS_MAX} ports`);
  const parsed = ports.map((text) => {
    const port = parsePort(text, name);
    if (port !== undefined) return port;
    throw usage(`'${text.slice(0, 80)}' is no port: 80, 53/udp or http:8080/tcp`);
  });
  return complete({ name, realm, seed: kernelEntropy().bytes(KEY_BYTES), ports: parsed, seq: 0 });
}

function refuseBadName(name: string): void {
  if (!isName(name)) throw usage(`'${name.slice(0, 80)}' is not 1 to 63 letters, digits, - and _`);
}

function complete(own: Pick<ServiceKey, 'name' | 'realm' | 'seed' | 'ports' | 'seq'>): ServiceKey {
  const crypto = nodeCrypto();
  const publicKey = crypto.ed25519Public(own.seed);
  const proof = { publicKey, successor: new Uint8Array(KEY_BYTES), nonce: 0n };
  return { ...own, proof, prefix: deriveService(crypto, own.realm, proof).prefix };
}

/** What `export` prints and the file holds. */
export function serviceText({ name, realm, seed, ports, prefix, seq }: ServiceKey): string {
  return `# The secret key of a service of ALANET. Whoever reads this can be this service.
# ${prefix}
version = ${VERSION}
name = ${JSON.stringify(name)}
realm = ${JSON.stringify(realm)}
ports = [${ports.map((port) => JSON.stringify(formatPort(port))).join(', ')}]
seq = ${seq}
seed = "${Buffer.from(seed).toString('base64')}"
`;
}

/** @param where For messages. @throws UserError (exit 4), without quoting anything. */
export function parseService(text: string, where: string): ServiceKey {
  let toml: Readonly<Record<string, unknown>>;
  try {
    toml = parse(text, { maxDepth: 2 });
  } catch {
    throw bad(where, 'is not valid TOML');
  }
  const { version, name, realm, seed, ports, seq } = toml;
  if (version !== VERSION) throw bad(where, `is no service of version ${VERSION}`);
  if (typeof name !== 'string' || !isName(name)) throw bad(where, 'has no good name');
  if (typeof realm !== 'string' || !isRealm(realm)) throw bad(where, 'has no good realm');
  const key = typeof seed === 'string' ? fromBase64(seed) : undefined;
  if (key?.length !== KEY_BYTES) throw bad(where, 'has no key of 32 bytes in base64');
  if (!Number.isSafeInteger(seq) || (seq as number) < 0) throw bad(where, 'has no good seq');
  const words = Array.isArray(ports) && ports.length <= PORTS_MAX ? ports : undefined;
  const parsed = words?.map((word) => (typeof word === 'string' ? parsePort(word) : undefined));
  if (parsed === undefined || parsed.includes(undefined)) throw bad(where, 'has bad ports');
  return complete({ name, realm, seed: key, ports: parsed as ServicePort[], seq: seq as number });
}

const bad = (where: string, what: string): UserError =>
  new UserError(`${where} ${what}`, {
    ...{ code: 'bad-service', exit: EXIT.badFile, file: where },
    hint: 'restore it from a backup, or make the service anew: it gets another address',
  });

/** @throws UserError when there is one of this name. */
export async function saveService(dir: string, key: ServiceKey): Promise<void> {
  if ((await loadServices(dir)).length >= SERVICES_MAX) {
    throw new UserError(`there are ${SERVICES_MAX} services already`, { code: 'full' });
  }
  await ensureDirectory(path.join(dir, FOLDER), 0o700);
  try {
    await writeFileAtomic(fileOf(dir, key.name), serviceText(key), 0o600, { replace: false });
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== 'exists') throw error;
    throw new UserError(`there is a service called ${key.name} already`, {
      ...{ code: 'service-exists', hint: `to give it up: alamesh service remove ${key.name}` },
    });
  }
}

/** In the order of their names. @throws UserError for a file that is damaged or that others can read. */
export async function loadServices(dir: string): Promise<ServiceKey[]> {
  let files: string[];
  try {
    files = await readdir(path.join(dir, FOLDER));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const names = files.filter((file) => file.endsWith('.key')).map((file) => file.slice(0, -4));
  return Promise.all(names.sort().map((name) => loadService(dir, name)));
}

/** @throws UserError `not-found` where there is none. */
export async function loadService(dir: string, name: string): Promise<ServiceKey> {
  refuseBadName(name);
  const file = fileOf(dir, name);
  const { bytes, stats } = await readService(file, name);
  if (!stats.isFile()) throw bad(file, 'is not a regular file');
  if ((stats.mode & 0o077) !== 0) {
    throw new UserError(`${file} can be used by others`, {
      ...{ code: 'service-exposed', exit: EXIT.badFile, file },
      hint: `if nobody else has read it: chmod 600 ${file}`,
    });
  }
  const key = parseService(utf8Text(bytes) ?? '', file);
  if (key.name !== name) throw bad(file, 'is of a service of another name');
  return key;
}

async function readService(file: string, name: string): ReturnType<typeof readBoundedFile> {
  try {
    return await readBoundedFile(file, FILE_BYTES_MAX);
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== 'not-found') throw error;
    const hint = '`alamesh service list` shows those there are';
    throw new UserError(`there is no service called ${name}`, { code: 'not-found', hint });
  }
}

export async function removeService(dir: string, name: string): Promise<ServiceKey> {
  const key = await loadService(dir, name);
  await rm(fileOf(dir, name));
  return key;
}
