import { readU32le, toHex } from '../base/bytes.js';
import type { Entropy } from '../base/entropy.js';
import type { NoisePeer } from './peer.js';
import { isLater } from './tai64n.js';

/** A device's peers by number and key, and whose each of our indices is. */
export class PeerTable {
  readonly #entropy: Entropy;
  readonly #byId = new Map<number, NoisePeer>();
  readonly #byKey = new Map<string, NoisePeer>();
  readonly #byIndex = new Map<number, NoisePeer>();

  constructor(entropy: Entropy) {
    this.#entropy = entropy;
  }

  get size(): number {
    return this.#byId.size;
  }

  add(peer: NoisePeer): void {
    this.#byId.set(peer.id, peer);
    this.#byKey.set(toHex(peer.publicKey), peer);
  }

  delete(peer: NoisePeer): void {
    this.#byId.delete(peer.id);
    this.#byKey.delete(toHex(peer.publicKey));
  }

  get(id: number): NoisePeer | undefined {
    return this.#byId.get(id);
  }

  byKey(publicKey: Uint8Array): NoisePeer | undefined {
    return this.#byKey.get(toHex(publicKey));
  }

  byIndex(localIndex: number): NoisePeer | undefined {
    return this.#byIndex.get(localIndex);
  }

  all(): Iterable<NoisePeer> {
    return this.#byId.values();
  }

  /** A random u32 that no live handshake or key uses. */
  newIndex(peer: NoisePeer): number {
    let index: number;
    do {
      index = readU32le(this.#entropy.bytes(4), 0);
    } while (this.#byIndex.has(index));
    this.#byIndex.set(index, peer);
    return index;
  }

  free(indices: readonly number[]): void {
    for (const index of indices) this.#byIndex.delete(index);
  }
}

/** Ours: unknown keys remembered; the oldest is forgotten. */
const STRANGERS_MAX = 256;

/** The latest initiation of each unknown key, so that a recorded one is not told twice. */
export class StrangerLog {
  readonly #latest = new Map<string, Uint8Array>();

  /** @returns false when this or a later one of the same key was noted before. */
  note(publicKey: Uint8Array, timestamp: Uint8Array): boolean {
    const name = toHex(publicKey);
    if (!isLater(timestamp, this.#latest.get(name))) return false;
    this.#latest.delete(name);
    if (this.#latest.size >= STRANGERS_MAX) {
      this.#latest.delete(this.#latest.keys().next().value ?? '');
    }
    this.#latest.set(name, timestamp);
    return true;
  }
}
