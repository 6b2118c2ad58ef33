/** TAI64N timestamps (https://cr.yp.to/libtai/tai64.html) as WireGuard uses them against replayed initiations. */
import { compareBytes, writeU32 } from '../base/bytes.js';
import type { EpochMillis } from '../base/time.js';
import { TIMESTAMP_BYTES } from './messages.js';

/** TAI64 labels begin at 2^62; WireGuard counts TAI as UTC + 10 s, as of 1970. */
const TAI_OFFSET_SEC = 10;
/** Linux and wireguard-go: the low 24 bits are hidden, so that the clock tells nothing about our timing. */
const WHITENED_NSEC = 2 ** 24;
const NSEC_PER_SEC = 1_000_000_000;

/** @returns 12 bytes: seconds as u64, nanoseconds as u32, big endian, so that bytes compare as times do. */
export function tai64n(seconds: number, nanoseconds: number): Uint8Array {
  const label = new Uint8Array(TIMESTAMP_BYTES);
  const tai = seconds + TAI_OFFSET_SEC;
  writeU32(label, 0, 0x40000000 + Math.floor(tai / 2 ** 32));
  writeU32(label, 4, tai % 2 ** 32);
  writeU32(label, 8, nanoseconds);
  return label;
}

/**
 * Ours: WireGuard hides the low 24 bits of the nanoseconds, so the lowest byte is free to say what we offer. It is sealed
 * and authenticated with the rest of the handshake, and to a stock peer it is a part of a time.
 */
const OFFER_VALUES = 256;
const OFFERS_AES = 0xa5;

/** @returns The same time with the offer of AES-256-GCM in it; still below the next one of its source. */
export function offerAes(label: Uint8Array): Uint8Array {
  const offering = label.slice();
  offering[TIMESTAMP_BYTES - 1] = OFFERS_AES;
  return offering;
}

export const offersAes = (label: Uint8Array): boolean => label[TIMESTAMP_BYTES - 1] === OFFERS_AES;

/** Gives each initiation a time above the last one's, also when the clock stands still or goes back. */
export class TimestampSource {
  #seconds = 0;
  #nanoseconds = 0;

  next(wall: EpochMillis): Uint8Array {
    const seconds = Math.floor(wall / 1000);
    const exact = Math.floor((wall - seconds * 1000) * 1_000_000);
    const nanoseconds = exact - (exact % WHITENED_NSEC);
    if (seconds > this.#seconds || (seconds === this.#seconds && nanoseconds > this.#nanoseconds)) {
      this.#seconds = seconds;
      this.#nanoseconds = nanoseconds;
    } else {
      this.#step();
    }
    return tai64n(this.#seconds, this.#nanoseconds);
  }

  #step(): void {
    this.#nanoseconds += OFFER_VALUES;
    if (this.#nanoseconds < NSEC_PER_SEC) return;
    this.#seconds++;
    this.#nanoseconds = 0;
  }
}

/** Whether `label` is later than the latest seen; no label seen is earlier than any. */
export function isLater(label: Uint8Array, latest: Uint8Array | undefined): boolean {
  return latest === undefined || compareBytes(label, latest) > 0;
}
