/** What alanet and the monitor are told of one link: each state once, changes when they matter. */
import type { NodeId } from '../base/ip6.js';
import type { Instant, Millis } from '../base/time.js';
import type { LinkId } from '../link/types.js';
import type { MeshContext } from './context.js';
import type { LinkState } from './types.js';

/** Ours: a change of RTT that is worth telling, and how often. */
const CHANGED_SHARE = 0.25;
const CHANGED_MSEC = 2;
const CHANGED_EVERY_MSEC = 10_000;

export interface LinkFacts {
  readonly rttMsec: number;
  readonly mtu: number;
  readonly transport: string;
}

export interface LinkWho {
  readonly peer: NodeId;
  readonly noiseKey: Uint8Array;
  readonly name: string;
}

export class LinkReport {
  readonly #ctx: MeshContext;
  readonly #link: LinkId;
  #told: (LinkFacts & { readonly at: Instant }) | undefined;

  constructor(ctx: MeshContext, link: LinkId) {
    this.#ctx = ctx;
    this.#link = link;
  }

  up(now: Instant, who: LinkWho, facts: LinkFacts): void {
    this.#told = { ...facts, at: now };
    const rttMsec = facts.rttMsec as Millis;
    const { mtu, transport } = facts;
    const event = { kind: 'up', link: this.#link, ...who, rttMsec, mtu, transport } as const;
    this.#ctx.emit({ kind: 'link', event });
  }

  changed(now: Instant, facts: LinkFacts): void {
    const told = this.#told;
    if (told === undefined) return;
    const isOther = facts.mtu !== told.mtu || facts.transport !== told.transport;
    // The smallest round trip can only fall a few times, so a fall is told at once.
    const isDue = facts.rttMsec < told.rttMsec || isLongAgo(told.at, now);
    if (!isOther && !(rttMatters(told.rttMsec, facts.rttMsec) && isDue)) return;
    this.#told = { ...facts, at: now };
    this.#ctx.emit({ kind: 'link', event: { kind: 'changed', link: this.#link, ...facts } });
  }

  received(message: Uint8Array): void {
    this.#ctx.emit({ kind: 'link', event: { kind: 'received', link: this.#link, message } });
  }

  writable(): void {
    if (this.#told === undefined) return;
    this.#ctx.emit({ kind: 'link', event: { kind: 'writable', link: this.#link } });
  }

  /** Nothing when alanet knows of no link. */
  down(reason: string): void {
    if (this.#told === undefined) return;
    this.#told = undefined;
    this.#ctx.emit({ kind: 'link', event: { kind: 'down', link: this.#link, reason } });
  }

  monitor(line: {
    readonly peer: string;
    readonly name: string;
    readonly state: LinkState;
    readonly reason: string;
    readonly path: string | null;
  }): void {
    this.#ctx.emit({ kind: 'event', event: { kind: 'link', link: this.#link, ...line } });
  }
}

const isLongAgo = (at: Instant, now: Instant): boolean => now - at >= CHANGED_EVERY_MSEC;

function rttMatters(told: number, measured: number): boolean {
  const change = Math.abs(measured - told);
  return change >= CHANGED_MSEC && change >= told * CHANGED_SHARE;
}
