/**
 * Two devices over a network in virtual time. A `Side` has, besides its device, just enough of a plane: it keeps keys by
 * WireGuard's rules, "seals" by naming the key, stages one packet while there is none, and counts as the plane does.
 */
import { toHex } from '../../../src/base/bytes.js';
import type { Entropy } from '../../../src/base/entropy.js';
import type { EpochMillis, Instant } from '../../../src/base/time.js';
import { NoiseDevice } from '../../../src/noise/device.js';
import { handshakeKind } from '../../../src/noise/messages.js';
import type { NoiseTiming } from '../../../src/noise/timing.js';
import type { NoiseKeypair, NoiseOutput } from '../../../src/noise/types.js';
import { nodeCrypto } from '../../../src/platform/crypto.js';

export const PEER = 1;
export const crypto = nodeCrypto();

/** mulberry32: small, seeded, good enough to vary tests. */
export function seededEntropy(seed: number): Entropy {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let word = Math.imul(state ^ (state >>> 15), state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return (word ^ (word >>> 14)) >>> 0;
  };
  return {
    bytes: (count) => new Uint8Array(count).map(() => next() & 0xff),
    below: (limit) => next() % limit,
  };
}

export type PacketKind = 'initiation' | 'response' | 'cookie-reply' | 'data' | 'keepalive';

export interface Packet {
  readonly from: string;
  readonly kind: PacketKind;
  readonly path: number;
  readonly datagram: Uint8Array;
  readonly receiverIndex: number;
  readonly keyName: string;
}

/** @returns delays after which copies arrive: none for a loss, two for a duplicate. */
export type Network = (packet: Packet, now: Instant) => readonly number[];

interface Scheduled {
  readonly at: Instant;
  readonly run: () => void;
}

export class Pair {
  now = 1_000 as Instant;
  readonly a: Side;
  readonly b: Side;
  network: Network = () => [20];
  readonly sent: Packet[] = [];
  #queue: Scheduled[] = [];

  /** @param how.aes Which sides can AES-256-GCM. @param how.stock Sides that take the other for plain WireGuard. */
  constructor(
    seed = 1,
    timing: Partial<NoiseTiming> = {},
    how: { readonly aes?: string; readonly stock?: string } = {},
  ) {
    const { aes = '', stock = '' } = how;
    const entropies = [seededEntropy(seed), seededEntropy(seed + 1_000_003)] as const;
    this.a = new Side(this, { name: 'a', entropy: entropies[0], timing, aes: aes.includes('a') });
    this.b = new Side(this, { name: 'b', entropy: entropies[1], timing, aes: aes.includes('b') });
    this.a.device.addPeer(PEER, this.b.device.publicKey, { stock: stock.includes('a') });
    this.b.device.addPeer(PEER, this.a.device.publicKey, { stock: stock.includes('b') });
  }

  at(delay: number, run: () => void): void {
    this.#queue.push({ at: (this.now + delay) as Instant, run });
  }

  transmit(packet: Packet): void {
    this.sent.push(packet);
    const to = packet.from === 'a' ? this.b : this.a;
    for (const delay of this.network(packet, this.now)) this.at(delay, () => to.receive(packet));
  }

  /** Runs everything that is due within the next `duration` ms, in order of time. */
  advance(duration: number): void {
    const end = (this.now + duration) as Instant;
    for (let steps = 0; steps < 200_000; steps++) {
      const next = this.#next();
      if (next === undefined || next.at > end) {
        this.now = end;
        return;
      }
      this.#queue = this.#queue.filter((item) => item !== next);
      this.now = Math.max(this.now, next.at) as Instant;
      next.run();
    }
    throw new Error('the pair does not come to rest');
  }

  #next(): Scheduled | undefined {
    let first: Scheduled | undefined;
    for (const item of [...this.#queue, ...this.a.timers(), ...this.b.timers()]) {
      if (first === undefined || item.at < first.at) first = item;
    }
    return first;
  }

  count(kind: PacketKind, from?: string): number {
    return this.sent.filter(
      (packet) => packet.kind === kind && packet.from === (from ?? packet.from),
    ).length;
  }
}

export class Side {
  readonly device: NoiseDevice;
  readonly outputs: NoiseOutput[] = [];
  readonly counters = {
    lastRxAt: 0 as Instant,
    lastTxAt: 0 as Instant,
    lastDataRxAt: 0 as Instant,
    lastDataTxAt: 0 as Instant,
    unansweredSinceAt: 0 as Instant,
    keyMessages: 0,
  };
  received = 0;
  staged = 0;
  previous: NoiseKeypair | undefined;
  current: NoiseKeypair | undefined;
  next: NoiseKeypair | undefined;
  /** Where this side sends from: changes when it roams. */
  path = 1;
  #trafficAt: Instant | undefined;
  readonly #pair: Pair;
  readonly #name: string;

  constructor(
    pair: Pair,
    parts: {
      readonly name: string;
      readonly entropy: Entropy;
      readonly timing: Partial<NoiseTiming>;
      readonly aes: boolean;
    },
  ) {
    const { name, entropy, timing, aes } = parts;
    this.#pair = pair;
    this.#name = name;
    this.device = new NoiseDevice({
      crypto,
      entropy,
      wall: (now) => (1_790_000_000_000 + now) as EpochMillis,
      privateKey: entropy.bytes(32),
      timing,
      aes,
    });
  }

  of<K extends NoiseOutput['kind']>(kind: K): Extract<NoiseOutput, { kind: K }>[] {
    return this.outputs.filter(
      (out): out is Extract<NoiseOutput, { kind: K }> => out.kind === kind,
    );
  }

  want(): void {
    this.device.want(this.#pair.now, PEER);
    this.pump();
  }

  sendData(): void {
    if (this.#usable(this.current)) {
      this.#seal('data', this.current as NoiseKeypair);
      this.traffic();
    } else {
      this.staged = Math.min(this.staged + 1, 128);
      this.want();
    }
  }

  timers(): Scheduled[] {
    const due: Scheduled[] = [];
    const at = this.device.nextTimeout();
    if (at !== undefined) due.push({ at, run: () => this.#fire() });
    if (this.#trafficAt !== undefined) due.push({ at: this.#trafficAt, run: () => this.traffic() });
    return due;
  }

  receive(packet: Packet): void {
    if (packet.kind === 'data' || packet.kind === 'keepalive') {
      this.#open(packet);
    } else {
      const source = `udp://${packet.from}.test:${packet.path}`;
      this.device.handleDatagram(this.#pair.now, packet.path, source, packet.datagram);
      this.pump();
    }
  }

  traffic(): void {
    this.#trafficAt = this.device.handleTraffic(this.#pair.now, PEER, this.counters);
    this.pump();
  }

  pump(): void {
    for (let out = this.device.poll(); out !== undefined; out = this.device.poll()) {
      this.outputs.push(out);
      this.#act(out);
    }
  }

  #fire(): void {
    this.device.handleTimeout(this.#pair.now);
    this.pump();
  }

  #act(out: NoiseOutput): void {
    switch (out.kind) {
      case 'initiation':
      case 'reply':
        this.#transmit(out.datagram, handshakeKind(out.datagram) ?? 'data');
        break;
      case 'keypair':
        this.#install(out.keypair);
        break;
      case 'keepalive':
        if (this.#usable(this.current)) this.#seal('keepalive', this.current as NoiseKeypair);
        break;
      case 'wipe':
        this.previous = this.current = this.next = undefined;
        break;
      case 'gave-up':
      case 'stranger':
        break;
      default:
        out satisfies never;
    }
  }

  #install(keypair: NoiseKeypair): void {
    if (!keypair.initiator) {
      this.next = keypair;
      this.previous = undefined;
      return;
    }
    this.previous = this.next ?? this.current;
    this.next = undefined;
    this.#use(keypair);
  }

  #use(keypair: NoiseKeypair): void {
    this.current = keypair;
    this.counters.keyMessages = 0;
    for (; this.staged > 0; this.staged--) this.#seal('data', keypair);
  }

  #usable(key: NoiseKeypair | undefined): boolean {
    return key !== undefined && this.#pair.now < key.createdAt + key.rejectAfterMsec;
  }

  #seal(kind: 'data' | 'keepalive', key: NoiseKeypair): void {
    const { now } = this.#pair;
    this.counters.lastTxAt = now;
    this.counters.keyMessages++;
    if (kind === 'data') {
      this.counters.lastDataTxAt = now;
      if (this.counters.unansweredSinceAt === 0) this.counters.unansweredSinceAt = now;
    }
    this.#transmit(new Uint8Array(0), kind, key);
  }

  #transmit(datagram: Uint8Array, kind: PacketKind, key?: NoiseKeypair): void {
    this.#pair.transmit({
      from: this.#name,
      kind,
      path: this.path,
      datagram,
      receiverIndex: key?.remoteIndex ?? 0,
      keyName: key === undefined ? '' : toHex(key.sendKey),
    });
  }

  #open(packet: Packet): void {
    const { now } = this.#pair;
    const key = [this.current, this.previous, this.next].find(
      (held) => held?.localIndex === packet.receiverIndex,
    );
    if (key === undefined || !this.#usable(key)) return;
    if (toHex(key.receiveKey) !== packet.keyName) throw new Error('sealed under another key');
    this.counters.lastRxAt = now;
    this.counters.unansweredSinceAt = 0 as Instant;
    if (packet.kind === 'data') {
      this.counters.lastDataRxAt = now;
      this.received++;
    }
    if (key === this.next) {
      this.previous = this.current;
      this.next = undefined;
      this.device.handleConfirmed(now, PEER, key.localIndex);
      this.#use(key);
    }
    this.traffic();
  }
}
