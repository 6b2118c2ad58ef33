import type { Millis } from '../base/time.js';

/** WireGuard's constants (whitepaper §6.1). Tests shorten them; between real peers they must be these. */
export interface NoiseTiming {
  /** A key older than this is replaced when something is sent under it (by its initiator only). */
  readonly rekeyAfter: Millis;
  /** A key older than this is never used. Three times this without a new key: all keys are wiped. */
  readonly rejectAfter: Millis;
  /** How long one attempt to make a handshake goes on before it is given up. */
  readonly rekeyAttempt: Millis;
  /** Between two initiations to one peer. */
  readonly rekeyTimeout: Millis;
  /** Data received and nothing sent for this long: a keepalive. */
  readonly keepalive: Millis;
  /** Age at which a cookie, and the secret behind ours, is replaced. */
  readonly cookieRefresh: Millis;
  /** Messages under one key after which either side replaces it. */
  readonly rekeyAfterMessages: number;
}

/**
 * Whitepaper §6.1, but for the messages: there 2^60, here 2^48, because our counters are exact only below 2^53. At ten
 * million packets per second that is still most of a year, and the key lives for three minutes.
 */
export const WIREGUARD_TIMING: NoiseTiming = {
  rekeyAfter: 120_000 as Millis,
  rejectAfter: 180_000 as Millis,
  rekeyAttempt: 90_000 as Millis,
  rekeyTimeout: 5_000 as Millis,
  keepalive: 10_000 as Millis,
  cookieRefresh: 120_000 as Millis,
  rekeyAfterMessages: 2 ** 48,
};

/** Linux and wireguard-go: retries are spread by up to a third of a second. */
export const REKEY_JITTER_MAX = 333 as Millis;
/** Linux and wireguard-go use a received cookie a little less long than it is valid: it has to travel. */
export const COOKIE_LATENCY = 5_000 as Millis;
/** Linux: at most 50 initiations per second and peer. */
export const INITIATION_INTERVAL_MIN = 20 as Millis;
