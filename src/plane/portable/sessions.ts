/** Keys of links: a session per keypair, found by our index, and WireGuard's rotation of three per link (§6.3). */
import type { AeadKey, Crypto } from '../../base/crypto.js';
import type { Instant } from '../../base/time.js';
import { COUNTER_LIMIT, ReplayWindow } from '../../noise/replay.js';
import type { Keypair } from '../types.js';
import type { Link } from './link.js';

/** One keypair in use. */
export class Session {
  readonly link: Link;
  readonly localIndex: number;
  readonly remoteIndex: number;
  readonly initiator: boolean;
  readonly sendKey: AeadKey;
  readonly receiveKey: AeadKey;
  readonly replay = new ReplayWindow();
  /** The next counter to send. */
  sent = 0;
  /** Different counters that arrived. */
  received = 0;
  readonly #expiresAt: number;

  constructor(crypto: Crypto, link: Link, keypair: Keypair) {
    this.link = link;
    this.localIndex = keypair.localIndex;
    this.remoteIndex = keypair.remoteIndex;
    this.initiator = keypair.initiator;
    this.sendKey = crypto.aeadKey(keypair.sendKey, keypair.cipher);
    this.receiveKey = crypto.aeadKey(keypair.receiveKey, keypair.cipher);
    this.#expiresAt = keypair.createdAt + keypair.rejectAfterMsec;
  }

  isExpired(now: Instant): boolean {
    return now >= this.#expiresAt;
  }

  /** May something be sealed under it? */
  isUsable(now: Instant): boolean {
    return now < this.#expiresAt && this.sent < COUNTER_LIMIT;
  }

  /** Counters up to the highest that never arrived, or not yet. */
  get lost(): number {
    return this.replay.highest + 1 - this.received;
  }

  wipe(): void {
    this.sendKey.wipe();
    this.receiveKey.wipe();
  }
}

/** All sessions of a plane. */
export class Sessions {
  readonly #crypto: Crypto;
  readonly #byIndex = new Map<number, Session>();

  constructor(crypto: Crypto) {
    this.#crypto = crypto;
  }

  find(localIndex: number): Session | undefined {
    return this.#byIndex.get(localIndex);
  }

  /** As the initiator we send under the new keypair at once; as the responder it waits for the first packet. */
  install(link: Link, keypair: Keypair): void {
    const old = this.#byIndex.get(keypair.localIndex);
    if (old !== undefined) this.remove(old);
    const session = new Session(this.#crypto, link, keypair);
    this.#byIndex.set(session.localIndex, session);
    const { previous, current, next } = link;
    if (!keypair.initiator) {
      link.next = session;
      link.previous = undefined;
      this.#forget(link, next, previous);
      return;
    }
    link.current = session;
    link.next = undefined;
    link.previous = next ?? current;
    this.#forget(link, previous, next === undefined ? undefined : current);
  }

  /** The first packet under the keypair that we made as the responder: it is the current one now. */
  promote(session: Session): void {
    const { link } = session;
    const old = link.previous;
    link.previous = link.current;
    link.current = session;
    link.next = undefined;
    this.#forget(link, old);
  }

  remove(session: Session): void {
    const { link } = session;
    if (link.previous === session) link.previous = undefined;
    if (link.current === session) link.current = undefined;
    if (link.next === session) link.next = undefined;
    this.#forget(link, session);
  }

  removeAll(link: Link): void {
    for (const session of [link.previous, link.current, link.next]) {
      if (session !== undefined) this.remove(session);
    }
  }

  removeExpired(now: Instant): void {
    for (const session of this.#byIndex.values()) {
      if (session.isExpired(now)) this.remove(session);
    }
  }

  #forget(link: Link, ...sessions: readonly (Session | undefined)[]): void {
    for (const session of sessions) {
      if (session === undefined) continue;
      link.lostBefore += session.lost;
      session.wipe();
      this.#byIndex.delete(session.localIndex);
    }
  }
}
