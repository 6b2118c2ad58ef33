/** What DNS messages hold, in our own shapes (RFC 1035 §4, RFC 6891). */
import type { Name } from './name.js';

export const TYPE = {
  A: 1,
  NS: 2,
  SOA: 6,
  PTR: 12,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const;
export type TypeName = keyof typeof TYPE;

export const CLASS = { IN: 1, ANY: 255 } as const;

/** RFC 1035 §4.1.1; BADVERS of RFC 6891 §9 needs the OPT record's upper bits. */
export const RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
} as const;
export type Rcode = (typeof RCODE)[keyof typeof RCODE];

export interface Question {
  readonly name: Name;
  readonly type: number;
  readonly class: number;
}

export type RecordData =
  /** `address` is 4 bytes for A, 16 for AAAA. */
  | { readonly type: 'A' | 'AAAA'; readonly address: Uint8Array }
  | { readonly type: 'NS' | 'PTR'; readonly target: Name }
  /** RFC 2782. */
  | {
      readonly type: 'SRV';
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: Name;
    }
  /** Each 0 to 255 bytes of UTF-8. */
  | { readonly type: 'TXT'; readonly texts: readonly string[] }
  /** Times in seconds. `minimum` is the TTL of negative answers (RFC 2308). */
  | {
      readonly type: 'SOA';
      readonly primary: Name;
      readonly mailbox: Name;
      readonly serial: number;
      readonly refresh: number;
      readonly retry: number;
      readonly expire: number;
      readonly minimum: number;
    };

export interface ResourceRecord {
  readonly name: Name;
  /** Seconds. */
  readonly ttl: number;
  readonly data: RecordData;
}

/** RFC 6891 §6.1. */
export interface Edns {
  readonly version: number;
  /** Bytes of UDP payload that the sender takes. */
  readonly payloadMax: number;
}

export interface Message {
  /** 16 bits, the querier's. */
  readonly id: number;
  readonly isResponse: boolean;
  /** 0 is a query. */
  readonly opcode: number;
  readonly authoritative: boolean;
  readonly truncated: boolean;
  readonly recursionDesired: boolean;
  /** With the OPT record's upper bits. */
  readonly rcode: number;
  readonly questions: readonly Question[];
  readonly answers: readonly ResourceRecord[];
  readonly authorities: readonly ResourceRecord[];
  readonly additionals: readonly ResourceRecord[];
  readonly edns: Edns | undefined;
}
