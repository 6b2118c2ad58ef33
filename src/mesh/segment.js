/** A control-channel segment on the wire (docs/protocol.md §Control channel); big endian, first byte 0xA0. */
import { readU16, readU32, writeU16, writeU32 } from '../base/bytes.js';
export const SEGMENT_TYPE = 0xa0;
export const SEGMENT_HEADER_BYTES = 16;
/** Sequence number and payload length: the session may pad what we send. */
const DATA_BYTES = 6;
const RANGE_BYTES = 4;
const FLAG_STREAM = 0x01;
const FLAG_DATA = 0x02;
const FLAGS_RESERVED = 0x0c;
/** What four bits count. */
export const SACK_RANGES_MAX = 15;
export const STREAMS = ['mesh', 'alanet'];
export function encodeSegment(segment) {
    const { ack, data } = segment;
    const ranges = ack.ranges.slice(0, SACK_RANGES_MAX);
    const head = SEGMENT_HEADER_BYTES + (data === undefined ? 0 : DATA_BYTES);
    const start = head + ranges.length * RANGE_BYTES;
    const bytes = new Uint8Array(start + (data?.payload.length ?? 0));
    const flags = (segment.stream === 'alanet' ? FLAG_STREAM : 0) | (data ? FLAG_DATA : 0);
    bytes[0] = SEGMENT_TYPE;
    bytes[1] = flags | (ranges.length << 4);
    writeU32(bytes, 2, segment.sender);
    writeU32(bytes, 6, segment.receiver);
    writeU32(bytes, 10, ack.next);
    writeU16(bytes, 14, Math.min(ack.window, 0xffff));
    ranges.forEach((range, i) => {
        writeU16(bytes, head + i * RANGE_BYTES, range.from);
        writeU16(bytes, head + i * RANGE_BYTES + 2, range.to);
    });
    if (data !== undefined) {
        writeU32(bytes, SEGMENT_HEADER_BYTES, data.seq);
        writeU16(bytes, SEGMENT_HEADER_BYTES + 4, data.payload.length);
        bytes.set(data.payload, start);
    }
    return bytes;
}
/** Total. @returns undefined when malformed. Bytes after the payload are padding. The payload is a copy. */
export function decodeSegment(bytes) {
    const flags = bytes[1] ?? 0;
    if (bytes.length < SEGMENT_HEADER_BYTES || bytes[0] !== SEGMENT_TYPE)
        return undefined;
    const hasData = (flags & FLAG_DATA) !== 0;
    const head = SEGMENT_HEADER_BYTES + (hasData ? DATA_BYTES : 0);
    const start = head + (flags >> 4) * RANGE_BYTES;
    const sender = readU32(bytes, 2);
    if ((flags & FLAGS_RESERVED) !== 0 || sender === 0 || bytes.length < start)
        return undefined;
    const ranges = readRanges(bytes, head, flags >> 4);
    const data = hasData ? readData(bytes, start) : undefined;
    if (ranges === undefined || (hasData && data === undefined))
        return undefined;
    return {
        stream: (flags & FLAG_STREAM) !== 0 ? 'alanet' : 'mesh',
        sender,
        receiver: readU32(bytes, 6),
        ack: { next: readU32(bytes, 10), window: readU16(bytes, 14), ranges },
        data,
    };
}
function readData(bytes, start) {
    const length = readU16(bytes, SEGMENT_HEADER_BYTES + 4);
    if (length === 0 || start + length > bytes.length)
        return undefined;
    const seq = readU32(bytes, SEGMENT_HEADER_BYTES);
    return { seq, payload: bytes.slice(start, start + length) };
}
/** Ranges rise and do not touch; anything else is malformed. */
function readRanges(bytes, at, count) {
    const ranges = [];
    let last = 0;
    for (let i = 0; i < count; i++) {
        const from = readU16(bytes, at + i * RANGE_BYTES);
        const to = readU16(bytes, at + i * RANGE_BYTES + 2);
        if (from <= last || to <= from)
            return undefined;
        ranges.push({ from, to });
        last = to;
    }
    return ranges;
}
