/**
 * Domain names. A name is its labels, the leftmost first, each 1 to 63 characters that stand for one byte each (code 0 to 255), as a
 * label may hold any byte. Upper case is kept, as a resolver that checks it wants it back; comparing folds it.
 */
import { bad, good, type Parsed } from '../base/result.js';

export type Name = readonly string[];

/** RFC 1035 §2.3.4. */
export const LABEL_BYTES_MAX = 63;
const NAME_BYTES_MAX = 255;

/** RFC 4343: ASCII letters only. */
export const folded = (name: Name): string[] =>
  name.map((label) => label.replace(/[A-Z]/g, (letter) => letter.toLowerCase()));

/** Unambiguous, for maps; case counts. */
export const nameKey = (name: Name): string =>
  name.map((label) => `${label.length}:${label}`).join('');

/** With a dot at the end; bytes that are no letter, digit, `-` or `_` as `\DDD` (RFC 1035 §5.1). */
export function formatName(name: Name): string {
  const escaped = (letter: string): string => `\\${`${letter.charCodeAt(0)}`.padStart(3, '0')}`;
  return `${name.map((label) => label.replace(/[^A-Za-z0-9_-]/g, escaped)).join('.')}.`;
}

/** As people type it: letters, digits, `-` and `_`, with or without the last dot. */
export function parseName(text: string): Parsed<Name> {
  const plain = text.endsWith('.') ? text.slice(0, -1) : text;
  if (plain === '') return good([]);
  const labels = plain.split('.');
  const isGood = labels.every((label) => /^[A-Za-z0-9_-]{1,63}$/.test(label));
  if (isGood && plain.length + 2 <= NAME_BYTES_MAX) return good(labels);
  return bad(`'${text.slice(0, 80)}' is not a domain name`);
}

export interface ReadName {
  readonly name: Name;
  /** Where what follows the name begins. */
  readonly end: number;
}

/**
 * Reads a name that may end in a compression pointer (RFC 1035 §4.1.4). A pointer must lead back before the part that it ends, so
 * there is no loop, and the name is at most 255 bytes, so there is little work.
 * @returns undefined when it is malformed or goes over the end.
 */
export function readName(bytes: Uint8Array, at: number): ReadName | undefined {
  const name: string[] = [];
  let end: number | undefined;
  let part = at;
  let used = 1;
  for (let next = at; ; ) {
    const length = bytes[next];
    if (length === undefined) return undefined;
    if (length === 0) return { name, end: end ?? next + 1 };
    if (length >= 0xc0) {
      const low = bytes[next + 1];
      const target = ((length & 0x3f) << 8) | (low ?? 0);
      if (low === undefined || target >= part) return undefined;
      end ??= next + 2;
      part = target;
      next = target;
      continue;
    }
    used += length + 1;
    if (length > LABEL_BYTES_MAX || used > NAME_BYTES_MAX) return undefined;
    if (next + 1 + length > bytes.length) return undefined;
    name.push(String.fromCharCode(...bytes.subarray(next + 1, next + 1 + length)));
    next += 1 + length;
  }
}
