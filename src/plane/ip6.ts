/** IPv6 packets in place: offsets, checks and what lies behind the extension headers (RFC 8200). Allocates nothing. */
import { readU16, readU32 } from '../base/bytes.js';

export const IP6_HEADER_BYTES = 40;
export const IP6_PAYLOAD_LENGTH = 4;
export const IP6_NEXT_HEADER = 6;
export const IP6_HOP_LIMIT = 7;
export const IP6_SOURCE = 8;
export const IP6_DESTINATION = 24;
/** RFC 8200 §5: every link carries this. */
export const IP6_MTU_MIN = 1280;
/** Header and 16-bit payload length; we carry no jumbograms (RFC 2675). */
export const IP6_PACKET_MAX = 65_535;

const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
export const ICMP6 = 58;
const DESTINATION_OPTIONS = 60;
/** Ours: headers that we look behind. */
const EXTENSION_HEADERS_MAX = 8;

/** High four bits of an IP packet's first byte. */
export const ipVersion = (packet: Uint8Array): number => (packet[0] ?? 0) >> 4;

/**
 * @param available Bytes of `packet` that are there; more than the packet's own length is padding.
 * @returns Length of the IPv6 packet by its header, or -1 when it has no whole header or is cut short.
 */
export function packetLength(packet: Uint8Array, available: number): number {
  if (available < IP6_HEADER_BYTES || ipVersion(packet) !== 6) return -1;
  const length = IP6_HEADER_BYTES + readU16(packet, IP6_PAYLOAD_LENGTH);
  return length <= available && length <= IP6_PACKET_MAX ? length : -1;
}

/**
 * Whether an address can be neither source nor destination of what we carry: multicast (ff00::/8), link-local
 * (fe80::/10), unspecified, loopback, v4-compatible (all in ::/96) and v4-mapped (::ffff:0:0/96). RFC 4291 §2.4–2.7.
 */
export function isMartian(packet: Uint8Array, at: number): boolean {
  const first = packet[at] as number;
  if (first === 0xff) return true;
  if (first === 0xfe) return ((packet[at + 1] as number) & 0xc0) === 0x80;
  if (first !== 0) return false;
  if (readU32(packet, at) !== 0 || readU32(packet, at + 4) !== 0) return false;
  const third = readU32(packet, at + 8);
  return third === 0 || third === 0xffff;
}

/** A fragment other than the first, or a chain that is cut or too long: anything may be behind it. */
export const UNTOLD = -1;

/** What the last header of a packet is, as far as its bytes are there. */
export interface UpperLayer {
  /** Protocol number, or `UNTOLD`. */
  protocol: number;
  /** Where it begins. */
  at: number;
}

/**
 * Looks behind extension headers.
 * @param end Where the bytes of the packet end.
 * @param into Filled and returned.
 */
export function upperLayer(packet: Uint8Array, end: number, into: UpperLayer): UpperLayer {
  let protocol = packet[IP6_NEXT_HEADER] as number;
  let at = IP6_HEADER_BYTES;
  into.at = at;
  into.protocol = UNTOLD;
  for (let i = 0; isExtension(protocol); i++) {
    const isLaterFragment = protocol === FRAGMENT && (readU16(packet, at + 2) & 0xfff8) !== 0;
    if (i === EXTENSION_HEADERS_MAX || at + 8 > end || isLaterFragment) return into;
    const bytes = protocol === FRAGMENT ? 8 : 8 * ((packet[at + 1] as number) + 1);
    protocol = packet[at] as number;
    at += bytes;
  }
  if (at > end) return into;
  into.protocol = protocol;
  into.at = at;
  return into;
}

function isExtension(protocol: number): boolean {
  return (
    protocol === HOP_BY_HOP ||
    protocol === ROUTING ||
    protocol === FRAGMENT ||
    protocol === DESTINATION_OPTIONS
  );
}
