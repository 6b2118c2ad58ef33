/** Only a sequence number above the highest seen counts (design §4); the memory outlives restarts. */
import { assert } from '../base/assert.js';
import { bad, good, type Parsed } from '../base/result.js';
import type { RecordKind } from '../wire/types.js';

/** Ours: subjects remembered, about 200 bytes each. The one not heard of for longest goes first. */
export const SUBJECTS_MAX = 65_536;

/** `new`: above the highest. `same`: the record already held. `old`: below it, or another record of that number. */
export type Freshness = 'new' | 'same' | 'old';

interface Highest {
  readonly seq: number;
  readonly digest: string;
}

/** One line of the exported form: kind:subject, seq, digest. */
export type SeenEntry = readonly [key: string, seq: number, digest: string];

export class HighestSeen {
  readonly #limit: number;
  readonly #highest = new Map<string, Highest>();

  constructor(limit = SUBJECTS_MAX) {
    assert(limit > 0, 'at least one subject is remembered');
    this.#limit = limit;
  }

  get size(): number {
    return this.#highest.size;
  }

  /** Remembers a verified record's number if it is new. @param subject Node id, `a-b` of a link, or prefix. */
  accept(kind: RecordKind, subject: string, seq: number, digest: string): Freshness {
    const freshness = this.compare(kind, subject, seq, digest);
    if (freshness !== 'old') this.#put(`${kind}:${subject}`, { seq, digest });
    return freshness;
  }

  /** As `accept`, remembering nothing: worth asking before a signature is checked. */
  compare(kind: RecordKind, subject: string, seq: number, digest: string): Freshness {
    const highest = this.#highest.get(`${kind}:${subject}`);
    if (highest === undefined || seq > highest.seq) return 'new';
    return seq === highest.seq && digest === highest.digest ? 'same' : 'old';
  }

  highest(kind: RecordKind, subject: string): number | undefined {
    return this.#highest.get(`${kind}:${subject}`)?.seq;
  }

  /** Plain data for a file, the longest unheard of first. */
  export(): SeenEntry[] {
    return Array.from(this.#highest, ([key, { seq, digest }]) => [key, seq, digest]);
  }

  /** @param data What `export` gave, parsed from JSON: not trusted to have that shape. */
  static import(data: unknown, limit = SUBJECTS_MAX): Parsed<HighestSeen> {
    if (!Array.isArray(data)) return bad('expected a list');
    const seen = new HighestSeen(limit);
    for (const [i, entry] of data.slice(-limit).entries()) {
      if (!isEntry(entry)) return bad(`entry ${i} is not [key, seq, digest]`);
      seen.#put(entry[0], { seq: entry[1], digest: entry[2] });
    }
    return good(seen);
  }

  #put(key: string, highest: Highest): void {
    this.#highest.delete(key);
    this.#highest.set(key, highest);
    if (this.#highest.size <= this.#limit) return;
    const oldest = this.#highest.keys().next();
    if (!oldest.done) this.#highest.delete(oldest.value);
  }
}

function isEntry(entry: unknown): entry is SeenEntry {
  if (!Array.isArray(entry) || entry.length !== 3) return false;
  const [key, seq, digest] = entry as readonly unknown[];
  return (
    typeof key === 'string' &&
    /^(?:node|link|service):[0-9a-f/-]{1,80}$/.test(key) &&
    typeof seq === 'number' &&
    Number.isSafeInteger(seq) &&
    seq >= 0 &&
    typeof digest === 'string' &&
    /^[0-9a-f]{64}$/.test(digest)
  );
}
