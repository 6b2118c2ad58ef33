/**
 * IPv6 addresses and prefixes of ALANET.
 *
 * A `NodeId` is the node's 16-byte address as 32 lowercase hex digits: a map key whose string order is the numeric
 * order. A `Prefix` is the hex of its significant bytes, `/` and the length: `fd5c0011223344aa/64`, or 32 digits and
 * `/128`. Packets use raw bytes and offsets; text as people write it (RFC 5952) exists only at the edges.
 */
import { fromHex, toHex } from './bytes.js';
import { bad, good, type Parsed } from './result.js';

export type NodeId = string & { readonly brand: 'NodeId' };
export type Prefix = string & { readonly brand: 'Prefix' };

export const ADDRESS_BYTES = 16;
/** First byte of every node address and prefix (design §4). */
export const NODE_SPACE = 0xfd;
/** First byte of every service address (design §4). */
export const SERVICE_SPACE = 0xfc;

export function nodeIdOf(address: Uint8Array): NodeId {
  return toHex(address.subarray(0, ADDRESS_BYTES)) as NodeId;
}

export function addressBytes(id: NodeId): Uint8Array {
  return fromHex(id) as Uint8Array;
}

/** The /64 that a node address lies in. */
export function prefixOfNode(id: NodeId): Prefix {
  return `${id.slice(0, 16)}/64` as Prefix;
}

export function servicePrefix(address: Uint8Array): Prefix {
  return `${toHex(address)}/128` as Prefix;
}

export function prefixLength(prefix: Prefix): 64 | 128 {
  return prefix.length === 19 ? 64 : 128;
}

/** The prefix's 16 address bytes, host bits zero. */
export function prefixBytes(prefix: Prefix): Uint8Array {
  const bytes = new Uint8Array(ADDRESS_BYTES);
  bytes.set(fromHex(prefix.slice(0, prefix.indexOf('/'))) as Uint8Array);
  return bytes;
}

/**
 * Only /64 under fd and /128 under fc are routable (design §4).
 * @param address 16 bytes; host bits of a /64 must be zero.
 */
export function parsePrefixBytes(address: Uint8Array, length: number): Parsed<Prefix> {
  if (address.length !== ADDRESS_BYTES) return bad(`a prefix has 16 bytes, not ${address.length}`);
  if (length === 128 && address[0] === SERVICE_SPACE) return good(servicePrefix(address));
  if (length !== 64 || address[0] !== NODE_SPACE) {
    return bad(`${formatAddress(address)}/${length} is neither fd…/64 nor fc…/128`);
  }
  for (let i = 8; i < 16; i++) if (address[i] !== 0) return bad('host bits are set in a /64');
  return good(`${toHex(address.subarray(0, 8))}/64` as Prefix);
}

export function formatNodeId(id: NodeId): string {
  return formatAddress(addressBytes(id));
}

export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(prefixBytes(prefix))}/${prefixLength(prefix)}`;
}

/** RFC 5952: lowercase, the first longest run of two or more zero groups as `::`. */
export function formatAddress(bytes: Uint8Array): string {
  const groups = Array.from(
    { length: 8 },
    (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0),
  );
  const run = longestZeroRun(groups);
  const hex = (part: readonly number[]): string => part.map((g) => g.toString(16)).join(':');
  if (run.length < 2) return hex(groups);
  return `${hex(groups.slice(0, run.start))}::${hex(groups.slice(run.start + run.length))}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}

/** RFC 4291 §2.2, all three forms; no zone. */
export function parseAddress(text: string): Parsed<Uint8Array> {
  const wrong = bad(`'${text.slice(0, 60)}' is not an IPv6 address`);
  if (text.length > 45 || !/^[0-9a-fA-F:.]+$/.test(text)) return wrong;
  const halves = text.split('::');
  if (halves.length > 2) return wrong;
  const head = parseGroups(halves[0] ?? '', halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? '', true) : [];
  if (head === undefined || tail === undefined) return wrong;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return wrong;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  const bytes = new Uint8Array(ADDRESS_BYTES);
  groups.forEach((group, i) => {
    bytes[2 * i] = group >> 8;
    bytes[2 * i + 1] = group & 0xff;
  });
  return good(bytes);
}

function parseGroups(text: string, mayEndInIp4: boolean): number[] | undefined {
  if (text === '') return [];
  const words = text.split(':');
  const groups: number[] = [];
  for (const [i, word] of words.entries()) {
    if (word.includes('.')) {
      const quad = mayEndInIp4 && i === words.length - 1 ? parseIp4(word) : undefined;
      if (quad === undefined) return undefined;
      groups.push((quad[0] as number) * 256 + (quad[1] as number));
      groups.push((quad[2] as number) * 256 + (quad[3] as number));
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(word)) return undefined;
      groups.push(Number.parseInt(word, 16));
    }
  }
  return groups;
}

/** Four dotted decimals without leading zeros. */
export function parseIp4(text: string): number[] | undefined {
  const match = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/.exec(
    text,
  );
  const parts = match?.slice(1).map(Number);
  return parts?.every((part) => part <= 255) ? parts : undefined;
}

/** A node address in text, checked to lie in fd00::/8. */
export function parseNodeId(text: string): Parsed<NodeId> {
  const address = parseAddress(text);
  if (!address.ok) return address;
  if (address.value[0] !== NODE_SPACE) return bad(`${text} is not in fd00::/8`);
  return good(nodeIdOf(address.value));
}

/** `fd…/64` or `fc…/128` in text. */
export function parsePrefix(text: string): Parsed<Prefix> {
  const slash = text.indexOf('/');
  const length = text.slice(slash + 1);
  if (slash < 0 || !/^\d{1,3}$/.test(length)) return bad(`'${text.slice(0, 60)}' is not a prefix`);
  const address = parseAddress(text.slice(0, slash));
  return address.ok ? parsePrefixBytes(address.value, Number(length)) : address;
}
