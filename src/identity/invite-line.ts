/**
 * An invitation as one word: `alamesh-invite:` and base64url of
 *
 *   version u8 (1) ‖ invite id (8) ‖ secret (16) ‖ expiry u32 (seconds since 1970) ‖ X25519 key (32) ‖ node id (16) ‖ work u8 ‖
 *   realm ‖ inviter's name ‖ name for who joins ‖ count u8 ‖ count × endpoint ‖ CRC-32 (4)
 *
 * Texts are a length in one byte and ASCII. The CRC is over all before it and guards against slips; the secret is proven by MAC.
 */
import { assert } from '../base/assert.js';
import { concat, equalBytes, fromBase64, readU32, toBase64Url, utf8 } from '../base/bytes.js';
import { crc32 } from '../base/crc32.js';
import { addressBytes, NODE_SPACE, type NodeId, nodeIdOf } from '../base/ip6.js';
import { bad, good, type Parsed } from '../base/result.js';
import { CANDIDATES_MAX, INVITE_ID_BYTES, KEY_BYTES, NODE_ID_BYTES } from '../wire/limits.js';
import { WORK_MAX } from './address.js';
import { isEndpoint, isName, isRealm } from './names.js';

const SCHEME = 'alamesh-invite:';
const VERSION = 1;
export const INVITE_SECRET_BYTES = 16;
const CRC_BYTES = 4;
/** Ours: 16 endpoints of 255 bytes in base64 fit. */
const LINE_CHARS_MAX = 6_500;

export interface InviteInfo {
  /** 8 bytes. */
  readonly id: Uint8Array;
  /** 16 bytes; whoever has it may peer once. */
  readonly secret: Uint8Array;
  /** Seconds since 1970. */
  readonly expires: number;
  readonly realm: string;
  /** Leading zero bits that the realm's nodes need. */
  readonly work: number;
  /** The inviter's X25519 key, 32 bytes, and node. */
  readonly noiseKey: Uint8Array;
  readonly node: NodeId;
  /** The inviter's; may be empty. */
  readonly name: string;
  /** What the inviter calls who joins; may be empty. */
  readonly nameForYou: string;
  /** At most CANDIDATES_MAX, best first. */
  readonly endpoints: readonly string[];
}

/** Tells an invitation from a peer line or a file name. */
export const looksLikeInvite = (text: string): boolean => text.trim().startsWith(SCHEME);

/** @throws AssertionError unless every part is what `parseInviteLine` takes. */
export function formatInviteLine(info: InviteInfo): string {
  const fault = partsFault(info);
  assert(fault === undefined, fault ?? '');
  const { id, secret, expires, noiseKey, node, work, realm, name, nameForYou, endpoints } = info;
  const fixed = [id, secret, u32(expires), noiseKey, addressBytes(node), Uint8Array.of(work)];
  const texts = [realm, name, nameForYou].map(counted);
  const count = Uint8Array.of(endpoints.length);
  const body = concat(Uint8Array.of(VERSION), ...fixed, ...texts, count, ...endpoints.map(counted));
  return SCHEME + toBase64Url(concat(body, u32(crc32(body))));
}

/** @param text Blanks around it are ignored. @returns Which slip it was, in words for whoever pasted it. */
export function parseInviteLine(text: string): Parsed<InviteInfo> {
  const line = text.trim();
  if (!line.startsWith(SCHEME)) return bad(`an invitation begins with '${SCHEME}'`);
  if (line.length > LINE_CHARS_MAX) return bad('the line is too long for an invitation');
  if (/\s/.test(line)) return bad('the line has blanks in it: paste it as one word');
  const bytes = fromBase64(line.slice(SCHEME.length));
  if (bytes === undefined || bytes.length <= CRC_BYTES) return bad(DAMAGED);
  const body = bytes.subarray(0, -CRC_BYTES);
  if (!equalBytes(u32(crc32(body)), bytes.subarray(-CRC_BYTES))) return bad(DAMAGED);
  if (body[0] !== VERSION)
    return bad(`an invitation of version ${body[0]}; this one reads ${VERSION}`);
  const info = new Reader(body).info();
  if (info === undefined) return bad(DAMAGED);
  const fault = partsFault(info);
  return fault === undefined ? good(info) : bad(fault);
}

const DAMAGED = 'the invitation is damaged: a character was changed or lost; copy all of it';

class Reader {
  readonly #bytes: Uint8Array;
  #at = 1;
  #isShort = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** @returns undefined unless the parts are exactly the bytes. */
  info(): InviteInfo | undefined {
    const info = {
      id: this.#take(INVITE_ID_BYTES),
      secret: this.#take(INVITE_SECRET_BYTES),
      expires: readU32(this.#take(4), 0),
      noiseKey: this.#take(KEY_BYTES),
      node: nodeIdOf(this.#take(NODE_ID_BYTES)),
      work: this.#byte(),
      ...{ realm: this.#text(), name: this.#text(), nameForYou: this.#text() },
      endpoints: Array.from({ length: this.#byte() }, () => this.#text()),
    };
    return this.#isShort || this.#at !== this.#bytes.length ? undefined : info;
  }

  #take(count: number): Uint8Array {
    const part = this.#bytes.slice(this.#at, this.#at + count);
    this.#isShort ||= part.length < count;
    this.#at += count;
    return part;
  }

  #byte(): number {
    return this.#take(1)[0] ?? 0;
  }

  #text(): string {
    return String.fromCharCode(...this.#take(this.#byte()));
  }
}

function partsFault(info: InviteInfo): string | undefined {
  const { realm, name, nameForYou, node, endpoints, work, noiseKey } = info;
  if (!isRealm(realm)) return 'it names no realm';
  if (work > WORK_MAX) return `it asks for ${work} bits of work, more than anybody does`;
  for (const one of [name, nameForYou])
    if (one !== '' && !isName(one)) return 'a name is malformed';
  if (noiseKey.length !== KEY_BYTES) return 'a key has 32 bytes';
  if (addressBytes(node)[0] !== NODE_SPACE) return 'the address is not in fd00::/8';
  if (endpoints.length > CANDIDATES_MAX) return `more than ${CANDIDATES_MAX} endpoints`;
  return endpoints.every(isEndpoint) ? undefined : 'an endpoint is malformed';
}

const counted = (text: string): Uint8Array => concat(Uint8Array.of(text.length), utf8(text));

const u32 = (value: number): Uint8Array =>
  Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
