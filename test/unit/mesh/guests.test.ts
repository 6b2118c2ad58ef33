import { expect } from 'chai';
import type { Instant } from '../../../src/base/time.js';
import type { LinkId } from '../../../src/link/types.js';
import { GUEST_MSEC, Guests } from '../../../src/mesh/guests.js';

const at = (msec: number): Instant => msec as Instant;

describe('mesh: strangers at the door', () => {
  it('are four of one source at most, whatever their ports, and five a second in all', () => {
    const guests = new Guests();
    let link = 0;
    const come = (msec: number, remote: string): boolean => {
      const may = guests.mayEnter(at(msec), remote);
      if (may) guests.enter(at(msec), ++link as LinkId, remote);
      return may;
    };
    const same = Array.from({ length: 6 }, (_, i) => come(0, `udp://192.0.2.1:${i + 1}`));
    expect(same.filter(Boolean)).to.have.length(4);
    const net = Array.from({ length: 6 }, (_, i) => come(10_000, `udp://[2001:db8::${i + 1}]:1`));
    expect(net.filter(Boolean)).to.have.length(4);
    const many = Array.from({ length: 40 }, (_, i) => come(10_000, `udp://198.51.100.${i}:1`));
    expect(many.filter(Boolean)).to.have.length(6); // a burst of ten, four of them taken
  });

  it('are 32 at most, and leave after 15 seconds', () => {
    const guests = new Guests();
    for (let i = 0; i < 60; i++) {
      const [now, remote] = [at(i * 200), `udp://10.0.0.${i}:1`];
      if (guests.mayEnter(now, remote)) guests.enter(now, i as LinkId, remote);
    }
    expect(guests.nextTimeout()).to.equal(GUEST_MSEC);
    expect(guests.overdue(at(GUEST_MSEC - 1))).to.deep.equal([]);
    expect(guests.overdue(at(60_000))).to.have.length(32);
    guests.leave(0 as LinkId);
    expect(guests.mayEnter(at(60_000), 'udp://10.0.1.1:1')).to.equal(true);
  });
});
