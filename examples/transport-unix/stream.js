/**
 * One stream: datagrams behind their u16 length, after a first one by which whoever dialled says under which name it is
 * to be answered. That name is 64 random bits, so that nobody can speak in another's.
 */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';

/** @typedef {import('node:net').Socket} Socket */
/** @typedef {import('../../src/transport/types.js').Path} Path */
/**
 * What a stream tells its transport.
 * @typedef {object} StreamEvents
 * @property {(stream: Stream) => boolean} named
 * @property {(stream: Stream, datagrams: readonly Uint8Array[]) => void} received
 * @property {(stream: Stream, reason: string) => void} broken
 */

const NAME_BYTES = 8;
const HEAD_BYTES = 2;
/** Bytes that the other side did not read yet: beyond it, datagrams are dropped. */
const UNSENT_BYTES_MAX = 256 * 1024;
/** A stream that was dialled must have said its name by then. */
const NAME_MSEC = 5_000;
/** Pause before a broken stream is dialled again. */
const REDIAL_MSEC = 500;

/** @implements {Path} */
export class Stream {
  transport = 'unix';
  relayed = false;
  via = null;
  /** @type {string | null} */
  local;
  /** Empty until the other side of an accepted stream has said it. @type {string} */
  remote;
  #events;
  /** What to dial; undefined for an accepted one. @type {string | undefined} */
  #file;
  /** @type {Socket | undefined} */
  #socket;
  #rest = Buffer.alloc(0);
  #isReleased = false;
  #redialAt = 0;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;

  /**
   * @param {{ local: string | null, remote: string | null, file?: string }} ends
   * @param {StreamEvents} events
   */
  constructor({ local, remote, file }, events) {
    this.local = local;
    this.remote = remote ?? '';
    this.#file = file;
    this.#events = events;
  }

  get isDialled() {
    return this.#file !== undefined;
  }

  /** @param {Socket} socket */
  adopt(socket) {
    this.#attach(socket);
    this.#timer = setTimeout(() => this.end('it said nothing'), NAME_MSEC);
    this.#timer.unref();
  }

  /** @param {readonly Uint8Array[]} datagrams @returns {number} How many were taken. */
  send(datagrams) {
    if (this.#isReleased) return 0;
    if (this.#socket === undefined) this.#dial();
    const socket = this.#socket;
    if (socket === undefined || socket.destroyed) return 0;
    const train = [];
    let room = UNSENT_BYTES_MAX - socket.writableLength;
    for (const datagram of datagrams) {
      room -= datagram.length + HEAD_BYTES;
      if (room < 0) break;
      train.push(frame(datagram));
    }
    if (train.length > 0) socket.write(Buffer.concat(train));
    return train.length;
  }

  /** For good. */
  close() {
    this.#isReleased = true;
    this.#drop();
  }

  /** A dialled one may be used again. @param {string} reason */
  end(reason) {
    if (this.#socket === undefined) return;
    this.#drop();
    this.#redialAt = performance.now() + REDIAL_MSEC;
    this.#events.broken(this, reason);
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#socket?.destroy();
    this.#socket = undefined;
    this.#rest = Buffer.alloc(0);
  }

  #dial() {
    if (this.#file === undefined || performance.now() < this.#redialAt) return;
    const name = randomBytes(NAME_BYTES);
    this.local = urlOf(name);
    this.#attach(connect(this.#file));
    this.#socket?.write(frame(name));
  }

  /** @param {Socket} socket */
  #attach(socket) {
    this.#socket = socket;
    const over = (/** @type {string} */ reason) => {
      if (this.#socket === socket) this.end(reason);
    };
    socket.on('data', (part) => {
      if (this.#socket === socket) this.#take(part);
    });
    socket.on('error', (error) => over(error.message));
    socket.on('close', () => over('the other side closed it'));
  }

  /** @param {Buffer} part */
  #take(part) {
    const bytes = this.#rest.length === 0 ? part : Buffer.concat([this.#rest, part]);
    const datagrams = [];
    let at = 0;
    while (bytes.length >= at + HEAD_BYTES) {
      const end = at + HEAD_BYTES + bytes.readUInt16BE(at);
      if (bytes.length < end) break;
      datagrams.push(bytes.subarray(at + HEAD_BYTES, end));
      at = end;
    }
    this.#rest = Buffer.from(bytes.subarray(at));
    if (this.remote === '' && datagrams.length > 0) this.#name(datagrams.shift());
    if (datagrams.length > 0 && this.remote !== '') this.#events.received(this, datagrams);
  }

  /** @param {Uint8Array | undefined} name */
  #name(name) {
    clearTimeout(this.#timer);
    if (name?.length === NAME_BYTES) {
      this.remote = urlOf(name);
      if (this.#events.named(this)) return;
    }
    this.remote = '';
    this.end('it did not say its name');
  }
}

/** @param {Uint8Array} name */
const urlOf = (name) => `unix://~${Buffer.from(name).toString('hex')}:1`;

/** @param {Uint8Array} datagram */
function frame(datagram) {
  const out = Buffer.allocUnsafe(HEAD_BYTES + datagram.length);
  out.writeUInt16BE(datagram.length, 0);
  out.set(datagram, HEAD_BYTES);
  return out;
}
