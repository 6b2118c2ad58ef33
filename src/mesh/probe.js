/** Path probes and their answers (docs/protocol.md §Probes): 16 bytes, big endian; a probe may be padded with zeros. */
import { readU16, readU32, writeU16, writeU32 } from '../base/bytes.js';
export const PROBE_TYPE = 0xa1;
export const ANSWER_TYPE = 0xa2;
export const PROBE_BYTES = 16;
/** @param length Plaintext bytes, at least PROBE_BYTES; the rest is padding. */
export function encodeProbe(probe, length = PROBE_BYTES) {
    const bytes = new Uint8Array(Math.max(length, PROBE_BYTES));
    bytes[0] = probe.type;
    writeU32(bytes, 2, probe.nonce);
    writeU32(bytes, 6, probe.txPackets >>> 0);
    writeU32(bytes, 10, probe.rxPackets >>> 0);
    writeU16(bytes, 14, Math.min(probe.datagramBytes, 0xffff));
    return bytes;
}
/** Total. The second byte is reserved: sent as 0, ignored. */
export function decodeProbe(bytes) {
    const type = bytes[0];
    if (bytes.length < PROBE_BYTES || (type !== PROBE_TYPE && type !== ANSWER_TYPE))
        return undefined;
    return {
        type,
        nonce: readU32(bytes, 2),
        txPackets: readU32(bytes, 6),
        rxPackets: readU32(bytes, 10),
        datagramBytes: readU16(bytes, 14),
    };
}
