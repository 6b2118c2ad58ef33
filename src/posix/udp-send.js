/**
 * Sends trains of datagrams to one remote: as few system calls and as few passes through the kernel's stack as it takes.
 * Datagrams of one size (the last may be shorter) go as one message that the kernel or the card cuts (UDP_SEGMENT);
 * unequal ones as several messages of one sendmmsg. Nothing is copied: the kernel reads where the datagrams lie.
 */
import { AF_INET, SOCKADDR_BYTES } from './address.js';
import { addressOf, ERRNO, errno, libc } from './libc.js';
import { ENDS, pointer } from './udp-receive.js';
/** Most datagrams in one call. */
export const TRAIN_MAX = 128;
/** linux/udp.h, UDP_MAX_SEGMENTS of all kernels that have UDP_SEGMENT. */
const SEGMENTS_MAX = 64;
/** Below 65,535 less the headers of both families. */
const SEGMENTED_BYTES_MAX = 65_000;
const MMSGHDR_WORDS = 16;
const CONTROL_WORDS = 16;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const IPPROTO_IP = 0;
const IPPROTO_IPV6 = 41;
const SOL_UDP = 17;
const IP_PKTINFO = 8;
const IPV6_PKTINFO = 50;
const UDP_SEGMENT = 103;
class SendArena {
  #headers = new Uint32Array(TRAIN_MAX * MMSGHDR_WORDS);
  #vectors = new Uint32Array(TRAIN_MAX * 4);
  #controls = new Uint32Array(TRAIN_MAX * CONTROL_WORDS);
  #name = new Uint8Array(SOCKADDR_BYTES + 4);
  #nameWords = new Uint32Array(this.#name.buffer);
  #headersAt = addressOf(this.#headers);
  #vectorsAt = addressOf(this.#vectors);
  #controlsAt = addressOf(this.#controls);
  #nameAt = addressOf(this.#name);
  /** Datagrams in each message. */
  #counts = new Uint8Array(TRAIN_MAX);
  #buffer;
  #bufferAt = 0;
  /** errno of the message that was refused, 0 when all was taken. */
  error = 0;
  /** Datagrams in the refused message, and bytes of its largest. */
  refused = 0;
  refusedBytes = 0;
  /** @returns How many datagrams were taken, in order. When not all, the fields tell why. */
  send(socket, train) {
    const nameLength = this.#writeName(socket, train.ends);
    const end = Math.min(train.datagrams.length, train.from + TRAIN_MAX);
    let messages = 0;
    for (let at = train.from; at < end; messages++) {
      const count = train.segment ? runLength(train.datagrams, at, end) : 1;
      this.#writeMessage(messages, {
        socket,
        train,
        at,
        count,
        nameLength,
        vector: at - train.from,
      });
      at += count;
    }
    return this.#transmit(socket, train, messages);
  }
  #transmit(socket, train, messages) {
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    let done = 0;
    let taken = 0;
    this.error = 0;
    while (done < messages) {
      const at = this.#headersAt + done * MMSGHDR_WORDS * 4;
      const sent = libc().sendmmsg(socket.fd, at, messages - done, flags);
      if (sent <= 0) {
        this.error = errno();
        this.refused = this.#counts[done] ?? 1;
        this.refusedBytes = train.datagrams[train.from + taken]?.length ?? 0;
        return taken;
      }
      for (let i = 0; i < sent; i++) taken += this.#counts[done++] ?? 0;
    }
    return taken;
  }
  #writeName(socket, ends) {
    const words = this.#nameWords;
    const port = ends[ENDS.port] ?? 0;
    words[0] = socket.family | ((port >> 8) << 16) | ((port & 0xff) << 24);
    if (socket.family === AF_INET) {
      words[1] = ends[ENDS.remote + 3] ?? 0;
      words[2] = 0;
      words[3] = 0;
      return 16;
    }
    words[1] = 0;
    for (let i = 0; i < 4; i++) words[2 + i] = ends[ENDS.remote + i] ?? 0;
    words[6] = ends[ENDS.remoteZone] ?? 0;
    return SOCKADDR_BYTES;
  }
  #writeMessage(message, m) {
    const words = this.#headers;
    const h = message * MMSGHDR_WORDS;
    const control = message * CONTROL_WORDS;
    const first = m.train.datagrams[m.at];
    for (let i = 0; i < m.count; i++) this.#writeVector(m.vector + i, m.train.datagrams[m.at + i]);
    const controlWords = this.#writeControl(control, m, first?.length ?? 0);
    pointer(words, h, this.#nameAt);
    words[h + 2] = m.nameLength;
    pointer(words, h + 4, this.#vectorsAt + m.vector * 16);
    words[h + 6] = m.count;
    pointer(words, h + 8, controlWords === 0 ? 0 : this.#controlsAt + control * 4);
    words[h + 10] = controlWords * 4;
    this.#counts[message] = m.count;
  }
  #writeVector(vector, datagram) {
    if (datagram === undefined) return;
    if (datagram.buffer !== this.#buffer) {
      this.#buffer = datagram.buffer;
      this.#bufferAt = addressOf(datagram) - datagram.byteOffset;
    }
    pointer(this.#vectors, vector * 4, this.#bufferAt + datagram.byteOffset);
    this.#vectors[vector * 4 + 2] = datagram.length;
  }
  /** @returns Words written from `at`. */
  #writeControl(at, m, segmentBytes) {
    let used = this.#writeSource(at, m.socket, m.train.ends);
    if (m.count > 1) {
      const words = this.#controls;
      header(words, at + used, 18, SOL_UDP, UDP_SEGMENT);
      words[at + used + 4] = segmentBytes;
      words[at + used + 5] = 0;
      used += 6;
    }
    return used;
  }
  #writeSource(at, socket, ends) {
    const words = this.#controls;
    if (!hasSource(ends)) return 0;
    if (socket.family === AF_INET) {
      header(words, at, 28, IPPROTO_IP, IP_PKTINFO);
      words[at + 4] = 0;
      words[at + 5] = ends[ENDS.local + 3] ?? 0;
      words[at + 6] = 0;
      words[at + 7] = 0;
      return 8;
    }
    header(words, at, 36, IPPROTO_IPV6, IPV6_PKTINFO);
    for (let i = 0; i < 4; i++) words[at + 4 + i] = ends[ENDS.local + i] ?? 0;
    words[at + 8] = ends[ENDS.localZone] ?? 0;
    words[at + 9] = 0;
    return 10;
  }
}
/** struct cmsghdr; `length` counts the header's 16 bytes and the data. */
function header(words, at, length, level, type) {
  words[at] = length;
  words[at + 1] = 0;
  words[at + 2] = level;
  words[at + 3] = type;
}
/** True when the ends name an own address or an interface to send from. */
export function hasSource(ends) {
  for (let i = ENDS.local; i <= ENDS.localZone; i++) if (ends[i] !== 0) return true;
  return false;
}
/** How many datagrams from `at` on can go as one message: equal ones, and a shorter one at the end. */
export function runLength(datagrams, at, end) {
  const size = datagrams[at]?.length ?? 0;
  if (size === 0) return 1;
  const limit = Math.min(end, at + SEGMENTS_MAX, at + Math.floor(SEGMENTED_BYTES_MAX / size));
  let next = at + 1;
  while (next < limit && datagrams[next]?.length === size) next++;
  const last = next < limit ? (datagrams[next]?.length ?? 0) : 0;
  return (last > 0 && last < size ? next + 1 : Math.max(next, at + 1)) - at;
}
let shared;
/** The process's one arena; a call uses it up before it returns. */
export function sendArena() {
  shared ??= new SendArena();
  return shared;
}
/** Codes that say that UDP_SEGMENT, not the datagram, was the trouble: no offload, transforms, a segment over the MTU. */
export function refusesSegments(code) {
  return (
    code === ERRNO.EIO ||
    code === ERRNO.EINVAL ||
    code === ERRNO.EMSGSIZE ||
    code === ERRNO.EOPNOTSUPP
  );
}
