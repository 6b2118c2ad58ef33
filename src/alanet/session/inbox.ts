/** UPDATEs that wait to be verified: given out in parts, no faster than the neighbor's budget of records allows. */
import type { Instant } from '../../base/time.js';
import type { BgpUpdate } from '../../wire/types.js';
import type { Bucket } from './bucket.js';

/** Ours: signatures of one turn, about 10 ms of work; then others have theirs. */
const RECORDS_PER_TURN = 64;

interface Waiting {
  readonly update: BgpUpdate;
  readonly bytes: number;
  /** Records given out already. */
  done: number;
}

export class Inbox {
  readonly #budget: Bucket;
  readonly #waiting: Waiting[] = [];
  #bytes = 0;

  /** @param budget Of records; it outlives sessions, so that a new one is no way round it. */
  constructor(budget: Bucket) {
    this.#budget = budget;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** As received. */
  get bytes(): number {
    return this.#bytes;
  }

  push(update: BgpUpdate, bytes: number): void {
    this.#waiting.push({ update, bytes, done: 0 });
    this.#bytes += bytes;
  }

  /** The next part: some records, or the last of them and the rest of the UPDATE. Undefined: see `readyAt`. */
  next(now: Instant): BgpUpdate | undefined {
    const [head] = this.#waiting;
    if (head === undefined) return undefined;
    const { update, done } = head;
    const left = update.records.length - done;
    const count = this.#budget.take(now, Math.min(left, RECORDS_PER_TURN));
    if (count === 0 && left > 0) return undefined;
    const records = update.records.slice(done, done + count);
    const beginOfRib = update.beginOfRib && done === 0;
    head.done += count;
    if (count < left) return { ...NOTHING, records, beginOfRib };
    this.#waiting.shift();
    this.#bytes -= head.bytes;
    return { ...update, records, beginOfRib };
  }

  /** When `next` has something; undefined while nothing waits. */
  readyAt(now: Instant): Instant | undefined {
    const [head] = this.#waiting;
    if (head === undefined) return undefined;
    const left = head.update.records.length - head.done;
    return this.#budget.readyAt(now, Math.min(left, RECORDS_PER_TURN));
  }

  clear(): void {
    this.#waiting.length = 0;
    this.#bytes = 0;
  }
}

const NOTHING: BgpUpdate = {
  ...{ kind: 'update', records: [], paths: [], routes: [], withdrawn: [], beginOfRib: false },
  ...{ endOfRib: false, forgetPaths: [], forgetRecords: [], malformed: [] },
};
