/** Which keys of one link may be used, and when the Noise session must look at its traffic. The keys are the plane's. */
import type { AeadCipher } from '../base/crypto.js';
import { after, earliest, type Instant } from '../base/time.js';
import type { LinkId } from '../link/types.js';
import type { NoiseKeypair } from '../noise/types.js';
import type { LinkCounters } from '../plane/types.js';
import type { MeshContext } from './context.js';

/** Ours: between two looks while only control traffic flows. */
const LOOK_EVERY_MSEC = 5_000;
const LOOK_DELAY_MSEC = 100;

interface KeyState {
  readonly localIndex: number;
  readonly until: Instant;
}

export class LinkKeys {
  lastHandshakeAt: Instant | undefined;
  /** Of the newest key. */
  cipher: AeadCipher | undefined;
  readonly #ctx: MeshContext;
  readonly #link: LinkId;
  #usable: KeyState | undefined;
  /** We answered; the peer has not used it yet. */
  #unconfirmed: KeyState | undefined;
  /** The newest key that we initiated: nothing came under it yet, so the peer may not use it. */
  #awaited: number | undefined;
  #lookedAt: Instant | undefined;
  #lookAt: Instant | undefined;

  constructor(ctx: MeshContext, link: LinkId) {
    this.#ctx = ctx;
    this.#link = link;
  }

  /** @returns whether it may be used at once. */
  install(now: Instant, keypair: NoiseKeypair): boolean {
    const { localIndex, rejectAfterMsec, initiator } = keypair;
    const key = { localIndex, until: after(now, rejectAfterMsec) };
    this.lastHandshakeAt = now;
    this.cipher = keypair.cipher;
    if (initiator) {
      this.#usable = key;
      this.#awaited = localIndex;
    } else {
      this.#unconfirmed = key;
    }
    return initiator;
  }

  /** The first packet came under a key. @returns whether that makes one usable. */
  confirm(now: Instant, localIndex: number): boolean {
    this.#ctx.noise.handleConfirmed(now, this.#link, localIndex);
    const isOurAnswer = this.#unconfirmed?.localIndex === localIndex;
    // When both sides began at once, each goes on with the key that it began: that is a fresh one too.
    if (isOurAnswer || this.#awaited === localIndex) this.#awaited = undefined;
    if (!isOurAnswer) return false;
    this.#usable = this.#unconfirmed;
    this.#unconfirmed = undefined;
    return true;
  }

  isUsable(now: Instant): boolean {
    return this.#usable !== undefined && now < this.#usable.until;
  }

  /** The peer goes on with the old key, which we will soon forget, until a packet under the new one gets there. */
  get awaitsUse(): boolean {
    return this.#awaited !== undefined;
  }

  get usableUntil(): Instant | undefined {
    return this.#usable?.until;
  }

  forget(): void {
    this.#usable = undefined;
    this.#unconfirmed = undefined;
    this.#awaited = undefined;
    this.#lookAt = undefined;
  }

  /**
   * Control payloads keep a link busy that carries nothing else: its key is replaced all the same. Looks a little later, when
   * what we answer now is counted.
   */
  lookSoon(now: Instant): void {
    const last = this.#lookedAt;
    if (last !== undefined && now - last < LOOK_EVERY_MSEC) return;
    this.#lookAt = earliest(this.#lookAt, after(now, LOOK_DELAY_MSEC));
  }

  look(now: Instant, counters: LinkCounters): void {
    this.#lookedAt = now;
    this.#lookAt = this.#ctx.noise.handleTraffic(now, this.#link, counters);
  }

  /** When to `look` again. */
  nextLook(): Instant | undefined {
    return this.#lookAt;
  }
}
