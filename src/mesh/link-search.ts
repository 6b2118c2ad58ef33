/**
 * Looks for a better path than the one in use: a direct one where the link goes over a relay or a stream. Both sides probe
 * each other's endpoints at the same time, in rounds, so that the NAT boxes between them open; who begins tells the other
 * its endpoints, and that is the sign to begin there. Where nothing comes of it, it is tried again, later and later.
 */
import { after, type Instant } from '../base/time.js';
import { type Candidate, rankOf } from './candidates.js';
import { jittered, type MeshContext } from './context.js';
import type { LinkPaths } from './link-paths.js';

/** Ours: rounds of one search, ms after its start; the last ones are for the other side, which may begin late. */
const ROUNDS_MSEC: readonly number[] = [0, 100, 200, 400, 800, 1_600, 3_000];
/** Ours: between searches that found nothing. */
const PAUSES_MSEC: readonly number[] = [
  ...[5_000, 5_000, 5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000],
];
/** Ours: the other side may make us begin only this often. */
const ASKED_EVERY_MSEC = 2_000;

export interface SearchParts {
  readonly ctx: MeshContext;
  readonly paths: LinkPaths;
  /** Opens a path to an endpoint that has none. */
  readonly open: (candidate: Candidate) => void;
  /** Tells the other side our endpoints. */
  readonly tell: () => void;
}

export class LinkSearch {
  readonly #parts: SearchParts;
  #nextAt: Instant | undefined;
  #startedAt = 0 as Instant;
  /** The next of ROUNDS_MSEC; undefined between searches. */
  #round: number | undefined;
  #pauses = 0;
  #askedAt: Instant | undefined;

  constructor(parts: SearchParts) {
    this.#parts = parts;
  }

  nextTimeout(): Instant | undefined {
    return this.#nextAt;
  }

  /** Something is new: the link, an address, an endpoint. Nothing happens on a path that nothing is better than. */
  begin(now: Instant): void {
    this.#pauses = 0;
    this.#start(now, true);
  }

  /** The other side looks, and told its endpoints. */
  asked(now: Instant): void {
    const isSoon = this.#askedAt !== undefined && now - this.#askedAt < ASKED_EVERY_MSEC;
    if (isSoon || this.#round !== undefined) return;
    this.#askedAt = now;
    this.#start(now, false);
  }

  stop(): void {
    this.#nextAt = undefined;
    this.#round = undefined;
  }

  /** @param tells The other side does not know yet that we look. */
  #start(now: Instant, tells: boolean): void {
    this.stop();
    if (!this.#isWanted) return;
    this.#startedAt = now;
    this.#round = 0;
    if (tells) this.#parts.tell();
    this.#probe(now);
  }

  handleTimeout(now: Instant): void {
    if (this.#nextAt === undefined || now < this.#nextAt) return;
    if (this.#round === undefined) this.#start(now, true);
    else this.#probe(now);
  }

  get #isWanted(): boolean {
    const { current } = this.#parts.paths;
    return current !== undefined && rankOf(current) > 0;
  }

  #probe(now: Instant): void {
    if (!this.#isWanted) {
      this.stop();
      return;
    }
    const { paths, open } = this.#parts;
    const { current } = paths;
    const worst = current === undefined ? 0 : rankOf(current);
    for (const candidate of byLikelihood(paths.table.all())) {
      if (candidate === current || hopedRank(candidate) >= worst) continue;
      if (candidate.path === undefined) open(candidate);
      else paths.probe(now, candidate);
    }
    this.#plan(now);
  }

  #plan(now: Instant): void {
    const next = (this.#round ?? 0) + 1;
    const at = ROUNDS_MSEC[next];
    if (at !== undefined) {
      this.#round = next;
      this.#nextAt = after(this.#startedAt, at);
      return;
    }
    const pause = PAUSES_MSEC[Math.min(this.#pauses++, PAUSES_MSEC.length - 1)] ?? 0;
    this.#round = undefined;
    this.#nextAt = after(now, jittered(this.#parts.ctx, pause));
  }
}

/** Before it is open, by its scheme: only UDP promises to be better than anything. */
function hopedRank(candidate: Candidate): number {
  if (candidate.path !== undefined) return rankOf(candidate);
  return candidate.endpoint.startsWith('udp:') ? 0 : 4;
}

/** IPv6 first, then private addresses (the same LAN), then the rest. */
function byLikelihood(candidates: readonly Candidate[]): Candidate[] {
  const likely = ({ endpoint }: Candidate): number =>
    endpoint.includes('[')
      ? 0
      : /\/\/(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.)/.test(endpoint)
        ? 1
        : 2;
  return [...candidates].sort((a, b) => likely(a) - likely(b));
}
