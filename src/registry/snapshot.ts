/**
 * One state of a registry, taken in file by file: what is right becomes a row, what is wrong a finding. Rows are small;
 * no text is kept. Files come in the order of git: of one folder, nodes before services and vouches.
 */
import { fromBase64, toBase64Url } from '../base/bytes.js';
import type { Crypto } from '../base/crypto.js';
import type { NodeId } from '../base/ip6.js';
import { formatNodeFile, parseNodeFile } from '../identity/node-file.js';
import type { VerifiedNode } from '../identity/records.js';
import { endpointFault } from './endpoints.js';
import { FILE_BYTES_MAX, firstUnlike, lineOfKey, readText } from './form.js';
import { type Role, roleOf } from './layout.js';
import { parseRealmFile, type RealmFile } from './realm-file.js';
import { parseServiceFile } from './service-file.js';
import { parseStatement, type VerifiedStatement } from './statement.js';

export interface Finding {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  readonly message: string;
  /** What to do about it; may be empty. */
  readonly fix: string;
  /** Stable, for programs. */
  readonly rule: Rule;
}

export type Rule =
  | ('layout' | 'limit' | 'form' | 'signature' | 'expired' | 'duplicate' | 'endpoint' | 'name')
  | ('realm' | 'sequence' | 'owner' | 'tombstone' | 'author' | 'removed');

export interface Member {
  readonly path: string;
  readonly handle: string;
  readonly name: string;
  readonly id: NodeId;
  /** X25519, base64url. */
  readonly key: string;
  /** Ed25519, base64url. */
  readonly publicKey: string;
  readonly seq: number;
  readonly notAfter: number;
  readonly endpoints: readonly string[];
  readonly relay: boolean;
  /** Absent in a state of an older version. */
  readonly tags?: readonly string[];
  readonly digest: string;
}

export interface ServiceRow {
  readonly path: string;
  readonly handle: string;
  readonly name: string;
  readonly host: NodeId;
  readonly prefix: string;
  /** Absent in a state of an older version. */
  readonly ports?: readonly string[];
  readonly seq: number;
  readonly notAfter: number;
  readonly digest: string;
}

export interface Tombstone {
  readonly path: string;
  readonly id: NodeId;
  readonly handle: string;
}

export interface TreeEntry {
  readonly path: string;
  readonly mode: string;
  /** Of the blob. */
  readonly size: number;
}

/** Ours: findings of one check; a hostile tree must not fill the memory with them. */
const FINDINGS_MAX = 1_000;
/** Ours: files of one registry. */
export const ENTRIES_MAX = 50_000;

export class Snapshot {
  readonly findings: Finding[] = [];
  readonly members = new Map<NodeId, Member>();
  readonly tombstones = new Map<NodeId, Tombstone>();
  readonly services = new Map<string, ServiceRow>();
  /** `handle/subject` → who vouches. */
  readonly vouches = new Map<string, VerifiedStatement & { readonly path: string }>();
  /** Path → blob, of the files that `changes` compares. */
  readonly files = new Map<string, string>();
  realm: RealmFile | undefined;
  /** False when there were more findings than are kept. */
  complete = true;
  readonly #crypto: Crypto;
  readonly #nowSeconds: number;
  readonly #seen = new Map<string, string>();

  constructor(crypto: Crypto, nowSeconds: number) {
    this.#crypto = crypto;
    this.#nowSeconds = nowSeconds;
  }

  find(rule: Rule, file: string, message: string, fix = '', line = 1): void {
    if (this.findings.length < FINDINGS_MAX) this.findings.push({ file, line, message, fix, rule });
    else this.complete = false;
  }

  /** The first thing to call, for realm.toml. @returns false when there is nothing to check against. */
  setRealm(bytes: Uint8Array | undefined): boolean {
    const text = bytes === undefined ? undefined : readText(bytes);
    if (text === undefined) return false;
    const parsed = text.ok ? parseRealmFile(text.value) : text;
    if (parsed.ok) this.realm = parsed.value;
    else this.find('realm', 'realm.toml', parsed.error.message, '', parsed.error.line);
    return parsed.ok;
  }

  /** Looks at an entry before its content. @returns What to read, if anything. */
  admit({ path, mode, size }: TreeEntry): Role | undefined {
    const role = roleOf(path, mode);
    if (role.kind === 'refused') {
      this.find('layout', path, `this file ${role.message}`, 'remove it');
      return undefined;
    }
    this.#once('path', path.toLowerCase(), path, 'differs only in case from');
    if (role.kind === 'other' || role.kind === 'realm') return undefined;
    if (size <= FILE_BYTES_MAX) return role;
    this.find('limit', path, `this file has more than ${FILE_BYTES_MAX} bytes`, REWRITE);
    return undefined;
  }

  /** @param role As `admit` gave it. */
  add(path: string, role: Role, bytes: Uint8Array): void {
    const read = readText(bytes);
    if (!read.ok) {
      this.find('form', path, `this file ${read.error.message}`, REWRITE, read.error.line);
      return;
    }
    if (role.kind === 'node') this.#addNode(path, role, read.value);
    else if (role.kind === 'service') this.#addService(path, role, read.value);
    else if (role.kind === 'vouch') this.#addVouch(path, role, read.value);
    else if (role.kind === 'tombstone') this.#addTombstone(path, role.id, read.value);
  }

  #addNode(path: string, { handle, name }: Named, text: string): void {
    const { realm = '', work = 0 } = this.realm ?? {};
    const parsed = parseNodeFile(this.#crypto, text, { realm, work, nowSeconds: 0 });
    if (!parsed.ok) {
      this.find('signature', path, parsed.error.message, REWRITE, parsed.error.line);
      return;
    }
    const { node, canonical } = parsed.value;
    if (!canonical) this.find('form', path, 'not in canonical form', REWRITE, unlike(text, node));
    const at = (key: string): number => lineOfKey(text, key) ?? 1;
    if (node.body.notAfter < this.#nowSeconds) {
      this.find('expired', path, 'the record has expired', RENEW, at('not_after'));
    }
    if (node.body.handle !== handle) {
      this.find('name', path, `handle is not the folder's name, ${handle}`, REWRITE, at('handle'));
    }
    if (node.body.name !== name) {
      this.find('name', path, `name is not the file's, ${name}`, REWRITE, at('name'));
    }
    this.#checkEndpoints(path, node.body.endpoints, at('endpoints'));
    const row = memberOf(path, node);
    this.#once('id', row.id, path, 'has the address of', at('address'));
    this.#once('noise', row.key, path, 'has the key of', at('noise_key'));
    this.#once('name', `${handle}/${name.toLowerCase()}`, path, 'has the name of', at('name'));
    if (!this.members.has(row.id)) this.members.set(row.id, row);
  }

  #checkEndpoints(path: string, endpoints: readonly string[], line: number): void {
    if (new Set(endpoints).size < endpoints.length) {
      this.find('duplicate', path, 'an endpoint is named twice', REWRITE, line);
    }
    if (this.realm?.privateEndpoints === true) return;
    for (const endpoint of endpoints) {
      const fault = endpointFault(endpoint);
      if (fault === undefined) continue;
      const fix = 'name one that everybody reaches, or none: alamesh registry add --endpoint …';
      this.find('endpoint', path, `${endpoint} ${fault}`, fix, line);
    }
  }

  #addService(path: string, { handle, name }: Named, text: string): void {
    const hosts = (id: NodeId): Member | undefined => {
      const host = this.members.get(id);
      return host?.handle === handle ? host : undefined;
    };
    const publicKeyOf = (id: NodeId): Uint8Array | undefined => {
      const key = hosts(id)?.publicKey;
      return key === undefined ? undefined : fromBase64(key);
    };
    const check = { realm: this.realm?.realm ?? '', nowSeconds: 0, publicKeyOf };
    const parsed = parseServiceFile(this.#crypto, text, check);
    if (!parsed.ok) {
      this.find('signature', path, parsed.error.message, REWRITE, parsed.error.line);
      return;
    }
    const { body, prefix, host, digest } = parsed.value;
    if (body.name !== name) this.find('name', path, `name is not the file's, ${name}`, REWRITE);
    if (body.notAfter < this.#nowSeconds) {
      this.find('expired', path, 'the record has expired', RENEW, lineOfKey(text, 'not_after'));
    }
    this.#once('id', prefix, path, 'has the address of');
    this.#once('name', `${handle}/${name.toLowerCase()}`, path, 'has the name of');
    const { seq, notAfter, ports } = body;
    this.services.set(path, { path, handle, name, host, prefix, seq, notAfter, digest, ports });
  }

  #addVouch(path: string, { handle, name }: Named, text: string): void {
    const parsed = parseStatement(this.#crypto, text, 'vouch');
    if (!parsed.ok) {
      this.find('signature', path, parsed.error.message, REWRITE, parsed.error.line);
      return;
    }
    const vouch = parsed.value;
    const wrong = vouch.realm !== this.realm?.realm || vouch.handle !== handle;
    if (wrong) this.find('name', path, 'a vouch of another realm or handle', 'remove it');
    else if (this.members.get(vouch.subject)?.name !== name) {
      this.find('name', path, `its address is not node-${name}.toml's`, 'remove it');
    } else this.vouches.set(`${handle}/${vouch.subject}`, { ...vouch, path });
  }

  #addTombstone(path: string, id: string, text: string): void {
    const parsed = parseStatement(this.#crypto, text, 'tombstone');
    if (!parsed.ok) {
      this.find('signature', path, parsed.error.message, 'remove it', parsed.error.line);
      return;
    }
    const { subject, realm, handle } = parsed.value;
    if (subject !== id) this.find('name', path, 'address is not the name of the file', REWRITE);
    else if (realm !== this.realm?.realm) this.find('realm', path, 'of another realm', 'remove it');
    else this.tombstones.set(subject, { path, id: subject, handle });
  }

  /** After the last file: what only the whole shows. */
  finish(): void {
    for (const { path, id } of this.tombstones.values()) {
      const member = this.members.get(id);
      if (member === undefined) continue;
      this.find('tombstone', member.path, `this key is over: ${path}`, 'remove this file');
    }
  }

  #once(kind: string, value: string, path: string, words: string, line = 1): void {
    const key = `${kind}:${value}`;
    const first = this.#seen.get(key);
    if (first === undefined) this.#seen.set(key, path);
    else this.find('duplicate', path, `this file ${words} ${first}`, 'remove one of them', line);
  }
}

interface Named {
  readonly handle: string;
  readonly name: string;
}

const REWRITE = 'write it with `alamesh registry add` and do not edit it';
const RENEW = 'renew it on that node: alamesh registry add';

const unlike = (text: string, node: VerifiedNode): number =>
  firstUnlike(text, formatNodeFile(node));

function memberOf(path: string, { id, body, digest }: VerifiedNode): Member {
  const { handle, name, seq, notAfter, endpoints, relay, tags } = body;
  const publicKey = toBase64Url(body.proof.publicKey);
  const key = toBase64Url(body.noiseKey);
  return { path, handle, name, id, key, publicKey, seq, notAfter, endpoints, relay, tags, digest };
}
