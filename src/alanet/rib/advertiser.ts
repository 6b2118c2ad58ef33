/** When neighbors are told: withdrawals and root causes at once, announcements paced, nothing while a link is busy. */
import type { Prefix } from '../../base/ip6.js';
import { after, type Instant } from '../../base/time.js';
import type { Subjects } from '../attest/subjects.js';
import type { Neighbor } from '../session/neighbor.js';
import type { Route } from '../types.js';
import { type AdjOutParts, buildAnnouncements, buildWithdrawals } from './adj-out.js';
import type { LocRib } from './loc-rib.js';

/** Ours: announcements to one neighbor leave this long after the first change, and this far apart. */
const ADVERTISE_FIRST_MSEC = 5;
const ADVERTISE_INTERVAL_MSEC = 100;
/** Ours: while more than this waits for a link, no more updates are built for it. */
const OUTBOX_LOW = 16;

export interface AdvertiserParts {
  readonly subjects: Subjects;
  readonly locRib: LocRib;
  /** Routes of others are announced too. */
  readonly givesTransit: () => boolean;
}

export class Advertiser {
  readonly #parts: AdvertiserParts;
  readonly #adjOut: AdjOutParts;

  constructor(parts: AdvertiserParts) {
    this.#parts = parts;
    this.#adjOut = {
      subjects: parts.subjects,
      wanted: (to, prefix) => this.#wanted(to, prefix),
    };
  }

  /** What a neighbor should have: the best route, unless it leads back, or we give it no transit. */
  #wanted(to: Neighbor, prefix: Prefix): Route | undefined {
    if (!to.carriesRoutes) return undefined;
    const best = this.#parts.locRib.best(prefix);
    if (best === undefined || best.link === undefined) return best;
    if (!this.#parts.givesTransit()) return undefined;
    return best.asPath.includes(to.peer) ? undefined : best;
  }

  /** Everything is looked at again. */
  readvertise(now: Instant, neighbor: Neighbor): void {
    if (!neighbor.carriesRoutes) return;
    for (const prefix of neighbor.sent.keys()) neighbor.pending.add(prefix);
    for (const prefix of this.#parts.locRib.prefixes()) neighbor.pending.add(prefix);
    neighbor.timers.setEarlier('advertise', after(now, ADVERTISE_FIRST_MSEC));
  }

  /** After changes: says what cannot wait and sets the timer for the rest. */
  settle(now: Instant, neighbor: Neighbor): void {
    if (neighbor.pending.size === 0 && neighbor.pendingRecords.size === 0) return;
    // A root cause leaves in one message with the routes that replace what it ends.
    if (neighbor.pendingRecords.size > 0 && pacedUntil(now, neighbor) <= now)
      this.advertise(now, neighbor);
    if (neighbor.outbox.length < OUTBOX_LOW) {
      for (const update of this.withdrawals(neighbor)) neighbor.queue(update);
    }
    if (neighbor.pending.size > 0 && neighbor.timers.at('advertise') === undefined) {
      const at = Math.max(after(now, ADVERTISE_FIRST_MSEC), pacedUntil(now, neighbor));
      neighbor.timers.set('advertise', at as Instant);
    }
  }

  withdrawals(neighbor: Neighbor): ReturnType<typeof buildWithdrawals> {
    return buildWithdrawals(this.#adjOut, neighbor);
  }

  /** The link took a message: there may be room for the next. */
  sent(now: Instant, neighbor: Neighbor): void {
    // Only where a full outbox held updates back: all others keep their pace.
    if (neighbor.outbox.length === OUTBOX_LOW - 1) this.advertise(now, neighbor);
  }

  advertise(now: Instant, neighbor: Neighbor): void {
    if (!neighbor.carriesRoutes) return;
    while (neighbor.outbox.length < OUTBOX_LOW) {
      const update = buildAnnouncements(this.#adjOut, neighbor);
      if (update === undefined) break;
      neighbor.lastAdvertisedAt = now;
      neighbor.tableVersion = this.#parts.locRib.version;
      neighbor.queue(update);
      if (neighbor.pending.size === 0) break;
    }
  }
}

function pacedUntil(now: Instant, { lastAdvertisedAt }: Neighbor): Instant {
  return lastAdvertisedAt === undefined ? now : after(lastAdvertisedAt, ADVERTISE_INTERVAL_MSEC);
}
