import { expect } from 'chai';
import { linked } from './lab.js';

const BGP_KEEPALIVE_MSEC = 80_000;

describe('mesh: an idle link', () => {
  it('costs under 1,200 bytes a minute in both directions, all headers and beacons included', () => {
    const { lab, wire, a, b } = linked(301, { a: { discovery: true }, b: { discovery: true } });
    lab.advance(60_000);
    const [bytes, datagrams] = [wire.bytes, wire.datagrams];
    const minutes = 40;
    for (let at = 0; at < minutes * 60_000; at += BGP_KEEPALIVE_MSEC) {
      a.send(b, Uint8Array.of(18, 0));
      b.send(a, Uint8Array.of(18, 0));
      lab.advance(BGP_KEEPALIVE_MSEC);
    }
    expect((wire.bytes - bytes) / minutes).to.be.below(1_200);
    expect((wire.datagrams - datagrams) / minutes).to.be.below(10);
    expect(a.told('down')).to.be.empty;
    expect(a.isUp(b)).to.equal(true);
  });

  it('comes to rest after both sides began a new key at the same moment', () => {
    const { lab, wire, a, b } = linked(301, { a: { discovery: true }, b: { discovery: true } });
    lab.advance(60_000);
    for (let round = 0; round < 20; round++) {
      a.send(b, Uint8Array.of(18, 0));
      b.send(a, Uint8Array.of(18, 0));
      lab.advance(79_000);
      const before = wire.datagrams;
      lab.advance(1_000);
      expect(wire.datagrams - before, `round ${round}`).to.be.below(6);
    }
    const { acceptedInitiations } = a.mesh.noiseCounters();
    const { acceptedInitiations: others } = b.mesh.noiseCounters();
    expect(Math.min(acceptedInitiations, others), 'both began at once').to.be.above(1);
  });

  it('wakes the router less than once a second', () => {
    const { lab, a } = linked(302);
    lab.advance(60_000);
    let wakes = 0;
    const wake = a.wake.bind(a);
    a.wake = () => {
      wakes++;
      wake();
    };
    lab.advance(600_000);
    expect(wakes).to.be.below(300);
  });

  it('is probed so that a NAT keeps its mapping', () => {
    const { lab, wire, a } = linked(303);
    lab.advance(60_000);
    for (let i = 0; i < 20; i++) {
      const before = wire.datagrams;
      lab.advance(30_000);
      expect(wire.datagrams - before).to.be.at.least(2);
    }
    expect(a.told('down')).to.be.empty;
  });
});
