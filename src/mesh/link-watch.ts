/** Watches the path in use: silence, refusals, moves, idleness and size. It asks `LinkPaths`, and says what to do. */
import { after, type Instant } from '../base/time.js';
import { Timers } from '../base/timers.js';
import type { LinkId } from '../link/types.js';
import type { PathInfo } from '../plane/types.js';
import type { Candidate } from './candidates.js';
import type { MeshContext } from './context.js';
import type { LinkPaths } from './link-paths.js';

/** Data this long ago still makes a link active. */
const ACTIVE_MSEC = 10_000;
/** Ours: how long the old and the new path have to answer after a move, at least. */
const COMPARE_MSEC = 100;

/** Ours: a new link's first round trips are slow (caches, start-up); a few more find the real one. */
const WARM_UP_MSEC: readonly number[] = [100, 300, 800, 1500];

/** check: silence. refused: the transport would not send. warm: one more measurement of a new link. */
export type WatchTimer = 'check' | 'refused' | 'idle' | 'mtu' | 'compare' | 'warm';

export type WatchVerdict =
  | { readonly kind: 'dead'; readonly reason: string }
  | { readonly kind: 'switch'; readonly to: Candidate }
  /** The size of datagrams on the path in use changed. */
  | { readonly kind: 'resized' };

export class LinkWatch {
  readonly timers = new Timers<WatchTimer>();
  readonly #ctx: MeshContext;
  readonly #link: LinkId;
  readonly #paths: LinkPaths;
  readonly #controls: boolean;
  #isArmed = false;
  #warmUps = 0;

  constructor(ctx: MeshContext, link: LinkId, paths: LinkPaths, controls: boolean) {
    this.#ctx = ctx;
    this.#link = link;
    this.#paths = paths;
    this.#controls = controls;
  }

  begin(now: Instant): void {
    this.#arm();
    this.#setIdle(now);
    this.demand(now);
  }

  /** The link is up: its round trip is measured a few times more. */
  warmUp(now: Instant): void {
    this.#warmUps = 0;
    this.timers.set('warm', after(now, WARM_UP_MSEC[0] ?? 0));
  }

  #warm(now: Instant): void {
    const { current } = this.#paths;
    if (current !== undefined) this.#paths.probe(now, current);
    const [at = 0, next] = [WARM_UP_MSEC[this.#warmUps], WARM_UP_MSEC[this.#warmUps + 1]];
    this.#warmUps++;
    if (next !== undefined) this.timers.set('warm', after(now, next - at));
  }

  /** The path in use is another one now, or its size was found to be. */
  setMtuTimer(now: Instant): void {
    const at = this.#paths.current?.mtu.nextAt(this.#isActive(now));
    if (at === undefined) this.timers.clear('mtu');
    else this.timers.set('mtu', at);
  }

  /** Something went out that will be answered if the path works. */
  demand(now: Instant): void {
    this.timers.setEarlier('check', after(now, this.#ctx.config.probeIntervalMsec));
  }

  /** The plane saw a packet. */
  handleActive(now: Instant): void {
    this.#isArmed = false;
    this.demand(now);
    this.setMtuTimer(now);
  }

  /** The peer's packets come on another path. */
  handleMoved(now: Instant, path: PathInfo): void {
    const candidate = this.#paths.table.seen(path, this.#paths.current);
    if (candidate === undefined || candidate === this.#paths.current) return;
    if (!this.#paths.handleMoved(now, candidate)) return;
    this.demand(now);
    this.timers.setEarlier(
      'compare',
      after(now, Math.max(COMPARE_MSEC, this.#paths.patienceMsec())),
    );
  }

  /** The transport would not send on the path in use. */
  handleRefusal(now: Instant, candidate: Candidate): WatchVerdict | undefined {
    const next = this.#paths.handleRefusal(now, candidate);
    if (next === 'dead') return this.#afterRefusals(now);
    this.timers.setEarlier('refused', next);
    this.demand(now);
    return undefined;
  }

  fire(now: Instant, due: WatchTimer): WatchVerdict | undefined {
    switch (due) {
      case 'check':
        return this.#check(now);
      case 'refused':
        this.#paths.suspect(now);
        return undefined;
      case 'idle':
        this.#idle(now);
        return undefined;
      case 'warm':
        this.#warm(now);
        return undefined;
      case 'mtu':
        return this.#searchMtu(now);
      case 'compare': {
        const to = this.#paths.outlived();
        return to === undefined ? undefined : { kind: 'switch', to };
      }
      default:
        return due satisfies never;
    }
  }

  #check(now: Instant): WatchVerdict | undefined {
    const verdict = this.#paths.check(now);
    switch (verdict.kind) {
      case 'calm':
        if (this.#isActive(now)) {
          this.demand(now);
          // It may have been cleared in a pause that was too short for the plane to be armed.
          this.setMtuTimer(now);
        } else this.#arm();
        return undefined;
      case 'wait':
      case 'probe':
        this.timers.set('check', verdict.at);
        return undefined;
      case 'dead':
        return { kind: 'dead', reason: 'no answer' };
      default:
        return verdict satisfies never;
    }
  }

  /** With another path open, its answer or the usual deadline decides. */
  #afterRefusals(now: Instant): WatchVerdict | undefined {
    const to = this.#paths.alternative(now);
    if (to !== undefined) return { kind: 'switch', to };
    const { current, table } = this.#paths;
    const hasOther = table.all().some(({ path }) => path !== undefined && path !== current?.path);
    return hasOther ? undefined : { kind: 'dead', reason: 'the transport cannot send there' };
  }

  #idle(now: Instant): void {
    const { lastRxAt } = this.#paths.readCounters();
    const { current } = this.#paths;
    if (now - lastRxAt < this.#ctx.config.idleProbeMsec * 0.95) {
      this.#setIdle(lastRxAt);
      return;
    }
    this.#setIdle(now);
    if (current === undefined) return;
    this.#paths.probe(now, current);
    this.demand(now);
  }

  /** The side with the lower key probes a little earlier, so that usually only one does. */
  #setIdle(from: Instant): void {
    const { idleProbeMsec } = this.#ctx.config;
    const jitter = this.#ctx.options.entropy.below(Math.max(1, Math.floor(idleProbeMsec / 10)));
    const base = idleProbeMsec * (this.#controls ? 1 : 1.2);
    this.timers.set('idle', after(from, base + jitter));
  }

  #searchMtu(now: Instant): WatchVerdict | undefined {
    const { current } = this.#paths;
    if (current === undefined) return undefined;
    const before = current.mtu.datagramBytesMax;
    const sizes = current.mtu.due(now, this.#paths.patienceMsec(), current.answeredAt);
    for (const size of sizes) this.#paths.probe(now, current, size);
    if (current.mtu.doubts) this.#paths.probe(now, current);
    this.setMtuTimer(now);
    return current.mtu.datagramBytesMax === before ? undefined : { kind: 'resized' };
  }

  #isActive(now: Instant): boolean {
    const { lastDataRxAt, lastDataTxAt } = this.#paths.readCounters();
    const last = Math.max(lastDataRxAt, lastDataTxAt);
    return last > 0 && now - last < ACTIVE_MSEC;
  }

  #arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    this.#ctx.emit({ kind: 'plane', command: { kind: 'arm', link: this.#link } });
  }
}
