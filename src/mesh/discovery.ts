/**
 * LAN discovery: sends beacons on the interfaces that it is given, and remembers whom it heard where. A beacon opens
 * nothing by itself; it only makes a key and an endpoint worth a handshake, at a bounded rate.
 */
import { equalBytes, toHex } from '../base/bytes.js';
import { after, type Instant } from '../base/time.js';
import { Timers } from '../base/timers.js';
import { decodeBeacon, encodeBeacon, realmTag } from './beacon.js';
import { TokenBucket } from './bucket.js';
import { jittered, type MeshContext } from './context.js';
import { lanEndpoint } from './endpoint.js';
import type { Beacon } from './types.js';

/** Ours: beacons after the start, as delays from one to the next: a wireless LAN loses multicast. */
const FIRST_BEACONS_MSEC = [1_000, 2_000, 4_000, 8_000, 16_000];
/** Ours: of these, how many ask for answers. */
const ASKING = 3;
/** Ours: new nodes ask, so these only heal a LAN that was divided. */
const BEACON_EVERY_MSEC = 300_000;
/** Ours: how long a beacon makes its sender welcome. */
const HEARD_MSEC = 2.5 * BEACON_EVERY_MSEC;
/** Ours: beacons looked at, unknown keys taken up, and answers given. */
const BEACON_RATE = { perSecond: 200, burst: 200 };
const NEW_RATE = { perSecond: 8, burst: 32 };
const ANSWER_RATE = { perSecond: 16, burst: 64 };
/** Ours. */
const HEARD_MAX = 1_024;
export const INTERFACES_MAX = 64;

export interface HeardBeacon {
  readonly key: Uint8Array;
  readonly interface: string;
  readonly endpoint: string;
  readonly asks: boolean;
  readonly source: string;
}

export class Discovery {
  readonly #ctx: MeshContext;
  readonly #realm: Uint8Array;
  /** By interface: when its next beacon is due. */
  readonly #timers = new Timers<string>();
  readonly #sent = new Map<string, number>();
  /** Key and interface → when heard; the longest unheard first. */
  readonly #heard = new Map<string, Instant>();
  readonly #beacons = new TokenBucket(BEACON_RATE);
  readonly #news = new TokenBucket(NEW_RATE);
  readonly #answers = new TokenBucket(ANSWER_RATE);
  #port = 0;

  constructor(ctx: MeshContext) {
    this.#ctx = ctx;
    this.#realm = realmTag(ctx.options.crypto, ctx.options.realm);
  }

  setPort(now: Instant, port: number): void {
    if (port === this.#port) return;
    this.#port = port;
    for (const name of this.#sent.keys()) this.#restart(now, name);
  }

  /** @returns the interfaces that came and those that went. */
  setInterfaces(now: Instant, names: readonly string[]): { came: string[]; gone: string[] } {
    const wanted = names.slice(0, INTERFACES_MAX);
    const came = wanted.filter((name) => !this.#sent.has(name));
    const gone = [...this.#sent.keys()].filter((name) => !wanted.includes(name));
    for (const name of gone) {
      this.#sent.delete(name);
      this.#timers.clear(name);
    }
    for (const name of came) this.#restart(now, name);
    return { came, gone };
  }

  /** @returns undefined, counted, for what is not for us or too much. */
  handleBeacon(now: Instant, beacon: Beacon): HeardBeacon | undefined {
    const { counters, noise } = this.#ctx;
    if (!this.#sent.has(beacon.interface) || !this.#beacons.take(now)) {
      counters.beaconFlood++;
      return undefined;
    }
    const body = decodeBeacon(beacon.bytes);
    const source = /^fe[89ab][0-9a-f]:[0-9a-f:.]+(?=%|$)/i.exec(beacon.source)?.[0];
    if (body === undefined || source === undefined) {
      counters.malformedBeacons++;
      return undefined;
    }
    if (equalBytes(body.key, noise.publicKey)) return undefined; // our own, looped back
    if (!equalBytes(body.realm, this.#realm)) {
      counters.foreignBeacons++;
      return undefined;
    }
    this.#remember(now, body.key, beacon.interface);
    const endpoint = lanEndpoint(source, beacon.interface, body.port);
    return { key: body.key, interface: beacon.interface, endpoint, asks: body.asks, source };
  }

  /** One more unknown key may be taken up now. */
  mayTakeUp(now: Instant): boolean {
    if (this.#news.take(now)) return true;
    this.#ctx.counters.beaconFlood++;
    return false;
  }

  /** Tells the sender of a beacon that we are here. */
  answer(now: Instant, heard: HeardBeacon): void {
    if (this.#port === 0 || !this.#answers.take(now)) return;
    this.#send(heard.interface, { asks: false, address: heard.source });
  }

  /** Tells a node that we try to reach that we are here: it takes no handshake of one whose beacon it never heard. */
  introduce(now: Instant, endpoint: string): void {
    const [, address, on = ''] = /^udp:\/\/\[([^%\]]+)%([^\]]+)\]:/.exec(endpoint) ?? [];
    if (address === undefined || !this.#sent.has(on) || this.#port === 0) return;
    if (this.#answers.take(now)) this.#send(on, { asks: false, address });
  }

  heardLately(now: Instant, key: Uint8Array, on: string): boolean {
    const at = this.#heard.get(heardName(key, on));
    return at !== undefined && now - at < HEARD_MSEC;
  }

  /** On any interface. */
  heardAnywhere(now: Instant, key: Uint8Array): boolean {
    return [...this.#sent.keys()].some((name) => this.heardLately(now, key, name));
  }

  nextTimeout(): Instant | undefined {
    return this.#port === 0 ? undefined : this.#timers.next()?.at;
  }

  handleTimeout(now: Instant): void {
    if (this.#port === 0) return;
    let due = this.#timers.takeDue(now);
    for (; due !== undefined; due = this.#timers.takeDue(now)) this.#beacon(now, due);
  }

  #restart(now: Instant, name: string): void {
    this.#sent.set(name, 0);
    this.#timers.set(name, now);
  }

  #beacon(now: Instant, name: string): void {
    const sent = this.#sent.get(name) ?? 0;
    const first = FIRST_BEACONS_MSEC[sent];
    this.#send(name, { asks: sent < ASKING, address: undefined });
    this.#sent.set(name, sent + 1);
    this.#timers.set(name, after(now, first ?? jittered(this.#ctx, BEACON_EVERY_MSEC)));
  }

  #send(
    name: string,
    { asks, address }: { readonly asks: boolean; readonly address: string | undefined },
  ): void {
    const { publicKey: key } = this.#ctx.noise;
    const bytes = encodeBeacon({ realm: this.#realm, key, port: this.#port, asks });
    this.#ctx.emit({ kind: 'beacon', interface: name, address, bytes });
  }

  #remember(now: Instant, key: Uint8Array, on: string): void {
    const name = heardName(key, on);
    this.#heard.delete(name);
    this.#heard.set(name, now);
    if (this.#heard.size <= HEARD_MAX) return;
    for (const oldest of this.#heard.keys()) {
      this.#heard.delete(oldest);
      return;
    }
  }
}

const heardName = (key: Uint8Array, on: string): string => `${toHex(key)}%${on}`;
