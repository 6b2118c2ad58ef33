/**
 * Paths are told apart by both ends: a remote that speaks to two of our addresses has two, and each answer leaves from the
 * address that was addressed. A path that `open` made has no own end until the remote is heard.
 */

import { isIp4, isUnspecified, type SocketAddress } from '../../src/posix/address.js';
import { ENDS, ENDS_WORDS, hasSource, REMOTE_BYTES } from '../../src/posix/udp.js';
import type { Path } from '../../src/transport/types.js';
import { udpUrl } from './url.js';

/** Ours: unpinned paths that are remembered, oldest forgotten first; about 1 KiB each. */
export const PATHS_LIMIT = 4096;

export class UdpPath implements Path {
  readonly transport = 'udp';
  readonly relayed = false;
  readonly via = null;
  /** See ENDS. Only the own end ever changes. */
  readonly ends: Uint32Array;
  readonly remote: string;
  #local: string | null | undefined;
  readonly #portOf: (socket: number) => number;
  /** Opened by us and not released: never forgotten. */
  pinned = false;
  /** Carries nothing until it is opened again or the remote speaks. */
  released = false;
  /** UDP_SEGMENT works on the way to this remote, as far as we know. */
  segments = true;
  /** When `failed` last said unreachable, ms of performance.now. */
  lastFailureAt = Number.NEGATIVE_INFINITY;

  /** @param portOf The port that a socket, by its id, is bound to. */
  constructor(ends: Uint32Array, portOf: (socket: number) => number) {
    this.ends = ends;
    this.#portOf = portOf;
    this.remote = udpUrl({
      address: bytesOf(ends, ENDS.remote),
      zone: ends[ENDS.remoteZone] ?? 0,
      port: ends[ENDS.port] ?? 0,
    });
  }

  get local(): string | null {
    if (this.#local === undefined) this.#local = this.#describeLocal();
    return this.#local;
  }

  get isIp4(): boolean {
    return isIp4(bytesOf(this.ends, ENDS.remote));
  }

  /** Takes the own end that the remote has used. */
  setLocal(ends: Uint32Array): void {
    for (let i = ENDS.local; i < ENDS_WORDS; i++) this.ends[i] = ends[i] ?? 0;
    this.#local = undefined;
    this.segments = true;
  }

  /** The own end is gone: the kernel chooses again. */
  clearLocal(): void {
    this.ends.fill(0, ENDS.local);
    this.#local = undefined;
    this.segments = true;
  }

  #describeLocal(): string | null {
    if (!hasSource(this.ends)) return null;
    return udpUrl({
      address: bytesOf(this.ends, ENDS.local),
      zone: this.ends[ENDS.localZone] ?? 0,
      port: this.#portOf(this.ends[ENDS.socket] ?? 0),
    });
  }
}

function bytesOf(words: Uint32Array, at: number): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset + at * 4, 16);
}

/** The ends of a path that we open: the remote's half only. @throws Error for an address that is nobody's. */
export function endsOf(remote: SocketAddress): Uint32Array {
  if (remote.port === 0 || isUnspecified(remote.address)) {
    throw new Error(`${udpUrl(remote)} names no remote`);
  }
  const ends = new Uint32Array(ENDS_WORDS);
  new Uint8Array(ends.buffer).set(remote.address);
  ends[ENDS.remoteZone] = remote.zone;
  ends[ENDS.port] = remote.port;
  return ends;
}

function keyOf(ends: Uint32Array): string {
  return Buffer.from(ends.buffer, ends.byteOffset, ends.byteLength).toString('latin1');
}

const NO_LOCAL = '\0'.repeat(ENDS_WORDS * 4 - REMOTE_BYTES);

/** Remembers paths by their ends: all pinned ones, and the newest of the others. */
export class PathTable {
  /** In order of use, the oldest first. Keys are 48 bytes: see ENDS. */
  readonly #loose = new Map<string, UdpPath>();
  readonly #pinned = new Map<string, UdpPath>();
  /** The path of each remote that was made or used last. */
  readonly #newest = new Map<string, UdpPath>();
  readonly #portOf: (socket: number) => number;
  readonly #limit: number;

  constructor(portOf: (socket: number) => number, limit = PATHS_LIMIT) {
    this.#portOf = portOf;
    this.#limit = limit;
  }

  get size(): number {
    return this.#loose.size + this.#pinned.size;
  }

  /** The path that a datagram came by. @param copyEnds Makes a copy of the ends that `key` stands for. */
  heard(key: string, copyEnds: () => Uint32Array): UdpPath {
    const path = this.#pinned.get(key) ?? this.#loose.get(key) ?? this.#learn(key, copyEnds());
    path.released = false;
    if (!path.pinned) this.#keepLoose(key, path);
    this.#newest.set(key.slice(0, REMOTE_BYTES), path);
    return path;
  }

  /** The path to a remote, pinned: the one it was last heard by, or a new one. */
  open(ends: Uint32Array): UdpPath {
    const remote = keyOf(ends).slice(0, REMOTE_BYTES);
    const path = this.#newest.get(remote) ?? new UdpPath(ends, this.#portOf);
    const key = keyOf(path.ends);
    this.#loose.delete(key);
    this.#pinned.set(key, path);
    this.#newest.set(remote, path);
    path.pinned = true;
    path.released = false;
    return path;
  }

  release(path: UdpPath): void {
    path.released = true;
    if (!path.pinned) return;
    path.pinned = false;
    const key = keyOf(path.ends);
    if (this.#pinned.get(key) === path) this.#pinned.delete(key);
    this.#keepLoose(key, path);
  }

  /** The path's own end has vanished. */
  forgetLocal(path: UdpPath): void {
    const was = keyOf(path.ends);
    if (this.#pinned.get(was) === path) this.#pinned.delete(was);
    if (this.#loose.get(was) === path) this.#loose.delete(was);
    path.clearLocal();
    const key = keyOf(path.ends);
    if (path.pinned && !this.#pinned.has(key)) this.#pinned.set(key, path);
    else if (!path.pinned) this.#keepLoose(key, path);
  }

  clear(): void {
    this.#loose.clear();
    this.#pinned.clear();
    this.#newest.clear();
  }

  /** A path that waits for its own end takes it; else this is a new one. */
  #learn(key: string, ends: Uint32Array): UdpPath {
    const half = key.slice(0, REMOTE_BYTES) + NO_LOCAL;
    const waiting = this.#pinned.get(half) ?? this.#loose.get(half);
    if (waiting === undefined) return new UdpPath(ends, this.#portOf);
    this.#pinned.delete(half);
    this.#loose.delete(half);
    waiting.setLocal(ends);
    if (waiting.pinned) this.#pinned.set(key, waiting);
    return waiting;
  }

  #keepLoose(key: string, path: UdpPath): void {
    this.#loose.delete(key);
    this.#loose.set(key, path);
    if (this.#loose.size <= this.#limit) return;
    for (const [oldest, forgotten] of this.#loose) {
      this.#loose.delete(oldest);
      const remote = oldest.slice(0, REMOTE_BYTES);
      if (this.#newest.get(remote) === forgotten) this.#newest.delete(remote);
      return;
    }
  }
}
