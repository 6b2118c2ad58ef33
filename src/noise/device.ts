import type { Instant } from '../base/time.js';
import type { NoiseCounters, NoiseDeviceOptions, NoiseOutput, TrafficCounters } from './types.js';

export interface NoiseDeviceApi {
  readonly publicKey: Uint8Array;
  /** @returns why not; 'exists' when the number or the key is a peer already. */
  addPeer(peer: number, publicKey: Uint8Array, presharedKey?: Uint8Array): AddPeerAnswer;
  removePeer(now: Instant, peer: number): void;
  peerOf(publicKey: Uint8Array): number | undefined;
  /** `source`: the remote address as text or bytes, for the cookie and the limits per source. */
  handleDatagram(
    now: Instant,
    path: number,
    source: string | Uint8Array,
    datagram: Uint8Array,
  ): void;
  want(now: Instant, peer: number): void;
  handleConfirmed(now: Instant, peer: number, localIndex: number): void;
  /** @returns when to call it again even if nothing happens; undefined: when traffic is active again. */
  handleTraffic(now: Instant, peer: number, counters: TrafficCounters): Instant | undefined;
  handleTimeout(now: Instant): void;
  nextTimeout(): Instant | undefined;
  poll(): NoiseOutput | undefined;
  counters(): Readonly<NoiseCounters>;
}

export type AddPeerAnswer = 'added' | 'exists' | 'own-key' | 'bad-key' | 'full';
export type { NoiseDeviceOptions };
