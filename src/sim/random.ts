/** A seeded generator: equal seeds give equal runs on every machine. */
import type { Entropy } from '../base/entropy.js';

/** sfc32: three words of state and a counter; passes PractRand, and is fast enough to be called for every packet. */
export class SeededEntropy implements Entropy {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param salt Separates streams of one seed: the network's, each node's. */
  constructor(seed: number, salt = 0) {
    this.#a = seed >>> 0;
    this.#b = Math.floor(seed / 0x1_0000_0000) >>> 0;
    this.#c = salt >>> 0;
    for (let i = 0; i < 15; i++) this.#next();
  }

  #next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return sum >>> 0;
  }

  bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    for (let i = 0; i < count; i++) bytes[i] = this.#next() >>> 24;
    return bytes;
  }

  below(limit: number): number {
    return Math.floor((this.#next() / 0x1_0000_0000) * limit);
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return probability > 0 && this.#next() / 0x1_0000_0000 < probability;
  }

  pick<T>(items: readonly T[]): T | undefined {
    return items[this.below(items.length)];
  }
}
