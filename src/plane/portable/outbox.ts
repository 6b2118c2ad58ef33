import type { PlaneEvent } from '../types.js';
import type { Drops } from './drops.js';

/** Ours: handshake messages that one pass hands up; each may cost control code a Diffie-Hellman. */
const HANDSHAKES_PER_PASS_MAX = 256;
/** Ours: other events that the network can cause at will, in one pass. */
export const EVENTS_PER_PASS_MAX = 4096;

/**
 * Events on their way up, bounded between two `flush`es of the plane, since the host drains them there. Events of
 * which a link has one at a time (`confirmed`, `active`, `key-wanted`) are never dropped.
 */
export class Outbox {
  readonly #emit: (event: PlaneEvent) => void;
  readonly #drops: Drops;
  #handshakes = 0;
  #events = 0;

  constructor(emit: (event: PlaneEvent) => void, drops: Drops) {
    this.#emit = emit;
    this.#drops = drops;
  }

  push(event: PlaneEvent): void {
    switch (event.kind) {
      case 'handshake':
        if (this.#handshakes >= HANDSHAKES_PER_PASS_MAX) {
          this.#drops.count('handshake-flood');
          return;
        }
        this.#handshakes++;
        break;
      case 'control':
      case 'moved':
      case 'path-failed':
      case 'pong':
        if (this.#events >= EVENTS_PER_PASS_MAX) {
          this.#drops.count('queue-full');
          return;
        }
        this.#events++;
        break;
      case 'confirmed':
      case 'active':
      case 'key-wanted':
        break;
      default:
        event satisfies never;
    }
    this.#emit(event);
  }

  /** The host has taken everything. */
  drained(): void {
    this.#handshakes = 0;
    this.#events = 0;
  }
}
