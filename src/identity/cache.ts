/** A record is verified once, however many neighbors send it. */
import { assert } from '../base/assert.js';
import type { Crypto } from '../base/crypto.js';
import { bad, good, type Parsed } from '../base/result.js';
import type { SignedRecord } from '../wire/types.js';
import {
  type LinkCheck,
  type NodeCheck,
  nodeFault,
  type RecordFault,
  recordDigest,
  type ServiceCheck,
  type VerifiedLink,
  type VerifiedNode,
  type VerifiedService,
  verifyLink,
  verifyNode,
  verifyService,
} from './records.js';

type Verified = VerifiedNode | VerifiedLink | VerifiedService;
type Outcome<T> = Parsed<T, RecordFault>;

/** Ours: about 1 KiB each. */
export const VERIFIED_RECORDS_MAX = 32_768;

/**
 * Verified records by digest, the least recently used dropped first. A hit is checked again for what may have changed
 * (time, realm, work); signatures over the same bytes stay good, since an address fixes its key. Failures are not kept.
 */
export class VerificationCache {
  readonly #crypto: Crypto;
  readonly #limit: number;
  readonly #known = new Map<string, Verified>();

  constructor(crypto: Crypto, limit = VERIFIED_RECORDS_MAX) {
    assert(limit > 0, 'a cache holds at least one record');
    this.#crypto = crypto;
    this.#limit = limit;
  }

  get size(): number {
    return this.#known.size;
  }

  node(record: SignedRecord, check: NodeCheck): Outcome<VerifiedNode> {
    const known = this.#recall(record);
    if (known?.kind !== 'node') return this.#keep(verifyNode(this.#crypto, record, check));
    const fault = nodeFault(known, check);
    return fault === undefined ? good(known) : bad(fault);
  }

  link(record: SignedRecord, check: LinkCheck): Outcome<VerifiedLink> {
    const known = this.#recall(record);
    if (known?.kind !== 'link') return this.#keep(verifyLink(this.#crypto, record, check));
    return known.body.notAfter < check.nowSeconds ? bad('expired') : good(known);
  }

  service(record: SignedRecord, check: ServiceCheck): Outcome<VerifiedService> {
    const known = this.#recall(record);
    if (known?.kind !== 'service') return this.#keep(verifyService(this.#crypto, record, check));
    if (known.body.realm !== check.realm) return bad('wrong-realm');
    return known.body.notAfter < check.nowSeconds ? bad('expired') : good(known);
  }

  #recall(record: SignedRecord): Verified | undefined {
    const digest = recordDigest(this.#crypto, record);
    const known = this.#known.get(digest);
    if (known === undefined) return undefined;
    this.#known.delete(digest);
    this.#known.set(digest, known);
    return known;
  }

  #keep<T extends Verified>(outcome: Outcome<T>): Outcome<T> {
    if (!outcome.ok) return outcome;
    this.#known.set(outcome.value.digest, outcome.value);
    if (this.#known.size > this.#limit) {
      const oldest = this.#known.keys().next();
      if (!oldest.done) this.#known.delete(oldest.value);
    }
    return outcome;
  }
}
