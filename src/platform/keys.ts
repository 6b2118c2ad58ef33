/**
 * Raw 32-byte keys as node's KeyObjects. Importing costs as much as the operation, so objects are kept: public keys in
 * a bounded LRU by value; private keys only as long as the caller's own array lives (an ephemeral key must not outlast
 * its handshake in a cache of ours).
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { assert } from '../base/assert.js';
import { equalSecret } from '../base/bytes.js';

export type Curve = 'X25519' | 'Ed25519';

/** Ours: 4096 objects of about 1 KB. */
export const PUBLIC_KEYS_MAX = 4096;
export const KEY_BYTES = 32;

const publicKeys: Record<Curve, Map<string, KeyObject>> = {
  X25519: new Map(),
  Ed25519: new Map(),
};
const privateKeys: Record<Curve, WeakMap<Uint8Array, PrivateEntry>> = {
  X25519: new WeakMap(),
  Ed25519: new WeakMap(),
};

interface PrivateEntry {
  /** A caller may reuse the array for another key. */
  readonly raw: Uint8Array;
  readonly key: KeyObject;
}

/** @param raw 32 bytes, any value. */
export function publicKeyObject(curve: Curve, raw: Uint8Array): KeyObject {
  assert(raw.length === KEY_BYTES, 'a public key has 32 bytes');
  const cache = publicKeys[curve];
  const name = base64Url(raw);
  const known = cache.get(name);
  const key = known ?? createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: curve, x: name } });
  if (known !== undefined) cache.delete(name);
  else if (cache.size >= PUBLIC_KEYS_MAX) cache.delete(cache.keys().next().value as string);
  cache.set(name, key);
  return key;
}

/** @param raw 32 bytes: X25519's scalar or Ed25519's seed. */
export function privateKeyObject(curve: Curve, raw: Uint8Array): KeyObject {
  assert(raw.length === KEY_BYTES, 'a private key has 32 bytes');
  const known = privateKeys[curve].get(raw);
  if (known !== undefined && equalSecret(known.raw, raw)) return known.key;
  const key = createPrivateKey({
    format: 'jwk',
    key: { kty: 'OKP', crv: curve, d: base64Url(raw), x: PUBLIC_PART_UNREAD },
  });
  privateKeys[curve].set(raw, { raw: raw.slice(), key });
  return key;
}

/** Node wants `x` to be present in a private JWK and computes it anew. */
const PUBLIC_PART_UNREAD = 'A'.repeat(43);

/** The public key that belongs to a private one. */
export function rawPublicKey(privateKey: KeyObject): Uint8Array {
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' });
  return new Uint8Array(Buffer.from(x as string, 'base64url'));
}

function base64Url(raw: Uint8Array): string {
  return Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('base64url');
}
