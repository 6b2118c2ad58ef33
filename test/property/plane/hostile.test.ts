import { expect } from 'chai';
import fc from 'fast-check';
import { readU16 } from '../../../src/base/bytes.js';
import { addressBytes, prefixBytes } from '../../../src/base/ip6.js';
import { Bench, net, node, packet } from '../../contract/plane/harness.js';
import { makePortable } from '../../contract/plane/portable.js';

const bytes = fc.uint8Array({ maxLength: 200 });

/** Real things with a few bytes changed and the end cut off or drawn out. */
function mutated(real: (bench: Bench) => Uint8Array) {
  const flips = fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 4 });
  return fc.record({ flips, length: fc.option(fc.nat(200)) }).map((how) => (bench: Bench) => {
    const base = real(bench);
    const out = new Uint8Array(how.length ?? base.length);
    out.set(base.subarray(0, out.length));
    for (const [at, value] of how.flips) if (at < out.length) out[at] = value;
    return out;
  });
}

const inner = (bench: Bench) =>
  packet({ source: node(2), destination: node((bench.peer(2).sent % 4) + 1), bytes: 90 });

/** What reaches the kernel is a whole IPv6 packet for us, from someone who may send it. */
function checkTun(bench: Bench): void {
  for (const out of bench.unit.takeTun()) {
    expect((out[0] ?? 0) >> 4).to.equal(6);
    expect(out.length).to.equal(40 + readU16(out, 4));
    const own = prefixBytes(net(1)).subarray(0, 8);
    const isService = out[24] === 0xfc;
    if (!isService) expect(out.subarray(24, 32)).to.deep.equal(own);
    expect([0xfc, 0xfd]).to.include(out[8]);
  }
}

describe('hostile input to the portable plane', () => {
  it('any datagram is authentic, a handshake, or counted once', () => {
    const datagram = fc.oneof(
      bytes.map((b) => () => b),
      mutated((bench) => bench.peer(2).seal(inner(bench))),
      mutated(() => {
        const initiation = new Uint8Array(148);
        initiation[0] = 1;
        return initiation;
      }),
    );
    fc.assert(
      fc.property(fc.array(datagram, { maxLength: 30 }), (list) => {
        const bench = new Bench(makePortable);
        const datagrams = list.map((make) => make(bench));
        bench.raw(2, ...datagrams);
        const drops = bench.unit.plane.drops();
        const refused = ['malformed', 'unknown-index', 'bad-tag', 'replayed']
          .map((reason) => drops[reason] ?? 0)
          .reduce((sum, count) => sum + count, 0);
        const handshakes = bench.kinds().filter((kind) => kind === 'handshake').length;
        expect(refused + handshakes + bench.counters(2).rxPackets).to.equal(datagrams.length);
        checkTun(bench);
      }),
      { numRuns: 300 },
    );
  });

  it('a peer that seals anything reaches nothing that it may not', () => {
    const payload = fc.oneof(
      bytes.map((b) => () => b),
      mutated(inner),
      fc.tuple(fc.constantFrom(0x60, 0xa3, 0xa0, 0x45), bytes).map(([first, rest]) => () => {
        const out = rest.slice();
        out[0] = first;
        return out;
      }),
    );
    fc.assert(
      fc.property(fc.array(payload, { maxLength: 30 }), (list) => {
        const bench = new Bench(makePortable);
        for (const make of list) bench.from(2, make(bench));
        expect(bench.counters(2).rxPackets).to.equal(list.length);
        for (const forwarded of bench.gotPackets(3)) {
          expect(forwarded.length).to.be.within(40, 1420);
          expect([0xfc, 0xfd]).to.include(forwarded[8]);
        }
        checkTun(bench);
      }),
      { numRuns: 300 },
    );
  });

  it('anything from the TUN leaves only with our own source', () => {
    const fromKernel = () => packet({ source: node(1), destination: node(2), bytes: 90 });
    const any = fc.oneof(
      bytes.map((b) => () => b),
      mutated(fromKernel),
    );
    fc.assert(
      fc.property(fc.array(any, { maxLength: 30 }), (list) => {
        const bench = new Bench(makePortable);
        bench.tun(...list.map((make) => make(bench)));
        for (const sent of bench.gotPackets(2)) {
          expect(sent.subarray(8, 16)).to.deep.equal(addressBytes(node(1)).subarray(0, 8));
        }
        checkTun(bench);
      }),
      { numRuns: 300 },
    );
  });
});
