/** Sealed datagrams on their way out: gathered per path and sent as trains, in buffers that are used again. */
import type { PathId, PathPort } from '../types.js';
import type { Drops } from './drops.js';

/** Ours: foreign peers and kernels take 64 segments at once at most (UDP_SEGMENT). */
export const TRAIN_MAX = 64;
const SLOTS = 256;
const SLOT_BYTES = 2048;
const SCRATCH_OFFSET = SLOT_BYTES / 2;
/** The largest packet and its padding. */
const SCRATCH_BYTES = 65_536;

/** Room for one datagram. The views last until the next `flush`. */
interface Slot {
  readonly datagram: Uint8Array;
  /** The same bytes without WireGuard's 16-byte header. */
  readonly body: Uint8Array;
}

/** WireGuard's type, receiver index and counter. */
export const HEADER_BYTES = 16;

export class Trains {
  readonly #paths: PathPort;
  readonly #drops: Drops;
  readonly #arena = new Uint8Array(SLOTS * SLOT_BYTES + SCRATCH_OFFSET + SCRATCH_BYTES);
  /**
   * Room for what is sealed into slots. Half a slot off, in the same memory: where source and target agree in the low 12
   * bits of their addresses, the CPU takes loads for dependent on stores (1.95 µs instead of 1.36 for 1424 bytes).
   */
  readonly scratch = this.#arena.subarray(SLOTS * SLOT_BYTES + SCRATCH_OFFSET);
  /** The slots with the sizes that they last had: sizes repeat, so views do too. */
  readonly #slots: (Slot | undefined)[] = new Array<Slot | undefined>(SLOTS).fill(undefined);
  #used = 0;
  readonly #byPath = new Map<PathId, Uint8Array[]>();
  readonly #spare: Uint8Array[][] = [];
  #lastPath: PathId | undefined;
  #lastTrain: Uint8Array[] = [];

  constructor(paths: PathPort, drops: Drops) {
    this.#paths = paths;
    this.#drops = drops;
  }

  /** A buffer of exactly that many bytes; sends everything first when all are taken. */
  slot(bytes: number): Slot {
    if (this.#used === SLOTS) this.flush();
    const index = this.#used++;
    if (bytes > SLOT_BYTES) return slotOver(new Uint8Array(bytes));
    const known = this.#slots[index];
    if (known !== undefined && known.datagram.length === bytes) return known;
    const at = index * SLOT_BYTES;
    const slot = slotOver(this.#arena.subarray(at, at + bytes));
    this.#slots[index] = slot;
    return slot;
  }

  push(path: PathId, datagram: Uint8Array): void {
    const train = path === this.#lastPath ? this.#lastTrain : this.#trainOf(path);
    train.push(datagram);
    if (train.length === TRAIN_MAX) this.#send(path, train);
  }

  /** Past everything that waits. The buffer is the caller's again after the call. */
  sendAtOnce(path: PathId, datagram: Uint8Array): void {
    if (this.#paths.send(path, [datagram]) < 1) this.#drops.count('send-failed');
  }

  flush(): void {
    if (this.#used === 0) return;
    for (const [path, train] of this.#byPath) {
      if (train.length > 0) this.#send(path, train);
      this.#spare.push(train);
    }
    this.#byPath.clear();
    this.#lastPath = undefined;
    this.#used = 0;
  }

  #trainOf(path: PathId): Uint8Array[] {
    let train = this.#byPath.get(path);
    if (train === undefined) {
      train = this.#spare.pop() ?? [];
      this.#byPath.set(path, train);
    }
    this.#lastPath = path;
    this.#lastTrain = train;
    return train;
  }

  #send(path: PathId, train: Uint8Array[]): void {
    const taken = this.#paths.send(path, train);
    if (taken < train.length) this.#drops.count('send-failed', train.length - taken);
    train.length = 0;
  }
}

function slotOver(datagram: Uint8Array): Slot {
  return { datagram, body: datagram.subarray(HEADER_BYTES) };
}
