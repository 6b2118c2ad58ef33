/**
 * Datagrams between transports of one process: for tests, and the smallest example of a transport. The hub is the
 * network: it knows who listens where. It delivers on a later turn of the event loop, as a network would.
 */
import type {
  Capabilities,
  Path,
  PathFailure,
  Transport,
  TransportHost,
} from '../../src/transport/types.js';

/** Ours: datagrams that wait at one transport; beyond it `send` refuses. */
const QUEUE_MAX = 1024;
/** Ours: remotes that are remembered though nobody opened them. */
const PATHS_LIMIT = 1024;
const DATAGRAM_BYTES_MAX = 65_000;
const BATCH_MAX = 128;
const PORT_MAX = 65_535;

export interface MemoryHubOptions {
  /** Share of datagrams that vanish, 0..1; 0 makes the transports reliable. Default 0. */
  readonly loss?: number;
  /** Which ones vanish: the same seed, the same ones. */
  readonly seed?: number;
}

/** One network of the process. */
export class MemoryHub {
  readonly #listeners = new Map<string, MemoryTransport>();
  readonly #loss: number;
  #state: number;
  #lastPort = 0;

  constructor(options: MemoryHubOptions = {}) {
    this.#loss = options.loss ?? 0;
    this.#state = options.seed ?? 1;
  }

  get reliable(): boolean {
    return this.#loss === 0;
  }

  /** @returns The name really taken, undefined when another listens there. */
  claim(name: string, port: number, owner: MemoryTransport): string | undefined {
    const url = `memory://${name}:${port === 0 ? this.#freePort(name) : port}`;
    if (this.#listeners.has(url)) return undefined;
    this.#listeners.set(url, owner);
    return url;
  }

  abandon(owner: MemoryTransport): void {
    for (const [url, held] of this.#listeners) if (held === owner) this.#listeners.delete(url);
  }

  find(url: string): MemoryTransport | undefined {
    return this.#listeners.get(url);
  }

  /** xorshift32 (Marsaglia 2003): good enough to lose datagrams. */
  loses(): boolean {
    if (this.#loss === 0) return false;
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) / 0x1_0000_0000 < this.#loss;
  }

  #freePort(name: string): number {
    do this.#lastPort = (this.#lastPort % PORT_MAX) + 1;
    while (this.#listeners.has(`memory://${name}:${this.#lastPort}`));
    return this.#lastPort;
  }
}

class MemoryPath implements Path {
  readonly transport = 'memory';
  readonly relayed = false;
  readonly via = null;
  readonly remote: string;
  local: string | null;
  pinned = false;
  released = false;

  constructor(local: string | null, remote: string) {
    this.local = local;
    this.remote = remote;
  }
}

interface Arrived {
  readonly to: string;
  readonly from: string;
  readonly bytes: Uint8Array;
}

export class MemoryTransport implements Transport {
  readonly scheme = 'memory';
  readonly capabilities: Capabilities;
  readonly #hub: MemoryHub;
  readonly #host: TransportHost;
  /** By remote, the oldest first. */
  readonly #paths = new Map<string, MemoryPath>();
  #own: string | undefined;
  #queue: Arrived[] = [];
  #failed: MemoryPath[] = [];
  #woken = false;
  #closed = false;

  constructor(hub: MemoryHub, host: TransportHost) {
    this.#hub = hub;
    this.#host = host;
    this.capabilities = {
      reliable: hub.reliable,
      maxDatagramBytes: DATAGRAM_BYTES_MAX,
      relayed: false,
      batchMax: BATCH_MAX,
    };
  }

  /** Paths that are remembered. */
  get paths(): number {
    return this.#paths.size;
  }

  async listen(url: string): Promise<string> {
    if (this.#closed) throw new Error('the memory transport is closed');
    const { name, port } = parse(url);
    const bound = this.#hub.claim(name, port, this);
    if (bound === undefined) throw coded(`${url} is in use by another transport`, 'EADDRINUSE');
    this.#own ??= bound;
    return bound;
  }

  open(remote: string): Path {
    if (this.#closed) throw new Error('the memory transport is closed');
    if (parse(remote).port === 0) throw coded(`${remote} names no remote`, 'EINVAL');
    const path = this.#remember(remote, null);
    path.pinned = true;
    return path;
  }

  send(path: Path, datagrams: readonly Uint8Array[]): number {
    if (this.#closed || !(path instanceof MemoryPath) || path.released) return 0;
    const target = this.#hub.find(path.remote);
    const from = path.local ?? this.#own;
    if (target === undefined || from === undefined) {
      if (!this.#failed.includes(path)) this.#failed.push(path);
      this.#wake();
      return 0;
    }
    let taken = 0;
    for (const bytes of datagrams.slice(0, BATCH_MAX)) {
      if (bytes.length > DATAGRAM_BYTES_MAX) break;
      if (!this.#hub.loses() && !target.arrive({ to: path.remote, from, bytes: bytes.slice() }))
        break;
      taken++;
    }
    return taken;
  }

  release(path: Path): void {
    if (!(path instanceof MemoryPath)) return;
    path.pinned = false;
    path.released = true;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#hub.abandon(this);
    this.#queue = [];
    this.#paths.clear();
  }

  /** The hub's side. @returns false when the queue is full. */
  arrive(datagram: Arrived): boolean {
    if (this.#closed || this.#queue.length >= QUEUE_MAX) return false;
    this.#queue.push(datagram);
    this.#wake();
    return true;
  }

  #wake(): void {
    if (this.#woken) return;
    this.#woken = true;
    setImmediate(() => this.#deliver());
  }

  #deliver(): void {
    this.#woken = false;
    const queue = this.#queue;
    const failed = this.#failed;
    this.#queue = [];
    this.#failed = [];
    const failure: PathFailure = { kind: 'unreachable', reason: 'nobody listens there' };
    for (const path of failed) if (!this.#closed) this.#host.failed(path, failure);
    for (let at = 0; at < queue.length && !this.#closed; ) {
      const first = queue[at] as Arrived;
      let end = at + 1;
      while (queue[end]?.from === first.from && queue[end]?.to === first.to) end++;
      const batch = queue.slice(at, end).map(({ bytes }) => bytes);
      this.#host.received(this.#remember(first.from, first.to), batch);
      at = end;
    }
  }

  /** The path to a remote, now the newest; it answers from where the remote last spoke to. */
  #remember(remote: string, local: string | null): MemoryPath {
    const path = this.#paths.get(remote) ?? new MemoryPath(local, remote);
    if (local !== null) path.local = local;
    path.released = false;
    this.#paths.delete(remote);
    this.#paths.set(remote, path);
    if (this.#paths.size > PATHS_LIMIT) this.#forgetOldest();
    return path;
  }

  #forgetOldest(): void {
    for (const [remote, path] of this.#paths) {
      if (path.pinned) continue;
      this.#paths.delete(remote);
      return;
    }
  }
}

function parse(url: string): { name: string; port: number } {
  const match = /^memory:\/\/([a-z0-9.-]{1,64}):(\d{1,5})$/.exec(url);
  const port = Number(match?.[2]);
  if (match?.[1] === undefined || port > PORT_MAX) {
    throw coded(`${url.slice(0, 80)} is not memory://name:port`, 'EINVAL');
  }
  return { name: match[1], port };
}

function coded(message: string, code: string): Error {
  return Object.assign(new Error(message), { code });
}
