/** When a path is suspected and when it is dead: one pure function, like BFD in demand mode (RFC 5880 §6.6). */
import { after, type Instant } from '../base/time.js';

/** Ours: fast probes in one interval; more on a link that loses packets, so that it is not taken for dead. */
const PROBES_PER_INTERVAL = 6;
const PROBES_WHEN_LOSSY = 16;
const LOSSY = 0.05;

export interface SilenceView {
  readonly now: Instant;
  /** When the peer was last heard on this path. */
  readonly heardAt: Instant;
  /** First thing sent that asks for an answer and was not followed by anything heard; undefined: none. */
  readonly demandAt: Instant | undefined;
  readonly intervalMsec: number;
  readonly count: number;
  /** Smoothed, undefined while unknown: a path may not be faster declared dead than it could answer. */
  readonly rttMsec: number | undefined;
  /** Measured, 0..1. */
  readonly loss: number;
}

export type SilenceVerdict =
  /** Nothing is owed. */
  | { readonly kind: 'calm' }
  /** Look again then. */
  | { readonly kind: 'wait'; readonly at: Instant }
  /** Probe now, look again then. */
  | { readonly kind: 'probe'; readonly at: Instant }
  | { readonly kind: 'dead' };

/**
 * Dead when nothing was heard for `count` intervals, as long as the first unanswered thing is nearly as old: half an
 * interval is allowed for the pause between two sends.
 */
export function judgeSilence(view: SilenceView): SilenceVerdict {
  const { now, heardAt, demandAt, intervalMsec, count } = view;
  if (demandAt === undefined) return { kind: 'calm' };
  const patience = Math.max(count * intervalMsec, intervalMsec + 2 * (view.rttMsec ?? 0));
  const deadAt = Math.max(heardAt + patience, demandAt + patience - intervalMsec / 2);
  if (now >= deadAt) return { kind: 'dead' };
  const suspectAt = Math.max(heardAt, demandAt) + intervalMsec;
  if (now < suspectAt) return { kind: 'wait', at: Math.min(suspectAt, deadAt) as Instant };
  const perInterval = view.loss > LOSSY ? PROBES_WHEN_LOSSY : PROBES_PER_INTERVAL;
  const next = after(now, intervalMsec / perInterval);
  return { kind: 'probe', at: Math.min(next, deadAt) as Instant };
}
