import { expect } from 'chai';
import fc from 'fast-check';
import type { Instant } from '../../../src/base/time.js';
import { Channel } from '../../../src/mesh/channel.js';
import { decodeSegment, encodeSegment } from '../../../src/mesh/segment.js';
import { seeded } from '../../unit/mesh/lab.js';

interface Weather {
  readonly seed: number;
  readonly loss: number;
  readonly duplication: number;
  readonly delayMsec: number;
  readonly jitterMsec: number;
}

/** Two channels and a hostile network between them. */
class Pair {
  now = 0 as Instant;
  readonly sides: readonly [Channel, Channel];
  readonly got: [Uint8Array[], Uint8Array[]] = [[], []];
  resets = 0;
  readonly #weather: Weather;
  readonly #random;
  #flying: { readonly at: number; readonly to: 0 | 1; readonly bytes: Uint8Array }[] = [];

  constructor(weather: Weather) {
    this.#weather = weather;
    this.#random = seeded(weather.seed);
    this.sides = [new Channel(seeded(weather.seed + 1)), new Channel(seeded(weather.seed + 2))];
  }

  step(): void {
    this.now = (this.now + 1) as Instant;
    const due = this.#flying.filter(({ at }) => at <= this.now);
    this.#flying = this.#flying.filter(({ at }) => at > this.now);
    for (const { to, bytes } of due) {
      if (this.sides[to].handleSegment(this.now, bytes) === 'reset') this.resets++;
    }
    for (const side of [0, 1] as const) this.#serve(side);
  }

  #serve(side: 0 | 1): void {
    const channel = this.sides[side];
    channel.handleTimeout(this.now);
    for (let out = channel.poll(this.now, 1100); out; out = channel.poll(this.now, 1100)) {
      this.#carry(side === 0 ? 1 : 0, out.bytes);
    }
    for (let got = channel.take(['alanet']); got; got = channel.take(['alanet'])) {
      this.got[side].push(got.message);
    }
    while (channel.take(['mesh']) !== undefined);
  }

  #carry(to: 0 | 1, bytes: Uint8Array): void {
    const { loss, duplication, delayMsec, jitterMsec } = this.#weather;
    const chance = (share: number): boolean => this.#random.below(1000) < share * 1000;
    const copies = chance(duplication) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      if (chance(loss)) continue;
      const at = this.now + delayMsec + this.#random.below(jitterMsec + 1);
      this.#flying.push({ at, to, bytes });
    }
  }
}

const weather = fc.record({
  seed: fc.nat(),
  loss: fc.constantFrom(0, 0.1, 0.3),
  duplication: fc.constantFrom(0, 0.2),
  delayMsec: fc.integer({ min: 1, max: 100 }),
  jitterMsec: fc.integer({ min: 0, max: 100 }),
});

const message = fc
  .tuple(fc.oneof(fc.nat(40), fc.nat(5_000), fc.constant(65_535)), fc.nat(255))
  .map(([length, fill]) => new Uint8Array(length).fill(fill));

/** Virtual time in which everything must have arrived. */
const TIME_MAX = 120_000;

describe('mesh: control channel (property)', () => {
  it('delivers everything exactly once and in order, whatever the network does', () => {
    fc.assert(
      fc.property(
        weather,
        fc.array(message, { maxLength: 20 }),
        fc.array(message, { maxLength: 20 }),
        (conditions, forth, back) => {
          const pair = new Pair(conditions);
          for (const channel of pair.sides) channel.send('mesh', Uint8Array.of(1));
          const [first, second] = pair.sides;
          for (const one of forth) expect(first.send('alanet', one)).to.equal(true);
          for (const one of back) expect(second.send('alanet', one)).to.equal(true);
          const isDone = (): boolean =>
            pair.got[1].length >= forth.length &&
            pair.got[0].length >= back.length &&
            first.isDrained &&
            second.isDrained;
          while (!isDone() && pair.now < TIME_MAX) pair.step();
          expect(pair.got).to.deep.equal([back, forth]);
          expect(isDone(), 'drained in time').to.equal(true);
          expect(pair.resets).to.equal(0);
        },
      ),
      { numRuns: 100, interruptAfterTimeLimit: 15_000 },
    );
  }).timeout(30_000);

  it('comes into step again after resets at any time, and then loses nothing', () => {
    fc.assert(
      fc.property(
        weather,
        fc.array(fc.tuple(fc.nat(500), fc.nat(1)), { maxLength: 5 }),
        (conditions, resets) => {
          const pair = new Pair(conditions);
          const hello = Uint8Array.of(1);
          for (const channel of pair.sides) channel.send('mesh', hello);
          let seen = 0;
          const run = (steps: number): void => {
            for (let i = 0; i < steps; i++) {
              pair.step();
              if (pair.resets === seen) continue;
              seen = pair.resets;
              for (const channel of pair.sides) if (channel.isDrained) channel.send('mesh', hello);
            }
          };
          for (const [wait, which] of resets) {
            run(wait);
            pair.sides[which as 0 | 1].reset();
            pair.sides[which as 0 | 1].send('mesh', hello);
          }
          run(20_000);
          expect(pair.resets).to.be.at.most(4 * resets.length);
          pair.got[1].length = 0;
          const last = Uint8Array.of(7, 7, 7);
          pair.sides[0].send('alanet', last);
          run(20_000);
          expect(pair.got[1]).to.deep.equal([last]);
        },
      ),
      { numRuns: 60, interruptAfterTimeLimit: 15_000 },
    );
  }).timeout(30_000);

  it('moves a megabyte over a link that loses every third packet within a minute', () => {
    const pair = new Pair({ seed: 5, loss: 0.3, duplication: 0.1, delayMsec: 20, jitterMsec: 20 });
    const chunk = new Uint8Array(50_000).fill(9);
    for (let i = 0; i < 20; i++) expect(pair.sides[0].send('alanet', chunk)).to.equal(true);
    while (pair.got[1].length < 20 && pair.now < 60_000) pair.step();
    expect(pair.got[1]).to.have.length(20);
  }).timeout(10_000);

  it('takes any bytes as a segment without a throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(), (bytes, seed) => {
        const channel = new Channel(seeded(seed));
        bytes[0] = 0xa0;
        channel.handleSegment(1 as Instant, bytes);
        channel.handleTimeout(2 as Instant);
        channel.poll(2 as Instant, 1100);
        channel.take();
      }),
      { numRuns: 500 },
    );
  });

  it('reads back what it wrote, padding or not', () => {
    const range = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 60 }));
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 0xffff_ffff }),
        fc.nat(0xffff_ffff),
        fc.array(range, { maxLength: 15 }),
        fc.option(fc.uint8Array({ minLength: 1, maxLength: 1100 }), { nil: undefined }),
        fc.nat(15),
        (sender, receiver, steps, payload, padding) => {
          let at = 0;
          const ranges = steps.map(([gap, length]) => {
            const from = at + gap;
            at = from + length;
            return { from, to: at };
          });
          const data = payload === undefined ? undefined : { seq: receiver, payload };
          const ack = { next: sender, window: 512, ranges };
          const segment = { stream: 'alanet' as const, sender, receiver, ack, data };
          const bytes = encodeSegment(segment);
          const padded = new Uint8Array(bytes.length + padding);
          padded.set(bytes);
          expect(decodeSegment(padded)).to.deep.equal(segment);
        },
      ),
      { numRuns: 200 },
    );
  });
});
