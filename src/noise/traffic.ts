/**
 * The timers that traffic drives (whitepaper §6.2–§6.5), evaluated from the plane's counters instead of from every packet.
 * A call sees what happened since the last one, so "first received since we sent" is known only to the interval between
 * two calls; where it matters the earlier end is taken, which makes a keepalive early, never late.
 */
import { after, earliest, type Instant } from '../base/time.js';
import type { NoiseTiming } from './timing.js';
import type { TrafficCounters } from './types.js';

/** What the last evaluation left; one per peer. */
export interface TrafficState {
  evaluatedAt: Instant;
  /** The last call asked to be called at the next packet: what is new now has only just happened. */
  isArmed: boolean;
  /** Since when we owe the other side a sign of life. */
  owedSince: Instant | undefined;
  /** Data up to here was answered by a keepalive that we asked for. */
  answeredAt: Instant;
  /** When silence last made a handshake. */
  silenceActedAt: Instant;
  /** The last packet sent that an old key was replaced for. */
  rekeyedForTxAt: Instant;
  /** The key that receiving already replaced once. */
  lastMinuteIndex: number | undefined;
}

export const newTrafficState = (): TrafficState => ({
  evaluatedAt: 0 as Instant,
  isArmed: true,
  owedSince: undefined,
  answeredAt: 0 as Instant,
  silenceActedAt: 0 as Instant,
  rekeyedForTxAt: 0 as Instant,
  lastMinuteIndex: undefined,
});

/** What the timers must know of the key in use. */
export interface TrafficKey {
  readonly localIndex: number;
  readonly initiator: boolean;
  readonly createdAt: Instant;
  /** Both sides initiated at once: this one lets the other rekey first. */
  readonly yields: boolean;
}

export interface TrafficVerdict {
  readonly keepalive: boolean;
  readonly handshake: boolean;
  /** When to look again even if nothing happens. */
  readonly nextAt: Instant | undefined;
}

export interface TrafficInput {
  readonly now: Instant;
  readonly timing: NoiseTiming;
  readonly counters: TrafficCounters;
  readonly key: TrafficKey | undefined;
}

/** Updates `state` and says what is due. */
export function evaluateTraffic(state: TrafficState, input: TrafficInput): TrafficVerdict {
  const { now, counters, timing } = input;
  const isFlowing = Math.max(counters.lastDataRxAt, counters.lastDataTxAt) > state.evaluatedAt;
  const keepalive = keepaliveDue(state, input);
  const silence = silenceDue(state, input);
  const rekey = input.key !== undefined && mustRekey(state, input, input.key);
  const nextAt = earliest(
    state.owedSince === undefined ? undefined : after(state.owedSince, timing.keepalive),
    silenceEndsAt(state, input),
    isFlowing ? after(now, timing.keepalive / 2) : undefined,
  );
  state.evaluatedAt = now;
  state.isArmed = nextAt === undefined;
  return { keepalive, handshake: silence || rekey, nextAt };
}

/** §6.5: data came and nothing was sent. Equal times count as owed: within one millisecond the order is unknown. */
function keepaliveDue(state: TrafficState, { now, counters, timing }: TrafficInput): boolean {
  const { lastDataRxAt, lastTxAt } = counters;
  if (lastDataRxAt < lastTxAt || lastDataRxAt <= state.answeredAt) {
    state.owedSince = undefined;
    return false;
  }
  if (state.owedSince === undefined || lastTxAt > state.owedSince) {
    const earliestOwed = Math.max(lastTxAt, state.evaluatedAt);
    state.owedSince = Math.min(lastDataRxAt, state.isArmed ? now : earliestOwed) as Instant;
  }
  if (now < after(state.owedSince, timing.keepalive)) return false;
  state.answeredAt = lastDataRxAt;
  state.owedSince = undefined;
  return true;
}

/** §6.5: data was sent and nothing at all came back. */
function silenceDue(state: TrafficState, input: TrafficInput): boolean {
  const end = silenceEndsAt(state, input);
  if (end === undefined || input.now < end) return false;
  state.silenceActedAt = input.now;
  return true;
}

function silenceEndsAt(state: TrafficState, input: TrafficInput): Instant | undefined {
  const { counters, timing } = input;
  const since = Math.max(counters.unansweredSinceAt, state.silenceActedAt) as Instant;
  if (counters.unansweredSinceAt === 0 || counters.lastDataTxAt < since) return undefined;
  return after(since, timing.keepalive + timing.rekeyTimeout);
}

/** §6.2: age and use of the key; only the initiator goes by age, so that the two do not collide. */
function mustRekey(state: TrafficState, input: TrafficInput, key: TrafficKey): boolean {
  const { counters, timing } = input;
  const used = counters.keyMessages >= timing.rekeyAfterMessages;
  const patience = timing.rekeyAfter + (key.yields ? timing.rekeyTimeout : 0);
  const old = key.initiator && counters.lastTxAt >= after(key.createdAt, patience);
  if ((used || old) && counters.lastTxAt > state.rekeyedForTxAt) {
    state.rekeyedForTxAt = counters.lastTxAt;
    return true;
  }
  return key.initiator && lastMinute(state, input, key);
}

/** §6.2: we only receive, and the key has just enough life left for one attempt. Once per key. */
function lastMinute(state: TrafficState, input: TrafficInput, key: TrafficKey): boolean {
  const { counters, timing } = input;
  const margin = timing.rejectAfter - timing.keepalive - timing.rekeyTimeout;
  if (counters.lastRxAt < after(key.createdAt, margin)) return false;
  if (state.lastMinuteIndex === key.localIndex) return false;
  state.lastMinuteIndex = key.localIndex;
  return true;
}
