/**
 * Commands to and events from the native plane, as bytes: `native/src/codec.rs` is the other side. Little endian; a `blob`
 * is u32 length ‖ bytes; a number that may be absent is 0xFFFFFFFF then; a prefix is 16 bytes ‖ u8 length. One buffer
 * holds any number of these, each with its kind in front:
 *
 *   commands  1 local: address 16, u8 transit, u32 count, prefixes        2 link: u32 link, path, datagramBytesMax, mtu,
 *             3 remove-link: u32 link                                        u8 own sources only, u8 has peer, peer 16,
 *             4 keypair: u32 link, localIndex, remoteIndex, send key 32,      u8 has prefixes, u32 count, prefixes
 *               receive key 32, u8 initiator, f64 createdAt,              5 wipe-keys: u32 link
 *               f64 rejectAfterMsec, u8 cipher (1: AES-256-GCM)           6 fib: u32 count, each prefix, u32 link or absent
 *             7 send: u32 link, via, blob       8 transmit: u32 path, blob       9 arm: u32 link       10 inject: blob
 *             of the host: 11 path: u32 id, room, u8 is UDP, ends 48   12 remove-path: u32 id   13 datagram: u32 path, blob
 *             14 socket: u32 fd, id, u8 bits (1 IPv6, 2 takes IPv4, 4 wildcard)             15 tun: u32 fd
 *             16 guard: keys of MAC1 and of cookies, 32 each
 *   events    1 handshake: u32 path, blob       2 control: u32 link, path, datagramBytes, blob
 *             3 confirmed: u32 link, localIndex   4 moved: u32 link, path   5 active: u32 link   6 key-wanted: u32 link
 *             7 path-failed: u32 path, failure, bytes                     8 pong: blob
 *             of the host: 9 new-path: u32 id, blob of ends   10 external: u32 path, blob   11 trouble: u32 kind, blob
 */
import { addressBytes, type Prefix, prefixBytes, prefixLength } from '../../base/ip6.js';
import type { LinkId } from '../../link/types.js';
import type { PathId, PathInfo, PlaneCommand, PlaneEvent } from '../types.js';

const NONE = 0xffff_ffff;
const FAILURES = ['closed', 'unreachable', 'too-big'] as const;
const NO_ADDRESS = new Uint8Array(16);

/** Bytes in the making. */
export class ByteWriter {
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** Bytes written since the last `take`. */
  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    this.#grow(1);
    this.#bytes[this.#length++] = value;
    return this;
  }

  u32(...values: readonly number[]): this {
    this.#grow(4 * values.length);
    for (const value of values) {
      this.#view.setUint32(this.#length, value, true);
      this.#length += 4;
    }
    return this;
  }

  f64(value: number): this {
    this.#grow(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  blob(bytes: Uint8Array): this {
    return this.u32(bytes.length).raw(bytes);
  }

  /** What was written; the writer is empty afterwards, and keys in it are gone. */
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.#length);
    this.#bytes.fill(0, 0, this.#length);
    this.#length = 0;
    return taken;
  }

  #grow(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + count));
    larger.set(this.#bytes);
    this.#bytes.fill(0);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

function writePrefix(out: ByteWriter, prefix: Prefix): void {
  out.raw(prefixBytes(prefix)).u8(prefixLength(prefix));
}

export function writeCommand(out: ByteWriter, command: PlaneCommand): void {
  switch (command.kind) {
    case 'local':
      out.u8(1).raw(addressBytes(command.address)).u8(Number(command.transit));
      out.u32(command.prefixes.length);
      for (const prefix of command.prefixes) writePrefix(out, prefix);
      return;
    case 'link':
      writeLink(out, command);
      return;
    case 'remove-link':
      out.u8(3).u32(command.link);
      return;
    case 'keypair':
      writeKeypair(out, command);
      return;
    case 'wipe-keys':
      out.u8(5).u32(command.link);
      return;
    case 'fib':
      out.u8(6).u32(command.changes.length);
      for (const change of command.changes) {
        writePrefix(out, change.prefix);
        out.u32(change.kind === 'set' ? change.link : NONE);
      }
      return;
    case 'send':
      out
        .u8(7)
        .u32(command.link, command.via ?? NONE)
        .blob(command.payload);
      return;
    case 'transmit':
      out.u8(8).u32(command.path).blob(command.datagram);
      return;
    case 'arm':
      out.u8(9).u32(command.link);
      return;
    case 'inject':
      out.u8(10).blob(command.packet);
      return;
    default:
      command satisfies never;
  }
}

function writeLink(out: ByteWriter, command: Extract<PlaneCommand, { kind: 'link' }>): void {
  const { link, path, datagramBytesMax, mtu, sourceCheck, peer, prefixes } = command;
  out
    .u8(2)
    .u32(link, path ?? NONE, datagramBytesMax, mtu)
    .u8(Number(sourceCheck === 'own'));
  out.u8(Number(peer !== undefined)).raw(peer === undefined ? NO_ADDRESS : addressBytes(peer));
  out.u8(Number(prefixes !== undefined)).u32(prefixes?.length ?? 0);
  for (const { address, length } of prefixes ?? []) out.raw(address).u8(length);
}

function writeKeypair(
  out: ByteWriter,
  { link, keypair }: Extract<PlaneCommand, { kind: 'keypair' }>,
): void {
  out.u8(4).u32(link, keypair.localIndex, keypair.remoteIndex);
  out.raw(keypair.sendKey).raw(keypair.receiveKey).u8(Number(keypair.initiator));
  out.f64(keypair.createdAt).f64(keypair.rejectAfterMsec);
  out.u8(Number(keypair.cipher === 'aes-256-gcm'));
}

/** Reads what the native side wrote; @throws RangeError for bytes that it never writes. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  u8(): number {
    return this.#view.getUint8(this.#at++);
  }

  u32(): number {
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4, true);
  }

  raw(count: number): Uint8Array {
    this.#at += count;
    return new Uint8Array(this.#bytes.subarray(this.#at - count, this.#at));
  }

  blob(): Uint8Array {
    return this.raw(this.u32());
  }
}

/**
 * @param infoOf What control code knows of a path; an event about a path that is forgotten is left out.
 * @returns undefined for such an event.
 */
export function readEvent(
  kind: number,
  reader: ByteReader,
  infoOf: (path: PathId) => PathInfo | undefined,
): PlaneEvent | undefined {
  const path = (): PathInfo | undefined => infoOf(reader.u32() as PathId);
  const link = (): LinkId => reader.u32() as LinkId;
  switch (kind) {
    case 1: {
      const from = path();
      const datagram = reader.blob();
      return from && { kind: 'handshake', path: from, datagram };
    }
    case 2: {
      const of = link();
      const from = path();
      const datagramBytes = reader.u32();
      const payload = reader.blob();
      return from && { kind: 'control', link: of, path: from, payload, datagramBytes };
    }
    case 3:
      return { kind: 'confirmed', link: link(), localIndex: reader.u32() };
    case 4: {
      const of = link();
      const to = path();
      return to && { kind: 'moved', link: of, path: to };
    }
    case 5:
      return { kind: 'active', link: link() };
    case 6:
      return { kind: 'key-wanted', link: link() };
    case 7:
      return readFailure(path(), reader);
    case 8:
      return { kind: 'pong', packet: reader.blob() };
    default:
      throw new RangeError(`the native plane told of something unknown: ${kind}`);
  }
}

function readFailure(path: PathInfo | undefined, reader: ByteReader): PlaneEvent | undefined {
  const failure = FAILURES[reader.u32()] ?? 'closed';
  const bytes = reader.u32();
  if (path === undefined) return undefined;
  return { kind: 'path-failed', path, failure, ...(bytes === NONE ? {} : { bytes }) };
}

/** Fields of `LinkCounters` in the order in which the native plane writes them. */
export const COUNTER_FIELDS = [
  'rxPackets',
  'rxBytes',
  'txPackets',
  'txBytes',
  'rxData',
  'txData',
  'lastRxAt',
  'lastTxAt',
  'lastDataRxAt',
  'lastDataTxAt',
  'unansweredSinceAt',
  'rxLost',
  'keyMessages',
  'splitTx',
  'joinedRx',
] as const;

/** How many numbers one link takes. */
export const COUNTER_NUMBERS = 16;
