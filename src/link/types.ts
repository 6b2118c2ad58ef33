/**
 * THE BOUNDARY between mesh and alanet: types only, plain data. Mesh makes links and tells of them; alanet sends over
 * them. Neither knows the other. A recorded list of these replays a run.
 */
import type { NodeId } from '../base/ip6.js';
import type { Millis } from '../base/time.js';

/** Names one link for as long as its peer is configured; it survives down and up. The plane uses the same number. */
export type LinkId = number & { readonly brand: 'LinkId' };

/** Largest message on the alanet stream, in bytes; longer ones are refused on both sides. */
export const LINK_MESSAGE_MAX = 65_535;

/** Mesh → alanet. */
export type LinkEvent =
  | LinkUp
  | {
      readonly kind: 'changed';
      readonly link: LinkId;
      readonly rttMsec: number;
      readonly mtu: number;
      readonly transport: string;
    }
  | { readonly kind: 'received'; readonly link: LinkId; readonly message: Uint8Array }
  /** The link's send queue has drained to below half after a refused send. */
  | { readonly kind: 'writable'; readonly link: LinkId }
  | { readonly kind: 'down'; readonly link: LinkId; readonly reason: string };

/** The peer is proven: it holds `noiseKey`, and its record (checked by mesh) binds that to `peer`. */
export interface LinkUp {
  readonly kind: 'up';
  readonly link: LinkId;
  readonly peer: NodeId;
  readonly noiseKey: Uint8Array;
  readonly name: string;
  /** Smallest round trip measured so far; the base of the cost class. */
  readonly rttMsec: Millis;
  /** Largest inner packet, bytes, ≥ 1280. */
  readonly mtu: number;
  /** Scheme of the transport in use, for display. */
  readonly transport: string;
}

/** Alanet → mesh. */
export type LinkCommand =
  /** One message on the alanet stream: ordered, reliable. `size ≤ LINK_MESSAGE_MAX`. */
  | { readonly kind: 'send'; readonly link: LinkId; readonly message: Uint8Array }
  /** Both streams start afresh on both sides: alanet sees `down` and then `up`. */
  | { readonly kind: 'reset'; readonly link: LinkId; readonly reason: string };

/** What mesh answers to a `send`, synchronously: full means "keep it, wait for `writable`". */
export type SendAnswer = 'sent' | 'full' | 'down';
