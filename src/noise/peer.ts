import type { AeadCipher, Crypto } from '../base/crypto.js';
import type { Instant } from '../base/time.js';
import { Timers } from '../base/timers.js';
import { CookieJar } from './cookie.js';
import type { HandshakeState } from './handshake-state.js';
import type { NoiseTiming } from './timing.js';
import { newTrafficState, type TrafficKey, type TrafficState } from './traffic.js';

/** `retry`: the initiation was not answered. `start`: one was wanted too early. `zero`: no new key for too long. */
export type PeerTimer = 'retry' | 'start' | 'zero';

/** Our initiation that waits for its response. */
export interface PendingInitiation {
  readonly localIndex: number;
  readonly state: HandshakeState;
  /** Responses that were not authentic; past a limit the rest are not even computed. */
  forgeries: number;
  /** What the response may choose, likeliest first. */
  readonly ciphers: readonly AeadCipher[];
}

/** Everything a device remembers of one peer. The keys themselves are the plane's. */
export class NoisePeer {
  readonly id: number;
  readonly publicKey: Uint8Array;
  readonly presharedKey: Uint8Array;
  /** AES-256-GCM is offered to it and taken from it. */
  readonly mayUseAes: boolean;
  readonly jar: CookieJar;
  readonly timers = new Timers<PeerTimer>();
  readonly traffic: TrafficState = newTrafficState();

  /** When the running attempt began; undefined: none runs. */
  attemptSince: Instant | undefined;
  pending: PendingInitiation | undefined;
  lastInitiationSentAt: Instant | undefined;

  /** Latest TAI64N accepted: all up to it are replays. */
  latestTimestamp: Uint8Array | undefined;
  lastInitiationTakenAt: Instant | undefined;

  /** As in Linux: `next` is ours to use once the initiator's first packet has come under it. */
  previous: TrafficKey | undefined;
  current: TrafficKey | undefined;
  next: TrafficKey | undefined;

  constructor(parts: Pick<NoisePeer, 'id' | 'publicKey' | 'presharedKey' | 'mayUseAes' | 'jar'>) {
    this.id = parts.id;
    this.publicKey = parts.publicKey;
    this.presharedKey = parts.presharedKey;
    this.mayUseAes = parts.mayUseAes;
    this.jar = parts.jar;
  }

  /** A key that we initiated is in use at once. @returns indices that are free again. */
  useInitiated(key: TrafficKey): number[] {
    const freed = [this.previous];
    if (this.next !== undefined) {
      freed.push(this.current);
      this.previous = this.next;
      this.next = undefined;
    } else {
      this.previous = this.current;
    }
    this.current = key;
    return indicesOf(freed);
  }

  /** A key that we answered waits for its first packet. @returns indices that are free again. */
  awaitConfirmation(key: TrafficKey): number[] {
    const freed = [this.previous, this.next];
    this.previous = undefined;
    this.next = key;
    return indicesOf(freed);
  }

  /** @returns indices that are free again, or undefined when `localIndex` is not the one that waits. */
  confirm(localIndex: number): number[] | undefined {
    if (this.next?.localIndex !== localIndex) return undefined;
    const freed = [this.previous];
    this.previous = this.current;
    this.current = this.next;
    this.next = undefined;
    return indicesOf(freed);
  }

  /** @returns all indices that it held. */
  forgetKeys(): number[] {
    const freed = [this.previous, this.current, this.next];
    this.previous = undefined;
    this.current = undefined;
    this.next = undefined;
    return indicesOf(freed);
  }

  /** The newest key, confirmed or not. */
  get newest(): TrafficKey | undefined {
    const { current, next } = this;
    if (current === undefined || next === undefined) return next ?? current;
    return next.createdAt >= current.createdAt ? next : current;
  }
}

export interface NewPeer {
  readonly id: number;
  readonly publicKey: Uint8Array;
  readonly presharedKey: Uint8Array | undefined;
  readonly mayUseAes: boolean;
}

export function makePeer(crypto: Crypto, timing: NoiseTiming, options: NewPeer): NoisePeer {
  const publicKey = options.publicKey.slice();
  const presharedKey = options.presharedKey?.slice() ?? new Uint8Array(32);
  const jar = new CookieJar(crypto, publicKey, timing.cookieRefresh);
  const { id, mayUseAes } = options;
  return new NoisePeer({ id, publicKey, presharedKey, mayUseAes, jar });
}

function indicesOf(keys: readonly (TrafficKey | undefined)[]): number[] {
  return keys.flatMap((key) => (key === undefined ? [] : [key.localIndex]));
}
