/**
 * WireGuard datagrams over UDP. In: poll → recvmmsg → path by both ends → `received`, until empty or out of budget. Out:
 * `send` → one sendmmsg, trains cut by the kernel. What the network refuses is dropped and counted, or told by `failed`.
 */
import { AF_INET, AF_INET6, isUnspecified } from '../../src/posix/address.js';
import { ERRNO, errnoName } from '../../src/posix/libc.js';
import { Watch } from '../../src/posix/poller.js';
import {
  ENDS,
  ENDS_BYTES,
  ENDS_WORDS,
  hasSource,
  type ReceiveArena,
  receiveArena,
  refusesSegments,
  sendArena,
  TRAIN_MAX,
  type UdpSocket,
} from '../../src/posix/udp.js';
import type {
  Capabilities,
  DatagramSockets,
  Path,
  RawSocket,
  Transport,
  TransportHost,
} from '../../src/transport/types.js';
import { Failures } from './failures.js';
import { bindUdp } from './listen.js';
import { endsOf, PathTable, UdpPath } from './path.js';
import { parseUdpUrl, udpUrl } from './url.js';

/** Ours: datagrams taken from one socket before others get their turn. */
const DRAIN_BUDGET = 256;
/** Ours: a socket in an error state that we do not understand is watched again after this. */
const RESUME_MSEC = 1000;
/** Ours: what the loopback carries in one piece with either family's headers, rounded down. */
const DATAGRAM_BYTES_MAX = 65_000;

/** Plain fields; read at any time. */
export interface UdpCounters {
  /** Cut off by the kernel, or from port 0. */
  receiveDropped: number;
  /** Full socket buffer or queue, or a firewall's refusal. */
  sendDropped: number;
}

interface Listener {
  readonly socket: UdpSocket;
  readonly port: number;
  readonly wildcard: boolean;
  /** Undefined where somebody else reads. */
  readonly watch: Watch | undefined;
}

export class UdpTransport implements Transport {
  readonly scheme = 'udp';
  readonly capabilities: Capabilities = {
    reliable: false,
    maxDatagramBytes: DATAGRAM_BYTES_MAX,
    relayed: false,
    batchMax: TRAIN_MAX,
  };
  readonly counters: UdpCounters = { receiveDropped: 0, sendDropped: 0 };
  readonly #host: TransportHost;
  readonly #listeners = new Map<number, Listener>();
  readonly #paths = new PathTable((socket) => this.#listeners.get(socket)?.port ?? 0);
  readonly #failures: Failures;
  #takeSocket: ((socket: RawSocket) => void) | undefined;
  #closed = false;

  constructor(host: TransportHost) {
    this.#host = host;
    this.#failures = new Failures(host);
  }

  readonly sockets: DatagramSockets = {
    handOver: (each) => {
      this.#takeSocket = each;
    },
    endsOf: (path) => bytesOf((path as UdpPath).ends),
    heard: (ends) => {
      const words = new Uint32Array(ENDS_WORDS);
      new Uint8Array(words.buffer).set(ends.subarray(0, ENDS_BYTES));
      return this.#paths.heard(Buffer.from(ends).toString('latin1'), () => words);
    },
  };

  /** Paths that are remembered. */
  get paths(): number {
    return this.#paths.size;
  }

  async listen(url: string): Promise<string> {
    if (this.#closed) throw new Error('the udp transport is closed');
    const socket = bindUdp(url, (message) => this.#host.log('warn', message));
    const at = socket.localAddress();
    const wildcard = isUnspecified(at.address);
    const watch = this.#watch(socket, wildcard);
    this.#listeners.set(socket.id, { socket, port: at.port, wildcard, watch });
    return udpUrl(at);
  }

  /** Reads the socket from now on, or lets another do it. */
  #watch(socket: UdpSocket, isWildcard: boolean): Watch | undefined {
    if (this.#takeSocket === undefined) {
      return new Watch(socket.fd, {
        readable: () => this.#drain(socket),
        failed: () => this.#recover(socket),
      });
    }
    const { fd, id, family, dualStack } = socket;
    const isIp6 = family === AF_INET6;
    this.#takeSocket({ fd, id, isIp6, takesIp4: !isIp6 || dualStack, isWildcard });
    return undefined;
  }

  open(remote: string): Path {
    if (this.#closed) throw new Error('the udp transport is closed');
    return this.#paths.open(endsOf(parseUdpUrl(remote)));
  }

  send(path: Path, datagrams: readonly Uint8Array[]): number {
    if (this.#closed || !(path instanceof UdpPath) || path.released) return 0;
    const end = Math.min(datagrams.length, TRAIN_MAX);
    const job: SendJob = { path, datagrams, from: 0, taken: 0, segment: path.segments };
    while (job.from < end) {
      const socket = this.#socketFor(path);
      if (socket === undefined) {
        this.#failures.unreachable(path, `no listener for ${path.isIp4 ? 'IPv4' : 'IPv6'}`);
        break;
      }
      if (!this.#sendSome(socket, job)) break;
    }
    this.counters.sendDropped += datagrams.length - job.taken;
    return job.taken;
  }

  release(path: Path): void {
    if (path instanceof UdpPath) this.#paths.release(path);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#failures.close();
    for (const { watch, socket } of this.#listeners.values()) {
      watch?.close();
      socket.close();
    }
    this.#listeners.clear();
    this.#paths.clear();
  }

  /** One system call and what its answer asks for. @returns false when the rest must be dropped. */
  #sendSome(socket: UdpSocket, job: SendJob): boolean {
    const arena = sendArena();
    const taken = arena.send(socket, { ...job, ends: job.path.ends });
    job.taken += taken;
    job.from += taken;
    if (taken > 0 && job.suspect === true) job.path.segments = false;
    if (arena.error === 0) return true;
    if (arena.refused > 1 && refusesSegments(arena.error)) {
      job.suspect = arena.error !== ERRNO.EMSGSIZE;
      job.segment = false;
      return true;
    }
    return this.#refused(job, arena.error);
  }

  #refused(job: SendJob, code: number): boolean {
    const { path } = job;
    switch (code) {
      case ERRNO.EPERM:
      case ERRNO.ENOBUFS:
      case ERRNO.ECONNREFUSED:
      case ERRNO.EINTR:
        // The next one may pass: a firewall that drops at random refuses each on its own.
        job.from += sendArena().refused;
        return true;
      case ERRNO.EMSGSIZE:
        this.#failures.tooBig(path, sendArena().refusedBytes);
        job.from += sendArena().refused;
        return true;
      case ERRNO.EAGAIN:
        return false;
      default:
        if (hasSource(path.ends)) {
          this.#paths.forgetLocal(path);
          return true;
        }
        this.#failures.unreachable(path, errnoName(code));
        return false;
    }
  }

  /** The socket that the remote spoke to, else the best of its family. */
  #socketFor(path: UdpPath): UdpSocket | undefined {
    const known = this.#listeners.get(path.ends[ENDS.socket] ?? 0);
    if (known !== undefined) return known.socket;
    let best: Listener | undefined;
    for (const listener of this.#listeners.values()) {
      const { family, dualStack } = listener.socket;
      const fits = path.isIp4 ? family === AF_INET || dualStack : family === AF_INET6;
      if (fits && (best === undefined || (listener.wildcard && !best.wildcard))) best = listener;
    }
    return best?.socket;
  }

  #drain(socket: UdpSocket): void {
    const arena = receiveArena();
    for (let budget = DRAIN_BUDGET; budget > 0 && !this.#closed; ) {
      const slots = arena.receive(socket);
      if (slots <= 0) return;
      budget -= this.#deliver(arena, slots);
      if (!arena.full(slots)) return;
    }
  }

  /** @returns How many datagrams there were. */
  #deliver(arena: ReceiveArena, slots: number): number {
    let path: UdpPath | undefined;
    let batch: Uint8Array[] = [];
    let count = slots;
    for (let slot = 0; slot < slots; slot++) {
      if (!this.#usable(arena, slot)) continue;
      if (path === undefined || !arena.sameEnds(slot, path.ends)) {
        count += this.#hand(path, batch);
        batch = [];
        path = this.#paths.heard(arena.key(slot), () => arena.ends(slot));
      }
      arena.datagrams(slot, batch);
    }
    return count + this.#hand(path, batch);
  }

  #usable(arena: ReceiveArena, slot: number): boolean {
    const usable = arena.bytes(slot) >= 0 && arena.port(slot) !== 0;
    if (!usable) this.counters.receiveDropped++;
    return usable;
  }

  #hand(path: UdpPath | undefined, batch: readonly Uint8Array[]): number {
    if (path !== undefined && batch.length > 0 && !this.#closed) this.#host.received(path, batch);
    return batch.length;
  }

  /** Unconnected sockets report no errors of the network; this is the kernel's own trouble. */
  #recover(socket: UdpSocket): void {
    const name = socket.takeError();
    this.#host.log('warn', `the udp socket reports ${name === '' ? 'an error' : name}`);
    const timer = setTimeout(() => this.#listeners.get(socket.id)?.watch?.resume(), RESUME_MSEC);
    timer.unref();
  }
}

const bytesOf = (words: Uint32Array): Uint8Array =>
  new Uint8Array(words.buffer, words.byteOffset, words.byteLength);

interface SendJob {
  readonly path: UdpPath;
  readonly datagrams: readonly Uint8Array[];
  from: number;
  taken: number;
  segment: boolean;
  /** UDP_SEGMENT was refused; if the same goes through without it, the way does not have it. */
  suspect?: boolean;
}
