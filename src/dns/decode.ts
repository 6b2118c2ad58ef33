/** Bytes to messages. Total: hostile bytes give an error, and no more work than their length. */
import { readU16, readU32, utf8Text } from '../base/bytes.js';
import { bad, good, type Parsed } from '../base/result.js';
import type { ResourceRecord } from './message.js';
import { type Edns, type Message, type Question, type RecordData, TYPE } from './message.js';
import { type Name, readName } from './name.js';

export const HEADER_BYTES = 12;
/** Ours: questions and records of one message. */
const ITEMS_MAX = 64;
/** RFC 1035 §3.2.1: a fixed part follows a record's name. */
const FIXED_BYTES = 10;

/** Records of types that we do not know are skipped. A second OPT record is an error (RFC 6891 §6.1.1). */
export function decodeMessage(bytes: Uint8Array): Parsed<Message> {
  if (bytes.length < HEADER_BYTES) return bad('shorter than a header');
  const counts = [4, 6, 8, 10].map((at) => readU16(bytes, at));
  if (counts.reduce((sum, one) => sum + one, 0) > ITEMS_MAX) return bad('too many records');
  const reader = new Reader(bytes);
  const questions = reader.questions(counts[0] ?? 0);
  const answers = reader.records(counts[1] ?? 0);
  const authorities = reader.records(counts[2] ?? 0);
  const additionals = reader.records(counts[3] ?? 0);
  if (reader.error !== '') return bad(reader.error);
  if (reader.at !== bytes.length) return bad('bytes are left over');
  const high = bytes[2] ?? 0;
  return good({
    id: readU16(bytes, 0),
    isResponse: (high & 0x80) !== 0,
    opcode: (high >> 3) & 0xf,
    authoritative: (high & 0x04) !== 0,
    truncated: (high & 0x02) !== 0,
    recursionDesired: (high & 0x01) !== 0,
    rcode: ((bytes[3] ?? 0) & 0xf) | reader.rcodeHigh,
    ...{ questions, answers, authorities, additionals, edns: reader.edns },
  });
}

interface Fixed {
  readonly name: Name;
  readonly type: number;
  readonly ttl: number;
  /** Of the data. */
  readonly from: number;
  readonly to: number;
}

class Reader {
  at = HEADER_BYTES;
  /** The first fault; reading goes no further. */
  error = '';
  edns: Edns | undefined;
  rcodeHigh = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  questions(count: number): Question[] {
    const questions: Question[] = [];
    for (let i = 0; i < count && this.error === ''; i++) {
      const read = readName(this.#bytes, this.at);
      if (read === undefined || read.end + 4 > this.#bytes.length) {
        this.error = 'malformed question';
        break;
      }
      const { name, end } = read;
      questions.push({
        name,
        type: readU16(this.#bytes, end),
        class: readU16(this.#bytes, end + 2),
      });
      this.at = end + 4;
    }
    return questions;
  }

  records(count: number): ResourceRecord[] {
    const records: ResourceRecord[] = [];
    for (let i = 0; i < count && this.error === ''; i++) {
      const fixed = this.#fixed();
      if (fixed === undefined) {
        this.error = 'malformed record';
      } else if (fixed.type === TYPE.OPT) {
        this.#takeOpt(fixed);
      } else {
        const data = this.#data(fixed);
        if (data === 'malformed') this.error = 'malformed record data';
        else if (data !== undefined) records.push({ name: fixed.name, ttl: fixed.ttl, data });
      }
    }
    return records;
  }

  #fixed(): Fixed | undefined {
    const bytes = this.#bytes;
    const read = readName(bytes, this.at);
    if (read === undefined || read.end + FIXED_BYTES > bytes.length) return undefined;
    const { name, end } = read;
    const from = end + FIXED_BYTES;
    const to = from + readU16(bytes, end + 8);
    if (to > bytes.length) return undefined;
    this.at = to;
    return { name, type: readU16(bytes, end), ttl: readU32(bytes, end + 4), from, to };
  }

  /** Its class is a size, its TTL is version and flags; its options mean nothing to us. */
  #takeOpt({ name, ttl, from }: Fixed): void {
    if (this.edns !== undefined || name.length > 0) this.error = 'malformed OPT record';
    this.edns = { version: (ttl >>> 16) & 0xff, payloadMax: readU16(this.#bytes, from - 8) };
    this.rcodeHigh = (ttl >>> 24) << 4;
  }

  #data({ type, from, to }: Fixed): RecordData | undefined | 'malformed' {
    const bytes = this.#bytes;
    switch (type) {
      case TYPE.A:
      case TYPE.AAAA: {
        const isA = type === TYPE.A;
        if (to - from !== (isA ? 4 : 16)) return 'malformed';
        return { type: isA ? 'A' : 'AAAA', address: bytes.slice(from, to) };
      }
      case TYPE.NS:
      case TYPE.PTR: {
        const read = readName(bytes, from);
        if (read?.end !== to) return 'malformed';
        return { type: type === TYPE.NS ? 'NS' : 'PTR', target: read.name };
      }
      case TYPE.SRV:
        return this.#srv(from, to);
      case TYPE.TXT:
        return this.#txt(from, to);
      case TYPE.SOA:
        return this.#soa(from, to);
      default:
        return undefined;
    }
  }

  #srv(from: number, to: number): RecordData | 'malformed' {
    const read = readName(this.#bytes, from + 6);
    if (read?.end !== to) return 'malformed';
    const [priority = 0, weight = 0, port = 0] = [0, 2, 4].map((i) =>
      readU16(this.#bytes, from + i),
    );
    return { type: 'SRV', priority, weight, port, target: read.name };
  }

  #txt(from: number, to: number): RecordData | 'malformed' {
    const texts: string[] = [];
    for (let at = from; at < to; ) {
      const end = at + 1 + (this.#bytes[at] ?? 0);
      const text = end > to ? undefined : utf8Text(this.#bytes.subarray(at + 1, end));
      if (text === undefined) return 'malformed';
      texts.push(text);
      at = end;
    }
    return texts.length === 0 ? 'malformed' : { type: 'TXT', texts };
  }

  #soa(from: number, to: number): RecordData | 'malformed' {
    const primary = readName(this.#bytes, from);
    const mailbox = primary && readName(this.#bytes, primary.end);
    if (primary === undefined || mailbox === undefined || mailbox.end + 20 !== to)
      return 'malformed';
    const [serial = 0, refresh = 0, retry = 0, expire = 0, minimum = 0] = [0, 4, 8, 12, 16].map(
      (i) => readU32(this.#bytes, mailbox.end + i),
    );
    return {
      ...{ type: 'SOA', primary: primary.name, mailbox: mailbox.name },
      ...{ serial, refresh, retry, expire, minimum },
    };
  }
}
