/**
 * The Noise sessions of one router: who may talk to us, handshakes both ways, cookies, and when to make new keys. Sans-IO;
 * packets under the keys are the plane's. The way of a handshake message: `#receive` (shape, MAC1) →
 * `#onInitiation` (load, Diffie-Hellman, replay) → `#answer`, or `#onResponse` → keys, or `#onCookieReply`.
 */
import { assert } from '../base/assert.js';
import { compareBytes, equalBytes, utf8 } from '../base/bytes.js';
import type { AeadCipher } from '../base/crypto.js';
import { BoundedQueue } from '../base/queue.js';
import { after, earliest, type Instant } from '../base/time.js';
import { CookieChecker } from './cookie.js';
import { HandshakeGate, sourceGroup } from './flood.js';
import {
  consumeInitiation,
  consumeResponse,
  createInitiation,
  createResponse,
  type ReceivedInitiation,
  type TransportKeys,
} from './handshake.js';
import { handshakeKind, KEY_BYTES, receiverIndex } from './messages.js';
import { makePeer, type NoisePeer } from './peer.js';
import { PeerTable, StrangerLog } from './peers.js';
import { isLater, offerAes, offersAes, TimestampSource } from './tai64n.js';
import {
  INITIATION_INTERVAL_MIN,
  type NoiseTiming,
  REKEY_JITTER_MAX,
  WIREGUARD_TIMING,
} from './timing.js';
import { evaluateTraffic, type TrafficKey } from './traffic.js';
import type {
  NoiseCounters,
  NoiseDeviceOptions,
  NoiseKeypair,
  NoiseOutput,
  TrafficCounters,
} from './types.js';

/** Ours: WireGuard's own is 2^20; a router of friends has far fewer. */
export const PEERS_MAX = 4_096;
/** Ours: outputs not yet polled; past it they are dropped, and timers bring them again. */
const OUTPUTS_MAX = 4 * PEERS_MAX;
/** Ours: forged responses to one initiation that are computed. */
const FORGERIES_MAX = 16;
const EPHEMERAL_BYTES = 32;

export type AddPeerAnswer = 'added' | 'exists' | 'own-key' | 'bad-key' | 'full';

type Outcome = keyof NoiseCounters;

/** Where a datagram came from. */
interface Arrival {
  readonly now: Instant;
  readonly path: number;
  readonly source: string | Uint8Array;
  readonly datagram: Uint8Array;
}

/** A handshake that is complete on our side. */
interface Completed {
  readonly now: Instant;
  readonly path: number;
  readonly localIndex: number;
  readonly remoteIndex: number;
  readonly keys: TransportKeys;
  readonly cipher: AeadCipher;
  readonly initiator: boolean;
}

export interface PeerOptions {
  readonly presharedKey?: Uint8Array | undefined;
  readonly stock?: boolean;
}

const PLAIN: readonly AeadCipher[] = ['chacha20-poly1305'];
const WITH_AES: readonly AeadCipher[] = ['aes-256-gcm', 'chacha20-poly1305'];

export class NoiseDevice {
  /** X25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly #options: NoiseDeviceOptions;
  readonly #timing: NoiseTiming;
  readonly #checker: CookieChecker;
  readonly #peers: PeerTable;
  readonly #gate = new HandshakeGate();
  readonly #strangers = new StrangerLog();
  readonly #timestamps = new TimestampSource();
  readonly #outputs = new BoundedQueue<NoiseOutput>(OUTPUTS_MAX);
  readonly #counters: NoiseCounters = newCounters();
  /** Undefined: some timer changed since it was computed. */
  #soonest: { readonly at: Instant | undefined } | undefined;

  constructor(options: NoiseDeviceOptions) {
    const { crypto, entropy, privateKey } = options;
    assert(privateKey.length === KEY_BYTES, 'an X25519 private key has 32 bytes');
    this.#options = options;
    this.#timing = { ...WIREGUARD_TIMING, ...options.timing };
    this.publicKey = crypto.x25519Public(privateKey);
    this.#checker = new CookieChecker(crypto, entropy, this.publicKey, this.#timing.cookieRefresh);
    this.#peers = new PeerTable(entropy);
  }

  /**
   * @param peer The caller's number for it.
   * @param options.presharedKey 32 bytes; without one, zeros as in WireGuard.
   * @param options.stock A plain WireGuard peer: nothing that is not WireGuard's is offered to it.
   * @returns 'added', or why not: 'exists' when the number or the key is a peer already.
   */
  addPeer(peer: number, publicKey: Uint8Array, options: PeerOptions = {}): AddPeerAnswer {
    const { presharedKey, stock = false } = options;
    assert((presharedKey?.length ?? KEY_BYTES) === KEY_BYTES, 'a preshared key has 32 bytes');
    const { crypto, privateKey, aes = false } = this.#options;
    const mayUseAes = aes && !stock;
    if (publicKey.length !== KEY_BYTES) return 'bad-key';
    if (equalBytes(publicKey, this.publicKey)) return 'own-key';
    if (this.#peers.get(peer) ?? this.#peers.byKey(publicKey)) return 'exists';
    if (this.#peers.size >= PEERS_MAX) return 'full';
    if (crypto.x25519(privateKey, publicKey) === undefined) return 'bad-key';
    const made = { id: peer, publicKey, presharedKey, mayUseAes };
    this.#peers.add(makePeer(crypto, this.#timing, made));
    return 'added';
  }

  /** Forgets the peer at once. Outputs that are not polled yet may still name it. Unknown numbers are ignored. */
  removePeer(_now: Instant, peer: number): void {
    const known = this.#peers.get(peer);
    if (known === undefined) return;
    this.#forgetSession(known);
    known.presharedKey.fill(0);
    this.#peers.delete(known);
    this.#soonest = undefined;
  }

  peerOf(publicKey: Uint8Array): number | undefined {
    return this.#peers.byKey(publicKey)?.id;
  }

  /**
   * Takes a message of type 1, 2 or 3; anything else is counted. Never throws for what the network sends.
   * @param path Comes back in `reply`, `keypair` and `stranger`.
   * @param source The remote address: cookies are bound to all of it, rates to its host.
   * @param datagram Only read, during the call.
   */
  handleDatagram(
    now: Instant,
    path: number,
    source: string | Uint8Array,
    datagram: Uint8Array,
  ): void {
    const outcome = this.#receive({ now, path, source, datagram });
    this.#counters[outcome]++;
  }

  /**
   * Starts a handshake, unless one runs, or a key was just made. When one was made or tried within `rekeyTimeout` but is
   * of no use yet, the start waits until that is over.
   */
  want(now: Instant, peer: number): void {
    const known = this.#peers.get(peer);
    if (known !== undefined) this.#want(now, known);
  }

  /** The plane saw the first packet under a key: what we answered may be used now. */
  handleConfirmed(_now: Instant, peer: number, localIndex: number): void {
    const known = this.#peers.get(peer);
    const freed = known?.confirm(localIndex);
    if (known === undefined || freed === undefined) return;
    this.#peers.free(freed);
    this.#endAttempt(known);
  }

  /**
   * Looks at the traffic of one peer for what is due: a keepalive, a new handshake.
   * @returns when to call it again; undefined: when traffic begins again (the plane's `active`). Call it also after
   * sending a probe on a link that is otherwise silent, so that its key is replaced in time.
   */
  handleTraffic(now: Instant, peer: number, counters: TrafficCounters): Instant | undefined {
    const known = this.#peers.get(peer);
    if (known === undefined) return undefined;
    const input = { now, counters, timing: this.#timing, key: known.current };
    const verdict = evaluateTraffic(known.traffic, input);
    if (verdict.keepalive) this.#put({ kind: 'keepalive', peer });
    if (verdict.handshake) this.#want(now, known);
    return verdict.nextAt;
  }

  handleTimeout(now: Instant): void {
    const soonest = this.nextTimeout();
    if (soonest === undefined || soonest > now) return;
    for (const peer of this.#peers.all()) this.#fire(now, peer);
    this.#soonest = undefined;
  }

  nextTimeout(): Instant | undefined {
    if (this.#soonest === undefined) {
      let at: Instant | undefined;
      for (const peer of this.#peers.all()) at = earliest(at, peer.timers.next()?.at);
      this.#soonest = { at };
    }
    return this.#soonest.at;
  }

  poll(): NoiseOutput | undefined {
    return this.#outputs.shift();
  }

  /** Counts since the start; the object lives on. */
  counters(): Readonly<NoiseCounters> {
    return this.#counters;
  }

  #fire(now: Instant, peer: NoisePeer): void {
    for (let due = peer.timers.takeDue(now); due !== undefined; due = peer.timers.takeDue(now)) {
      switch (due) {
        case 'retry':
          this.#retry(now, peer);
          break;
        case 'start':
          this.#want(now, peer);
          break;
        case 'zero':
          this.#forgetSession(peer);
          this.#put({ kind: 'wipe', peer: peer.id });
          break;
        default:
          due satisfies never;
      }
    }
  }

  // Our own attempts

  #want(now: Instant, peer: NoisePeer): void {
    if (peer.attemptSince !== undefined) return;
    const { rekeyTimeout } = this.#timing;
    const made = peer.newest;
    const isFresh = made !== undefined && now < after(made.createdAt, rekeyTimeout);
    if (isFresh && made !== peer.next) return;
    const waitFrom = isFresh ? made.createdAt : peer.lastInitiationSentAt;
    const startAt = waitFrom === undefined ? now : after(waitFrom, rekeyTimeout);
    if (startAt > now) {
      this.#soonest = undefined;
      peer.timers.setEarlier('start', after(startAt, this.#jitter()));
      return;
    }
    peer.attemptSince = now;
    this.#initiate(now, peer);
  }

  #retry(now: Instant, peer: NoisePeer): void {
    const { rekeyAttempt } = this.#timing;
    if (peer.attemptSince === undefined) return;
    if (now < after(peer.attemptSince, rekeyAttempt)) {
      this.#initiate(now, peer);
    } else {
      this.#endAttempt(peer);
      this.#put({ kind: 'gave-up', peer: peer.id });
    }
  }

  /** Sends a new initiation; the one before it can no longer be answered. */
  #initiate(now: Instant, peer: NoisePeer): void {
    const { crypto, entropy, privateKey, wall } = this.#options;
    this.#dropPending(peer);
    const localIndex = this.#peers.newIndex(peer);
    const timestamp = this.#timestamps.next(wall(now));
    const sent = createInitiation(crypto, {
      privateKey,
      remotePublic: peer.publicKey,
      presharedKey: peer.presharedKey,
      ephemeralPrivate: entropy.bytes(EPHEMERAL_BYTES),
      localIndex,
      timestamp: peer.mayUseAes ? offerAes(timestamp) : timestamp,
    });
    assert(sent !== undefined, 'addPeer lets in no key that cannot be computed with');
    peer.jar.stamp(now, sent.datagram);
    const ciphers = peer.mayUseAes ? WITH_AES : PLAIN;
    peer.pending = { localIndex, state: sent.state, forgeries: 0, ciphers };
    peer.lastInitiationSentAt = now;
    peer.timers.clear('start');
    peer.timers.set('retry', after(now, this.#timing.rekeyTimeout + this.#jitter()));
    this.#soonest = undefined;
    this.#put({ kind: 'initiation', peer: peer.id, datagram: sent.datagram });
  }

  #endAttempt(peer: NoisePeer): void {
    this.#dropPending(peer);
    peer.attemptSince = undefined;
    peer.timers.clear('retry');
    peer.timers.clear('start');
    this.#soonest = undefined;
  }

  #dropPending(peer: NoisePeer): void {
    if (peer.pending === undefined) return;
    peer.pending.state.wipe();
    this.#peers.free([peer.pending.localIndex]);
    peer.pending = undefined;
  }

  // What comes in; each step answers what it is counted as

  #receive(arrival: Arrival): Outcome {
    const { now, datagram } = arrival;
    const kind = handshakeKind(datagram);
    if (kind === undefined) return 'malformed';
    if (!this.#gate.mayCheckMac(now)) return 'flood';
    if (kind === 'cookie-reply') return this.#onCookieReply(arrival);
    if (!this.#checker.hasMac1(datagram)) return 'badMac1';
    return kind === 'initiation' ? this.#onInitiation(arrival) : this.#onResponse(arrival);
  }

  #onInitiation(arrival: Arrival): Outcome {
    const refusedAtGate = this.#atGate(arrival);
    if (refusedAtGate !== undefined) return refusedAtGate;
    const { crypto, entropy, privateKey } = this.#options;
    const ephemeral = entropy.bytes(EPHEMERAL_BYTES);
    const received = consumeInitiation(crypto, privateKey, arrival.datagram, ephemeral);
    if (received === undefined) return 'unauthentic';
    const outcome = this.#onAuthentic(arrival, received);
    received.state.wipe();
    return outcome;
  }

  #onAuthentic(arrival: Arrival, received: ReceivedInitiation): Outcome {
    const { now } = arrival;
    const peer = this.#peers.byKey(received.remotePublic);
    if (peer === undefined) return this.#onStranger(arrival, received);
    if (!isLater(received.timestamp, peer.latestTimestamp)) return 'replayed';
    const last = peer.lastInitiationTakenAt;
    if (last !== undefined && now < after(last, INITIATION_INTERVAL_MIN)) return 'flood';
    return this.#answer(arrival, peer, received);
  }

  /** Decides, before any Diffie-Hellman, whether an initiation is worth one; asks for a cookie when it must. */
  #atGate(arrival: Arrival): 'flood' | 'cookieDemanded' | undefined {
    const { now, source, datagram } = arrival;
    if (!this.#options.gated && this.#gate.underLoad(now)) {
      if (!this.#checker.hasMac2(now, sourceBytes(source), datagram)) {
        if (this.#gate.mayReply(now)) this.#sendCookie(arrival);
        return 'cookieDemanded';
      }
      if (!this.#gate.mayServe(now, sourceName(source))) return 'flood';
    }
    return this.#gate.mayCompute(now) ? undefined : 'flood';
  }

  #sendCookie({ now, path, source, datagram }: Arrival): void {
    const reply = this.#checker.reply(now, sourceBytes(source), datagram);
    this.#put({ kind: 'reply', path, datagram: reply });
  }

  #onStranger({ now, path, datagram }: Arrival, received: ReceivedInitiation): Outcome {
    const { remotePublic, timestamp } = received;
    if (equalBytes(remotePublic, this.publicKey)) return 'unauthentic';
    if (!this.#gate.mayTellStranger(now)) return 'flood';
    if (!this.#strangers.note(remotePublic, timestamp)) return 'replayed';
    this.#put({ kind: 'stranger', publicKey: remotePublic, path, datagram: datagram.slice() });
    return 'strangers';
  }

  #answer({ now, path }: Arrival, peer: NoisePeer, received: ReceivedInitiation): Outcome {
    const localIndex = this.#peers.newIndex(peer);
    const { presharedKey } = peer;
    const takesAes = peer.mayUseAes && offersAes(received.timestamp);
    const cipher = takesAes ? 'aes-256-gcm' : 'chacha20-poly1305';
    const { crypto } = this.#options;
    const response = createResponse(crypto, received, { presharedKey, localIndex, cipher });
    if (response === undefined) {
      this.#peers.free([localIndex]);
      return 'unauthentic';
    }
    const { remoteIndex } = received;
    const { keys } = response;
    peer.latestTimestamp = received.timestamp;
    peer.lastInitiationTakenAt = now;
    peer.jar.stamp(now, response.datagram);
    this.#complete(peer, { now, path, localIndex, remoteIndex, keys, cipher, initiator: false });
    this.#put({ kind: 'reply', path, datagram: response.datagram });
    return 'acceptedInitiations';
  }

  #onResponse({ now, path, datagram }: Arrival): Outcome {
    const localIndex = receiverIndex(datagram);
    const peer = this.#peers.byIndex(localIndex);
    const pending = peer?.pending;
    if (peer === undefined || pending?.localIndex !== localIndex) return 'unknownIndex';
    if (pending.forgeries >= FORGERIES_MAX) return 'flood';
    const response = consumeResponse(
      this.#options.crypto,
      pending.state,
      datagram,
      pending.ciphers,
    );
    if (response === undefined) {
      pending.forgeries++;
      return 'unauthentic';
    }
    peer.pending = undefined; // its index is the key's from here on
    this.#endAttempt(peer);
    this.#complete(peer, { now, path, localIndex, ...response, initiator: true });
    this.#put({ kind: 'keepalive', peer: peer.id });
    return 'acceptedResponses';
  }

  #onCookieReply({ now, datagram }: Arrival): Outcome {
    const peer = this.#peers.byIndex(receiverIndex(datagram));
    if (peer === undefined) return 'unknownIndex';
    return peer.jar.accept(now, datagram) ? 'acceptedCookies' : 'unauthentic';
  }

  // Keys

  #complete(peer: NoisePeer, done: Completed): void {
    const key = this.#trafficKey(peer, done);
    this.#peers.free(done.initiator ? peer.useInitiated(key) : peer.awaitConfirmation(key));
    peer.timers.set('zero', after(done.now, 3 * this.#timing.rejectAfter));
    this.#soonest = undefined;
    const keypair: NoiseKeypair = {
      localIndex: done.localIndex,
      remoteIndex: done.remoteIndex,
      sendKey: done.keys.sendKey,
      receiveKey: done.keys.receiveKey,
      initiator: done.initiator,
      createdAt: done.now,
      rejectAfterMsec: this.#timing.rejectAfter,
      cipher: done.cipher,
    };
    this.#put({ kind: 'keypair', peer: peer.id, path: done.path, keypair });
  }

  /** When both sides initiated at once, both hold a key of their own: the lower public key's owner rekeys first. */
  #trafficKey(peer: NoisePeer, { now, localIndex, initiator }: Completed): TrafficKey {
    const other = peer.next ?? peer.current;
    const crossed =
      other !== undefined &&
      other.initiator !== initiator &&
      now < after(other.createdAt, this.#timing.rekeyTimeout);
    const yields = initiator && crossed && compareBytes(this.publicKey, peer.publicKey) > 0;
    return { localIndex, initiator, createdAt: now, yields };
  }

  #forgetSession(peer: NoisePeer): void {
    this.#endAttempt(peer);
    this.#peers.free(peer.forgetKeys());
    peer.timers.clearAll();
  }

  #jitter(): number {
    return this.#options.entropy.below(REKEY_JITTER_MAX + 1);
  }

  #put(output: NoiseOutput): void {
    this.#outputs.push(output);
  }
}

const sourceBytes = (source: string | Uint8Array): Uint8Array =>
  typeof source === 'string' ? utf8(source) : source;

const sourceName = (source: string | Uint8Array): string =>
  typeof source === 'string' ? sourceGroup(source) : source.join('.');

function newCounters(): NoiseCounters {
  return {
    acceptedInitiations: 0,
    acceptedResponses: 0,
    acceptedCookies: 0,
    malformed: 0,
    badMac1: 0,
    flood: 0,
    cookieDemanded: 0,
    unauthentic: 0,
    replayed: 0,
    unknownIndex: 0,
    strangers: 0,
  };
}
