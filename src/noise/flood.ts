/**
 * Bounds what handshakes may cost, whoever sends them. In order: a cap on MAC checks; then, above a comfortable rate,
 * "under load": a cookie is demanded, and each source has a rate of its own; and a hard cap on Diffie-Hellman whatever else.
 */

import { toHex } from '../base/bytes.js';
import { parseAddress } from '../base/ip6.js';
import { after, type Instant } from '../base/time.js';

/** Ours: a MAC1 check takes about 8 µs, so these are at most a sixth of a core. */
const MAC_CHECKS_PER_SEC = 20_000;
/** Ours: an accepted initiation takes about 0.3 ms; up to here nobody is asked for a cookie. */
export const COMFORT_PER_SEC = 100;
/** Ours: never more than this, cookie or not: about a seventh of a core. */
const ACCEPTED_PER_SEC_MAX = 400;
/** Ours: a cookie reply takes about 50 µs. */
const REPLIES_PER_SEC = 1_000;
/** Ours: initiations of unknown keys that are told to the caller. */
const STRANGERS_PER_SEC = 10;
/** Linux: 20 per second and source, bursts of 5, only under load. */
const PER_SOURCE_PER_SEC = 20;
const PER_SOURCE_BURST = 5;
/** Linux: under load lasts for a second after the last sign of it. */
const LOAD_HOLD_MSEC = 1_000;
/** Ours: sources remembered; the oldest is forgotten. */
const SOURCES_MAX = 2_048;

/** `perSecond` tokens a second, `burst` at most. */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #at: Instant | undefined;

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** @returns false when there is no token left. */
  take(now: Instant): boolean {
    const gained = (Math.max(0, now - (this.#at ?? now)) * this.#perSecond) / 1000;
    this.#tokens = Math.min(this.#burst, this.#tokens + gained);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

/** The state of one device's defence. */
export class HandshakeGate {
  readonly #macChecks = new TokenBucket(MAC_CHECKS_PER_SEC, MAC_CHECKS_PER_SEC / 10);
  readonly #comfort = new TokenBucket(COMFORT_PER_SEC, COMFORT_PER_SEC);
  readonly #accepted = new TokenBucket(ACCEPTED_PER_SEC_MAX, ACCEPTED_PER_SEC_MAX / 2);
  readonly #replies = new TokenBucket(REPLIES_PER_SEC, REPLIES_PER_SEC / 10);
  readonly #strangers = new TokenBucket(STRANGERS_PER_SEC, STRANGERS_PER_SEC);
  readonly #sources = new Map<string, TokenBucket>();
  #loadUntil: Instant | undefined;

  mayCheckMac(now: Instant): boolean {
    return this.#macChecks.take(now);
  }

  /** Counts one initiation with a right MAC1. @returns whether it must show a cookie. */
  underLoad(now: Instant): boolean {
    if (!this.#comfort.take(now)) this.#loadUntil = after(now, LOAD_HOLD_MSEC);
    return this.#loadUntil !== undefined && now < this.#loadUntil;
  }

  mayReply(now: Instant): boolean {
    return this.#replies.take(now);
  }

  /** For initiations that showed a cookie: sources are real then, and each has its share. */
  mayServe(now: Instant, source: string): boolean {
    let bucket = this.#sources.get(source);
    if (bucket === undefined) {
      if (this.#sources.size >= SOURCES_MAX) this.#sources.delete(this.#oldestSource());
      bucket = new TokenBucket(PER_SOURCE_PER_SEC, PER_SOURCE_BURST);
    } else {
      this.#sources.delete(source);
    }
    this.#sources.set(source, bucket);
    return bucket.take(now);
  }

  /** The last word before Diffie-Hellman. */
  mayCompute(now: Instant): boolean {
    return this.#accepted.take(now);
  }

  mayTellStranger(now: Instant): boolean {
    return this.#strangers.take(now);
  }

  #oldestSource(): string {
    return this.#sources.keys().next().value ?? '';
  }
}

/**
 * Whom a rate is for: the host without scheme and port, and for IPv6 its /64, since one host may use all of that.
 * @param source As the transports name remotes: `udp://192.0.2.1:4242`, `udp://[2001:db8::1]:4242`, or any other text.
 */
export function sourceGroup(source: string): string {
  const authority = source.replace(/^[a-z][a-z0-9+.-]*:\/\//, '');
  const bracketed = /^\[([^\]%]*)(%[^\]]*)?\]/.exec(authority);
  if (bracketed === null) return authority.replace(/:\d+$/, '');
  const address = parseAddress(bracketed[1] ?? '');
  if (!address.ok) return authority;
  const isLinkLocal = address.value[0] === 0xfe && ((address.value[1] ?? 0) & 0xc0) === 0x80;
  return toHex(isLinkLocal ? address.value : address.value.subarray(0, 8));
}
