/** Noise's CipherState and SymmetricState (Noise specification, revision 34, §5.1 and §5.2) for ChaChaPoly and BLAKE2s. */
import { wipe, writeU32le } from '../base/bytes.js';
import type { Crypto } from '../base/crypto.js';

const HASH_BYTES = 32;
const NOTHING = new Uint8Array(0);

/** HKDF with HMAC-BLAKE2s (§4.3), WireGuard's KDF1..3. @returns `count` outputs of 32 bytes. */
export function hkdf(
  crypto: Crypto,
  chainingKey: Uint8Array,
  input: Uint8Array,
  count: 1 | 2 | 3,
): Uint8Array[] {
  const secret = crypto.hmacBlake2s(chainingKey, input);
  const outputs: Uint8Array[] = [];
  for (let i = 1; i <= count; i++) {
    outputs.push(crypto.hmacBlake2s(secret, outputs.at(-1) ?? NOTHING, Uint8Array.of(i)));
  }
  wipe(secret);
  return outputs;
}

/** A key and its message counter; without a key, text passes as it is. */
export class CipherState {
  readonly #crypto: Crypto;
  #key: Uint8Array | undefined;
  #count = 0;

  constructor(crypto: Crypto, key?: Uint8Array) {
    this.#crypto = crypto;
    this.#key = key;
  }

  get hasKey(): boolean {
    return this.#key !== undefined;
  }

  encrypt(aad: Uint8Array, plain: Uint8Array): Uint8Array {
    if (this.#key === undefined) return plain;
    return this.#crypto.seal(this.#key, nonceOf(this.#count++), plain, aad);
  }

  /** @returns undefined when the text is not authentic; the counter then stays. */
  decrypt(aad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    if (this.#key === undefined) return sealed;
    const plain = this.#crypto.open(this.#key, nonceOf(this.#count), sealed, aad);
    if (plain !== undefined) this.#count++;
    return plain;
  }

  clone(): CipherState {
    const copy = new CipherState(this.#crypto, this.#key?.slice());
    copy.#count = this.#count;
    return copy;
  }

  wipe(): void {
    if (this.#key !== undefined) wipe(this.#key);
    this.#key = undefined;
  }
}

/** §12.3: 32 zero bits, then the counter as u64 little endian. Handshakes count to a handful. */
function nonceOf(count: number): Uint8Array {
  const nonce = new Uint8Array(12);
  writeU32le(nonce, 4, count);
  return nonce;
}

/** The running hash and chaining key of one handshake. */
export class SymmetricState {
  readonly #crypto: Crypto;
  #chainingKey: Uint8Array;
  #hash: Uint8Array;
  #cipher: CipherState;

  constructor(crypto: Crypto, protocolName: Uint8Array) {
    this.#crypto = crypto;
    this.#hash = initialHash(crypto, protocolName);
    this.#chainingKey = this.#hash.slice();
    this.#cipher = new CipherState(crypto);
  }

  /** The handshake hash so far; the channel binding once the handshake is over. */
  get hash(): Uint8Array {
    return this.#hash;
  }

  get hasKey(): boolean {
    return this.#cipher.hasKey;
  }

  mixHash(data: Uint8Array): void {
    this.#hash = this.#crypto.blake2s(this.#hash, data);
  }

  mixKey(input: Uint8Array): void {
    const [chainingKey, key] = this.#derive(input, 2);
    this.#rekey(chainingKey, key);
  }

  mixKeyAndHash(input: Uint8Array): void {
    const [chainingKey, hash, key] = this.#derive(input, 3);
    this.mixHash(hash as Uint8Array);
    this.#rekey(chainingKey, key);
  }

  encryptAndHash(plain: Uint8Array): Uint8Array {
    const sealed = this.#cipher.encrypt(this.#hash, plain);
    this.mixHash(sealed);
    return sealed;
  }

  /** @returns undefined when the text is not authentic; the state is then useless. */
  decryptAndHash(sealed: Uint8Array): Uint8Array | undefined {
    const plain = this.#cipher.decrypt(this.#hash, sealed);
    this.mixHash(sealed);
    return plain;
  }

  /** The two transport keys: the initiator's sending key first. */
  split(): readonly [Uint8Array, Uint8Array] {
    const [first, second] = this.#derive(NOTHING, 2);
    return [first as Uint8Array, second as Uint8Array];
  }

  clone(): SymmetricState {
    const copy = new SymmetricState(this.#crypto, NOTHING);
    copy.#chainingKey = this.#chainingKey.slice();
    copy.#hash = this.#hash.slice();
    copy.#cipher = this.#cipher.clone();
    return copy;
  }

  wipe(): void {
    wipe(this.#chainingKey);
    this.#cipher.wipe();
  }

  #derive(input: Uint8Array, count: 2 | 3): Uint8Array[] {
    return hkdf(this.#crypto, this.#chainingKey, input, count);
  }

  #rekey(chainingKey: Uint8Array | undefined, key: Uint8Array | undefined): void {
    this.wipe();
    this.#chainingKey = chainingKey as Uint8Array;
    this.#cipher = new CipherState(this.#crypto, key);
  }
}

/** §5.2: a name that fits is padded with zeros, a longer one is hashed. */
function initialHash(crypto: Crypto, protocolName: Uint8Array): Uint8Array {
  if (protocolName.length > HASH_BYTES) return crypto.blake2s(protocolName);
  const padded = new Uint8Array(HASH_BYTES);
  padded.set(protocolName);
  return padded;
}
