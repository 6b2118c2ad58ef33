/** Key → address (design §4). An address is the hash of what its owner holds: nothing to allocate, nobody to ask. */
import { assert } from '../base/assert.js';
import { concat, utf8, view } from '../base/bytes.js';
import type { Crypto } from '../base/crypto.js';
import {
  ADDRESS_BYTES,
  NODE_SPACE,
  type NodeId,
  nodeIdOf,
  type Prefix,
  prefixOfNode,
  SERVICE_SPACE,
  servicePrefix,
} from '../base/ip6.js';
import type { Proof } from '../wire/types.js';
import { ADDRESS_DOMAIN } from './domains.js';

/** Design §4. Realm `alanet`: a second or two of search. Labs and other realms: none unless they say so. */
export const ALANET = 'alanet';
export const ALANET_WORK = 20;
/** Ours: beyond this a search takes days, so a larger demand is a mistake. */
export const WORK_MAX = 40;
const KIND_NODE = 1;
const KIND_SERVICE = 2;
const KEY_BYTES = 32;
const NONCE_BYTES = 8;

export const defaultWork = (realm: string): number => (realm === ALANET ? ALANET_WORK : 0);

export interface NodeAddress {
  readonly id: NodeId;
  readonly prefix: Prefix;
  /** Leading zero bits that the proof has, 0..256; never compared between nodes. */
  readonly work: number;
}

export interface ServiceAddress {
  /** 16 bytes. */
  readonly address: Uint8Array;
  readonly prefix: Prefix;
}

/** One hash. @param realm At most 255 bytes. */
export function deriveNode(crypto: Crypto, realm: string, proof: Proof): NodeAddress {
  const hash = crypto.sha512(addressPreimage(KIND_NODE, realm, proof));
  const address = new Uint8Array(ADDRESS_BYTES);
  address[0] = NODE_SPACE;
  address.set(hash.subarray(0, 15), 1);
  const id = nodeIdOf(address);
  return { id, prefix: prefixOfNode(id), work: leadingZeroBits(hash.subarray(32)) };
}

/** @param proof Its nonce must be 0: services need no work. */
export function deriveService(crypto: Crypto, realm: string, proof: Proof): ServiceAddress {
  assert(proof.nonce === 0n, "a service's nonce is 0");
  const hash = crypto.sha512(addressPreimage(KIND_SERVICE, realm, proof));
  const address = new Uint8Array(ADDRESS_BYTES);
  address[0] = SERVICE_SPACE;
  address.set(hash.subarray(0, 15), 1);
  return { address, prefix: servicePrefix(address) };
}

/** What a nonce search hashes: the node's preimage with nonce 0 in its last 8 bytes (big endian). */
export function nodeSearchPreimage(
  realm: string,
  publicKey: Uint8Array,
  successor: Uint8Array,
): Uint8Array {
  return addressPreimage(KIND_NODE, realm, { publicKey, successor, nonce: 0n });
}

function addressPreimage(kind: number, realm: string, proof: Proof): Uint8Array {
  const name = utf8(realm);
  assert(name.length <= 255, 'a realm has at most 255 bytes');
  assert(proof.publicKey.length === KEY_BYTES, 'a public key has 32 bytes');
  assert(proof.successor.length === KEY_BYTES, 'a successor has 32 bytes');
  const nonce = new Uint8Array(NONCE_BYTES);
  view(nonce).setBigUint64(0, proof.nonce);
  const head = Uint8Array.of(name.length);
  const { publicKey, successor } = proof;
  return concat(ADDRESS_DOMAIN, head, name, Uint8Array.of(kind), publicKey, successor, nonce);
}

export function leadingZeroBits(bytes: Uint8Array): number {
  let zeros = 0;
  for (const byte of bytes) {
    if (byte !== 0) return zeros + Math.clz32(byte) - 24;
    zeros += 8;
  }
  return zeros;
}

/** The commitment to the next public key (design §4). */
export const successorOf = (crypto: Crypto, nextPublicKey: Uint8Array): Uint8Array =>
  crypto.sha512t256(nextPublicKey);
