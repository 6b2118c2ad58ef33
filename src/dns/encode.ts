/** Messages to bytes, names compressed where receivers must understand it (RFC 1035 §4.1.4, RFC 3597 §4). */
import { assert } from '../base/assert.js';
import { utf8 } from '../base/bytes.js';
import { CLASS, type Message, type RecordData, type ResourceRecord, TYPE } from './message.js';
import { LABEL_BYTES_MAX, type Name, nameKey } from './name.js';

/** Ours: what we say that we take over UDP (DNS flag day 2020: it fits every path unfragmented). */
export const UDP_PAYLOAD_BYTES = 1232;
/** A pointer has 14 bits. */
const POINTER_TARGET_MAX = 0x3fff;

/** @throws AssertionError when a label or text is too long: a bug of the caller. */
export function encodeMessage(message: Message): Uint8Array {
  const writer = new Writer();
  const { questions, answers, authorities, additionals, edns } = message;
  writer.u16(message.id);
  writer.u8(
    (message.isResponse ? 0x80 : 0) |
      (message.opcode << 3) |
      (message.authoritative ? 0x04 : 0) |
      (message.truncated ? 0x02 : 0) |
      (message.recursionDesired ? 0x01 : 0),
  );
  writer.u8(message.rcode & 0xf);
  writer.u16(questions.length);
  writer.u16(answers.length);
  writer.u16(authorities.length);
  writer.u16(additionals.length + (edns === undefined ? 0 : 1));
  for (const question of questions) {
    writer.name(question.name);
    writer.u16(question.type);
    writer.u16(question.class);
  }
  for (const record of [...answers, ...authorities, ...additionals]) writer.record(record);
  if (edns !== undefined) writer.opt(message.rcode, edns.version, edns.payloadMax);
  return writer.bytes();
}

class Writer {
  readonly #bytes: number[] = [];
  /** Where a suffix of a name was written. */
  readonly #suffixes = new Map<string, number>();

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  u8(value: number): void {
    this.#bytes.push(value & 0xff);
  }

  u16(value: number): void {
    this.#bytes.push((value >>> 8) & 0xff, value & 0xff);
  }

  u32(value: number): void {
    this.u16(value >>> 16);
    this.u16(value & 0xffff);
  }

  name(name: Name, compress = true): void {
    for (let i = 0; i < name.length; i++) {
      const key = nameKey(name.slice(i));
      const known = compress ? this.#suffixes.get(key) : undefined;
      if (known !== undefined) {
        this.u16(0xc000 | known);
        return;
      }
      if (this.#bytes.length <= POINTER_TARGET_MAX) this.#suffixes.set(key, this.#bytes.length);
      const label = name[i] ?? '';
      assert(label.length > 0 && label.length <= LABEL_BYTES_MAX, 'a label has 1 to 63 bytes');
      this.u8(label.length);
      for (let j = 0; j < label.length; j++) this.u8(label.charCodeAt(j));
    }
    this.u8(0);
  }

  record({ name, ttl, data }: ResourceRecord): void {
    this.name(name);
    this.u16(TYPE[data.type]);
    this.u16(CLASS.IN);
    this.u32(ttl);
    const lengthAt = this.#bytes.length;
    this.u16(0);
    this.#data(data);
    const length = this.#bytes.length - lengthAt - 2;
    this.#bytes[lengthAt] = length >>> 8;
    this.#bytes[lengthAt + 1] = length & 0xff;
  }

  #data(data: RecordData): void {
    switch (data.type) {
      case 'A':
      case 'AAAA':
        this.#bytes.push(...data.address);
        return;
      case 'NS':
      case 'PTR':
        this.name(data.target);
        return;
      case 'SRV':
        for (const value of [data.priority, data.weight, data.port]) this.u16(value);
        this.name(data.target, false); // RFC 2782: not compressed
        return;
      case 'TXT':
        for (const text of data.texts) this.#text(text);
        return;
      case 'SOA':
        this.name(data.primary);
        this.name(data.mailbox);
        for (const value of [data.serial, data.refresh, data.retry, data.expire, data.minimum])
          this.u32(value);
        return;
      default:
        data satisfies never;
    }
  }

  #text(text: string): void {
    const bytes = utf8(text);
    assert(bytes.length <= 255, 'a text has at most 255 bytes');
    this.#bytes.push(bytes.length, ...bytes);
  }

  /** RFC 6891 §6.1.2. */
  opt(rcode: number, version: number, payloadMax: number): void {
    this.u8(0);
    this.u16(TYPE.OPT);
    this.u16(payloadMax);
    this.u8(rcode >> 4);
    this.u8(version);
    this.u16(0);
    this.u16(0);
  }
}
