import { performance } from 'node:perf_hooks';
import type { PathFailure, TransportHost } from '../../src/transport/types.js';
import type { UdpPath } from './path.js';

/** Ours: an unreachable remote is told of at most this often. */
const UNREACHABLE_INTERVAL_MSEC = 50;
/** Ours: failures that wait for the next turn of the event loop. */
const WAITING_MAX = 256;

/** Failures are found inside `send` and told outside of it, on the next turn of the event loop. */
export class Failures {
  readonly #host: TransportHost;
  #waiting: { readonly path: UdpPath; readonly failure: PathFailure }[] = [];
  #closed = false;

  constructor(host: TransportHost) {
    this.#host = host;
  }

  unreachable(path: UdpPath, reason: string): void {
    const now = performance.now();
    if (now - path.lastFailureAt < UNREACHABLE_INTERVAL_MSEC) return;
    if (this.#add(path, { kind: 'unreachable', reason })) path.lastFailureAt = now;
  }

  tooBig(path: UdpPath, bytes: number): void {
    const waits = this.#waiting.some((w) => w.path === path && w.failure.bytes === bytes);
    if (waits) return;
    this.#add(path, { kind: 'too-big', reason: 'larger than the interface carries', bytes });
  }

  close(): void {
    this.#closed = true;
    this.#waiting = [];
  }

  #add(path: UdpPath, failure: PathFailure): boolean {
    if (this.#closed || this.#waiting.length >= WAITING_MAX) return false;
    if (this.#waiting.length === 0) setImmediate(() => this.#tell());
    this.#waiting.push({ path, failure });
    return true;
  }

  #tell(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { path, failure } of waiting) {
      if (!this.#closed && !path.released) this.#host.failed(path, failure);
    }
  }
}
