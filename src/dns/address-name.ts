/** Addresses in names: `<26 letters>.ala` (RFC 4648 §6, lower case, no padding) and `….ip6.arpa` (RFC 3596 §2.5). */
import { fromHex, toHex } from '../base/bytes.js';
import { ADDRESS_BYTES } from '../base/ip6.js';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
/** 128 bits are 25 letters and three bits of a 26th. */
export const ADDRESS_LETTERS = 26;

/** @param address 16 bytes. @returns 26 letters. */
export function addressLabel(address: Uint8Array): string {
  let text = '';
  let held = 0;
  let bits = 0;
  for (const byte of address) {
    held = ((held << 8) | byte) & 0x1fff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET.charAt((held >> bits) & 31);
    }
  }
  return bits === 0 ? text : text + ALPHABET.charAt((held << (5 - bits)) & 31);
}

/** @param label Lower case. @returns 16 bytes of fc00::/7; undefined for anything else, also for unused bits that are set. */
export function labelAddress(label: string): Uint8Array | undefined {
  if (label.length !== ADDRESS_LETTERS) return undefined;
  const address = new Uint8Array(ADDRESS_BYTES);
  let held = 0;
  let bits = 0;
  let at = 0;
  for (const letter of label) {
    const value = ALPHABET.indexOf(letter);
    if (value < 0) return undefined;
    held = ((held << 5) | value) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      address[at++] = (held >> bits) & 0xff;
    }
  }
  const isPlain = (held & ((1 << bits) - 1)) === 0;
  return isPlain && isOurs(address) ? address : undefined;
}

/** fc00::/7. */
export const isOurs = (address: Uint8Array): boolean => ((address[0] ?? 0) & 0xfe) === 0xfc;

/** 34 labels that end in ip6, arpa. */
export const reverseName = (address: Uint8Array): string[] => [
  ...[...toHex(address)].reverse(),
  'ip6',
  'arpa',
];

/** @param labels Lower case, without ip6 and arpa. @returns 16 bytes, or undefined unless they are 32 hexadecimal digits. */
export function reverseAddress(labels: readonly string[]): Uint8Array | undefined {
  if (labels.length !== 32 || !labels.every((label) => label.length === 1)) return undefined;
  return fromHex([...labels].reverse().join(''));
}
