/** ICMPv6 echo as `alamesh ping` sends it: own packets for the plane, and what their answers say. RFC 4443 §4. */
import { readU16, writeU16 } from '../base/bytes.js';
import { addressBytes, type NodeId, nodeIdOf } from '../base/ip6.js';
import {
  answeredEcho,
  DESTINATION_UNREACHABLE,
  ECHO_REPLY,
  ECHO_REQUEST,
  ICMP6_HEADER_BYTES,
  icmp6Checksum,
  TIME_EXCEEDED,
} from '../plane/icmp6.js';
import {
  ICMP6,
  IP6_DESTINATION,
  IP6_HEADER_BYTES,
  IP6_HOP_LIMIT,
  IP6_NEXT_HEADER,
  IP6_PAYLOAD_LENGTH,
  IP6_SOURCE,
} from '../plane/ip6.js';

export interface EchoOptions {
  readonly source: NodeId;
  /** 16 bytes. */
  readonly destination: Uint8Array;
  readonly identifier: number;
  readonly sequence: number;
  /** 1..255 */
  readonly hopLimit: number;
}

/** Bytes after the ICMPv6 header: enough that no path cuts what errors quote. */
const DATA_BYTES = 16;

export function echoRequest(options: EchoOptions): Uint8Array {
  const packet = new Uint8Array(IP6_HEADER_BYTES + ICMP6_HEADER_BYTES + DATA_BYTES);
  packet[0] = 0x60;
  writeU16(packet, IP6_PAYLOAD_LENGTH, ICMP6_HEADER_BYTES + DATA_BYTES);
  packet[IP6_NEXT_HEADER] = ICMP6;
  packet[IP6_HOP_LIMIT] = options.hopLimit;
  packet.set(addressBytes(options.source), IP6_SOURCE);
  packet.set(options.destination, IP6_DESTINATION);
  packet[IP6_HEADER_BYTES] = ECHO_REQUEST;
  writeU16(packet, IP6_HEADER_BYTES + 4, options.identifier);
  writeU16(packet, IP6_HEADER_BYTES + 6, options.sequence);
  writeU16(packet, IP6_HEADER_BYTES + 2, icmp6Checksum(packet, packet.length));
  return packet;
}

export interface EchoAnswer {
  readonly from: NodeId;
  readonly kind: 'reply' | 'hop-limit' | 'unreachable' | 'other';
  readonly identifier: number;
  readonly sequence: number;
  /** Hop limit left in the answer. */
  readonly hopLimit: number;
}

/** @returns undefined when the packet answers no echo, or is cut short. */
export function readEchoAnswer(packet: Uint8Array): EchoAnswer | undefined {
  const identifier = answeredEcho(packet);
  if (identifier < 0) return undefined;
  const type = packet[IP6_HEADER_BYTES] as number;
  const quoteAt = type === ECHO_REPLY ? 0 : IP6_HEADER_BYTES + ICMP6_HEADER_BYTES;
  return {
    from: nodeIdOf(packet.subarray(IP6_SOURCE)),
    kind: kindOf(type),
    identifier,
    sequence: readU16(packet, quoteAt + IP6_HEADER_BYTES + 6),
    hopLimit: packet[IP6_HOP_LIMIT] as number,
  };
}

function kindOf(type: number): EchoAnswer['kind'] {
  if (type === ECHO_REPLY) return 'reply';
  if (type === TIME_EXCEEDED) return 'hop-limit';
  return type === DESTINATION_UNREACHABLE ? 'unreachable' : 'other';
}
