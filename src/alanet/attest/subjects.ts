/**
 * What signed records say, node-wide: the newest record of every node, link and service that any neighbor showed us.
 * Routes refer to links here, so that one new record (a renewal, another cost, DOWN) changes every route over it at once.
 */
import type { Crypto } from '../../base/crypto.js';
import type { NodeId, Prefix } from '../../base/ip6.js';
import { VerificationCache } from '../../identity/cache.js';
import type {
  RecordFault,
  VerifiedLink,
  VerifiedNode,
  VerifiedService,
} from '../../identity/records.js';
import { HighestSeen } from '../../identity/sequence.js';
import type { SignedRecord } from '../../wire/types.js';
import type { Route } from '../types.js';

/**
 * Ours: no honest link record comes near it (`seq` begins at the seconds since 1970), and what follows one must still be
 * a safe integer: an end that signs the last number of all must not leave the other without words.
 */
const SEQ_MAX = 2 ** 52;
/** Ours: of a record that we sign too; leaves numbers for its DOWN and what follows. */
export const SEQ_PROPOSED_MAX = 2 ** 51;

/** One adjacency and its newest records. */
export interface LinkEntry {
  /** `l:<a>-<b>` */
  readonly key: string;
  readonly a: NodeId;
  readonly b: NodeId;
  up: VerifiedLink | undefined;
  down: VerifiedLink | undefined;
  /** Routes in any Adj-RIB-In that lead over it. */
  readonly routes: Set<Route>;
}

export type Subject =
  | { readonly kind: 'node'; readonly key: string; readonly node: VerifiedNode }
  | { readonly kind: 'link'; readonly key: string; readonly entry: LinkEntry }
  | { readonly kind: 'service'; readonly key: string; readonly service: VerifiedService };

export type Learned =
  | {
      readonly ok: true;
      readonly subject: Subject;
      /** `new`: it replaced or began something; `same`: it was known. */
      readonly change: 'new' | 'same';
      /** Of the record that was given, which need not be the one in force. */
      readonly digest: string;
      readonly isDown: boolean;
    }
  | { readonly ok: false; readonly fault: RecordFault };

export interface Shown {
  readonly record: SignedRecord;
  readonly digest: string;
  readonly seq: number;
  readonly isDown: boolean;
  /** Seconds since 1970. */
  readonly notAfter: number;
}

export interface SubjectsOptions {
  readonly crypto: Crypto;
  readonly realm: string;
  readonly work: number;
  readonly highestSeen: unknown;
}

export const nodeKey = (id: NodeId): string => `n:${id}`;
export const serviceKey = (prefix: Prefix): string => `s:${prefix}`;
export const linkKey = (a: NodeId, b: NodeId): string => (a < b ? `l:${a}-${b}` : `l:${b}-${a}`);

export const isUp = (entry: LinkEntry): boolean =>
  entry.up !== undefined && (entry.down === undefined || entry.down.body.seq < entry.up.body.seq);

/** Highest sequence number of either record; 0 for none. */
export const seqOf = (entry: LinkEntry): number =>
  Math.max(entry.up?.body.seq ?? 0, entry.down?.body.seq ?? 0);

/** The other end. */
export const farEnd = (entry: LinkEntry, end: NodeId): NodeId | undefined =>
  end === entry.a ? entry.b : end === entry.b ? entry.a : undefined;

export class Subjects {
  readonly nodes = new Map<NodeId, VerifiedNode>();
  readonly links = new Map<string, LinkEntry>();
  readonly services = new Map<Prefix, VerifiedService>();
  readonly #options: SubjectsOptions;
  readonly #cache: VerificationCache;
  readonly #seen: HighestSeen;
  #changed = false;

  constructor(options: SubjectsOptions) {
    this.#options = options;
    this.#cache = new VerificationCache(options.crypto);
    const imported = HighestSeen.import(options.highestSeen ?? []);
    this.#seen = imported.ok ? imported.value : new HighestSeen();
  }

  /** True once since the last call when there is something to keep. */
  takeChanged(): boolean {
    const changed = this.#changed;
    this.#changed = false;
    return changed;
  }

  exportSeen(): unknown {
    return this.#seen.export();
  }

  readonly publicKeyOf = (id: NodeId): Uint8Array | undefined =>
    this.nodes.get(id)?.body.proof.publicKey;

  get size(): number {
    return this.nodes.size + this.links.size + this.services.size;
  }

  /** A newer record of this node was seen before, maybe before our start. */
  isReplay({ id, body, digest }: VerifiedNode): boolean {
    return this.#seen.compare('node', id, body.seq, digest) === 'old';
  }

  /** Verifies one record and remembers what it says. */
  learn(record: SignedRecord, nowSeconds: number): Learned {
    switch (record.kind) {
      case 'node':
        return this.#learnNode(record, nowSeconds);
      case 'link':
        return this.#learnLink(record, nowSeconds);
      case 'service':
        return this.#learnService(record, nowSeconds);
      default:
        return record.kind satisfies never;
    }
  }

  #learnNode(record: SignedRecord, nowSeconds: number): Learned {
    const { realm, work } = this.#options;
    const verified = this.#cache.node(record, { realm, work, nowSeconds });
    if (!verified.ok) return { ok: false, fault: verified.error };
    const node = verified.value;
    const key = nodeKey(node.id);
    const freshness = this.#seen.accept('node', node.id, node.body.seq, node.digest);
    if (freshness === 'old') return { ok: false, fault: 'replayed' };
    const known = this.nodes.get(node.id);
    this.nodes.set(node.id, node);
    this.#changed ||= freshness === 'new';
    const change = known?.digest === node.digest ? 'same' : 'new';
    return {
      ok: true,
      subject: { kind: 'node', key, node },
      change,
      digest: node.digest,
      isDown: false,
    };
  }

  #learnLink(record: SignedRecord, nowSeconds: number): Learned {
    const verified = this.#cache.link(record, { publicKeyOf: this.publicKeyOf, nowSeconds });
    if (!verified.ok) return { ok: false, fault: verified.error };
    const link = verified.value;
    const key = linkKey(link.a, link.b);
    if (link.body.seq > SEQ_MAX) return { ok: false, fault: 'malformed' };
    const entry = this.entryOf(link.a, link.b);
    const subject: Subject = { kind: 'link', key, entry };
    const { digest } = link;
    const known = { ok: true, subject, change: 'same', digest, isDown: link.body.down } as const;
    const current = link.body.down ? entry.down : entry.up;
    if (current?.digest === digest) return known;
    const freshness = this.#seen.accept('link', key.slice(2), link.body.seq, digest);
    // An older record changes nothing, but it names the link: whether that is up is asked when a route uses it.
    if (freshness === 'old' || link.body.seq <= seqOf(entry)) return known;
    if (link.body.down) entry.down = link;
    else entry.up = link;
    this.#changed = true;
    return { ...known, change: 'new' };
  }

  /** The entry of a pair, made when it is new. */
  entryOf(one: NodeId, other: NodeId): LinkEntry {
    const key = linkKey(one, other);
    const known = this.links.get(key);
    if (known !== undefined) return known;
    const [a, b] = one < other ? [one, other] : [other, one];
    const entry: LinkEntry = { key, a, b, up: undefined, down: undefined, routes: new Set() };
    this.links.set(key, entry);
    return entry;
  }

  #learnService(record: SignedRecord, nowSeconds: number): Learned {
    const { realm } = this.#options;
    const verified = this.#cache.service(record, {
      realm,
      publicKeyOf: this.publicKeyOf,
      nowSeconds,
    });
    if (!verified.ok) return { ok: false, fault: verified.error };
    const service = verified.value;
    const key = serviceKey(service.prefix);
    const freshness = this.#seen.accept(
      'service',
      service.prefix,
      service.body.seq,
      service.digest,
    );
    if (freshness === 'old') return { ok: false, fault: 'replayed' };
    const known = this.services.get(service.prefix);
    this.services.set(service.prefix, service);
    this.#changed ||= freshness === 'new';
    const change = known?.digest === service.digest ? 'same' : 'new';
    const { digest } = service;
    return { ok: true, subject: { kind: 'service', key, service }, change, digest, isDown: false };
  }

  /** The record to show others, by subject key. DOWN wins while it is the newer one. */
  recordOf(key: string): Shown | undefined {
    const verified = this.#verifiedOf(key);
    if (verified === undefined) return undefined;
    const { record, digest, body } = verified;
    const { seq, notAfter } = body;
    return { record, digest, seq, notAfter, isDown: 'down' in body && body.down };
  }

  #verifiedOf(key: string): VerifiedNode | VerifiedLink | VerifiedService | undefined {
    if (key.startsWith('n:')) return this.nodes.get(key.slice(2) as NodeId);
    if (key.startsWith('s:')) return this.services.get(key.slice(2) as Prefix);
    const entry = this.links.get(key);
    return entry === undefined || isUp(entry) ? entry?.up : entry.down;
  }

  /** @returns The first of origin and steps whose newest record says nothing any more. */
  expiredOf(origin: string, steps: readonly LinkEntry[], nowSeconds: number): string | undefined {
    if ((this.#verifiedOf(origin)?.body.notAfter ?? 0) < nowSeconds) return origin;
    return steps.find(({ up }) => (up?.body.notAfter ?? 0) < nowSeconds)?.key;
  }

  /** The record in force is over; false for what is not known. */
  isExpired(key: string, nowSeconds: number): boolean {
    const shown = this.recordOf(key);
    return shown !== undefined && shown.notAfter < nowSeconds;
  }

  /** Forgets all but these, by subject key. What was seen of the others stays seen. */
  retain(keys: ReadonlySet<string>): void {
    for (const id of this.nodes.keys()) if (!keys.has(nodeKey(id))) this.nodes.delete(id);
    for (const key of this.links.keys()) if (!keys.has(key)) this.links.delete(key);
    for (const prefix of this.services.keys())
      if (!keys.has(serviceKey(prefix))) this.services.delete(prefix);
  }
}
