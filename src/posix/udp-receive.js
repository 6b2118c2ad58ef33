/**
 * Receives datagrams with the address they were sent to. One arena serves every socket of the process: it is valid
 * until the next `receive`, and all use of it is synchronous.
 *
 * One system call fills up to `SLOTS` slots; with UDP_GRO a slot holds a train of datagrams of one size from one remote.
 */
import { AF_INET } from './address.js';
import { addressOf, ERRNO, errno, libc } from './libc.js';

/** Ours: eight of 64 KiB are enough for a train each, and stay in the cache. */
const SLOTS = 8;
/** What UDP_GRO may merge. */
const SLOT_BYTES = 65_536;
const CONTROL_BYTES = 128;
const MMSGHDR_BYTES = 64;
const IOVEC_BYTES = 16;
const NAME_BYTES = 32;
const MSG_DONTWAIT = 0x40;
const MSG_TRUNC = 0x20;
const MSG_CTRUNC = 0x08;
/** Both ends of a datagram as u32 words, and (as bytes) a map's key: remote address, zone, port, local address, zone. */
export const ENDS = {
  remote: 0,
  remoteZone: 4,
  port: 5,
  local: 6,
  localZone: 10,
  socket: 11,
};
export const ENDS_WORDS = 12;
export const ENDS_BYTES = ENDS_WORDS * 4;
/** The first words name the remote alone. */
export const REMOTE_BYTES = ENDS.local * 4;
const IPPROTO_IP = 0;
const IPPROTO_IPV6 = 41;
const SOL_UDP = 17;
const IP_PKTINFO = 8;
const IPV6_PKTINFO = 50;
const IPV6_HOPLIMIT = 52;
const UDP_GRO = 104;
/** ::ffff:0:0/96 as a little-endian word. */
const IP4_MAPPED = 0xffff0000;
export class ReceiveArena {
  #data = new Uint8Array(SLOTS * SLOT_BYTES);
  #headers = new Uint32Array((SLOTS * MMSGHDR_BYTES) / 4);
  #vectors = new Uint32Array((SLOTS * IOVEC_BYTES) / 4);
  #names = new Uint8Array(SLOTS * NAME_BYTES);
  #controls = new Uint8Array(SLOTS * CONTROL_BYTES);
  #nameWords = new Uint32Array(this.#names.buffer);
  #nameView = new DataView(this.#names.buffer);
  #controlWords = new Uint32Array(this.#controls.buffer);
  #ends = Buffer.alloc(SLOTS * ENDS_BYTES);
  #endsWords = new Uint32Array(this.#ends.buffer, this.#ends.byteOffset, SLOTS * ENDS_WORDS);
  #headersAt = addressOf(this.#headers);
  #segments = new Int32Array(SLOTS);
  #hopLimits = new Int32Array(SLOTS);
  #interfaces = new Int32Array(SLOTS);
  constructor() {
    const data = addressOf(this.#data);
    const vectors = addressOf(this.#vectors);
    const names = addressOf(this.#names);
    const controls = addressOf(this.#controls);
    for (let slot = 0; slot < SLOTS; slot++) {
      const h = (slot * MMSGHDR_BYTES) / 4;
      pointer(this.#vectors, slot * 4, data + slot * SLOT_BYTES);
      this.#vectors[slot * 4 + 2] = SLOT_BYTES;
      pointer(this.#headers, h, names + slot * NAME_BYTES);
      pointer(this.#headers, h + 4, vectors + slot * IOVEC_BYTES);
      this.#headers[h + 6] = 1;
      pointer(this.#headers, h + 8, controls + slot * CONTROL_BYTES);
    }
  }
  /** @returns How many slots are filled, 0 when there is nothing, -errno on an error. */
  receive(socket) {
    for (let h = 0; h < this.#headers.length; h += MMSGHDR_BYTES / 4) {
      this.#headers[h + 2] = NAME_BYTES;
      this.#headers[h + 10] = CONTROL_BYTES;
      this.#headers[h + 12] = 0;
    }
    const count = libc().recvmmsg(socket.fd, this.#headersAt, SLOTS, MSG_DONTWAIT, 0);
    if (count < 0) {
      const code = errno();
      return code === ERRNO.EAGAIN || code === ERRNO.EINTR ? 0 : -code;
    }
    for (let slot = 0; slot < count; slot++) this.#parse(slot, socket);
    return count;
  }
  /** True when `receive` filled all it could: there may be more. */
  full(count) {
    return count === SLOTS;
  }
  /** Bytes in a slot; -1 when the kernel cut data or control messages off. */
  bytes(slot) {
    const h = (slot * MMSGHDR_BYTES) / 4;
    const cut = ((this.#headers[h + 12] ?? 0) & (MSG_TRUNC | MSG_CTRUNC)) !== 0;
    return cut ? -1 : (this.#headers[h + 14] ?? 0);
  }
  /** Size of each datagram of the train in the slot but the last; 0 when it is a single datagram. */
  segment(slot) {
    return this.#segments[slot] ?? 0;
  }
  /** The remote's port. */
  port(slot) {
    return this.#endsWords[slot * ENDS_WORDS + ENDS.port] ?? 0;
  }
  /** -1 when not asked for or not told. */
  hopLimit(slot) {
    return this.#hopLimits[slot] ?? -1;
  }
  /** Index of the interface it came in by. */
  interface(slot) {
    return this.#interfaces[slot] ?? 0;
  }
  /** Appends the slot's datagrams to `into`: views, valid until the next `receive`. */
  datagrams(slot, into) {
    const length = this.bytes(slot);
    const at = slot * SLOT_BYTES;
    const step = this.segment(slot);
    if (length < 0) return;
    if (step === 0 || step >= length) {
      into.push(this.#data.subarray(at, at + length));
      return;
    }
    for (let from = 0; from < length; from += step) {
      into.push(this.#data.subarray(at + from, at + Math.min(from + step, length)));
    }
  }
  /** See ENDS. A map's key. */
  key(slot) {
    return this.#ends.toString('latin1', slot * ENDS_BYTES, (slot + 1) * ENDS_BYTES);
  }
  /** A copy of both ends: ENDS_WORDS words. */
  ends(slot) {
    return this.#endsWords.slice(slot * ENDS_WORDS, (slot + 1) * ENDS_WORDS);
  }
  /** True when both ends of the slot are `ends`. */
  sameEnds(slot, ends) {
    const at = slot * ENDS_WORDS;
    for (let i = 0; i < ENDS_WORDS; i++) if (this.#endsWords[at + i] !== ends[i]) return false;
    return true;
  }
  #parse(slot, socket) {
    const at = slot * ENDS_WORDS;
    const name = (slot * NAME_BYTES) / 4;
    const ends = this.#endsWords;
    ends.fill(0, at, at + ENDS_WORDS);
    if (socket.family === AF_INET) {
      this.#setIp4(at, this.#nameWords[name + 1] ?? 0);
    } else {
      for (let i = 0; i < 4; i++) ends[at + i] = this.#nameWords[name + 2 + i] ?? 0;
      ends[at + ENDS.remoteZone] = this.#nameWords[name + 6] ?? 0;
    }
    ends[at + ENDS.port] = this.#nameView.getUint16(slot * NAME_BYTES + 2);
    ends[at + ENDS.socket] = socket.id;
    this.#parseControl(slot);
  }
  #setIp4(at, word) {
    this.#endsWords[at + 2] = IP4_MAPPED;
    this.#endsWords[at + 3] = word;
  }
  #parseControl(slot) {
    const length = this.#headers[(slot * MMSGHDR_BYTES) / 4 + 10] ?? 0;
    const words = this.#controlWords;
    const start = (slot * CONTROL_BYTES) / 4;
    const end = start + Math.min(length, CONTROL_BYTES) / 4;
    this.#segments[slot] = 0;
    this.#hopLimits[slot] = -1;
    this.#interfaces[slot] = 0;
    for (let at = start; at + 4 <= end; ) {
      const size = words[at] ?? 0;
      if (size < 16) return;
      this.#takeControl(slot, at);
      at += ((size + 7) >> 3) << 1;
    }
  }
  /** One struct cmsghdr { u64 length; i32 level; i32 type; data } at word `at`. */
  #takeControl(slot, at) {
    const words = this.#controlWords;
    const level = words[at + 2];
    const type = words[at + 3];
    const first = words[at + 4] ?? 0;
    if (level === IPPROTO_IPV6 && type === IPV6_PKTINFO) {
      this.#setLocal(slot, at + 4, words[at + 8] ?? 0);
    } else if (level === SOL_UDP && type === UDP_GRO) {
      this.#segments[slot] = first;
    } else if (level === IPPROTO_IP && type === IP_PKTINFO) {
      this.#interfaces[slot] = first;
      this.#setIp4(slot * ENDS_WORDS + ENDS.local, words[at + 5] ?? 0);
    } else if (level === IPPROTO_IPV6 && type === IPV6_HOPLIMIT) {
      this.#hopLimits[slot] = first;
    }
  }
  #setLocal(slot, at, index) {
    const to = slot * ENDS_WORDS + ENDS.local;
    for (let i = 0; i < 4; i++) this.#endsWords[to + i] = this.#controlWords[at + i] ?? 0;
    this.#interfaces[slot] = index;
    const first = this.#controlWords[at] ?? 0;
    if ((first & 0xc0ff) === 0x80fe) this.#endsWords[slot * ENDS_WORDS + ENDS.localZone] = index;
  }
}
/** Writes a 64-bit address as two words. */
export function pointer(words, at, address) {
  words[at] = address >>> 0;
  words[at + 1] = Math.floor(address / 0x1_0000_0000);
}
let shared;
/** The process's one arena: 512 KiB, made when first needed. */
export function receiveArena() {
  shared ??= new ReceiveArena();
  return shared;
}
