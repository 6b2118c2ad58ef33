/**
 * MAC1, MAC2 and cookies (whitepaper §5.3, §5.4.4, §5.4.7). MAC1 proves that the sender knows our public key; under load
 * MAC2 proves that it also receives at the address it sends from, before we spend a Diffie-Hellman on it.
 */
import { equalSecret, utf8, wipe } from '../base/bytes.js';
import type { Crypto } from '../base/crypto.js';
import type { Entropy } from '../base/entropy.js';
import { after, type Instant, type Millis } from '../base/time.js';
import {
  COOKIE_BYTES,
  COOKIE_NONCE_AT,
  COOKIE_NONCE_BYTES,
  COOKIE_SEALED_AT,
  layCookieReply,
  MAC_BYTES,
  mac1At,
  mac2At,
  senderIndex,
} from './messages.js';
import { COOKIE_LATENCY } from './timing.js';

const LABEL_MAC1 = utf8('mac1----');
const LABEL_COOKIE = utf8('cookie--');
const SECRET_BYTES = 32;

/** What every handshake message to the owner of this key is marked with. */
export const mac1Key = (crypto: Crypto, publicKey: Uint8Array): Uint8Array =>
  crypto.blake2s(LABEL_MAC1, publicKey);

/** What cookies of the owner of this key are sealed with. */
export const cookieKey = (crypto: Crypto, publicKey: Uint8Array): Uint8Array =>
  crypto.blake2s(LABEL_COOKIE, publicKey);

const mac1Of = (datagram: Uint8Array): Uint8Array =>
  datagram.subarray(mac1At(datagram), mac2At(datagram));

/** Checks what comes to us. One per device. */
export class CookieChecker {
  readonly #crypto: Crypto;
  readonly #entropy: Entropy;
  readonly #refresh: Millis;
  readonly #mac1Key: Uint8Array;
  readonly #cookieKey: Uint8Array;
  #secret = new Uint8Array(SECRET_BYTES);
  #secretUntil: Instant | undefined;

  constructor(crypto: Crypto, entropy: Entropy, publicKey: Uint8Array, refresh: Millis) {
    this.#crypto = crypto;
    this.#entropy = entropy;
    this.#refresh = refresh;
    this.#mac1Key = mac1Key(crypto, publicKey);
    this.#cookieKey = cookieKey(crypto, publicKey);
  }

  hasMac1(datagram: Uint8Array): boolean {
    const covered = datagram.subarray(0, mac1At(datagram));
    const expected = this.#crypto.blake2sMac(this.#mac1Key, MAC_BYTES, covered);
    return equalSecret(expected, mac1Of(datagram));
  }

  /** @param source The address that the datagram came from. */
  hasMac2(now: Instant, source: Uint8Array, datagram: Uint8Array): boolean {
    const covered = datagram.subarray(0, mac2At(datagram));
    const cookie = this.#cookieFor(now, source);
    const expected = this.#crypto.blake2sMac(cookie, MAC_BYTES, covered);
    return equalSecret(expected, datagram.subarray(mac2At(datagram)));
  }

  /** @returns 64 bytes, less than half of what it answers. Only for a datagram whose MAC1 is right. */
  reply(now: Instant, source: Uint8Array, datagram: Uint8Array): Uint8Array {
    const nonce = this.#entropy.bytes(COOKIE_NONCE_BYTES);
    const cookie = this.#cookieFor(now, source);
    const sealed = this.#crypto.xseal(this.#cookieKey, nonce, cookie, mac1Of(datagram));
    return layCookieReply(senderIndex(datagram), nonce, sealed);
  }

  #cookieFor(now: Instant, source: Uint8Array): Uint8Array {
    if (this.#secretUntil === undefined || now >= this.#secretUntil) {
      wipe(this.#secret);
      this.#secret = Uint8Array.from(this.#entropy.bytes(SECRET_BYTES));
      this.#secretUntil = after(now, this.#refresh);
    }
    return this.#crypto.blake2sMac(this.#secret, COOKIE_BYTES, source);
  }
}

/** Stamps what we send to one peer, and keeps the cookie that it gave us. */
export class CookieJar {
  readonly #crypto: Crypto;
  readonly #mac1Key: Uint8Array;
  readonly #cookieKey: Uint8Array;
  readonly #cookieLife: number;
  #cookie: Uint8Array | undefined;
  #cookieUntil = 0;
  /** MAC1 of the last datagram stamped: a cookie reply is bound to it. */
  #lastMac1: Uint8Array | undefined;

  constructor(crypto: Crypto, remotePublic: Uint8Array, refresh: Millis) {
    this.#crypto = crypto;
    this.#mac1Key = crypto.blake2s(LABEL_MAC1, remotePublic);
    this.#cookieKey = crypto.blake2s(LABEL_COOKIE, remotePublic);
    this.#cookieLife = Math.max(refresh - COOKIE_LATENCY, refresh / 2);
  }

  /** Writes both MACs into an initiation or a response; MAC2 stays zero without a fresh cookie. */
  stamp(now: Instant, datagram: Uint8Array): void {
    const first = mac1At(datagram);
    const second = mac2At(datagram);
    const mac1 = this.#mac(this.#mac1Key, datagram.subarray(0, first));
    datagram.set(mac1, first);
    this.#lastMac1 = mac1;
    if (this.#cookie !== undefined && now < this.#cookieUntil) {
      datagram.set(this.#mac(this.#cookie, datagram.subarray(0, second)), second);
    }
  }

  /** @returns false when it is not the peer's answer to the last datagram that we stamped. */
  accept(now: Instant, reply: Uint8Array): boolean {
    if (this.#lastMac1 === undefined) return false;
    const nonce = reply.subarray(COOKIE_NONCE_AT, COOKIE_SEALED_AT);
    const sealed = reply.subarray(COOKIE_SEALED_AT);
    const cookie = this.#crypto.xopen(this.#cookieKey, nonce, sealed, this.#lastMac1);
    if (cookie?.length !== COOKIE_BYTES) return false;
    this.#cookie = cookie;
    this.#cookieUntil = after(now, this.#cookieLife);
    this.#lastMac1 = undefined;
    return true;
  }

  #mac(key: Uint8Array, covered: Uint8Array): Uint8Array {
    return this.#crypto.blake2sMac(key, MAC_BYTES, covered);
  }
}
