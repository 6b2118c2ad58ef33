import { expect } from 'chai';
import { writeU32 } from '../../../src/base/bytes.js';
import type { LinkId } from '../../../src/link/types.js';
import { Fib, type FibEntry, type Layer, LOCAL, NO_ROUTE } from '../../../src/plane/fib.js';

const COUNT = 2_000;

function entry(n: number, length: number, layer: Layer): FibEntry {
  const address = new Uint8Array(16);
  address[0] = 0xfd;
  writeU32(address, length === 64 ? 4 : 12, Math.imul(n, 2_654_435_761));
  return { address, length, layer };
}

const hop = (n: number): LinkId => n as LinkId;

describe('Fib', () => {
  it('keeps what local, peer and route say apart, while its table grows and shrinks', () => {
    const fib = new Fib(7);
    for (let n = 0; n < COUNT; n++) {
      fib.set(entry(n, 128, 'route'), hop(n));
      fib.set(entry(n, 128, 'peer'), hop(COUNT + n));
    }
    for (let n = 0; n < COUNT; n += 3) {
      fib.delete(entry(n, 128, 'peer'));
      fib.delete(entry(n, 128, 'route'));
    }
    for (let n = 1; n < COUNT; n += 3) fib.delete(entry(n, 128, 'peer'));
    expect(fib.size).to.equal(COUNT - Math.ceil(COUNT / 3));
    for (let n = 0; n < COUNT; n++) {
      const expected = [NO_ROUTE, n, COUNT + n][n % 3];
      expect(fib.lookup(entry(n, 128, 'route').address, 0), `entry ${n}`).to.equal(expected);
    }
  });

  it('prefers local to peer to route, and the longer prefix to all of that', () => {
    const fib = new Fib();
    const { address } = entry(1, 64, 'route');
    fib.set({ address, length: 64, layer: 'route' }, hop(1));
    fib.set({ address, length: 64, layer: 'peer' }, hop(2));
    fib.set({ address, length: 64, layer: 'local' }, LOCAL);
    expect(fib.lookup(address, 0)).to.equal(LOCAL);
    fib.delete({ address, length: 64, layer: 'local' });
    expect(fib.lookup(address, 0)).to.equal(hop(2));
    fib.set({ address, length: 96, layer: 'route' }, hop(3));
    expect(fib.lookup(address, 0)).to.equal(hop(3));
    expect(fib.lookupHost(address, 0)).to.equal(NO_ROUTE);
  });

  it('reads addresses at any offset, and a default route covers them all', () => {
    const fib = new Fib();
    fib.set({ address: new Uint8Array(16), length: 0, layer: 'peer' }, hop(9));
    const packet = new Uint8Array(60).fill(0xab);
    expect(fib.lookup(packet, 24)).to.equal(hop(9));
    fib.set({ address: packet.slice(0, 16), length: 1, layer: 'peer' }, hop(8));
    expect(fib.lookup(packet, 24)).to.equal(hop(8));
  });
});
