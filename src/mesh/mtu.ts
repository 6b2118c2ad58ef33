/**
 * Path MTU search in the way of RFC 8899, for datagrams (bytes of UDP payload). Sizes are tried from above with padded
 * probes, several at once since answers are small; the largest answered wins at once. What was proven is verified while
 * the link is active, and given up at once when it no longer passes while small probes do.
 */
import { after, type Instant } from '../base/time.js';

/** What IPv6's minimum of 1280 leaves for UDP payload; assumed until proven. */
export const DATAGRAM_BASE = 1232;
/** Ours: below this nothing is tried. */
export const DATAGRAM_FLOOR = 544;
/** Sealing adds a 16-byte header and a 16-byte tag. */
export const SEAL_BYTES = 32;
/** IPv6's minimum: the link carries it whatever the path does, in parts if it must. */
export const INNER_MTU_MIN = 1280;
/** What WireGuard uses on a path of 1500. */
export const INNER_MTU_MAX = 1420;
/** 1452: what 1500 bytes carry over IPv6; 1424: with PPPoE and the like; 1312: a whole inner packet of 1280. */
const SIZES = [1452, 1424, 1392, 1344, 1312, 1232, 1104, 976, 800, 672, 544] as const;
/** RFC 8899 §5.1.2 MAX_PROBES. */
const TRIES_MAX = 3;
/** Ours; RFC 8899 §5.1.1 CONFIRMATION_TIMER is left to the implementation. */
const VERIFY_EVERY_MSEC = 10_000;
/** RFC 8899 §5.1.1 PMTU_RAISE_TIMER. */
const RAISE_EVERY_MSEC = 600_000;

/** The largest inner packet that one datagram carries; its padding never exceeds the datagram (plane). */
export function innerMtu(datagramBytes: number): number {
  return Math.min(INNER_MTU_MAX, Math.max(INNER_MTU_MIN, datagramBytes - SEAL_BYTES));
}

type Mode = 'new' | 'up' | 'down' | 'settled';

export class PathMtu {
  readonly #limit: number;
  #mode: Mode = 'new';
  #current: number;
  #answered = 0;
  /** While searching downwards: the largest size that may still pass. */
  #ceiling: number;
  #tries = 0;
  #dueAt: Instant | undefined;
  #raiseAt: Instant | undefined;
  #missesSince: Instant | undefined;

  /** @param limit The transport's own largest datagram. */
  constructor(limit: number) {
    this.#limit = limit;
    const start = Math.min(DATAGRAM_BASE, limit);
    this.#current = SIZES.find((size) => size <= start) ?? DATAGRAM_FLOOR;
    this.#ceiling = this.#current;
  }

  get datagramBytesMax(): number {
    return this.#current;
  }

  /** A verification was missed: a small probe must tell a hole from silence. */
  get doubts(): boolean {
    return this.#mode === 'settled' && this.#tries > 1;
  }

  /** A plain WireGuard peer answers no probe and joins no parts: whole packets, until the transport refuses one. */
  assume(): void {
    this.#current = Math.min(SIZES[0], this.#limit);
  }

  /** The path came into use: search unless that was done. */
  begin(now: Instant): void {
    if (this.#mode === 'new') this.#search(now, 'up');
  }

  /** When to ask `due`; while settled only an active link asks. */
  nextAt(isActive: boolean): Instant | undefined {
    return this.#mode === 'settled' && !isActive ? undefined : this.#dueAt;
  }

  /**
   * @param patienceMsec How long an answer may take.
   * @param smallHeardAt When a small probe was last answered on this path.
   * @returns Sizes of datagrams to send as padded probes now.
   */
  due(now: Instant, patienceMsec: number, smallHeardAt: Instant | undefined): readonly number[] {
    if (this.#dueAt === undefined || now < this.#dueAt) return [];
    this.#dueAt = after(now, patienceMsec);
    if (this.#mode === 'settled') return this.#verify(now, smallHeardAt);
    if (this.#tries++ >= TRIES_MAX) return this.#conclude(now);
    return this.#candidates();
  }

  /** A padded probe came back. @param bytes What really arrived there. @returns true when the size in use rose. */
  handleAnswer(now: Instant, bytes: number): boolean {
    if (this.#mode === 'settled') {
      if (bytes >= this.#current) this.#settle(now);
      return false;
    }
    const before = this.#current;
    this.#answered = Math.max(this.#answered, bytes);
    const fits = this.#mode === 'up' ? Math.max(bytes, this.#current) : this.#answered;
    this.#current = Math.min(fits, this.#limit);
    if (this.#candidates().length === 0) this.#settle(now);
    return this.#current !== before;
  }

  /** The transport refused a datagram of this size. @returns true when the size in use fell. */
  handleTooBig(now: Instant, bytes: number): boolean {
    if (bytes > this.#current || this.#current === DATAGRAM_FLOOR) return false;
    this.#stepDown(now, Math.min(bytes, this.#current));
    return true;
  }

  #candidates(): readonly number[] {
    const usable = SIZES.filter((size) => size <= this.#limit);
    if (this.#mode === 'up') {
      return usable.filter((size) => size >= this.#current && size > this.#answered);
    }
    return usable.filter((size) => size <= this.#ceiling && size > this.#answered);
  }

  #verify(now: Instant, smallHeardAt: Instant | undefined): readonly number[] {
    if (this.#raiseAt !== undefined && now >= this.#raiseAt && this.#missesSince === undefined) {
      this.#answered = this.#current;
      this.#search(now, 'up');
      return this.due(now, (this.#dueAt ?? now) - now, smallHeardAt);
    }
    if (this.#tries++ < TRIES_MAX) {
      this.#missesSince ??= now;
      return [this.#current];
    }
    const isHole = smallHeardAt !== undefined && smallHeardAt >= (this.#missesSince ?? now);
    if (!isHole) {
      this.#settle(now);
      return [];
    }
    this.#stepDown(now, this.#current);
    return this.#candidates();
  }

  /** Every size was tried often enough. */
  #conclude(now: Instant): readonly number[] {
    if (this.#mode === 'up' && this.#answered === 0) {
      this.#stepDown(now, this.#current);
      return [];
    }
    if (this.#answered === 0) this.#current = DATAGRAM_FLOOR;
    this.#settle(now);
    return [];
  }

  #stepDown(now: Instant, below: number): void {
    this.#current = SIZES.find((size) => size < below) ?? DATAGRAM_FLOOR;
    this.#ceiling = this.#current;
    this.#answered = 0;
    this.#search(now, 'down');
  }

  #search(now: Instant, mode: 'up' | 'down'): void {
    this.#mode = mode;
    this.#tries = 0;
    this.#missesSince = undefined;
    this.#dueAt = now;
  }

  #settle(now: Instant): void {
    this.#mode = 'settled';
    this.#tries = 0;
    this.#missesSince = undefined;
    this.#dueAt = after(now, VERIFY_EVERY_MSEC);
    this.#raiseAt ??= after(now, RAISE_EVERY_MSEC);
    if (this.#raiseAt <= now) this.#raiseAt = after(now, RAISE_EVERY_MSEC);
  }
}
