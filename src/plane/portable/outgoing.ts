/**
 * From an inner packet to datagrams on a path, in this order: `send` (path, key or staging) → `#sealPacket`
 * (padding) or `#sealParts` (splitting) → a train. Control payloads go through `sendControl`, past the trains.
 */
import { writeU32le } from '../../base/bytes.js';
import { after, type Instant } from '../../base/time.js';
import { TAG_BYTES, TYPE_TRANSPORT } from '../../noise/messages.js';
import type { PathId, PathInfo } from '../types.js';
import type { Drops } from './drops.js';
import type { Link } from './link.js';
import type { Outbox } from './outbox.js';
import type { Session } from './sessions.js';
import { planSplit, writePart } from './split.js';
import { HEADER_BYTES, type Trains } from './trains.js';

/** What sealing adds to a payload. */
export const OVERHEAD_BYTES = HEADER_BYTES + TAG_BYTES;
/** UDP's limit. */
export const DATAGRAM_BYTES_MAX = 65_535;
/** Whitepaper §5.4.6: payloads are padded to a multiple of this. */
const PADDING = 16;
/**
 * Ours: on a path that carries less than about 1470 bytes of IPv6, what drops big datagrams on this host or beside it (a
 * firewall's rule, a middlebox that joins segments) may take a train, which the kernel cuts late, for one big datagram.
 */
const TRAIN_ROOM_MIN = 1392;
/** Ours: while packets wait and no key comes, a key is asked for this often. */
const KEY_WANTED_AGAIN_MSEC = 5_000;
const CONTROL_BUFFER_BYTES = 2048;

interface OutgoingParts {
  readonly trains: Trains;
  readonly drops: Drops;
  readonly outbox: Outbox;
  readonly pathInfo: (id: PathId) => PathInfo | undefined;
}

export class Outgoing {
  readonly #trains: Trains;
  readonly #drops: Drops;
  readonly #outbox: Outbox;
  readonly #pathInfo: (id: PathId) => PathInfo | undefined;
  /** A packet and its padding, or a part of one. */
  readonly #padded: Uint8Array;
  #paddedView: Uint8Array;
  readonly #control = new Uint8Array(CONTROL_BUFFER_BYTES);

  constructor(parts: OutgoingParts) {
    this.#trains = parts.trains;
    this.#padded = parts.trains.scratch;
    this.#paddedView = this.#padded.subarray(0, 0);
    this.#drops = parts.drops;
    this.#outbox = parts.outbox;
    this.#pathInfo = parts.pathInfo;
  }

  /** @param packet Exactly one IPv6 packet, no longer than the link's MTU; not kept, not changed. */
  send(now: Instant, link: Link, packet: Uint8Array): void {
    const session = link.current;
    if (session === undefined || !session.isUsable(now)) {
      if (!link.stage(packet.slice())) this.#drops.count('staging-full');
      this.#wantKey(now, link);
      return;
    }
    const { path } = link;
    if (path === undefined) {
      this.#drops.count('no-path');
      return;
    }
    const room = link.datagramBytesMax - OVERHEAD_BYTES;
    if (packet.length <= room) this.#sealPacket({ now, session, path, room }, packet);
    else if (!this.#sealParts({ now, session, path, room }, packet)) return;
    this.#countPacket(now, link);
  }

  /** After a key came: what waited for it. */
  sendStaged(now: Instant, link: Link): void {
    for (let left = link.staged.length; left > 0; left--) {
      const packet = link.staged.shift();
      if (packet !== undefined) this.send(now, link, packet);
    }
  }

  /**
   * Sends a control payload or a keepalive (empty) ahead of what waits in trains. It is not padded: its end is the end of
   * the datagram.
   */
  sendControl(now: Instant, link: Link, payload: Uint8Array, via: PathId | undefined): void {
    const session = link.current;
    if (session === undefined || !session.isUsable(now)) {
      this.#drops.count('no-key');
      this.#wantKey(now, link);
      return;
    }
    const path = via ?? link.path;
    const bytes = OVERHEAD_BYTES + payload.length;
    if (path === undefined || !this.#fits(path, bytes)) {
      this.#countUnfit(path);
      return;
    }
    const buffer = bytes <= CONTROL_BUFFER_BYTES ? this.#control : new Uint8Array(bytes);
    const datagram = buffer.subarray(0, bytes);
    this.#seal(session, payload, { datagram, body: datagram.subarray(HEADER_BYTES) });
    this.#countDatagram(now, session, bytes);
    this.#trains.sendAtOnce(path, datagram);
  }

  /** Sends handshake messages as they are. */
  transmit(path: PathId, datagram: Uint8Array): void {
    if (this.#fits(path, datagram.length)) this.#trains.sendAtOnce(path, datagram);
    else this.#countUnfit(path);
  }

  #fits(path: PathId, bytes: number): boolean {
    return bytes <= Math.min(this.#pathInfo(path)?.maxDatagramBytes ?? 0, DATAGRAM_BYTES_MAX);
  }

  #countUnfit(path: PathId | undefined): void {
    const isKnown = path !== undefined && this.#pathInfo(path) !== undefined;
    this.#drops.count(isKnown ? 'too-big' : 'no-path');
  }

  #wantKey(now: Instant, link: Link): void {
    const { keyWantedAt } = link;
    if (keyWantedAt !== undefined && now < after(keyWantedAt, KEY_WANTED_AGAIN_MSEC)) return;
    link.keyWantedAt = now;
    this.#outbox.push({ kind: 'key-wanted', link: link.id });
  }

  #sealPacket(way: Way, packet: Uint8Array): void {
    const whole = (packet.length + PADDING - 1) & -PADDING;
    const bytes = Math.min(whole, Math.max(way.room, packet.length));
    const plain = bytes === packet.length ? packet : this.#pad(packet, bytes);
    this.#sealData(way, plain);
  }

  /** The packet with zeros behind it, in a buffer that lasts until the next one. */
  #pad(packet: Uint8Array, bytes: number): Uint8Array {
    if (this.#paddedView.length !== bytes) this.#paddedView = this.#padded.subarray(0, bytes);
    this.#padded.set(packet);
    this.#padded.fill(0, packet.length, bytes);
    return this.#paddedView;
  }

  /** @returns false when the datagrams are too small even for parts. */
  #sealParts(way: Way, packet: Uint8Array): boolean {
    const { link } = way.session;
    const plan = planSplit(packet.length, way.room);
    if (plan.total === 0) {
      this.#drops.count('too-big');
      return false;
    }
    const id = link.splitId;
    link.splitId = (id + 1) & 0xffff;
    for (let index = 0; index < plan.total; index++) {
      const length = writePart(this.#padded, packet, plan, { index, id });
      const bytes = (length + PADDING - 1) & -PADDING;
      this.#padded.fill(0, length, bytes);
      this.#sealData(way, this.#padded.subarray(0, bytes));
      link.counters.splitTx++;
    }
    return true;
  }

  #sealData({ now, session, path, room }: Way, plain: Uint8Array): void {
    const slot = this.#trains.slot(OVERHEAD_BYTES + plain.length);
    this.#seal(session, plain, slot);
    this.#countDatagram(now, session, slot.datagram.length);
    if (room < TRAIN_ROOM_MIN) this.#trains.sendAtOnce(path, slot.datagram);
    else this.#trains.push(path, slot.datagram);
  }

  #seal(
    session: Session,
    plain: Uint8Array,
    { datagram, body }: { readonly datagram: Uint8Array; readonly body: Uint8Array },
  ): void {
    const counter = session.sent++;
    writeU32le(datagram, 0, TYPE_TRANSPORT);
    writeU32le(datagram, 4, session.remoteIndex);
    writeU32le(datagram, 8, counter);
    writeU32le(datagram, 12, Math.floor(counter / 2 ** 32));
    session.sendKey.seal(counter, plain, body, 0);
  }

  #countDatagram(now: Instant, { link: { counters } }: Session, bytes: number): void {
    counters.txPackets++;
    counters.txBytes += bytes;
    counters.lastTxAt = now;
  }

  #countPacket(now: Instant, link: Link): void {
    const { counters } = link;
    counters.txData++;
    counters.lastDataTxAt = now;
    if (counters.unansweredSinceAt === 0) counters.unansweredSinceAt = now;
    if (!link.armed) return;
    link.armed = false;
    this.#outbox.push({ kind: 'active', link: link.id });
  }
}

/** Where one packet goes. */
interface Way {
  readonly now: Instant;
  readonly session: Session;
  readonly path: PathId;
  /** Largest payload of one datagram, bytes. */
  readonly room: number;
}
