/** One stream to one remote: dialled by us and dialled again when it breaks, or accepted and then gone for good. */
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import type { Path } from '../../src/transport/types.js';
import { FrameReader, frame, HEAD_BYTES } from './frames.js';

/** Ours: bytes that the kernel did not take yet. Beyond it new datagrams are dropped: a queue of seconds helps nobody. */
const UNSENT_BYTES_MAX = 256 * 1024;
/** Ours: room above that for small datagrams, so that control goes on while data waits. */
const SMALL_BYTES = 256;
const UNSENT_SMALL_MAX = UNSENT_BYTES_MAX + 32 * 1024;
/** Ours: a stream must be there, and bring its first frame, in this time; a begun frame must be whole in that. */
const CONNECT_MSEC = 10_000;
const FIRST_FRAME_MSEC = 10_000;
const WHOLE_FRAME_MSEC = 30_000;
/** Ours: a half-open stream is found by the kernel's own probes. */
const KEEPALIVE_MSEC = 30_000;
/** Ours: pause before a broken stream is dialled again, doubling. */
const REDIAL_MSEC = 500;
const REDIAL_MSEC_MAX = 15_000;

export const urlOf = (host: string, port: number): string => {
  const plain = host.replace(/^::ffff:(?=\d+\.)/, '');
  return plain.includes(':') ? `tcp://[${plain}]:${port}` : `tcp://${plain}:${port}`;
};

const localOf = ({ localAddress, localPort }: Socket): string | null =>
  localAddress === undefined || localPort === undefined ? null : urlOf(localAddress, localPort);

export interface PathEvents {
  received(path: TcpPath, datagrams: readonly Uint8Array[]): void;
  /** The stream is gone. An accepted path is over; a dialled one may come back. */
  broken(path: TcpPath, reason: string): void;
}

export interface Target {
  readonly host: string;
  readonly port: number;
}

export class TcpPath implements Path {
  readonly transport = 'tcp';
  readonly relayed = false;
  readonly via = null;
  readonly remote: string;
  local: string | null = null;
  isReleased = false;
  /** Undefined for an accepted one. */
  readonly #target: Target | undefined;
  readonly #events: PathEvents;
  #socket: Socket | undefined;
  #reader = new FrameReader();
  #timer: NodeJS.Timeout | undefined;
  #heard = false;
  #failures = 0;
  #redialAt = 0;
  /** Waits for the connection. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;

  constructor(remote: string, events: PathEvents, target?: Target) {
    this.remote = remote;
    this.#events = events;
    this.#target = target;
  }

  get isDialled(): boolean {
    return this.#target !== undefined;
  }

  get hasHeard(): boolean {
    return this.#heard;
  }

  /** Takes an accepted connection. */
  adopt(socket: Socket): void {
    this.local = localOf(socket);
    this.#attach(socket);
    this.#expect(FIRST_FRAME_MSEC, 'it said nothing');
  }

  /** @returns How many were taken. */
  send(datagrams: readonly Uint8Array[]): number {
    if (this.isReleased) return 0;
    if (this.#socket === undefined) this.#dial();
    const socket = this.#socket;
    if (socket === undefined || socket.destroyed) return 0;
    if (socket.connecting) return this.#hold(datagrams);
    const room = (bytes: number) => (bytes <= SMALL_BYTES ? UNSENT_SMALL_MAX : UNSENT_BYTES_MAX);
    const taken: Uint8Array[] = [];
    let unsent = socket.writableLength;
    for (const datagram of datagrams) {
      const bytes = HEAD_BYTES + datagram.length;
      if (unsent + bytes > Math.max(room(datagram.length), bytes)) continue;
      taken.push(datagram);
      unsent += bytes;
    }
    if (taken.length > 0) socket.write(frame(taken));
    return taken.length;
  }

  close(): void {
    this.isReleased = true;
    this.#drop();
  }

  /** Ends the stream; a dialled path may be used again. */
  end(reason: string): void {
    if (this.#socket === undefined) return;
    this.#drop();
    this.#failures++;
    const pause = Math.min(REDIAL_MSEC * 2 ** (this.#failures - 1), REDIAL_MSEC_MAX);
    this.#redialAt = performance.now() + pause;
    this.#events.broken(this, reason);
  }

  #drop(): void {
    clearTimeout(this.#timer);
    this.#socket?.destroy();
    this.#socket = undefined;
    this.#reader = new FrameReader();
    this.#held = [];
    this.#heldBytes = 0;
  }

  #dial(): void {
    if (this.#target === undefined || performance.now() < this.#redialAt) return;
    const socket = connect({ ...this.#target, noDelay: true });
    this.#attach(socket);
    this.#expect(CONNECT_MSEC, 'no connection came');
    socket.on('connect', () => {
      if (this.#socket !== socket) return;
      clearTimeout(this.#timer);
      this.local = localOf(socket);
      this.#failures = 0;
      const held = this.#held;
      this.#held = [];
      this.#heldBytes = 0;
      if (held.length > 0) socket.write(frame(held));
    });
  }

  #hold(datagrams: readonly Uint8Array[]): number {
    let taken = 0;
    for (const datagram of datagrams) {
      if (this.#heldBytes + datagram.length > UNSENT_BYTES_MAX) break;
      this.#held.push(datagram.slice());
      this.#heldBytes += datagram.length + HEAD_BYTES;
      taken++;
    }
    return taken;
  }

  #attach(socket: Socket): void {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEPALIVE_MSEC);
    const over = (reason: string): void => {
      if (this.#socket === socket) this.end(reason);
    };
    socket.on('data', (part: Buffer) => {
      if (this.#socket === socket) this.#take(part);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => over(error.code ?? error.message));
    socket.on('close', () => over('the other side closed it'));
  }

  #take(part: Buffer): void {
    const datagrams = this.#reader.take(part);
    clearTimeout(this.#timer);
    this.#heard ||= datagrams.length > 0;
    if (this.#reader.isInside) this.#expect(WHOLE_FRAME_MSEC, 'a frame was not finished');
    if (datagrams.length > 0) this.#events.received(this, datagrams);
  }

  #expect(msec: number, otherwise: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.end(otherwise), msec);
    this.#timer.unref();
  }
}
