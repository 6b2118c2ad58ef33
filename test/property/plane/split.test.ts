import { expect } from 'chai';
import fc from 'fast-check';
import type { Instant } from '../../../src/base/time.js';
import {
  JOIN_BYTES_MAX,
  Joiner,
  PART_HEAD_BYTES,
  planSplit,
  writePart,
} from '../../../src/plane/portable/split.js';
import { pattern } from '../../contract/plane/harness.js';

const now = 5 as Instant;

function partsOf(packet: Uint8Array, payloadMax: number, id: number): Uint8Array[] {
  const plan = planSplit(packet.length, payloadMax);
  return Array.from({ length: plan.total }, (_, index) => {
    const out = new Uint8Array(payloadMax);
    return out.subarray(0, writePart(out, packet, plan, { index, id }));
  });
}

describe('split and join', () => {
  it('joins to the same packet what was split, whatever order the parts come in', () => {
    const sizes = fc.record({
      bytes: fc.integer({ min: 41, max: 9000 }),
      payloadMax: fc.integer({ min: 16, max: 4000 }),
      id: fc.integer({ min: 0, max: 0xffff }),
      order: fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }),
    });
    fc.assert(
      fc.property(sizes, ({ bytes, payloadMax, id, order }) => {
        const packet = pattern(bytes);
        const parts = partsOf(packet, payloadMax, id);
        const room = Math.floor(payloadMax / 16) * 16 - PART_HEAD_BYTES;
        const possible = bytes > room && bytes <= 4 * room;
        expect(parts.length > 0).to.equal(possible);
        const joiner = new Joiner();
        const joined = order
          .flatMap((index) => parts[index] ?? [])
          .map((part) => {
            expect(part.length).to.be.at.most(payloadMax);
            return joiner.add(now, part);
          });
        const last = joined.pop();
        if (!possible) return;
        expect(last?.kind === 'packet' && last.packet).to.deep.equal(packet);
        expect(joined.every((answer) => answer.kind === 'waiting')).to.equal(true);
        expect(joiner.waitingBytes).to.equal(0);
      }),
      { numRuns: 300 },
    );
  });

  it('survives any parts within its bounds, and keeps nothing after the timeout', () => {
    const part = fc
      .record({
        head: fc.integer({ min: 0, max: 255 }),
        id: fc.integer({ min: 0, max: 90 }),
        bytes: fc.integer({ min: 0, max: 60_000 }),
      })
      .map(({ head, id, bytes }) => {
        const out = new Uint8Array(4 + bytes);
        out.set([0xa3, head, 0, id]);
        return out;
      });
    fc.assert(
      fc.property(fc.array(part, { maxLength: 60 }), (parts) => {
        const joiner = new Joiner();
        for (const p of parts) {
          const answer = joiner.add(now, p);
          if (answer.kind === 'packet') expect(answer.packet.length).to.be.below(65_551);
          expect(joiner.waitingBytes).to.be.within(0, JOIN_BYTES_MAX);
        }
        joiner.expire((now + 2000) as Instant);
        expect(joiner.waitingBytes).to.equal(0);
      }),
      { numRuns: 200 },
    );
  });
});
