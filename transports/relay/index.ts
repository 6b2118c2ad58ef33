/**
 * Paths through a neighbor that carries datagrams for two of its peers. Channels are opened and closed by control code, which
 * names them `relay://[relay's address]/channel`; here they are paths, and whoever made this carries their datagrams.
 */
import type {
  Capabilities,
  Path,
  PathFailure,
  Transport,
  TransportHost,
} from '../../src/transport/types.js';

/** A link of 1452 bytes, less its own seal (32) and the frame (5), rounded down. */
const DATAGRAM_BYTES_MAX = 1_408;
const BATCH_MAX = 128;
/** Ours: paths that are remembered. */
const PATHS_LIMIT = 1_024;
/** Ours: datagrams of one turn. */
const WAITING_MAX = 16_384;

export interface Carrier {
  /** Datagrams for the other end of a channel; called outside of anything that control code does. */
  carry(endpoint: string, datagrams: readonly Uint8Array[]): void;
  released(endpoint: string): void;
}

export class RelayTransport implements Transport {
  readonly scheme = 'relay';
  readonly capabilities: Capabilities = {
    ...{ reliable: false, maxDatagramBytes: DATAGRAM_BYTES_MAX, relayed: true },
    batchMax: BATCH_MAX,
  };
  readonly #host: TransportHost;
  readonly #carrier: Carrier;
  readonly #paths = new Map<string, Path>();
  readonly #waiting: (() => void)[] = [];
  #isClosed = false;

  constructor(host: TransportHost, carrier: Carrier) {
    this.#host = host;
    this.#carrier = carrier;
  }

  async listen(url: string): Promise<string> {
    throw new Error(`${url}: relays are not listened at; neighbors offer them`);
  }

  open(remote: string): Path {
    const via = /^relay:\/\/\[([0-9a-f:]*)\]\/[\w.-]{1,80}$/.exec(remote)?.[1];
    if (via === undefined) throw new Error(`${remote} is no channel of a relay`);
    const known = this.#paths.get(remote);
    if (known !== undefined) return known;
    if (this.#paths.size >= PATHS_LIMIT) this.#forgetOldest();
    const path = { transport: 'relay', local: null, remote, relayed: true, via };
    this.#paths.set(remote, path);
    return path;
  }

  #forgetOldest(): void {
    for (const [remote, path] of this.#paths) {
      this.#paths.delete(remote);
      this.#host.failed(path, { kind: 'closed', reason: 'too many relayed paths' });
      return;
    }
  }

  send(path: Path, datagrams: readonly Uint8Array[]): number {
    if (this.#paths.get(path.remote) !== path) return 0;
    const fitting = datagrams.slice(0, BATCH_MAX).filter((one) => one.length <= DATAGRAM_BYTES_MAX);
    if (fitting.length > 0) this.#carrier.carry(path.remote, fitting);
    return fitting.length;
  }

  release(path: Path): void {
    if (this.#paths.delete(path.remote)) this.#carrier.released(path.remote);
  }

  /** A datagram came through a channel; told in a later turn of the loop, as are ends of channels. */
  receive(endpoint: string, datagram: Uint8Array): void {
    this.#later(() => this.#host.received(this.open(endpoint), [datagram]));
  }

  /** A channel is no more. */
  closed(endpoint: string, reason: string): void {
    this.#later(() => this.#fail(endpoint, reason));
  }

  #later(action: () => void): void {
    if (this.#waiting.length === 0) setImmediate(() => this.#run());
    if (this.#waiting.length < WAITING_MAX) this.#waiting.push(action);
  }

  #run(): void {
    for (const action of this.#waiting.splice(0)) if (!this.#isClosed) action();
  }

  #fail(endpoint: string, reason: string): void {
    const path = this.#paths.get(endpoint);
    if (path === undefined) return;
    this.#paths.delete(endpoint);
    const failure: PathFailure = { kind: 'closed', reason };
    this.#host.failed(path, failure);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#paths.clear();
  }
}
