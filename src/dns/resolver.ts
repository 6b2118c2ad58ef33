/**
 * Answers questions about `ala.` and the reverse of fc00::/7, with authority and from a table alone: nothing is asked of others.
 * Everything else is refused.
 */
import { readU16 } from '../base/bytes.js';
import { addressLabel, labelAddress, reverseAddress } from './address-name.js';
import { decodeMessage, HEADER_BYTES } from './decode.js';
import { encodeMessage, UDP_PAYLOAD_BYTES } from './encode.js';
import {
  CLASS,
  type Message,
  type Question,
  RCODE,
  type Rcode,
  type RecordData,
  type ResourceRecord,
  TYPE,
} from './message.js';
import { folded, type Name } from './name.js';
import { fullName, type NameEntry, type NameTable } from './table.js';

/** Ours, in seconds: addresses change rarely, but a friend's new name should be seen soon. */
const TTL = 60;
/** An address in a name never changes. */
const ADDRESS_TTL = 86_400;
/** RFC 1035 §4.2.1: over UDP without EDNS. */
const PLAIN_UDP_BYTES = 512;
/** Ours: no question needs more. */
export const QUERY_BYTES_MAX = 4096;
/** RFC 1035 §4.2.2. */
const TCP_BYTES_MAX = 65_535;

const ZONE: Name = ['ala'];
const OPCODE_QUERY = 0;

/** What a name holds; `undefined` where there is no such name. */
interface Found {
  readonly zone: Name;
  readonly data: readonly RecordData[] | undefined;
  readonly ttl: number;
}

export interface Resolution {
  readonly rcode: Rcode;
  readonly answers: readonly ResourceRecord[];
  /** The zone's SOA when there is no answer. */
  readonly authorities: readonly ResourceRecord[];
}

export class Resolver {
  readonly #own: Uint8Array;
  readonly #table: () => NameTable;

  /** @param own This node's address, 16 bytes: the name server's. @param table Asked for each question. */
  constructor(own: Uint8Array, table: () => NameTable) {
    this.#own = own;
    this.#table = table;
  }

  /**
   * @returns undefined for what is not answered at all: no header, or a response. Over UDP at most what the sender takes, truncated
   *   beyond it; a message that is malformed gets a header alone, so that nothing is amplified.
   */
  handle(query: Uint8Array, over: 'udp' | 'tcp'): Uint8Array | undefined {
    if (query.length < HEADER_BYTES || ((query[2] ?? 0) & 0x80) !== 0) return undefined;
    const decoded = query.length > QUERY_BYTES_MAX ? undefined : decodeMessage(query);
    if (decoded?.ok !== true) return headerOnly(query, RCODE.FORMERR);
    const asked = decoded.value;
    if (asked.opcode !== OPCODE_QUERY) return headerOnly(query, RCODE.NOTIMP);
    const [question, second] = asked.questions;
    const hasMore = asked.answers.length > 0 || asked.authorities.length > 0;
    if (question === undefined || second !== undefined || hasMore)
      return headerOnly(query, RCODE.FORMERR);
    const isNewer = (asked.edns?.version ?? 0) > 0;
    const resolution = isNewer ? refusal(RCODE.BADVERS) : this.resolve(question);
    return fitted(asked, resolution, over === 'tcp' ? TCP_BYTES_MAX : udpLimit(asked));
  }

  resolve(question: Question): Resolution {
    const isTransfer = question.type === TYPE.AXFR || question.type === TYPE.IXFR;
    const isOther = question.class !== CLASS.IN && question.class !== CLASS.ANY;
    const found = isTransfer || isOther ? undefined : this.#find(folded(question.name));
    if (found === undefined) return refusal(RCODE.REFUSED);
    const { zone, data, ttl } = found;
    const answers = (data ?? [])
      .filter(({ type }) => question.type === TYPE.ANY || question.type === TYPE[type])
      .map((one) => ({ name: question.name, ttl, data: one }));
    return {
      rcode: data === undefined ? RCODE.NXDOMAIN : RCODE.NOERROR,
      answers,
      authorities: answers.length > 0 ? [] : [{ name: zone, ttl: TTL, data: this.#soa() }],
    };
  }

  /** @returns undefined for a name that is not of our zones. */
  #find(name: Name): Found | undefined {
    if (name.at(-1) === 'ala') {
      return this.#inAla(name.slice(0, -1));
    }
    const [digit, f, ip6, arpa] = name.slice(-4);
    const isReverse = arpa === 'arpa' && ip6 === 'ip6' && f === 'f';
    if (!isReverse || (digit !== 'c' && digit !== 'd')) return undefined;
    return { zone: name.slice(-4), data: this.#reverse(name), ttl: TTL };
  }

  #inAla(labels: readonly string[]): Found {
    const found = (data: readonly RecordData[] | undefined, ttl = TTL): Found => ({
      ...{ zone: ZONE, data, ttl },
    });
    if (labels.length === 0) return found(this.#apex());
    if (labels.length === 1) {
      const address = labelAddress(labels[0] ?? '');
      if (address !== undefined) return found([{ type: 'AAAA', address }], ADDRESS_TTL);
      return found(this.#table().hasHandle(labels[0] ?? '') ? [] : undefined);
    }
    const [name = '', handle = ''] = labels.slice(-2);
    const entry = this.#table().entry(name, handle);
    return found(entry && ofEntry(entry, labels.slice(0, -2)));
  }

  #reverse(name: Name): readonly RecordData[] | undefined {
    const digits = name.slice(0, -2);
    if (digits.length === 2) return this.#apex();
    if (digits.length > 32 || !digits.every((one) => /^[0-9a-f]$/.test(one))) return undefined;
    const address = reverseAddress(digits);
    if (address === undefined) return []; // others below it have names
    const targets = this.#table().namesOf(address).map(fullName);
    if (targets.length === 0) targets.push(addressName(address));
    return targets.map((target) => ({ type: 'PTR', target }));
  }

  #apex(): readonly RecordData[] {
    return [this.#soa(), { type: 'NS', target: addressName(this.#own) }];
  }

  #soa(): RecordData {
    return {
      type: 'SOA',
      primary: addressName(this.#own),
      mailbox: ['nobody', 'invalid'], // RFC 2606: there is no one to write to
      serial: this.#table().serial,
      ...{ refresh: 3600, retry: 600, expire: 86_400, minimum: TTL },
    };
  }
}

/** `<26 letters>.ala`. */
export const addressName = (address: Uint8Array): Name => [addressLabel(address), 'ala'];

/** @param below Labels under the entry's name: none, `_tcp`, or `_http`, `_tcp`. */
function ofEntry(entry: NameEntry, below: readonly string[]): readonly RecordData[] | undefined {
  if (below.length === 0) {
    const addresses = entry.addresses.map((address): RecordData => ({ type: 'AAAA', address }));
    if (entry.texts.length === 0) return addresses;
    return [...addresses, { type: 'TXT', texts: entry.texts }];
  }
  const ports = entry.ports.filter(({ protocol }) => below.at(-1) === `_${protocol}`);
  if (below.length === 1) return ports.length > 0 ? [] : undefined;
  const offered = ports.filter(({ service }) => below[0] === `_${service}`);
  if (below.length > 2 || offered.length === 0) return undefined;
  const target = fullName(entry);
  return offered.map(({ port }) => ({ type: 'SRV', priority: 0, weight: 0, port, target }));
}

const refusal = (rcode: Rcode): Resolution => ({ rcode, answers: [], authorities: [] });

function udpLimit({ edns }: Message): number {
  const wanted = Math.min(edns?.payloadMax ?? PLAIN_UDP_BYTES, UDP_PAYLOAD_BYTES);
  return Math.max(PLAIN_UDP_BYTES, wanted);
}

/** What does not fit is left out and the message says so; the querier comes again over TCP. */
function fitted(asked: Message, resolution: Resolution, limit: number): Uint8Array {
  const bytes = encodeMessage(response(asked, resolution, false));
  if (bytes.length <= limit) return bytes;
  return encodeMessage(response(asked, { ...resolution, answers: [], authorities: [] }, true));
}

function response(asked: Message, resolution: Resolution, truncated: boolean): Message {
  const { id, opcode, recursionDesired, questions, edns } = asked;
  const isOurs = resolution.rcode === RCODE.NOERROR || resolution.rcode === RCODE.NXDOMAIN;
  return {
    ...{ id, isResponse: true, opcode, recursionDesired, questions, truncated },
    ...{ authoritative: isOurs, additionals: [], ...resolution },
    edns: edns && { version: 0, payloadMax: UDP_PAYLOAD_BYTES },
  };
}

/** For what could not be read: 12 bytes, never more than came. */
function headerOnly(query: Uint8Array, rcode: Rcode): Uint8Array {
  return encodeMessage({
    ...{ id: readU16(query, 0), isResponse: true, opcode: ((query[2] ?? 0) >> 3) & 0xf },
    ...{ authoritative: false, truncated: false, recursionDesired: ((query[2] ?? 0) & 1) !== 0 },
    ...{ rcode, questions: [], answers: [], authorities: [], additionals: [], edns: undefined },
  });
}
