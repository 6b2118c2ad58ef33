/** What a `NoiseDevice` takes and gives. Peers and paths are the caller's numbers. */
import type { AeadCipher, Crypto } from '../base/crypto.js';
import type { Entropy } from '../base/entropy.js';
import type { Instant, WallClock } from '../base/time.js';
import type { NoiseTiming } from './timing.js';

export interface NoiseDeviceOptions {
  readonly crypto: Crypto;
  readonly entropy: Entropy;
  /** For TAI64N. It must not go back over a restart, or peers take our initiations for replays. */
  readonly wall: WallClock;
  /** X25519, 32 bytes; kept by reference, so that the engine's imported key is kept too. */
  readonly privateKey: Uint8Array;
  readonly timing?: Partial<NoiseTiming>;
  /** This CPU has instructions for AES-256-GCM: it is offered and taken. Default false. */
  readonly aes?: boolean;
  /** The plane demands cookies and limits the rates of initiations before they come here. Default false. */
  readonly gated?: boolean;
}

/** What the handshake made; the plane's `Keypair` has the same fields. */
export interface NoiseKeypair {
  readonly localIndex: number;
  readonly remoteIndex: number;
  readonly sendKey: Uint8Array;
  readonly receiveKey: Uint8Array;
  /** The initiator may send at once; a responder only after the first packet arrives under the key. */
  readonly initiator: boolean;
  readonly createdAt: Instant;
  readonly rejectAfterMsec: number;
  /** Of transport data; what both ends of the handshake agreed on. */
  readonly cipher: AeadCipher;
}

export type NoiseOutput =
  /** 148 bytes for the peer. The same bytes may go over several paths: the peer answers the first and drops the rest. */
  | { readonly kind: 'initiation'; readonly peer: number; readonly datagram: Uint8Array }
  /** A response or a cookie reply, to where the message that it answers came from. */
  | { readonly kind: 'reply'; readonly path: number; readonly datagram: Uint8Array }
  /** `path` is where the handshake message that completed it came from: authenticated, so the peer is there now. */
  | {
      readonly kind: 'keypair';
      readonly peer: number;
      readonly path: number;
      readonly keypair: NoiseKeypair;
    }
  /** Send an empty payload, unless something else is about to be sent. */
  | { readonly kind: 'keepalive'; readonly peer: number }
  /** Forget all keys of the peer: none was made for three times `rejectAfter`. */
  | { readonly kind: 'wipe'; readonly peer: number }
  /** No answer for `rekeyAttempt`. Nothing more happens until `want`. */
  | { readonly kind: 'gave-up'; readonly peer: number }
  /**
   * A valid initiation of a key that is no peer. To accept it: `addPeer`, then `handleDatagram` with the same bytes.
   * Each initiation comes up once at most; the rate is bounded.
   */
  | {
      readonly kind: 'stranger';
      readonly publicKey: Uint8Array;
      readonly path: number;
      readonly datagram: Uint8Array;
    };

/** The part of the plane's `LinkCounters` that timers are made from. Times are 0 for never. */
export interface TrafficCounters {
  readonly lastRxAt: Instant;
  readonly lastTxAt: Instant;
  readonly lastDataRxAt: Instant;
  readonly lastDataTxAt: Instant;
  readonly unansweredSinceAt: Instant;
  readonly keyMessages: number;
}

/** Why a handshake datagram was not used; `accepted…` are the ones that were. */
export interface NoiseCounters {
  acceptedInitiations: number;
  acceptedResponses: number;
  acceptedCookies: number;
  /** Type or length is no handshake message's. */
  malformed: number;
  badMac1: number;
  /** Dropped before or after the MACs because of the rate. */
  flood: number;
  /** Under load, without a valid MAC2: a cookie was sent, or the reply rate was used up. */
  cookieDemanded: number;
  /** Did not decrypt, or a low-order point. */
  unauthentic: number;
  /** TAI64N not above the last. */
  replayed: number;
  /** Index of no handshake that waits for this. */
  unknownIndex: number;
  strangers: number;
}
