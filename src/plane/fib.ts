/**
 * The forwarding table: one hash table per prefix length that is in use, searched from the longest to the shortest. In a
 * network of our own that is two probes (/128, then /64); stock WireGuard peers may add any other length. Keys are
 * the address as four 32-bit words, so a lookup allocates nothing.
 *
 * A prefix may be known from three sides at once; `local` wins over `peer`, and `peer` over `route`, and each is
 * set and deleted for itself.
 */
import { readU32 } from '../base/bytes.js';
import type { LinkId } from '../link/types.js';

/** Nothing known. */
export const NO_ROUTE = -1;
/** Ours: into the TUN. */
export const LOCAL = -2;
/** A link, `LOCAL` or `NO_ROUTE`. */
export type NextHop = LinkId | typeof NO_ROUTE | typeof LOCAL;

/** Who says so: own addresses, the prefixes of a stock WireGuard peer, or alanet. In order of precedence. */
export type Layer = 'local' | 'peer' | 'route';

const LAYERS: readonly Layer[] = ['local', 'peer', 'route'];
const ADDRESS_BITS = 128;
const KEY_WORDS = 4;
const SLOTS_MIN = 16;

export interface FibEntry {
  /** 16 bytes; bits beyond `length` are ignored. */
  readonly address: Uint8Array;
  /** 0..128 */
  readonly length: number;
  readonly layer: Layer;
}

export class Fib {
  readonly #seed: number;
  readonly #byLength: (PrefixTable | undefined)[] = [];
  /** The same tables, longest prefixes first. */
  #tables: PrefixTable[] = [];

  /** @param seed Spreads keys over the tables, so that nobody can aim at one slot; any u32. */
  constructor(seed = 0) {
    this.#seed = seed | 0;
  }

  /** Prefixes that have a next hop. */
  get size(): number {
    let sum = 0;
    for (const table of this.#tables) sum += table.size;
    return sum;
  }

  set(entry: FibEntry, hop: LinkId | typeof LOCAL): void {
    let table = this.#byLength[entry.length];
    if (table === undefined) {
      table = new PrefixTable(entry.length, this.#seed);
      this.#byLength[entry.length] = table;
      this.#tables.push(table);
      this.#tables.sort((a, b) => b.length - a.length);
    }
    table.set(entry, hop);
  }

  /** Deleting what is not there changes nothing. */
  delete(entry: FibEntry): void {
    const table = this.#byLength[entry.length];
    if (table === undefined) return;
    table.set(entry, NO_ROUTE);
    if (table.size > 0) return;
    this.#byLength[entry.length] = undefined;
    this.#tables = this.#tables.filter((other) => other !== table);
  }

  /** Longest prefix match of the 16 bytes at `packet[at…]`. */
  lookup(packet: Uint8Array, at: number): NextHop {
    const a = readU32(packet, at);
    const b = readU32(packet, at + 4);
    const c = readU32(packet, at + 8);
    const d = readU32(packet, at + 12);
    for (const table of this.#tables) {
      const hop = table.find(a, b, c, d);
      if (hop !== NO_ROUTE) return hop;
    }
    return NO_ROUTE;
  }

  /** Matches the whole address only. */
  lookupHost(packet: Uint8Array, at: number): NextHop {
    const table = this.#byLength[ADDRESS_BITS];
    if (table === undefined) return NO_ROUTE;
    return table.find(
      readU32(packet, at),
      readU32(packet, at + 4),
      readU32(packet, at + 8),
      readU32(packet, at + 12),
    );
  }
}

/** Open addressing with linear probing, at most half full; deletion moves later entries back (Knuth 6.4, algorithm R). */
class PrefixTable {
  readonly length: number;
  size = 0;
  readonly #seed: number;
  readonly #masks = new Uint32Array(KEY_WORDS);
  #slots = SLOTS_MIN;
  #keys = new Uint32Array(SLOTS_MIN * KEY_WORDS);
  /** The hop that counts; `NO_ROUTE` marks an empty slot. */
  #best = new Int32Array(SLOTS_MIN).fill(NO_ROUTE);
  #layers = new Int32Array(SLOTS_MIN * LAYERS.length).fill(NO_ROUTE);

  constructor(length: number, seed: number) {
    this.length = length;
    this.#seed = seed;
    for (let word = 0; word < KEY_WORDS; word++) {
      const bits = Math.min(32, Math.max(0, length - 32 * word));
      this.#masks[word] = bits === 0 ? 0 : -1 << (32 - bits);
    }
  }

  find(a: number, b: number, c: number, d: number): NextHop {
    const slot = this.#slotOf(a, b, c, d);
    return this.#best[slot] as NextHop;
  }

  /** @param hop `NO_ROUTE` deletes. */
  set({ address, layer }: FibEntry, hop: NextHop): void {
    const words = [0, 4, 8, 12].map((at) => readU32(address, at));
    const [a, b, c, d] = words as [number, number, number, number];
    let slot = this.#slotOf(a, b, c, d);
    if (this.#best[slot] === NO_ROUTE) {
      if (hop === NO_ROUTE) return;
      if ((this.size + 1) * 2 > this.#slots) {
        this.#grow();
        slot = this.#slotOf(a, b, c, d);
      }
      for (let i = 0; i < KEY_WORDS; i++) {
        this.#keys[slot * KEY_WORDS + i] = (words[i] as number) & (this.#masks[i] as number);
      }
      this.size++;
    }
    this.#layers[slot * LAYERS.length + LAYERS.indexOf(layer)] = hop;
    this.#best[slot] = this.#strongest(slot);
    if (this.#best[slot] === NO_ROUTE) this.#empty(slot);
  }

  #strongest(slot: number): number {
    for (let i = 0; i < LAYERS.length; i++) {
      const hop = this.#layers[slot * LAYERS.length + i] as number;
      if (hop !== NO_ROUTE) return hop;
    }
    return NO_ROUTE;
  }

  /** Where the key is, or the empty slot where it belongs. */
  #slotOf(a: number, b: number, c: number, d: number): number {
    const masks = this.#masks;
    const keys = this.#keys;
    const k0 = (a & (masks[0] as number)) >>> 0;
    const k1 = (b & (masks[1] as number)) >>> 0;
    const k2 = (c & (masks[2] as number)) >>> 0;
    const k3 = (d & (masks[3] as number)) >>> 0;
    let slot = this.#hash(k0, k1, k2, k3);
    while (this.#best[slot] !== NO_ROUTE) {
      const at = slot * KEY_WORDS;
      if (keys[at] === k0 && keys[at + 1] === k1 && keys[at + 2] === k2 && keys[at + 3] === k3) {
        return slot;
      }
      slot = (slot + 1) & (this.#slots - 1);
    }
    return slot;
  }

  /** MurmurHash3's rounds over the four words. */
  #hash(k0: number, k1: number, k2: number, k3: number): number {
    let hash = mix(this.#seed, k0);
    hash = mix(hash, k1);
    hash = mix(hash, k2);
    hash = mix(hash, k3);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) & (this.#slots - 1);
  }

  #home(slot: number): number {
    const at = slot * KEY_WORDS;
    const keys = this.#keys;
    return this.#hash(
      keys[at] as number,
      keys[at + 1] as number,
      keys[at + 2] as number,
      keys[at + 3] as number,
    );
  }

  #empty(slot: number): void {
    const mask = this.#slots - 1;
    let hole = slot;
    for (let next = (slot + 1) & mask; this.#best[next] !== NO_ROUTE; next = (next + 1) & mask) {
      const distance = (next - this.#home(next)) & mask;
      if (distance < ((next - hole) & mask)) continue;
      this.#move(next, hole);
      hole = next;
    }
    this.#best[hole] = NO_ROUTE;
    this.#layers.fill(NO_ROUTE, hole * LAYERS.length, (hole + 1) * LAYERS.length);
    this.size--;
  }

  #move(slot: number, to: number): void {
    this.#keys.copyWithin(to * KEY_WORDS, slot * KEY_WORDS, (slot + 1) * KEY_WORDS);
    const width = LAYERS.length;
    this.#layers.copyWithin(to * width, slot * width, (slot + 1) * width);
    this.#best[to] = this.#best[slot] as number;
  }

  #grow(): void {
    const { keys, best, layers } = { keys: this.#keys, best: this.#best, layers: this.#layers };
    this.#slots *= 2;
    this.#keys = new Uint32Array(this.#slots * KEY_WORDS);
    this.#best = new Int32Array(this.#slots).fill(NO_ROUTE);
    this.#layers = new Int32Array(this.#slots * LAYERS.length).fill(NO_ROUTE);
    for (let old = 0; old < best.length; old++) {
      if (best[old] === NO_ROUTE) continue;
      const key = keys.subarray(old * KEY_WORDS, (old + 1) * KEY_WORDS);
      const [a, b, c, d] = key as unknown as [number, number, number, number];
      const slot = this.#slotOf(a, b, c, d);
      this.#keys.set(key, slot * KEY_WORDS);
      this.#best[slot] = best[old] as number;
      const width = LAYERS.length;
      this.#layers.set(layers.subarray(old * width, (old + 1) * width), slot * width);
    }
  }
}

function mix(hash: number, word: number): number {
  const k = Math.imul(word, 0xcc9e2d51);
  const mixed = hash ^ Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}
