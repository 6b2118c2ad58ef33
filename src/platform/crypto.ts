/** `Crypto` and `Entropy` for the router: node:crypto where it is right and fast, noble for what it lacks. */

import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  diffieHellman,
  randomFillSync,
  randomInt,
  sign,
  verify,
} from 'node:crypto';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { blake2s } from '@noble/hashes/blake2.js';
import { assert } from '../base/assert.js';
import { concat } from '../base/bytes.js';
import type { AeadCipher, AeadKey, Crypto } from '../base/crypto.js';
import type { Entropy } from '../base/entropy.js';
import { evpAeadKey, hasEvp } from './evp.js';
import { KEY_BYTES, privateKeyObject, publicKeyObject, rawPublicKey } from './keys.js';
import { setCounter, TAG_BYTES } from './nonce.js';

export type AeadBackend = 'openssl' | 'node';

const AEAD = 'chacha20-poly1305';
const AEAD_OPTIONS = { authTagLength: TAG_BYTES } as const;
const SIGNATURE_BYTES = 64;
const NONCE_BYTES = 12;
const XNONCE_BYTES = 24;

/** What `aeadKey` uses in this process: OpenSSL's own contexts, or node:crypto where they cannot be reached. */
export const aeadBackend = (): AeadBackend => (hasEvp() ? 'openssl' : 'node');

/**
 * @param backend For packets (`aeadKey`); default: the fastest that works here. Asking for 'openssl' where it does not
 * work gives 'node'.
 */
export function nodeCrypto(backend: AeadBackend = aeadBackend()): Crypto {
  return {
    ...curves,
    ...hashes,
    seal,
    open,
    xseal,
    xopen,
    aeadKey(key: Uint8Array, cipher: AeadCipher = AEAD): AeadKey {
      assert(key.length === KEY_BYTES, 'an AEAD key has 32 bytes');
      const fast = backend === 'openssl' ? evpAeadKey(key, cipher) : undefined;
      return fast ?? new NodeAeadKey(key, cipher);
    },
  };
}

/** The kernel's randomness. */
export function kernelEntropy(): Entropy {
  return {
    bytes: (count) => randomFillSync(new Uint8Array(count)),
    below: (limit) => randomInt(limit),
  };
}

const curves = {
  x25519(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined {
    const keys = {
      privateKey: privateKeyObject('X25519', privateKey),
      publicKey: publicKeyObject('X25519', publicKey),
    };
    try {
      return plainBytes(diffieHellman(keys));
    } catch {
      return undefined; // OpenSSL refuses an all-zero result: RFC 7748 §6.1
    }
  },
  x25519Public: (privateKey: Uint8Array) => rawPublicKey(privateKeyObject('X25519', privateKey)),
  ed25519Public: (seed: Uint8Array) => rawPublicKey(privateKeyObject('Ed25519', seed)),
  ed25519Sign: (seed: Uint8Array, message: Uint8Array) =>
    plainBytes(sign(null, message, privateKeyObject('Ed25519', seed))),
  ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
    if (publicKey.length !== KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
    try {
      return verify(null, message, publicKeyObject('Ed25519', publicKey), signature);
    } catch {
      return false; // not a point of the curve
    }
  },
};

const hashes = {
  blake2s: (...parts: readonly Uint8Array[]) => digest('blake2s256', parts),
  /** noble: node's createHash silently ignores a BLAKE2 key. */
  blake2sMac: (key: Uint8Array, length: number, ...parts: readonly Uint8Array[]) =>
    blake2s(parts.length === 1 ? (parts[0] as Uint8Array) : concat(...parts), {
      key,
      dkLen: length,
    }),
  hmacBlake2s(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
    const hmac = createHmac('blake2s256', key);
    for (const part of parts) hmac.update(part);
    return plainBytes(hmac.digest());
  },
  sha512: (...parts: readonly Uint8Array[]) => digest('sha512', parts),
  sha512t256: (...parts: readonly Uint8Array[]) => digest('sha512-256', parts),
};

function digest(name: string, parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash(name);
  for (const part of parts) hash.update(part);
  return plainBytes(hash.digest());
}

function seal(key: Uint8Array, nonce: Uint8Array, plain: Uint8Array, aad: Uint8Array): Uint8Array {
  assertSizes(key, nonce, NONCE_BYTES);
  const cipher = createCipheriv(AEAD, key, nonce, AEAD_OPTIONS);
  cipher.setAAD(aad, { plaintextLength: plain.length });
  const sealed = new Uint8Array(plain.length + TAG_BYTES);
  sealed.set(cipher.update(plain));
  cipher.final();
  sealed.set(cipher.getAuthTag(), plain.length);
  return sealed;
}

function open(
  key: Uint8Array,
  nonce: Uint8Array,
  sealed: Uint8Array,
  aad: Uint8Array,
): Uint8Array | undefined {
  assertSizes(key, nonce, NONCE_BYTES);
  const length = sealed.length - TAG_BYTES;
  if (length < 0) return undefined;
  const decipher = createDecipheriv(AEAD, key, nonce, AEAD_OPTIONS);
  decipher.setAAD(aad, { plaintextLength: length });
  decipher.setAuthTag(sealed.subarray(length));
  try {
    const plain = plainBytes(decipher.update(sealed.subarray(0, length)));
    decipher.final();
    return plain;
  } catch {
    return undefined;
  }
}

function xseal(key: Uint8Array, nonce: Uint8Array, plain: Uint8Array, aad: Uint8Array): Uint8Array {
  assertSizes(key, nonce, XNONCE_BYTES);
  return xchacha20poly1305(key, nonce, aad).encrypt(plain);
}

function xopen(
  key: Uint8Array,
  nonce: Uint8Array,
  sealed: Uint8Array,
  aad: Uint8Array,
): Uint8Array | undefined {
  assertSizes(key, nonce, XNONCE_BYTES);
  try {
    return xchacha20poly1305(key, nonce, aad).decrypt(sealed);
  } catch {
    return undefined; // too short, or the tag is wrong
  }
}

function assertSizes(key: Uint8Array, nonce: Uint8Array, nonceBytes: number): void {
  assert(key.length === KEY_BYTES, 'an AEAD key has 32 bytes');
  assert(nonce.length === nonceBytes, 'the nonce has another size');
}

/** A Uint8Array over the same bytes: `Buffer` has another `slice` and is another type to tests. */
function plainBytes(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

const packetNonce = new Uint8Array(NONCE_BYTES);

/** The fallback for packets; node wants a new cipher object for each. */
class NodeAeadKey implements AeadKey {
  #key: Uint8Array | undefined;
  readonly #cipher: AeadCipher;

  constructor(key: Uint8Array, cipher: AeadCipher) {
    this.#key = key.slice();
    this.#cipher = cipher;
  }

  seal(counter: number, plain: Uint8Array, out: Uint8Array, at: number): void {
    assert(this.#key !== undefined, 'sealing with a wiped key');
    assert(at >= 0 && at + plain.length + TAG_BYTES <= out.length, 'no room for the sealed packet');
    setCounter(packetNonce, counter);
    const cipher =
      this.#cipher === AEAD
        ? createCipheriv(AEAD, this.#key, packetNonce, AEAD_OPTIONS)
        : createCipheriv(this.#cipher, this.#key, packetNonce, AEAD_OPTIONS);
    out.set(cipher.update(plain), at);
    cipher.final();
    out.set(cipher.getAuthTag(), at + plain.length);
  }

  open(counter: number, sealed: Uint8Array, out: Uint8Array, at: number): boolean {
    const length = sealed.length - TAG_BYTES;
    if (this.#key === undefined || length < 0) return false;
    assert(at >= 0 && at + length <= out.length, 'no room for the opened packet');
    setCounter(packetNonce, counter);
    const decipher =
      this.#cipher === AEAD
        ? createDecipheriv(AEAD, this.#key, packetNonce, AEAD_OPTIONS)
        : createDecipheriv(this.#cipher, this.#key, packetNonce, AEAD_OPTIONS);
    decipher.setAuthTag(sealed.subarray(length));
    try {
      out.set(decipher.update(sealed.subarray(0, length)), at);
      decipher.final();
      return true;
    } catch {
      return false;
    }
  }

  wipe(): void {
    this.#key?.fill(0);
    this.#key = undefined;
  }
}
