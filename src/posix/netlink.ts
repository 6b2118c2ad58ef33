/**
 * rtnetlink (RFC 3549; linux/netlink.h, linux/rtnetlink.h): what `ip` does, without starting it. The kernel works a request
 * off inside `send`, and its answer is there when that returns: requests are plain synchronous calls.
 */
import { checked, Descriptor, ERRNO, errno, errnoName, libc, SystemError } from './libc.js';
import { Watch } from './poller.js';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_EXT_ACK = 11;
const NETLINK_CAP_ACK = 10;
const NETLINK_GET_STRICT_CHK = 12;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const NLM_F_DUMP = 0x300;
const HEADER_BYTES = 16;
/** Ours: what one read may return; the kernel fills at most 32 KiB for a dump. */
const READ_BYTES = 65_536;
/** Ours: room for the answers of a whole batch. */
const RECEIVE_BYTES = 1 << 20;
/** Ours: requests that are answered before the next are sent, so that answers fit. */
const BATCH_REQUESTS = 128;

export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;

export const RTM = {
  newLink: 16,
  getLink: 18,
  newAddress: 20,
  delAddress: 21,
  getAddress: 22,
  newRoute: 24,
  delRoute: 25,
  getRoute: 26,
} as const;

/** Bits for a socket that listens to changes. */
export const GROUP = { link: 1, ip4Address: 0x10, ip6Address: 0x100 } as const;

export interface Attribute {
  readonly type: number;
  readonly data: Uint8Array;
}

export interface Request {
  readonly type: number;
  /** NLM_F_CREATE and such; REQUEST and ACK are added. */
  readonly flags: number;
  /** The fixed structure (ifinfomsg, ifaddrmsg, rtmsg) and the attributes, as `payload` joins them. */
  readonly body: Uint8Array;
}

export interface Message {
  readonly type: number;
  /** A view: copy what you keep. */
  readonly body: Uint8Array;
}

export const u32 = (value: number): Uint8Array => new Uint8Array(new Uint32Array([value]).buffer);

/** A fixed structure followed by attributes, each padded to four bytes. */
export function payload(fixed: Uint8Array, attributes: readonly Attribute[]): Uint8Array {
  let length = align(fixed.length);
  for (const { data } of attributes) length += 4 + align(data.length);
  const bytes = new Uint8Array(length);
  const words = new DataView(bytes.buffer);
  bytes.set(fixed);
  let at = align(fixed.length);
  for (const { type, data } of attributes) {
    words.setUint16(at, 4 + data.length, true);
    words.setUint16(at + 2, type, true);
    bytes.set(data, at + 4);
    at += 4 + align(data.length);
  }
  return bytes;
}

/** Attributes from byte `from` on; the last of a kind wins. Stops at what does not parse. */
export function attributes(bytes: Uint8Array, from: number): Map<number, Uint8Array> {
  const found = new Map<number, Uint8Array>();
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = from; at + 4 <= bytes.length; ) {
    const length = words.getUint16(at, true);
    if (length < 4 || at + length > bytes.length) break;
    found.set(words.getUint16(at + 2, true) & 0x3fff, bytes.subarray(at + 4, at + length));
    at += align(length);
  }
  return found;
}

const align = (length: number): number => (length + 3) & ~3;

export class Netlink {
  readonly #descriptor: Descriptor;
  readonly #into = new Uint8Array(READ_BYTES);
  #sequence = 0;

  /** @param groups GROUP bits to listen to; 0 for requests. @throws SystemError. */
  constructor(groups = 0) {
    const type = SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC;
    this.#descriptor = new Descriptor(checked('netlink', libc().socket(AF_NETLINK, type, 0)));
    for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK]) {
      libc().setsockopt(this.#fd, SOL_NETLINK, option, u32(1), 4); // older kernels lack some
    }
    const size = u32(RECEIVE_BYTES);
    if (libc().setsockopt(this.#fd, SOL_SOCKET, SO_RCVBUFFORCE, size, 4) !== 0) {
      libc().setsockopt(this.#fd, SOL_SOCKET, SO_RCVBUF, size, 4);
    }
    const address = new Uint8Array(12);
    const words = new DataView(address.buffer);
    words.setUint16(0, AF_NETLINK, true);
    words.setUint32(8, groups, true);
    checked('netlink bind', libc().bind(this.#fd, address, address.length));
  }

  get #fd(): number {
    return this.#descriptor.fd;
  }

  /** @throws SystemError with the kernel's answer. */
  request(request: Request): void {
    const [code] = this.requestAll([request]);
    if (code !== undefined && code !== 0) throw new SystemError('netlink', errnoName(code));
  }

  /**
   * Works off any number of requests in order, a batch to a system call.
   * @returns errno for each, 0 where it was done.
   * @throws SystemError when the socket itself fails.
   */
  requestAll(requests: readonly Request[]): number[] {
    const results: number[] = [];
    for (let from = 0; from < requests.length; from += BATCH_REQUESTS) {
      results.push(...this.#batch(requests.slice(from, from + BATCH_REQUESTS)));
    }
    return results;
  }

  /** All messages of a dump. Bodies are copies. @throws SystemError. */
  dump(type: number, body: Uint8Array): Message[] {
    const sequence = ++this.#sequence;
    this.#send(encode([{ type, flags: NLM_F_DUMP, body }], sequence));
    const found: Message[] = [];
    for (;;) {
      for (const message of this.#receive()) {
        if (message.sequence !== sequence) continue;
        if (message.type === NLMSG_DONE) return found;
        if (message.type === NLMSG_ERROR) {
          throw new SystemError('netlink dump', errnoName(errorOf(message.body)));
        }
        found.push({ type: message.type, body: message.body.slice() });
      }
    }
  }

  /** Calls `changed` after something in the groups changed; what it was is read and dropped. */
  watch(changed: () => void): Watch {
    const watch: Watch = new Watch(this.#fd, {
      readable: () => {
        this.#skip();
        changed();
      },
      failed: () => {
        this.#skip(); // the queue overflowed: something did change
        watch.resume();
        changed();
      },
    });
    return watch;
  }

  close(): void {
    this.#descriptor.close();
  }

  #batch(requests: readonly Request[]): number[] {
    const first = this.#sequence + 1;
    const results = new Array<number>(requests.length).fill(0);
    this.#sequence += requests.length;
    this.#send(encode(requests, first, NLM_F_ACK));
    for (let left = requests.length; left > 0; ) {
      for (const message of this.#receive()) {
        const index = message.sequence - first;
        if (message.type !== NLMSG_ERROR || index < 0 || index >= requests.length) continue;
        results[index] = errorOf(message.body);
        left--;
      }
    }
    return results;
  }

  #send(bytes: Uint8Array): void {
    checked('netlink send', libc().send(this.#fd, bytes, bytes.length, 0));
  }

  /** @throws SystemError EAGAIN when there is no answer: the kernel answers before `send` returns. */
  #receive(): Generator<SequencedMessage> {
    const length = libc().recv(this.#fd, this.#into, this.#into.length, 0);
    return decode(this.#into.subarray(0, checked('netlink receive', length)));
  }

  #skip(): void {
    for (let reads = 0; reads < BATCH_REQUESTS; reads++) {
      if (libc().recv(this.#fd, this.#into, this.#into.length, 0) > 0) continue;
      if (errno() !== ERRNO.ENOBUFS) return;
    }
  }
}

interface SequencedMessage extends Message {
  readonly sequence: number;
}

function encode(requests: readonly Request[], sequence: number, flags = 0): Uint8Array {
  const length = requests.reduce((sum, { body }) => sum + HEADER_BYTES + align(body.length), 0);
  const bytes = new Uint8Array(length);
  const words = new DataView(bytes.buffer);
  let at = 0;
  for (const [i, request] of requests.entries()) {
    words.setUint32(at, HEADER_BYTES + request.body.length, true);
    words.setUint16(at + 4, request.type, true);
    words.setUint16(at + 6, request.flags | flags | NLM_F_REQUEST, true);
    words.setUint32(at + 8, sequence + i, true);
    bytes.set(request.body, at + HEADER_BYTES);
    at += HEADER_BYTES + align(request.body.length);
  }
  return bytes;
}

function* decode(bytes: Uint8Array): Generator<SequencedMessage> {
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    const length = words.getUint32(at, true);
    if (length < HEADER_BYTES || at + length > bytes.length) return;
    const body = bytes.subarray(at + HEADER_BYTES, at + length);
    yield { type: words.getUint16(at + 4, true), sequence: words.getUint32(at + 8, true), body };
    at += align(length);
  }
}

/** struct nlmsgerr begins with -errno, 0 for an acknowledgement. */
function errorOf(body: Uint8Array): number {
  return -new DataView(body.buffer, body.byteOffset, body.byteLength).getInt32(0, true);
}
