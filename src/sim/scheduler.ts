/** Virtual time: a heap of things to do. Equal times run in the order in which they were asked for. */
import type { Instant } from '../base/time.js';

interface Job {
  readonly at: Instant;
  readonly order: number;
  readonly run: () => void;
}

const before = (a: Job, b: Job): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

export class Scheduler {
  readonly #heap: Job[] = [];
  #order = 0;
  #now = 0 as Instant;
  #ran = 0;

  get now(): Instant {
    return this.#now;
  }

  /** Jobs run so far. */
  get ran(): number {
    return this.#ran;
  }

  get pending(): number {
    return this.#heap.length;
  }

  at(time: number, run: () => void): void {
    const at = Math.max(time, this.#now) as Instant;
    this.#heap.push({ at, order: this.#order++, run });
    this.#up(this.#heap.length - 1);
  }

  /** Runs the next job if it is due by `until`. @returns false when there is none. */
  step(until: number): boolean {
    const first = this.#heap[0];
    if (first === undefined || first.at > until) return false;
    const last = this.#heap.pop() as Job;
    if (this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#down();
    }
    this.#now = first.at;
    this.#ran++;
    first.run();
    return true;
  }

  /** Runs everything due by `until`; then it is `until`. */
  runUntil(until: number): void {
    while (this.step(until));
    this.#now = Math.max(this.#now, until) as Instant;
  }

  #up(from: number): void {
    const heap = this.#heap;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const [job, above] = [heap[at] as Job, heap[parent] as Job];
      if (!before(job, above)) return;
      heap[at] = above;
      heap[parent] = job;
      at = parent;
    }
  }

  #down(): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heap.length && before(heap[child] as Job, heap[least] as Job)) least = child;
      }
      if (least === at) return;
      const [job, other] = [heap[at] as Job, heap[least] as Job];
      heap[at] = other;
      heap[least] = job;
      at = least;
    }
  }
}
