/** What this node announces of itself: its /64 by its node record, its services' /128 by theirs. */
import type { Prefix } from '../../base/ip6.js';
import type { Instant } from '../../base/time.js';
import type { SignedRecord } from '../../wire/types.js';
import { nodeKey, type Subject, type Subjects } from '../attest/subjects.js';
import type { LocRib } from '../rib/loc-rib.js';
import type { AlanetIdentity } from '../types.js';

export interface OwnParts {
  readonly subjects: Subjects;
  readonly locRib: LocRib;
  readonly identity: AlanetIdentity;
  readonly nowSeconds: (now: Instant) => number;
  /** A record of ours that is new: neighbors that know the subject get it. */
  readonly learned: (subject: Subject) => void;
}

export class OwnPrefixes {
  readonly #parts: OwnParts;
  /** To the subject key of the record that says so. */
  readonly #origins = new Map<Prefix, string>();

  constructor(parts: OwnParts) {
    this.#parts = parts;
  }

  /** Subject keys of our own records. */
  keys(): IterableIterator<string> {
    return this.#origins.values();
  }

  /** Looks whether the node record was signed anew. */
  refresh(now: Instant): void {
    const subject = this.#learn(now, this.#parts.identity.nodeRecord(now));
    if (subject?.kind === 'node')
      this.#announce(now, subject.node.prefix, nodeKey(subject.node.id));
  }

  /** All own services; what is not among them any more is withdrawn, and so is what is not valid. */
  setServices(now: Instant, services: readonly SignedRecord[]): void {
    const wanted = new Set<Prefix>();
    for (const record of services) {
      const subject = this.#learn(now, record);
      if (subject?.kind !== 'service') continue;
      wanted.add(subject.service.prefix);
      this.#announce(now, subject.service.prefix, subject.key);
    }
    for (const prefix of this.#origins.keys())
      if (prefix.endsWith('/128') && !wanted.has(prefix)) this.#withdraw(prefix);
  }

  withdrawExpired(now: Instant): void {
    const nowSeconds = this.#parts.nowSeconds(now);
    for (const [prefix, key] of this.#origins)
      if (this.#parts.subjects.isExpired(key, nowSeconds)) this.#withdraw(prefix);
  }

  withdrawAll(): void {
    for (const prefix of this.#origins.keys()) this.#withdraw(prefix);
  }

  #learn(now: Instant, record: SignedRecord): Subject | undefined {
    const learned = this.#parts.subjects.learn(record, this.#parts.nowSeconds(now));
    if (!learned.ok) return undefined;
    if (learned.change === 'new') this.#parts.learned(learned.subject);
    return learned.subject;
  }

  #announce(now: Instant, prefix: Prefix, origin: string): void {
    if (this.#origins.has(prefix)) return;
    this.#origins.set(prefix, origin);
    this.#parts.locRib.put({
      ...{ prefix, origin, link: undefined, neighbor: undefined, steps: [], asPath: [] },
      ...{ communities: [], localPref: 100, role: 'customer', cost: 0, since: now, stale: false },
    });
  }

  #withdraw(prefix: Prefix): void {
    this.#origins.delete(prefix);
    this.#parts.locRib.remove(prefix, undefined);
  }
}
