/** Keys from a seed: equal seeds give equal addresses. */
import type { Crypto } from '../base/crypto.js';
import type { Entropy } from '../base/entropy.js';
import type { RouterIdentity } from '../engine/options.js';
import { deriveNode } from '../identity/address.js';

const KEY_BYTES = 32;

/** An identity that needs no work. */
export function seededIdentity(crypto: Crypto, entropy: Entropy, realm: string): RouterIdentity {
  const seed = entropy.bytes(KEY_BYTES);
  const noisePrivate = entropy.bytes(KEY_BYTES);
  const successor = new Uint8Array(KEY_BYTES);
  const proof = { publicKey: crypto.ed25519Public(seed), successor, nonce: 0n };
  const { id } = deriveNode(crypto, realm, proof);
  return { id, seed, proof, noisePrivate, noisePublic: crypto.x25519Public(noisePrivate) };
}
