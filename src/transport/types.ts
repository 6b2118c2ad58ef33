/**
 * The transport plugin contract: types only. A transport carries opaque WireGuard datagrams; it never sees a key or a
 * plaintext. Branch on capabilities, never on the scheme. Every transport passes `test/contract/transport`.
 */

export interface Capabilities {
  /** True when a datagram that was taken arrives, in order (TCP). */
  readonly reliable: boolean;
  /** Largest datagram that one send may carry, bytes. */
  readonly maxDatagramBytes: number;
  /** True when a third node carries the datagrams. */
  readonly relayed: boolean;
  /** Most datagrams that one `send` takes at once, 1 where there is no batching. */
  readonly batchMax: number;
}

/** A way to one remote endpoint. The transport makes it; others compare by identity and only read it. */
export interface Path {
  readonly transport: string;
  /** Own address as a URL, null where the kernel chooses. */
  readonly local: string | null;
  /** The other end as a URL: `udp://192.0.2.1:4242`, `udp://[fe80::1%eth1]:4242`. */
  readonly remote: string;
  readonly relayed: boolean;
  /** The relaying node's address, null when direct. */
  readonly via: string | null;
}

/** Given to a plugin when it is made. Callbacks are called outside `send`, never after `close` has resolved. */
export interface TransportHost {
  /**
   * A batch that arrived on one path. The buffers belong to the transport and are valid only during the call.
   * The same remote gives the same `Path` object while the transport remembers it (at least `PATHS_MIN`, newest first).
   * A remote that speaks to two of our addresses has a path to each, so that answers leave from where it spoke to.
   */
  received(path: Path, datagrams: readonly Uint8Array[]): void;
  /** The path can carry nothing any more (stream closed) or refuses for now (`ENETUNREACH`…). */
  failed(path: Path, failure: PathFailure): void;
  /** A transport's own trouble, in words for the log. No keys, no packets. */
  log(level: 'info' | 'warn' | 'error', message: string): void;
}

export interface PathFailure {
  /** `closed`: never again on this object. `unreachable`: no way there now. `too-big`: the datagram did not fit. */
  readonly kind: 'closed' | 'unreachable' | 'too-big';
  readonly reason: string;
  /** For `too-big`: the datagram's size that was refused. */
  readonly bytes?: number;
}

export const PATHS_MIN = 256;

/** One UDP socket, as a native plane takes it over. */
export interface RawSocket {
  readonly fd: number;
  /** The number by which `endsOf` names it. */
  readonly id: number;
  readonly isIp6: boolean;
  readonly takesIp4: boolean;
  /** Bound to no address of its own. */
  readonly isWildcard: boolean;
}

/** What a transport of UDP sockets offers, so that a plane outside of JavaScript can read and send by itself. */
export interface DatagramSockets {
  /** From now on the transport reads nothing: each socket that it binds is told here, and stays its own to close. */
  handOver(each: (socket: RawSocket) => void): void;
  /** Both ends of a path: the 48 bytes of `ENDS` in src/posix/udp-receive.ts. */
  endsOf(path: Path): Uint8Array;
  /** The path that a datagram with these ends came by. */
  heard(ends: Uint8Array): Path;
}

export interface Transport {
  readonly scheme: string;
  readonly capabilities: Capabilities;
  /** Absent where datagrams do not travel in UDP sockets of this process. */
  readonly sockets?: DatagramSockets;
  /**
   * Listens at a URL of its scheme. Port 0 takes any.
   * @returns The URL really bound.
   * @throws Error in words for people (address in use, permission), with `code`.
   */
  listen(url: string): Promise<string>;
  /**
   * A path to a remote URL, usable at once: a transport that must connect first holds a bounded number of datagrams.
   * @throws Error when the URL is not one of this scheme's.
   */
  open(remote: string): Path;
  /**
   * Sends datagrams in order; best effort, never blocks, never throws for what the network does.
   * @returns How many were taken; the rest were dropped (a full queue, a closed path).
   */
  send(path: Path, datagrams: readonly Uint8Array[]): number;
  /** Closes one path; nothing arrives on it any more until it is opened again or the remote speaks. */
  release(path: Path): void;
  close(): Promise<void>;
}

/** What a plugin module exports as `createTransport`. */
export type CreateTransport = (
  host: TransportHost,
  options: Readonly<Record<string, unknown>>,
) => Transport;
