/**
 * Peers that were added by hand: `peers.toml` in the state directory (0600, written atomically). The router and, while
 * none runs, the command line both work on it through this.
 */
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { concat, equalBytes, fromBase64, toBase64Url, toHex, utf8Text } from '../base/bytes.js';
import { EXIT, UserError } from '../base/errors.js';
import { formatNodeId, type NodeId, parseAddress, parseNodeId } from '../base/ip6.js';
import { INVITE_SECRET_BYTES, looksLikeInvite, parseInviteLine } from '../identity/invite-line.js';
import { isEndpoint, isName } from '../identity/names.js';
import { parseNodeFile } from '../identity/node-file.js';
import { formatPeerLine, looksLikePeerLine, parsePeerLine } from '../identity/peer-line.js';
import type { InviteSecret } from '../mesh/invites.js';
import { nodeCrypto } from '../platform/crypto.js';
import { readBounded, writeFileAtomic } from '../platform/files.js';
import { type Identity, loadIdentity } from '../platform/keystore.js';
import { CANDIDATES_MAX, INVITE_ID_BYTES } from '../wire/limits.js';
import { loadConfig } from './config/config.js';
import { resolveWho } from './who.js';

export const PEERS_FILE = 'peers.toml';
const PEERS_BYTES_MAX = 1 << 22;
/** Ours: configured peers of one router. */
const PEERS_MAX = 4096;
/** Ours: own addresses that a line names when nothing is given. */
const OWN_ENDPOINTS_MAX = 6;

export interface StoredPeer {
  /** 32 bytes. */
  readonly key: Uint8Array;
  readonly id: NodeId | undefined;
  readonly name: string;
  readonly endpoints: readonly string[];
  /** It invited us, and the link was not up yet. */
  readonly invite?: InviteSecret;
}

export interface Added {
  readonly peer: StoredPeer;
  readonly isNew: boolean;
}

export class PeerStore {
  readonly #dir: string;
  readonly #identity: Identity;
  #peers: StoredPeer[];
  #last: Promise<unknown> = Promise.resolve();

  private constructor(dir: string, identity: Identity, peers: StoredPeer[]) {
    this.#dir = dir;
    this.#identity = identity;
    this.#peers = peers;
  }

  /** @throws UserError (exit 4) when the identity or the file is bad. */
  static async open(dir: string, identity?: Identity): Promise<PeerStore> {
    const own = identity ?? (await loadIdentity(dir));
    return new PeerStore(dir, own, await readPeers(path.join(dir, PEERS_FILE)));
  }

  get peers(): readonly StoredPeer[] {
    return this.#peers;
  }

  /** Takes a line or a node file; a known key gets the new name and endpoints. */
  async add(text: string): Promise<Added> {
    return this.put(this.#parse(text));
  }

  #parse(text: string): StoredPeer {
    if (looksLikeInvite(text)) return this.#fromInvite(text);
    return looksLikePeerLine(text) ? this.#fromLine(text) : this.#fromFile(text);
  }

  /** Adds a peer whose parts were checked; a known key gets the new name and endpoints. */
  put(peer: StoredPeer): Promise<Added> {
    return this.#inTurn(() => this.#put(peer));
  }

  /** One change after the other: each begins with what the last has left. */
  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#last.then(change, change);
    this.#last = result;
    return result;
  }

  async #put(peer: StoredPeer): Promise<Added> {
    if (equalBytes(peer.key, this.#identity.noisePublic)) {
      throw new UserError('this is the own line of this router', {
        code: 'own-line',
        hint: 'send it to a friend, and paste theirs here',
      });
    }
    const others = this.#peers.filter((one) => !equalBytes(one.key, peer.key));
    if (others.length >= PEERS_MAX) {
      throw new UserError(`there are ${PEERS_MAX} peers already`, { code: 'full' });
    }
    const isNew = others.length === this.#peers.length;
    await this.#save([...others, peer]);
    return { peer, isNew };
  }

  #fromLine(text: string): StoredPeer {
    const parsed = parsePeerLine(text.trim());
    if (!parsed.ok) {
      throw new UserError(parsed.error, {
        ...{ code: 'bad-peer', exit: EXIT.badFile },
        hint: 'copy the whole line that `alamesh peer line` printed',
      });
    }
    const { realm, noiseKey, id, name, endpoints } = parsed.value;
    this.#sameRealm(realm);
    return { key: noiseKey, id, name, endpoints };
  }

  #fromInvite(text: string): StoredPeer {
    const parsed = parseInviteLine(text);
    if (!parsed.ok) throw badInvite(parsed.error);
    const { id, secret, expires, realm, work, noiseKey, node, name, endpoints } = parsed.value;
    this.#sameRealm(realm);
    if (Date.now() >= expires * 1000) {
      throw badInvite(`the invitation has expired at ${new Date(expires * 1000).toISOString()}`);
    }
    if (this.#identity.work < work) {
      throw new UserError(`this realm asks for ${work} bits of work, our address has less`, {
        ...{
          code: 'wrong-work',
          hint: `make another with \`alamesh init --work ${work} --force\``,
        },
      });
    }
    return { key: noiseKey, id: node, name, endpoints, invite: { id, secret } };
  }

  /** The link is up: the secret has served. @returns whether there was one. */
  async forgetInvite(id: NodeId): Promise<boolean> {
    if (!this.#peers.some((peer) => peer.id === id && peer.invite !== undefined)) return false;
    const without = ({ invite, ...peer }: StoredPeer): StoredPeer =>
      peer.id === id || invite === undefined ? peer : { ...peer, invite };
    await this.#inTurn(() => this.#save(this.#peers.map(without)));
    return true;
  }

  #sameRealm(realm: string): void {
    if (realm === this.#identity.realm) return;
    throw new UserError(`this peer is of realm ${realm}, we are of ${this.#identity.realm}`, {
      code: 'wrong-realm',
      hint: 'peers must be of the same realm: see `alamesh init --realm`',
    });
  }

  #fromFile(text: string): StoredPeer {
    const { realm, work } = this.#identity;
    const nowSeconds = Math.floor(Date.now() / 1000);
    const parsed = parseNodeFile(nodeCrypto(), text, { realm, work, nowSeconds });
    if (!parsed.ok) {
      const { message, line } = parsed.error;
      throw new UserError(`line ${line}: ${message}`, {
        code: 'bad-peer',
        exit: EXIT.badFile,
        line,
      });
    }
    const { id, body } = parsed.value.node;
    return { key: body.noiseKey, id, name: body.name, endpoints: body.endpoints };
  }

  remove(who: string): Promise<{ key: string; name: string; address: string | null }> {
    return this.#inTurn(() => this.#remove(who));
  }

  async #remove(who: string) {
    const rows = this.#peers.map((peer) => ({ ...row(peer), stored: peer }));
    const found = resolveWho(who, rows, 'peer that was added');
    await this.#save(this.#peers.filter((peer) => peer !== found.stored));
    return { key: found.key, name: found.name, address: found.address };
  }

  /** On disk first: what cannot be written is not used either. */
  async #save(peers: readonly StoredPeer[]): Promise<void> {
    await writeFileAtomic(path.join(this.#dir, PEERS_FILE), peersText(peers), 0o600);
    this.#peers = [...peers];
  }

  addedDocument({ peer, isNew }: Added, when: string) {
    const address = peer.id === undefined ? null : formatNodeId(peer.id);
    const who = `${peer.name || address || toBase64Url(peer.key)}`;
    return {
      schema: 'alamesh.peer/1',
      ...row(peer),
      message: `${isNew ? 'added' : 'updated'} ${who}; ${when}`,
    };
  }

  removedDocument(removed: { key: string; name: string; address: string | null }) {
    const message = `removed ${removed.name || removed.address || removed.key}`;
    return { schema: 'alamesh.peer/1', ...removed, message };
  }

  listDocument() {
    const peers = this.#peers.map((peer) => ({ ...row(peer), source: 'configured', state: null }));
    return { schema: 'alamesh.peers/1', peers };
  }

  /**
   * The line that others paste.
   * @param given `HOST:PORT` as people write it; empty: the host's own addresses with the listening port.
   * @param bound URLs really bound; undefined while no router runs: the configured ones.
   */
  lineDocument(given: readonly string[], bound: readonly string[] | undefined) {
    const { realm, noisePublic, id } = this.#identity;
    const { name, endpoints } = this.self(given, bound);
    const line = formatPeerLine({ realm, noiseKey: noisePublic, id, name, endpoints });
    return { schema: 'alamesh.peer-line/1', line, realm, name, endpoints };
  }

  /** What lines say of this router. @param given, bound As for `lineDocument`. */
  self(given: readonly string[], bound: readonly string[] | undefined) {
    const config = loadConfig(this.#dir, process.env);
    const own = (): string[] => ownEndpoints(bound ?? config.listen, this.#identity.id);
    const endpoints = given.length > 0 ? givenEndpoints(given) : own();
    return { name: config.name ?? this.#identity.name, endpoints };
  }
}

const badInvite = (message: string): UserError =>
  new UserError(message, {
    ...{ code: 'bad-invite', exit: EXIT.badFile },
    hint: 'ask for a new line: `alamesh invite`',
  });

const row = (peer: StoredPeer) => ({
  key: toBase64Url(peer.key),
  name: peer.name,
  address: peer.id === undefined ? null : formatNodeId(peer.id),
  endpoints: peer.endpoints,
});

/** `HOST:PORT`, `[IPv6]:PORT` or a URL. @throws UserError (usage) for anything else. */
export function endpointUrl(text: string): string {
  const match = HOST_PORT.exec(text);
  const host = match?.[1] === undefined ? match?.[2] : `[${match[1]}]`;
  const url = match === null ? text : `udp://${host}:${match[3]}`;
  const port = Number(/:(\d{1,5})$/.exec(url)?.[1] ?? 0);
  if (isEndpoint(url) && port >= 1 && port <= 65_535) return url;
  throw new UserError(`'${text.slice(0, 80)}' is not HOST:PORT`, {
    ...{ code: 'bad-endpoint', exit: EXIT.usage },
    hint: 'for instance 203.0.113.7:4242, [2001:db8::7]:4242 or berlin.example.org:4242',
  });
}

const HOST_PORT = /^(?:\[([0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/;

function givenEndpoints(given: readonly string[]): string[] {
  if (given.length <= CANDIDATES_MAX) return given.map(endpointUrl);
  throw new UserError(`a line holds at most ${CANDIDATES_MAX} endpoints, not ${given.length}`, {
    ...{ code: 'bad-endpoint', exit: EXIT.usage },
  });
}

/**
 * The host's addresses that others may reach, with the ports that we listen on; those that most can reach first.
 * @param listen URLs, really bound.
 * @param own Addresses of this node's /64 are left out: nobody reaches a link through itself.
 */
export function ownEndpoints(listen: readonly string[], own?: NodeId): string[] {
  const prefix = own?.slice(0, 16);
  const urls = listen.flatMap((url) => {
    const match = /^(\w+):\/\/(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(url);
    const host = match?.[2] ?? match?.[3] ?? '';
    if (match === null || match[4] === '0') return [];
    const any = host === '::' || host === '0.0.0.0' || host === '';
    const hosts = any
      ? hostAddresses(prefix).filter((one) => host !== '0.0.0.0' || isIp4(one))
      : [host];
    return hosts.map((one) => `${match[1]}://${isIp4(one) ? one : `[${one}]`}:${match[4]}`);
  });
  return urls.slice(0, OWN_ENDPOINTS_MAX);
}

const isIp4 = (address: string): boolean => !address.includes(':');

/** @param ownPrefix Hex of the first 8 bytes of this node's address. */
function hostAddresses(ownPrefix: string | undefined): string[] {
  const addresses = Object.entries(networkInterfaces())
    .filter(([name]) => !name.startsWith('ala'))
    .flatMap(([, list]) => list ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80'))
    .filter(({ address }) => isIp4(address) || hexPrefix(address) !== ownPrefix)
    .map(({ address }) => address);
  return addresses.sort((a, b) => reach(a) - reach(b));
}

function hexPrefix(address: string): string | undefined {
  const parsed = parseAddress(address);
  return parsed.ok ? toHex(parsed.value.subarray(0, 8)) : undefined;
}

const PRIVATE_IP4 =
  /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|169\.254\.)/;

/** Public before private (RFC 1918, RFC 6598, RFC 3927, RFC 4193): friends elsewhere need the first. */
function reach(address: string): number {
  if (isIp4(address)) return PRIVATE_IP4.test(address) ? 2 : 0;
  return /^f[cd]/i.test(address) ? 3 : 1;
}

async function readPeers(file: string): Promise<StoredPeer[]> {
  let text: string | undefined;
  try {
    text = utf8Text(await readBounded(file, PEERS_BYTES_MAX));
  } catch (error) {
    if (error instanceof UserError && error.code === 'not-found') return [];
    throw error;
  }
  try {
    const { peers = [] } = parse(text ?? '') as { peers?: Record<string, unknown>[] };
    return peers.map(storedPeer);
  } catch (error) {
    const line = error instanceof TomlError ? `:${error.line}` : '';
    throw new UserError(`${file}${line}: ${(error as Error).message.split('\n')[0]}`, {
      ...{ code: 'bad-file', exit: EXIT.badFile, file },
      hint: 'mend it, or remove it and add the peers again',
    });
  }
}

function storedPeer(raw: Record<string, unknown>): StoredPeer {
  const key = fromBase64(String(raw.key ?? ''));
  if (key?.length !== 32) throw new Error('a [[peers]] has no key of 32 bytes in base64');
  const id = typeof raw.address === 'string' ? parseNodeId(raw.address) : undefined;
  if (id?.ok === false) throw new Error(id.error);
  const endpoints = Array.isArray(raw.endpoints) ? raw.endpoints.map(String) : [];
  const wrong = endpoints.find((endpoint) => !isEndpoint(endpoint));
  if (wrong !== undefined) throw new Error(`'${wrong.slice(0, 80)}' is no endpoint`);
  const name = typeof raw.name === 'string' && isName(raw.name) ? raw.name : '';
  const invite = typeof raw.invite === 'string' ? fromBase64(raw.invite) : undefined;
  return {
    ...{ key, id: id?.value, name, endpoints },
    ...(invite?.length === INVITE_ID_BYTES + INVITE_SECRET_BYTES && {
      invite: { id: invite.slice(0, INVITE_ID_BYTES), secret: invite.slice(INVITE_ID_BYTES) },
    }),
  };
}

function peersText(peers: readonly StoredPeer[]): string {
  const tables = peers.map((peer) => {
    const { key, name, address, endpoints } = row(peer);
    const lines = ['[[peers]]', `key = "${key}"`, `name = ${JSON.stringify(name)}`];
    if (address !== null) lines.push(`address = "${address}"`);
    lines.push(`endpoints = ${JSON.stringify(endpoints)}`);
    const { invite } = peer;
    if (invite) lines.push(`invite = "${toBase64Url(concat(invite.id, invite.secret))}"`);
    return lines.join('\n');
  });
  return `# What \`alamesh peer add\` was given. Written by alamesh; edit it while no router runs.\n\n${tables.join('\n\n')}\n`;
}
