/**
 * ICMPv6 (RFC 4443) that routers send. Every byte is fixed here, so that two planes answer alike:
 *
 *   IPv6   60 00 00 00 ‖ u16 payload length ‖ 3a ‖ 40 (hop limit 64) ‖ our node address ‖ source of the packet
 *   ICMPv6 type ‖ code ‖ u16 checksum ‖ u32 (the MTU for packet too big, else 0)
 *   quote  the packet as it arrived (hop limit not yet decremented), its first 1232 bytes at most: 1280 in all
 *
 * Never about a multicast or otherwise martian packet (those were dropped before), nor about an ICMPv6 error or a redirect
 * (§2.4 e), nor about what cannot be told from one.
 */
import { readU16, writeU16, writeU32 } from '../base/bytes.js';
import {
  ICMP6,
  IP6_DESTINATION,
  IP6_HEADER_BYTES,
  IP6_HOP_LIMIT,
  IP6_MTU_MIN,
  IP6_NEXT_HEADER,
  IP6_PAYLOAD_LENGTH,
  IP6_SOURCE,
  UNTOLD,
  type UpperLayer,
  upperLayer,
} from './ip6.js';

export const DESTINATION_UNREACHABLE = 1;
const PACKET_TOO_BIG = 2;
export const TIME_EXCEEDED = 3;
export const ECHO_REQUEST = 128;
export const ECHO_REPLY = 129;

/** RFC 4443 §3: types below are errors. */
const INFORMATIONAL = 128;
/** RFC 4861 §4.5. */
const REDIRECT = 137;
const HOP_LIMIT = 64;
export const ICMP6_HEADER_BYTES = 8;
const QUOTE_AT = IP6_HEADER_BYTES + ICMP6_HEADER_BYTES;
const CHECKSUM = IP6_HEADER_BYTES + 2;

export interface Icmp6Error {
  readonly type: number;
  readonly code: number;
}

export const NO_ROUTE_TO_DESTINATION: Icmp6Error = { type: DESTINATION_UNREACHABLE, code: 0 };
export const ADMINISTRATIVELY_PROHIBITED: Icmp6Error = { type: DESTINATION_UNREACHABLE, code: 1 };
export const ADDRESS_UNREACHABLE: Icmp6Error = { type: DESTINATION_UNREACHABLE, code: 3 };
export const HOP_LIMIT_EXCEEDED: Icmp6Error = { type: TIME_EXCEEDED, code: 0 };
export const TOO_BIG: Icmp6Error = { type: PACKET_TOO_BIG, code: 0 };

const upper: UpperLayer = { protocol: 0, at: 0 };

/** RFC 4443 §2.4 e. @param packet Exactly one IPv6 packet whose addresses are no martians. */
export function mayAnswer(packet: Uint8Array): boolean {
  upperLayer(packet, packet.length, upper);
  if (upper.protocol === UNTOLD) return false;
  if (upper.protocol !== ICMP6) return true;
  const type = packet[upper.at];
  return type !== undefined && type >= INFORMATIONAL && type !== REDIRECT;
}

/**
 * Writes an error message about `packet`.
 * @param own 16 bytes, our node address.
 * @param out At least 1280 bytes, not overlapping `packet`.
 * @param word The MTU for packet too big, else 0.
 * @returns Bytes written.
 */
export function writeError(
  out: Uint8Array,
  error: Icmp6Error & { readonly word?: number },
  own: Uint8Array,
  packet: Uint8Array,
): number {
  const quoted = Math.min(packet.length, IP6_MTU_MIN - QUOTE_AT);
  out.fill(0, 0, QUOTE_AT);
  out[0] = 0x60;
  writeU16(out, IP6_PAYLOAD_LENGTH, ICMP6_HEADER_BYTES + quoted);
  out[IP6_NEXT_HEADER] = ICMP6;
  out[IP6_HOP_LIMIT] = HOP_LIMIT;
  out.set(own, IP6_SOURCE);
  out.set(packet.subarray(IP6_SOURCE, IP6_DESTINATION), IP6_DESTINATION);
  out[IP6_HEADER_BYTES] = error.type;
  out[IP6_HEADER_BYTES + 1] = error.code;
  writeU32(out, IP6_HEADER_BYTES + 4, error.word ?? 0);
  out.set(packet.subarray(0, quoted), QUOTE_AT);
  writeU16(out, CHECKSUM, icmp6Checksum(out, QUOTE_AT + quoted));
  return QUOTE_AT + quoted;
}

/**
 * RFC 4443 §2.3: over the pseudo-header (RFC 8200 §8.1) and the message. Without extension headers.
 * @param end Where the packet ends.
 * @returns The value to write into a message whose checksum is 0; 0 for a message whose checksum is right.
 */
export function icmp6Checksum(packet: Uint8Array, end: number): number {
  let sum = end - IP6_HEADER_BYTES + ICMP6;
  for (let at = IP6_SOURCE; at < end; at += 2) {
    sum += at + 1 < end ? readU16(packet, at) : (packet[at] as number) << 8;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/**
 * The identifier of the echo that a packet answers: of an echo reply, or of an echo request that an error quotes.
 * @param packet Exactly one IPv6 packet.
 * @returns -1 when it is neither.
 */
export function answeredEcho(packet: Uint8Array): number {
  if (packet[IP6_NEXT_HEADER] !== ICMP6 || packet.length < QUOTE_AT) return -1;
  const type = packet[IP6_HEADER_BYTES] as number;
  if (type === ECHO_REPLY) return readU16(packet, IP6_HEADER_BYTES + 4);
  return type < INFORMATIONAL ? echoIdentifier(packet.subarray(QUOTE_AT)) : -1;
}

/** The identifier of an echo request that may be cut short behind it. @returns -1 when it is none. */
export function echoIdentifier(packet: Uint8Array): number {
  const isEcho =
    packet.length >= QUOTE_AT &&
    packet[IP6_NEXT_HEADER] === ICMP6 &&
    packet[IP6_HEADER_BYTES] === ECHO_REQUEST;
  return isEcho ? readU16(packet, IP6_HEADER_BYTES + 4) : -1;
}
