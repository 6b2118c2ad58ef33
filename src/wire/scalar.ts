/**
 * From generated shapes to ours, and the one place where decoding fails: inside `decodeWith`, checks throw `Malformed`
 * and the generated code throws what it likes; outside there are only values.
 */
import protobuf from 'protobufjs/minimal.js';
import { assert } from '../base/assert.js';
import { utf8 } from '../base/bytes.js';
import { bad, good, type Parsed } from '../base/result.js';
import { MESSAGE_BYTES_MAX, STRING_BYTES_MAX } from './limits.js';

/** What protobufjs makes of 64-bit integers: numbers, or halves when the `long` package is installed. */
export type Wide = number | { readonly low: number; readonly high: number };

export class Malformed extends Error {}

type Encode<T> = (message: T, writer: protobuf.Writer) => protobuf.Writer;
type Decode<T> = (reader: protobuf.Reader, length?: number) => T;

/** @returns Bytes of its own, not a part of a pool. */
export function encodeWith<T>(
  encode: Encode<T>,
  message: T,
  limit = MESSAGE_BYTES_MAX,
): Uint8Array {
  const bytes = encode(message, new protobuf.Writer()).finish();
  assert(bytes.length <= limit, `encoded ${bytes.length} bytes, the limit is ${limit}`);
  return new Uint8Array(bytes);
}

/** Decodes and converts; whatever goes wrong in either becomes the error. */
export function decodeWith<T, Ours>(
  decode: Decode<T>,
  bytes: Uint8Array,
  convert: (message: T) => Ours,
  limit = MESSAGE_BYTES_MAX,
): Parsed<Ours> {
  if (bytes.length > limit) return bad(`${bytes.length} bytes, the limit is ${limit}`);
  return attempt(() => convert(decode(readerOf(bytes))));
}

export function attempt<T>(work: () => T): Parsed<T> {
  try {
    return good(work());
  } catch (error) {
    return bad(reasonOf(error));
  }
}

export const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : 'undecodable';

/** A plain reader also over a Buffer, whose `slice` would share memory; unknown fields are not kept. */
export function readerOf(bytes: Uint8Array): protobuf.Reader {
  const reader = new protobuf.Reader(
    new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  );
  reader.discardUnknown = true;
  return reader;
}

/** A u64 that fits a double exactly. */
export function integer(value: Wide, what: string): number {
  const whole =
    typeof value === 'number' ? value : (value.high >>> 0) * 0x1_0000_0000 + (value.low >>> 0);
  if (!Number.isSafeInteger(whole)) throw new Malformed(`${what} does not fit 53 bits`);
  return whole;
}

export function bigInteger(value: Wide, what: string): bigint {
  if (typeof value === 'number') return BigInt(integer(value, what));
  return (BigInt(value.high >>> 0) << 32n) | BigInt(value.low >>> 0);
}

export function wide(value: number | bigint): { low: number; high: number } {
  if (typeof value === 'number') {
    assert(Number.isSafeInteger(value) && value >= 0, 'a u64 must be a safe integer');
    return { low: value >>> 0, high: Math.floor(value / 0x1_0000_0000) };
  }
  return {
    low: Number(BigInt.asUintN(32, value)),
    high: Number(BigInt.asUintN(32, value >> 32n)),
  };
}

/** A copy of exactly `length` bytes. */
export function fixedBytes(value: Uint8Array, length: number, what: string): Uint8Array {
  if (value.length !== length) {
    throw new Malformed(`${what} has ${value.length} bytes, not ${length}`);
  }
  return value.slice();
}

/** A copy of `length` bytes, or of none. */
export function optionalBytes(value: Uint8Array, length: number, what: string): Uint8Array {
  return value.length === 0 ? new Uint8Array(0) : fixedBytes(value, length, what);
}

/** Text that may be shown: bounded in bytes, no control characters. */
export function text(value: string, what: string, limit = STRING_BYTES_MAX): string {
  const long = value.length > limit || (value.length * 3 > limit && utf8(value).length > limit);
  if (long) throw new Malformed(`${what} is longer than ${limit} bytes`);
  if (hasControls(value)) throw new Malformed(`${what} has control characters`);
  return value;
}

/** A neighbor's words, made fit to show: cut, and control characters replaced. */
export function shown(value: string): string {
  let end = Math.min(value.length, STRING_BYTES_MAX);
  while (utf8(value.slice(0, end)).length > STRING_BYTES_MAX) end--;
  return Array.from(value.slice(0, end), (letter) => (hasControls(letter) ? '?' : letter)).join('');
}

/** C0, DEL, C1, halves of surrogate pairs, and the marks that break or reorder text on a terminal. */
const CONTROLS = /[\p{Cc}\p{Cs}\u2028-\u202e\u2066-\u2069]/u;

const hasControls = (value: string): boolean => CONTROLS.test(value);

export function bounded<T>(list: readonly T[], limit: number, what: string): readonly T[] {
  if (list.length > limit) throw new Malformed(`${list.length} ${what}, the limit is ${limit}`);
  return list;
}

export function required<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new Malformed(`${what} is missing`);
  return value;
}
