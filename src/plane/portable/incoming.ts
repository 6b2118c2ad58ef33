/**
 * From a datagram to an inner payload: `handle` (kind) → `#open` (index, age, replay, tag) → `#authentic` (counters, key
 * rotation, path) → `#payload` (packet, control or part). Whatever is wrong is counted and dropped.
 */
import { readU32le } from '../../base/bytes.js';
import { after, type Instant } from '../../base/time.js';
import { handshakeKind, TYPE_TRANSPORT } from '../../noise/messages.js';
import { packetLength } from '../ip6.js';
import type { PathInfo } from '../types.js';
import type { Drops } from './drops.js';
import type { Forwarding } from './forwarding.js';
import type { Link } from './link.js';
import type { Outbox } from './outbox.js';
import { DATAGRAM_BYTES_MAX, type Outgoing, OVERHEAD_BYTES } from './outgoing.js';
import type { Session, Sessions } from './sessions.js';
import { PART } from './split.js';
import { HEADER_BYTES } from './trains.js';

/** First bytes of control payloads: segment, probe, answer. */
const CONTROL_FIRST = 0xa0;
const CONTROL_LAST = 0xa2;
const CONTROL_RELAY = 0xa4;
const isControl = (first: number): boolean =>
  (first >= CONTROL_FIRST && first <= CONTROL_LAST) || first === CONTROL_RELAY;
/** Ours: a link's authenticated packets on another path are told of this often. */
const MOVED_INTERVAL_MSEC = 100;

interface IncomingParts {
  readonly sessions: Sessions;
  readonly drops: Drops;
  readonly outbox: Outbox;
  readonly outgoing: Outgoing;
  readonly forwarding: Forwarding;
}

/** A datagram that was authenticated. */
interface Arrival {
  readonly now: Instant;
  readonly path: PathInfo;
  readonly link: Link;
  readonly datagramBytes: number;
}

export class Incoming {
  readonly #parts: IncomingParts;
  /** What was opened last. */
  readonly #plain = new Uint8Array(DATAGRAM_BYTES_MAX);

  constructor(parts: IncomingParts) {
    this.#parts = parts;
  }

  handle(now: Instant, path: PathInfo, datagram: Uint8Array): void {
    if (isTransport(datagram)) this.#handleTransport(now, path, datagram);
    else if (handshakeKind(datagram) === undefined) this.#parts.drops.count('malformed');
    else this.#parts.outbox.push({ kind: 'handshake', path, datagram: datagram.slice() });
  }

  #handleTransport(now: Instant, path: PathInfo, datagram: Uint8Array): void {
    const { length } = datagram;
    const session = this.#open(now, datagram);
    if (session === undefined) return;
    const arrival = { now, path, link: session.link, datagramBytes: length };
    this.#authentic(arrival, session);
    if (length > OVERHEAD_BYTES) this.#payload(arrival, length - OVERHEAD_BYTES);
  }

  /** Opens into `#plain`. @returns undefined, counted, when it is not authentic or not new. */
  #open(now: Instant, datagram: Uint8Array): Session | undefined {
    const { drops, sessions } = this.#parts;
    const session = sessions.find(readU32le(datagram, 4));
    const counter = readU32le(datagram, 8) + readU32le(datagram, 12) * 2 ** 32;
    if (session === undefined) drops.count('unknown-index');
    else if (session.isExpired(now)) drops.count('key-expired');
    else if (!session.replay.check(counter)) drops.count('replayed');
    else if (!session.receiveKey.open(counter, datagram.subarray(HEADER_BYTES), this.#plain, 0)) {
      drops.count('bad-tag');
    } else {
      session.replay.mark(counter);
      session.received++;
      return session;
    }
    return undefined;
  }

  #authentic({ now, path, link, datagramBytes }: Arrival, session: Session): void {
    const { counters } = link;
    counters.rxPackets++;
    counters.rxBytes += datagramBytes;
    counters.lastRxAt = now;
    counters.unansweredSinceAt = 0 as Instant;
    if (session.received === 1) this.#confirm(now, session);
    if (path.id === link.path) return;
    if (link.movedAt !== undefined && now < after(link.movedAt, MOVED_INTERVAL_MSEC)) return;
    link.movedAt = now;
    this.#parts.outbox.push({ kind: 'moved', link: link.id, path });
  }

  /** The other side has the keys: as the responder we may use them now. */
  #confirm(now: Instant, session: Session): void {
    const { link, localIndex } = session;
    if (link.next === session) this.#parts.sessions.promote(session);
    this.#parts.outbox.push({ kind: 'confirmed', link: link.id, localIndex });
    if (link.current === session) this.#parts.outgoing.sendStaged(now, link);
  }

  #payload(arrival: Arrival, bytes: number): void {
    const first = this.#plain[0] as number;
    if (first >> 4 === 6) {
      this.#packet(arrival, this.#plain, bytes);
    } else if (isControl(first)) {
      const { path, link, datagramBytes } = arrival;
      const payload = this.#plain.slice(0, bytes);
      this.#parts.outbox.push({ kind: 'control', link: link.id, path, payload, datagramBytes });
    } else if (first === PART) {
      this.#part(arrival, this.#plain.subarray(0, bytes));
    } else {
      if (first >> 4 === 4) arrival.link.counters.lastDataRxAt = arrival.now;
      this.#parts.drops.count(first >> 4 === 4 ? 'not-ip6' : 'unknown-payload');
    }
  }

  #packet({ now, link }: Arrival, buffer: Uint8Array, bytes: number): void {
    const length = packetLength(buffer, bytes);
    if (length < 0) {
      this.#parts.drops.count('malformed');
      return;
    }
    link.counters.rxData++;
    link.counters.lastDataRxAt = now;
    if (link.armed) {
      link.armed = false;
      this.#parts.outbox.push({ kind: 'active', link: link.id });
    }
    this.#parts.forwarding.fromLink(now, link, buffer.subarray(0, length));
  }

  /** Only IPv6 packets are split, so nothing else comes out of parts. */
  #part(arrival: Arrival, payload: Uint8Array): void {
    const { joiner, counters } = arrival.link;
    const joined = joiner.add(arrival.now, payload);
    const abandoned = joiner.takeAbandoned() + (joined.kind === 'refused' ? 1 : 0);
    if (abandoned > 0) this.#parts.drops.count('reassembly', abandoned);
    if (joined.kind !== 'packet') return;
    counters.joinedRx++;
    this.#packet(arrival, joined.packet, joined.packet.length);
  }
}

/** Type 4 with three zeros, and room for header and tag. */
function isTransport(datagram: Uint8Array): boolean {
  const { length } = datagram;
  const isWhole = length >= OVERHEAD_BYTES && length <= DATAGRAM_BYTES_MAX;
  return isWhole && readU32le(datagram, 0) === TYPE_TRANSPORT;
}
