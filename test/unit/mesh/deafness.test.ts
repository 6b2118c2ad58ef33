import { expect } from 'chai';
import type { Instant } from '../../../src/base/time.js';
import { Deafness } from '../../../src/mesh/deafness.js';

const PATIENCE_MSEC = 1500;

describe('deafness of the other side', () => {
  const at = (deafness: Deafness, now: number, ownTx: number, peerRx: number): boolean =>
    deafness.report(now as Instant, { ownTx, peerRx }, PATIENCE_MSEC);

  it('is told when much was sent and nothing of it received for the whole patience', () => {
    const deafness = new Deafness();
    expect(at(deafness, 0, 100, 90)).to.equal(false);
    expect(at(deafness, 1000, 110, 90)).to.equal(false);
    expect(at(deafness, 2499, 120, 90)).to.equal(false);
    expect(at(deafness, 2500, 120, 90)).to.equal(true);
  });

  it('is not told of a few that may be lost by chance, however long ago', () => {
    const deafness = new Deafness();
    at(deafness, 0, 100, 90);
    for (let now = 0; now < 100_000; now += 1000) {
      expect(at(deafness, now, 107, 90)).to.equal(false);
    }
  });

  it('is not told of what may still be under way after a pause', () => {
    const deafness = new Deafness();
    at(deafness, 0, 100, 90);
    expect(at(deafness, 60_000, 200, 90)).to.equal(false);
  });

  it('is over as soon as anything arrived, also where the count begins again', () => {
    const deafness = new Deafness();
    at(deafness, 0, 100, 90);
    at(deafness, 1000, 200, 90);
    expect(at(deafness, 2400, 300, 91)).to.equal(false);
    expect(at(deafness, 2600, 302, 91)).to.equal(false);
    at(deafness, 3000, 320, 91);
    expect(at(deafness, 4600, 330, 1)).to.equal(false);
    deafness.reset();
    expect(at(deafness, 9000, 400, 1)).to.equal(false);
  });
});
