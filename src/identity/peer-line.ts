/**
 * One line to paste: `alamesh1:<realm>:<name>:<payload>`, a single word for any shell.
 *
 * payload = base64url( X25519 key (32) ‖ node id (16) ‖ count u8 ‖ count × ( length u8 ‖ endpoint ) ‖ CRC-32 (4) ), the
 * CRC over the text before the payload and the payload's other bytes. It guards against slips of the hand, not against
 * an enemy: the handshake proves the key, the node's record the address.
 */
import { assert } from '../base/assert.js';
import {
  concat,
  equalBytes,
  fromBase64,
  toBase64Url,
  utf8,
  utf8Text,
  writeU32,
} from '../base/bytes.js';
import { crc32 } from '../base/crc32.js';
import { addressBytes, NODE_SPACE, type NodeId, nodeIdOf } from '../base/ip6.js';
import { bad, good, type Parsed } from '../base/result.js';
import { CANDIDATES_MAX, KEY_BYTES, NODE_ID_BYTES } from '../wire/limits.js';
import { isEndpoint, isName, isRealm } from './names.js';

const SCHEME = 'alamesh1';
const CRC_BYTES = 4;
const HEAD_BYTES = KEY_BYTES + NODE_ID_BYTES + 1;
/** Ours: 16 endpoints of 255 bytes in base64 fit. */
export const PEER_LINE_CHARS_MAX = 6_000;

export interface PeerInfo {
  readonly realm: string;
  /** X25519 public key, 32 bytes. */
  readonly noiseKey: Uint8Array;
  readonly id: NodeId;
  /** A hint for people; may be empty. */
  readonly name: string;
  /** At most CANDIDATES_MAX, best first; may be empty (the other side dials, or the LAN finds it). */
  readonly endpoints: readonly string[];
}

/** @throws AssertionError unless every part is what `parsePeerLine` takes. */
export function formatPeerLine(info: PeerInfo): string {
  const { realm, name, endpoints } = info;
  const fault = partsFault(info);
  assert(fault === undefined, fault ?? '');
  const lines = endpoints.flatMap((text) => [Uint8Array.of(text.length), utf8(text)]);
  const count = Uint8Array.of(endpoints.length);
  const payload = concat(info.noiseKey, addressBytes(info.id), count, ...lines);
  const lead = `${SCHEME}:${realm}:${name}:`;
  return lead + toBase64Url(concat(payload, checksum(lead, payload)));
}

/** @param text Blanks around it are ignored. @returns Which slip it was, in words for whoever pasted it. */
export function parsePeerLine(text: string): Parsed<PeerInfo> {
  const line = text.trim();
  if (line.length > PEER_LINE_CHARS_MAX) return bad('the line is too long for a peer line');
  if (/\s/.test(line)) return bad('the line has blanks in it: paste it as one word');
  const [scheme, realm, name, payload, ...rest] = line.split(':');
  if (scheme !== SCHEME) return bad(schemeFault(scheme ?? ''));
  if (realm === undefined || name === undefined || payload === undefined) return bad(CUT);
  if (rest.length > 0) return bad('the line has too many parts: two lines may have run together');
  const bytes = fromPayload(payload);
  if (!bytes.ok) return bytes;
  const body = bytes.value.subarray(0, -CRC_BYTES);
  const lead = `${SCHEME}:${realm}:${name}:`;
  if (!equalBytes(checksum(lead, body), bytes.value.subarray(-CRC_BYTES))) return bad(MISTYPED);
  return infoOf(realm, name, body);
}

const CUT = 'the line is cut short: copy all of it';
const MISTYPED = 'the checksum does not match: a character of the line was changed or lost';

function schemeFault(scheme: string): string {
  return /^alamesh\d+$/.test(scheme)
    ? `'${scheme}' is a line of another version; this router reads ${SCHEME}`
    : `a peer line begins with '${SCHEME}:'`;
}

/** The payload's bytes, if they are as many as it says. */
function fromPayload(payload: string): Parsed<Uint8Array> {
  const foreign = /[^A-Za-z0-9_-]/.exec(payload);
  if (foreign !== null) return bad(`'${foreign[0]}' does not belong in a peer line`);
  // Of a cut text, what makes whole bytes still tells that it is cut.
  const bytes = fromBase64(payload) ?? fromBase64(payload.slice(0, payload.length & ~3));
  if (bytes === undefined) return bad(MISTYPED);
  const expected = expectedLength(bytes);
  if (expected === undefined || bytes.length < expected) return bad(CUT);
  const chars = Math.ceil((expected * 4) / 3);
  if (payload.length > chars) return bad('the line has more at its end than belongs to it');
  return bytes.length === expected ? good(bytes) : bad(MISTYPED);
}

/** @returns undefined where even the lengths are missing. */
function expectedLength(bytes: Uint8Array): number | undefined {
  let at = HEAD_BYTES;
  for (let left = bytes[HEAD_BYTES - 1]; left !== 0; left--) {
    const length = left === undefined ? undefined : bytes[at];
    if (left === undefined || length === undefined) return undefined;
    at += 1 + length;
  }
  return at + CRC_BYTES;
}

/** @param body Of the length that it says. */
function infoOf(realm: string, name: string, body: Uint8Array): Parsed<PeerInfo> {
  const endpoints: string[] = [];
  for (let at = HEAD_BYTES; at < body.length; ) {
    const end = at + 1 + (body[at] ?? 0);
    endpoints.push(utf8Text(body.subarray(at + 1, end)) ?? '');
    at = end;
  }
  const noiseKey = body.slice(0, KEY_BYTES);
  const id = nodeIdOf(body.subarray(KEY_BYTES));
  const info = { realm, noiseKey, id, name, endpoints };
  const fault = partsFault(info);
  return fault === undefined ? good(info) : bad(fault);
}

function partsFault({ realm, noiseKey, id, name, endpoints }: PeerInfo): string | undefined {
  if (!isRealm(realm)) return `'${realm}' is not the name of a realm`;
  if (name !== '' && !isName(name)) return `'${name}' is not the name of a node`;
  if (noiseKey.length !== KEY_BYTES) return 'a key has 32 bytes';
  if (addressBytes(id)[0] !== NODE_SPACE) return 'the address is not in fd00::/8';
  if (endpoints.length > CANDIDATES_MAX) return `more than ${CANDIDATES_MAX} endpoints`;
  const wrong = endpoints.find((endpoint) => !isEndpoint(endpoint));
  return wrong === undefined ? undefined : `'${wrong}' is not an endpoint like udp://host:port`;
}

/** Big endian. */
function checksum(lead: string, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(CRC_BYTES);
  writeU32(bytes, 0, crc32(concat(utf8(lead), body)));
  return bytes;
}

/** Tells a pasted line from a file name. */
export const looksLikePeerLine = (text: string): boolean => /^\s*alamesh\d+:/.test(text);
