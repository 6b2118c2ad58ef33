import { expect } from 'chai';
import { after } from '../../../src/base/time.js';
import { now, wallClock } from '../../../src/platform/clock.js';

describe('clocks', () => {
  it('never go back', () => {
    let last = now();
    for (let i = 0; i < 1000; i++) {
      const next = now();
      expect(next).to.be.at.least(last);
      last = next;
    }
  });

  it('turn instants into wall-clock time, also of a while ago', () => {
    const at = now();
    expect(wallClock(at)).to.be.closeTo(Date.now(), 50);
    expect(wallClock(after(at, -60_000))).to.be.closeTo(Date.now() - 60_000, 50);
  });

  it('give one instant the same time at every call', () => {
    const at = now();
    const first = wallClock(at);
    const end = at + 20;
    while (now() < end) expect(wallClock(at)).to.equal(first);
  });

  it('follow a jump of the host’s clock', () => {
    const real = Date.now;
    try {
      Date.now = () => real() + 3_600_000;
      expect(wallClock(now())).to.be.closeTo(real() + 3_600_000, 50);
    } finally {
      Date.now = real;
    }
  });
});
