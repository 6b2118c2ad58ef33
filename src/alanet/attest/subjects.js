import { VerificationCache } from '../../identity/cache.js';
import { HighestSeen } from '../../identity/sequence.js';

/** Ours: subjects of each kind that are remembered. */
const NODES_MAX = 65_536;
const LINKS_MAX = 262_144;
export const nodeKey = (id) => `n:${id}`;
export const serviceKey = (prefix) => `s:${prefix}`;
export const linkKey = (a, b) => (a < b ? `l:${a}-${b}` : `l:${b}-${a}`);
export const isUp = (entry) =>
  entry.up !== undefined && (entry.down === undefined || entry.down.body.seq < entry.up.body.seq);
/** Highest sequence number of either record; 0 for none. */
export const seqOf = (entry) => Math.max(entry.up?.body.seq ?? 0, entry.down?.body.seq ?? 0);
/** The other end. */
export const farEnd = (entry, end) =>
  end === entry.a ? entry.b : end === entry.b ? entry.a : undefined;
export class Subjects {
  nodes = new Map();
  links = new Map();
  services = new Map();
  #options;
  #cache;
  #seen;
  #changed = false;
  constructor(options) {
    this.#options = options;
    this.#cache = new VerificationCache(options.crypto);
    const imported = HighestSeen.import(options.highestSeen ?? []);
    this.#seen = imported.ok ? imported.value : new HighestSeen();
  }
  /** True once since the last call when there is something to keep. */
  takeChanged() {
    const changed = this.#changed;
    this.#changed = false;
    return changed;
  }
  exportSeen() {
    return this.#seen.export();
  }
  publicKeyOf = (id) => this.nodes.get(id)?.body.proof.publicKey;
  /** Verifies one record and remembers what it says. */
  learn(record, nowSeconds) {
    switch (record.kind) {
      case 'node':
        return this.#learnNode(record, nowSeconds);
      case 'link':
        return this.#learnLink(record, nowSeconds);
      case 'service':
        return this.#learnService(record, nowSeconds);
      default:
        return record.kind;
    }
  }
  #learnNode(record, nowSeconds) {
    const { realm, work } = this.#options;
    const verified = this.#cache.node(record, { realm, work, nowSeconds });
    if (!verified.ok) return { ok: false, fault: verified.error, key: undefined };
    const node = verified.value;
    const key = nodeKey(node.id);
    const freshness = this.#seen.accept('node', node.id, node.body.seq, node.digest);
    if (freshness === 'old') return { ok: false, fault: 'replayed', key };
    if (!this.nodes.has(node.id) && this.nodes.size >= NODES_MAX)
      return { ok: false, fault: 'limit', key };
    const known = this.nodes.get(node.id);
    this.nodes.set(node.id, node);
    this.#changed ||= freshness === 'new';
    const change = known?.digest === node.digest ? 'same' : 'new';
    return { ok: true, subject: { kind: 'node', key, node }, change };
  }
  #learnLink(record, nowSeconds) {
    const verified = this.#cache.link(record, { publicKeyOf: this.publicKeyOf, nowSeconds });
    if (!verified.ok) return { ok: false, fault: verified.error, key: undefined };
    const link = verified.value;
    const key = linkKey(link.a, link.b);
    const entry = this.links.get(key) ?? this.#newEntry(link);
    if (entry === undefined) return { ok: false, fault: 'limit', key };
    const subject = { kind: 'link', key, entry };
    const current = link.body.down ? entry.down : entry.up;
    if (current?.digest === link.digest) return { ok: true, subject, change: 'same' };
    const freshness = this.#seen.accept('link', key.slice(2), link.body.seq, link.digest);
    const isNewer = link.body.seq > seqOf(entry);
    if (freshness === 'old' || !isNewer) {
      // Two ends may say DOWN under one number; and an older UP of a link that is up still names the link.
      if (link.body.down ? !isUp(entry) : isUp(entry)) return { ok: true, subject, change: 'same' };
      if (freshness === 'old') return { ok: false, fault: 'replayed', key };
    }
    if (link.body.down) entry.down = link;
    else entry.up = link;
    this.#changed = true;
    return { ok: true, subject, change: 'new' };
  }
  #newEntry(link) {
    if (this.links.size >= LINKS_MAX) return undefined;
    return this.entryOf(link.a, link.b);
  }
  /** The entry of a pair, made when it is new. */
  entryOf(one, other) {
    const key = linkKey(one, other);
    const known = this.links.get(key);
    if (known !== undefined) return known;
    const [a, b] = one < other ? [one, other] : [other, one];
    const entry = { key, a, b, up: undefined, down: undefined, routes: new Set() };
    this.links.set(key, entry);
    return entry;
  }
  #learnService(record, nowSeconds) {
    const { realm } = this.#options;
    const verified = this.#cache.service(record, {
      realm,
      publicKeyOf: this.publicKeyOf,
      nowSeconds,
    });
    if (!verified.ok) return { ok: false, fault: verified.error, key: undefined };
    const service = verified.value;
    const key = serviceKey(service.prefix);
    const freshness = this.#seen.accept(
      'service',
      service.prefix,
      service.body.seq,
      service.digest,
    );
    if (freshness === 'old') return { ok: false, fault: 'replayed', key };
    const known = this.services.get(service.prefix);
    if (known === undefined && this.services.size >= NODES_MAX)
      return { ok: false, fault: 'limit', key };
    this.services.set(service.prefix, service);
    this.#changed ||= freshness === 'new';
    const change = known?.digest === service.digest ? 'same' : 'new';
    return { ok: true, subject: { kind: 'service', key, service }, change };
  }
  /** The record to show others, by subject key. DOWN wins while it is the newer one. */
  recordOf(key) {
    const verified = this.#verifiedOf(key);
    if (verified === undefined) return undefined;
    const { record, digest, body } = verified;
    return { record, digest, seq: body.seq, isDown: 'down' in body && body.down };
  }
  #verifiedOf(key) {
    if (key.startsWith('n:')) return this.nodes.get(key.slice(2));
    if (key.startsWith('s:')) return this.services.get(key.slice(2));
    const entry = this.links.get(key);
    return entry === undefined || isUp(entry) ? entry?.up : entry.down;
  }
  /** Links whose record in force has expired. */
  expired(nowSeconds) {
    const found = [];
    for (const entry of this.links.values()) {
      if (isUp(entry) && (entry.up?.body.notAfter ?? 0) < nowSeconds) found.push(entry);
    }
    return found;
  }
}
