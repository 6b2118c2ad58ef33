/** Who is heard out without being a peer: few at a time, few of one place, for a short time. */
import { after, type Instant } from '../base/time.js';
import type { LinkId } from '../link/types.js';
import { sourceGroup } from '../noise/flood.js';
import { TokenBucket } from './bucket.js';

/** Ours: time for a handshake and a Hello over a bad path. */
export const GUEST_MSEC = 15_000;
const GUESTS_MAX = 32;
const GUESTS_PER_SOURCE_MAX = 4;
const GUEST_RATE = { perSecond: 5, burst: 10 };

interface Guest {
  readonly source: string;
  readonly until: Instant;
}

export class Guests {
  readonly #rate = new TokenBucket(GUEST_RATE);
  readonly #guests = new Map<LinkId, Guest>();

  /** @param remote Where it comes from, as the transport names it. */
  mayEnter(now: Instant, remote: string): boolean {
    const source = sourceGroup(remote);
    const same = [...this.#guests.values()].filter((guest) => guest.source === source).length;
    const hasRoom = this.#guests.size < GUESTS_MAX && same < GUESTS_PER_SOURCE_MAX;
    return hasRoom && this.#rate.take(now);
  }

  enter(now: Instant, link: LinkId, remote: string): void {
    this.#guests.set(link, { source: sourceGroup(remote), until: after(now, GUEST_MSEC) });
  }

  /** It became a peer, or is gone. */
  leave(link: LinkId): void {
    this.#guests.delete(link);
  }

  /** Whose time is up. */
  overdue(now: Instant): LinkId[] {
    return [...this.#guests].filter(([, { until }]) => now >= until).map(([link]) => link);
  }

  nextTimeout(): Instant | undefined {
    for (const { until } of this.#guests.values()) return until; // they are in the order of their coming
    return undefined;
  }
}
