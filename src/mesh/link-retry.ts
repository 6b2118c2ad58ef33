/** When a link that is down may be tried again. */
import { after, type Instant } from '../base/time.js';
import { jittered, type MeshContext } from './context.js';

/** Ours: retries of a link that is down, doubling. */
const RETRY_MIN_MSEC = 1_000;
const RETRY_MAX_MSEC = 30_000;
/** Ours: after a refusal, doubling. */
const REFUSED_MIN_MSEC = 5_000;
const REFUSED_MAX_MSEC = 300_000;
/** Ours: beacons are not authenticated, so they shorten a wait only this often. */
const HURRY_EVERY_MSEC = 2_000;

export class LinkRetry {
  readonly #ctx: MeshContext;
  #retries = 0;
  #refusals = 0;
  #refusedUntil: Instant | undefined;
  #hurriedAt: Instant | undefined;

  constructor(ctx: MeshContext) {
    this.#ctx = ctx;
  }

  /** A handshake succeeded. */
  reached(): void {
    this.#retries = 0;
  }

  /** The link is up: all is forgiven. */
  accepted(): void {
    this.#refusals = 0;
  }

  /** @returns when to try again. */
  afterFailure(now: Instant): Instant {
    const msec = Math.min(RETRY_MAX_MSEC, RETRY_MIN_MSEC * 2 ** Math.min(this.#retries++, 10));
    return after(now, jittered(this.#ctx, msec));
  }

  /** @returns when to try again. */
  afterRefusal(now: Instant): Instant {
    const msec = Math.min(REFUSED_MAX_MSEC, REFUSED_MIN_MSEC * 2 ** Math.min(this.#refusals++, 10));
    this.#refusedUntil = after(now, jittered(this.#ctx, msec));
    return this.#refusedUntil;
  }

  isRefused(now: Instant): boolean {
    return this.#refusedUntil !== undefined && now < this.#refusedUntil;
  }

  /** Something hints that the peer is there. @returns whether it may be tried now. */
  hurry(now: Instant): boolean {
    if (this.#hurriedAt !== undefined && now - this.#hurriedAt < HURRY_EVERY_MSEC) return false;
    this.#hurriedAt = now;
    this.#refusedUntil = undefined;
    this.#retries = 0;
    return true;
  }
}
