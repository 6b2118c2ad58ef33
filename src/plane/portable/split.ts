/**
 * Packets too big for one datagram of a link, cut into parts and joined again. A part is an inner payload of its own,
 * sealed like any other:
 *
 *   a3 ‖ u4 index, u4 total ‖ u16be packet number ‖ bytes
 *
 * `index` counts from 0, `total` is 2..4. Parts in order of their index are the IPv6 packet; zero padding may follow the last.
 * All parts of one packet have the same number. Parts in front of the last are as long as they can be, a multiple of 16
 * with their head, so that no padding gets between.
 */
import { readU16, writeU16 } from '../../base/bytes.js';
import { after, type Instant } from '../../base/time.js';
import { IP6_PACKET_MAX } from '../ip6.js';

/** First byte of a part. */
export const PART = 0xa3;
export const PART_HEAD_BYTES = 4;
const PARTS_MAX = 4;
/** Ours: packets of one link that wait for parts. */
const JOINS_MAX = 64;
/** Ours: bytes of one link that wait for parts. */
export const JOIN_BYTES_MAX = 262_144;
/** Ours: parts travel together; what is missing after this was lost. */
const JOIN_TIMEOUT_MSEC = 2_000;

const PARTS_MIN = 2;

interface SplitPlan {
  /** 2..4, or 0: it cannot be done. */
  readonly total: number;
  /** Packet bytes in each part but the last. */
  readonly bytes: number;
}

/** @param payloadBytesMax Largest inner payload of one datagram. */
export function planSplit(packetBytes: number, payloadBytesMax: number): SplitPlan {
  const bytes = payloadBytesMax - (payloadBytesMax % 16) - PART_HEAD_BYTES;
  const total = bytes > 0 ? Math.ceil(packetBytes / bytes) : 0;
  return { total: total >= PARTS_MIN && total <= PARTS_MAX ? total : 0, bytes };
}

/** Writes one part. @returns Bytes written to `out`. */
export function writePart(
  out: Uint8Array,
  packet: Uint8Array,
  plan: SplitPlan,
  part: { readonly index: number; readonly id: number },
): number {
  const from = part.index * plan.bytes;
  const bytes = packet.subarray(from, Math.min(packet.length, from + plan.bytes));
  out[0] = PART;
  out[1] = (part.index << 4) | plan.total;
  writeU16(out, 2, part.id);
  out.set(bytes, PART_HEAD_BYTES);
  return PART_HEAD_BYTES + bytes.length;
}

interface Pending {
  readonly until: Instant;
  readonly parts: (Uint8Array | undefined)[];
  missing: number;
  bytes: number;
}

/** What a part led to: the whole packet, more waiting, or a number of packets given up for it. */
type Joined =
  | { readonly kind: 'packet'; readonly packet: Uint8Array }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'refused' };

const WAITING: Joined = { kind: 'waiting' };
const REFUSED: Joined = { kind: 'refused' };

/** The packets of one link that wait for parts; oldest first, since all wait equally long. */
export class Joiner {
  readonly #pending = new Map<number, Pending>();
  #bytes = 0;
  #abandoned = 0;

  /** Bytes that wait, for tests and sweeps. */
  get waitingBytes(): number {
    return this.#bytes;
  }

  /** @param payload A part as it came out of a datagram; copied. */
  add(now: Instant, payload: Uint8Array): Joined {
    const index = (payload[1] ?? 0) >> 4;
    const total = (payload[1] ?? 0) & 0x0f;
    const bytes = payload.length - PART_HEAD_BYTES;
    if (bytes <= 0 || total < PARTS_MIN || total > PARTS_MAX || index >= total) return REFUSED;
    this.expire(now);
    const id = readU16(payload, 2);
    const pending = this.#pending.get(id) ?? this.#open(now, id, total);
    const isOdd = pending.parts.length !== total || pending.parts[index] !== undefined;
    if (isOdd || pending.bytes + bytes > IP6_PACKET_MAX + 15) return REFUSED;
    pending.parts[index] = payload.slice(PART_HEAD_BYTES);
    pending.bytes += bytes;
    this.#bytes += bytes;
    pending.missing--;
    if (pending.missing === 0) return { kind: 'packet', packet: this.#join(id, pending) };
    while (this.#bytes > JOIN_BYTES_MAX) this.#abandonOldest();
    return WAITING;
  }

  /** Gives up what waited too long. */
  expire(now: Instant): void {
    for (const [id, pending] of this.#pending) {
      if (pending.until > now) return;
      this.#close(id, pending);
      this.#abandoned++;
    }
  }

  /** Packets given up since the last call. */
  takeAbandoned(): number {
    const count = this.#abandoned;
    this.#abandoned = 0;
    return count;
  }

  #open(now: Instant, id: number, total: number): Pending {
    if (this.#pending.size >= JOINS_MAX) this.#abandonOldest();
    const parts = new Array<Uint8Array | undefined>(total).fill(undefined);
    const pending = { until: after(now, JOIN_TIMEOUT_MSEC), parts, missing: total, bytes: 0 };
    this.#pending.set(id, pending);
    return pending;
  }

  #join(id: number, pending: Pending): Uint8Array {
    const packet = new Uint8Array(pending.bytes);
    let at = 0;
    for (const part of pending.parts) {
      packet.set(part ?? [], at);
      at += part?.length ?? 0;
    }
    this.#close(id, pending);
    return packet;
  }

  #abandonOldest(): void {
    for (const [id, pending] of this.#pending) {
      this.#close(id, pending);
      this.#abandoned++;
      return;
    }
  }

  #close(id: number, pending: Pending): void {
    this.#pending.delete(id);
    this.#bytes -= pending.bytes;
  }
}
