/** UDP payloads of a capture file of Ethernet frames, as tcpdump writes them on this kind of machine. */
import { readFileSync } from 'node:fs';

const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const ETHERNET_BYTES = 14;
const UDP_BYTES = 8;
const PROTOCOL_UDP = 17;

/** @returns Payloads of at least one byte, in their order; other packets are left out. */
export function readPcap(file: string): Uint8Array[] {
  const bytes = readFileSync(file);
  const payloads: Uint8Array[] = [];
  let at = FILE_HEADER_BYTES;
  while (at + RECORD_HEADER_BYTES <= bytes.length) {
    const length = bytes.readUInt32LE(at + 8);
    const start = at + RECORD_HEADER_BYTES;
    const payload = udpPayload(bytes.subarray(start + ETHERNET_BYTES, start + length));
    if (payload !== undefined && payload.length > 0) payloads.push(payload);
    at = start + length;
  }
  return payloads;
}

function udpPayload(packet: Buffer): Uint8Array | undefined {
  const version = (packet[0] ?? 0) >> 4;
  const header = version === 6 ? 40 : ((packet[0] ?? 0) & 0xf) * 4;
  const protocol = version === 6 ? packet[6] : packet[9];
  if (protocol !== PROTOCOL_UDP) return undefined;
  const length = packet.readUInt16BE(header + 4);
  return packet.subarray(header + UDP_BYTES, header + length);
}
