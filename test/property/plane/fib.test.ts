import { expect } from 'chai';
import fc from 'fast-check';
import type { LinkId } from '../../../src/link/types.js';
import { Fib, type FibEntry, LOCAL, NO_ROUTE } from '../../../src/plane/fib.js';
import { NaiveFib } from './naive-fib.js';

/** Few different bytes, so that prefixes nest, meet and are deleted again. */
const address = fc
  .array(fc.constantFrom(0, 1, 0x80, 0xfd, 0xff), { minLength: 16, maxLength: 16 })
  .map((bytes) => Uint8Array.from(bytes));
const length = fc.oneof(fc.constantFrom(0, 64, 128), fc.integer({ min: 0, max: 128 }));
const layer = fc.constantFrom('local' as const, 'peer' as const, 'route' as const);
const entry: fc.Arbitrary<FibEntry> = fc.record({ address, length, layer });
const change = fc.record({
  entry,
  hop: fc.oneof(fc.constant(LOCAL), fc.integer({ min: 0, max: 9 })),
  again: fc.boolean(),
});

describe('FIB', () => {
  it('finds what a list that is searched from end to end finds', () => {
    const changes = fc.array(change, { maxLength: 80 });
    const probes = fc.array(address, { maxLength: 20 });
    fc.assert(
      fc.property(changes, probes, fc.integer(), (list, addresses, seed) => {
        const fib = new Fib(seed);
        const naive = new NaiveFib();
        for (const { entry, hop, again } of list) {
          fib.set(entry, hop as LinkId);
          naive.set(entry, hop as LinkId);
          if (again) continue;
          const other = list[hop < 0 ? 0 : hop % list.length]?.entry ?? entry;
          fib.delete(other);
          naive.delete(other);
        }
        expect(fib.size).to.equal(naive.size);
        for (const probe of [...addresses, ...list.map((c) => c.entry.address)]) {
          expect(fib.lookup(probe, 0)).to.equal(naive.lookup(probe));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('is as it was after everything is deleted, in any order', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 100 }), fc.infiniteStream(fc.nat()), (list, at) => {
        const fib = new Fib();
        for (const e of list) fib.set(e, 1 as LinkId);
        const left = [...list];
        while (left.length > 0) {
          const [gone] = left.splice(at.next().value % left.length, 1);
          if (gone !== undefined) fib.delete(gone);
        }
        expect(fib.size).to.equal(0);
        for (const e of list) expect(fib.lookup(e.address, 0)).to.equal(NO_ROUTE);
      }),
      { numRuns: 200 },
    );
  });
});
