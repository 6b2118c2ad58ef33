/**
 * The primitives that the pure layers need, as an argument. `platform/crypto` makes them from node:crypto and noble;
 * the simulator may wrap them in a cache. All inputs and outputs are raw bytes; nothing throws on hostile input.
 */
export interface Crypto {
  /** RFC 7748. @returns undefined when the result is all zeros (a low-order point). */
  x25519(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined;
  x25519Public(privateKey: Uint8Array): Uint8Array;
  /** RFC 8032. @param seed 32 bytes. */
  ed25519Public(seed: Uint8Array): Uint8Array;
  ed25519Sign(seed: Uint8Array, message: Uint8Array): Uint8Array;
  ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /** RFC 8439, 12-byte nonce. @returns ciphertext ‖ 16-byte tag. */
  seal(key: Uint8Array, nonce: Uint8Array, plain: Uint8Array, aad: Uint8Array): Uint8Array;
  open(
    key: Uint8Array,
    nonce: Uint8Array,
    sealed: Uint8Array,
    aad: Uint8Array,
  ): Uint8Array | undefined;
  /** XChaCha20-Poly1305, 24-byte nonce (WireGuard's cookies). */
  xseal(key: Uint8Array, nonce: Uint8Array, plain: Uint8Array, aad: Uint8Array): Uint8Array;
  xopen(
    key: Uint8Array,
    nonce: Uint8Array,
    sealed: Uint8Array,
    aad: Uint8Array,
  ): Uint8Array | undefined;
  /** Unkeyed BLAKE2s, 32 bytes, over the concatenation. */
  blake2s(...parts: readonly Uint8Array[]): Uint8Array;
  /** Keyed BLAKE2s (RFC 7693), `length` bytes, over the concatenation. */
  blake2sMac(key: Uint8Array, length: number, ...parts: readonly Uint8Array[]): Uint8Array;
  /** HMAC (RFC 2104) with BLAKE2s, 32 bytes, over the concatenation. */
  hmacBlake2s(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array;
  sha512(...parts: readonly Uint8Array[]): Uint8Array;
  sha512t256(...parts: readonly Uint8Array[]): Uint8Array;
  /** A key ready for many packets. @param cipher Default: WireGuard's ChaCha20-Poly1305. */
  aeadKey(key: Uint8Array, cipher?: AeadCipher): AeadKey;
}

/** AES-256-GCM is for links between two of ours whose CPUs have instructions for it. */
export type AeadCipher = 'chacha20-poly1305' | 'aes-256-gcm';

/** An AEAD with WireGuard's nonce (32 zero bits, then the counter as u64 little endian) and no AAD. */
export interface AeadKey {
  /** Writes ciphertext and tag: `plain.length + 16` bytes at `out[at…]`. `plain` may not overlap `out`. */
  seal(counter: number, plain: Uint8Array, out: Uint8Array, at: number): void;
  /** Writes `sealed.length - 16` bytes at `out[at…]`. @returns false when the tag is wrong; `out` is then garbage. */
  open(counter: number, sealed: Uint8Array, out: Uint8Array, at: number): boolean;
  wipe(): void;
}
