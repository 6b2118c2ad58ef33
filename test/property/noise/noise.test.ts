import { expect } from 'chai';
import fc from 'fast-check';
import { compareBytes } from '../../../src/base/bytes.js';
import type { EpochMillis, Instant, Millis } from '../../../src/base/time.js';
import { handshakeKind } from '../../../src/noise/messages.js';
import { COUNTER_LIMIT, REPLAY_WINDOW, ReplayWindow } from '../../../src/noise/replay.js';
import { TimestampSource } from '../../../src/noise/tai64n.js';
import { WIREGUARD_TIMING } from '../../../src/noise/timing.js';
import { evaluateTraffic, newTrafficState } from '../../../src/noise/traffic.js';
import { crypto, Pair, seededEntropy } from '../../unit/noise/pair.js';

/** The same window as a set, with nothing clever in it. */
class NaiveWindow {
  readonly #seen = new Set<number>();
  #highest = -1;

  mark(counter: number): boolean {
    const isOld = counter <= this.#highest - REPLAY_WINDOW;
    if (isOld || counter >= COUNTER_LIMIT || this.#seen.has(counter)) return false;
    this.#seen.add(counter);
    this.#highest = Math.max(this.#highest, counter);
    return true;
  }
}

describe('properties of the replay window', () => {
  /** Moves forward and back that dwell on word and window edges; then a run of counters in a row. */
  const move = fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: -70, max: 70 }) },
    { weight: 3, arbitrary: fc.integer({ min: -REPLAY_WINDOW - 40, max: REPLAY_WINDOW + 40 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 2 ** 40 }) },
  );
  const run = fc.oneof(fc.constant(1), fc.constant(1), fc.integer({ min: 1, max: 3_000 }));

  it('agrees with a set for every sequence of counters', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(move, run), { maxLength: 40 }), (steps) => {
        const window = new ReplayWindow();
        const naive = new NaiveWindow();
        let counter = 0;
        for (const [distance, length] of steps) {
          counter = Math.max(0, counter + distance);
          for (let i = 0; i < length; i++, counter++) {
            const allowed = window.check(counter);
            if (window.mark(counter) !== allowed || naive.mark(counter) !== allowed) {
              throw new Error(`disagree about ${counter}`);
            }
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('properties of timestamps', () => {
  it('rise whatever the clock does', () => {
    const clock = fc.array(fc.double({ min: 0, max: 4e12, noNaN: true }), { maxLength: 50 });
    fc.assert(
      fc.property(clock, (times) => {
        const source = new TimestampSource();
        let last: Uint8Array | undefined;
        for (const time of times) {
          const label = source.next(time as EpochMillis);
          expect(last === undefined || compareBytes(label, last) > 0).to.equal(true);
          last = label;
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('properties of packet keys', () => {
  it('open gives back what seal took, and the reference agrees', () => {
    const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const counter = fc.maxSafeNat();
    fc.assert(
      fc.property(key, counter, fc.uint8Array({ maxLength: 300 }), (raw, count, plain) => {
        const aead = crypto.aeadKey(raw);
        const sealed = new Uint8Array(plain.length + 16);
        aead.seal(count, plain, sealed, 0);
        const nonce = new Uint8Array(12);
        new DataView(nonce.buffer).setBigUint64(4, BigInt(count), true);
        expect(crypto.open(raw, nonce, sealed, new Uint8Array(0))).to.deep.equal(plain);
        const opened = new Uint8Array(plain.length);
        expect(aead.open(count, sealed, opened, 0)).to.equal(true);
        expect(opened).to.deep.equal(plain);
        aead.wipe();
      }),
      { numRuns: 200 },
    );
  });
});

describe('properties of the traffic timers', () => {
  const offset = fc.integer({ min: 0, max: 200_000 });
  const moment = fc.record({
    lastRxAt: offset,
    lastTxAt: offset,
    lastDataRxAt: offset,
    lastDataTxAt: offset,
    unansweredSinceAt: offset,
    keyMessages: fc.nat(),
  });

  it('never ask to be called in the past, nor twice for the same thing', () => {
    fc.assert(
      fc.property(moment, fc.boolean(), (counters, initiator) => {
        const state = newTrafficState();
        const key = { localIndex: 1, initiator, createdAt: 5 as Instant, yields: false };
        let now = 200_000 as Instant;
        const acted = { keepalive: 0, handshake: 0 };
        for (let calls = 0; calls < 20; calls++) {
          const verdict = evaluateTraffic(state, {
            now,
            timing: WIREGUARD_TIMING,
            counters: counters as never,
            key,
          });
          if (verdict.keepalive) acted.keepalive++;
          if (verdict.handshake) acted.handshake++;
          if (verdict.nextAt === undefined) break;
          expect(verdict.nextAt).to.be.greaterThan(now);
          now = verdict.nextAt;
        }
        expect(acted.keepalive).to.be.at.most(1);
        expect(acted.handshake, 'silence, age and last minute').to.be.at.most(3);
        expect(state.isArmed, 'comes to rest').to.equal(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe('properties of two devices', () => {
  it('find a common key over any network that loses, doubles and delays', function () {
    this.timeout(60_000);
    const network = fc.record({
      seed: fc.integer({ min: 1, max: 1_000_000 }),
      lossPercent: fc.integer({ min: 0, max: 50 }),
      doublePercent: fc.integer({ min: 0, max: 30 }),
      delayMax: fc.integer({ min: 1, max: 2_000 }),
      bothStart: fc.boolean(),
    });
    fc.assert(
      fc.property(network, ({ seed, lossPercent, doublePercent, delayMax, bothStart }) => {
        const pair = new Pair(seed);
        const entropy = seededEntropy(seed ^ 0x5eed);
        const delay = () => 1 + entropy.below(delayMax);
        pair.network = () => {
          if (entropy.below(100) < lossPercent) return [];
          return entropy.below(100) < doublePercent ? [delay(), delay()] : [delay()];
        };
        pair.a.sendData();
        if (bothStart) pair.b.sendData();
        for (let second = 0; second < 240; second += 3) {
          pair.a.sendData();
          pair.b.sendData();
          pair.advance(3_000);
        }
        pair.network = () => [20];
        for (let second = 0; second < 40; second++) {
          pair.a.sendData();
          pair.b.sendData();
          pair.advance(1_000);
        }
        const before = [pair.a.received, pair.b.received];
        pair.a.sendData();
        pair.b.sendData();
        pair.advance(1_000);
        expect([pair.a.received, pair.b.received]).to.deep.equal(before.map((n) => n + 1));
        expect(pair.count('initiation')).to.be.lessThan(130);
      }),
      { numRuns: 60 },
    );
  });
});

describe('a device fed by a fuzzer', () => {
  /** Real messages of all three kinds, between devices that are in the middle of things. */
  function corpus(pair: Pair): Uint8Array[] {
    pair.a.want();
    pair.advance(6_000);
    const taken = pair.sent.filter(({ datagram }) => handshakeKind(datagram) !== undefined);
    const cookie = new Uint8Array(64).fill(1);
    cookie.set([3, 0, 0, 0]);
    return [...taken.map(({ datagram }) => datagram), cookie];
  }

  const mutation = fc.record({
    which: fc.nat(),
    flips: fc.array(fc.nat({ max: 148 * 8 }), { maxLength: 4 }),
    cut: fc.option(fc.nat({ max: 160 }), { freq: 4 }),
    fixMac: fc.boolean(),
  });

  function mutate(base: Uint8Array, flips: readonly number[], cut: number | null): Uint8Array {
    const bytes = base.slice();
    for (const bit of flips) {
      const at = (bit >> 3) % bytes.length;
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
    }
    return cut === null ? bytes : bytes.slice(0, cut);
  }

  /** With the MAC right, what is inside gets its turn. */
  function fixMac(datagram: Uint8Array, publicKey: Uint8Array): void {
    if (datagram.length < 92) return;
    const at = datagram.length - 32;
    const key = crypto.blake2s(new TextEncoder().encode('mac1----'), publicKey);
    datagram.set(crypto.blake2sMac(key, 16, datagram.subarray(0, at)), at);
  }

  it('throws at nothing, counts everything, and gives no key to what was changed', function () {
    this.timeout(60_000);
    const pair = new Pair(3);
    pair.network = ({ kind }) => (kind === 'response' ? [] : [20]);
    const bases = corpus(pair);
    const targets = [pair.a, pair.b];
    fc.assert(
      fc.property(mutation, fc.nat(), ({ which, flips, cut, fixMac: fix }, pick) => {
        const side = targets[pick % 2] ?? pair.a;
        const base = bases[which % bases.length] ?? new Uint8Array(0);
        const datagram = mutate(base, flips, cut);
        if (fix) fixMac(datagram, side.device.publicKey);
        const keysBefore = side.of('keypair').length;
        const total = () =>
          Object.values(side.device.counters()).reduce((sum, count) => sum + count, 0);
        const before = total();
        pair.now = (pair.now + 20) as Instant;
        side.device.handleDatagram(pair.now, 1, 'udp://x.test:1', datagram);
        for (let out = side.device.poll(); out !== undefined; out = side.device.poll()) {
          side.outputs.push(out);
        }
        expect(total()).to.equal(before + 1);
        const isChanged = compareBytes(datagram.subarray(0, -32), base.subarray(0, -32)) !== 0;
        if (isChanged) expect(side.of('keypair').length).to.equal(keysBefore);
      }),
      { numRuns: 800 },
    );
  });

  it('throws at no random bytes of any length', () => {
    const { device } = new Pair(4, { rekeyTimeout: 5_000 as Millis }).a;
    const typed = fc
      .tuple(fc.integer({ min: 0, max: 5 }), fc.constantFrom(0, 1, 16, 32, 64, 92, 148, 1_500))
      .chain(([type, length]) =>
        fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => {
          if (bytes.length >= 4) bytes.set([type, 0, 0, 0]);
          return bytes;
        }),
      );
    fc.assert(
      fc.property(typed, fc.nat(), (datagram, now) => {
        device.handleDatagram(now as Instant, 1, datagram.subarray(0, 20), datagram);
        expect(device.poll()).to.equal(undefined);
      }),
      { numRuns: 500 },
    );
  });
});
