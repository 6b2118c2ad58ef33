import { expect } from 'chai';
import { Lab, type LabNode, linked, type Segment } from './lab.js';

/** Sends both ways each `everyMsec` for a while. */
function talk(lab: Lab, nodes: readonly [LabNode, LabNode], forMsec: number, everyMsec = 10): void {
  const [a, b] = nodes;
  for (let at = 0; at < forMsec; at += everyMsec) {
    a.sendPacket(b);
    b.sendPacket(a);
    lab.advance(everyMsec);
  }
}

function twoCables(seed: number): { lab: Lab; one: Segment; two: Segment; a: LabNode; b: LabNode } {
  const lab = new Lab(seed);
  const one = lab.segment('one');
  const two = lab.segment('two', { delayMsec: 3 });
  const a = lab.node('a', { eth1: one, eth2: two });
  const b = lab.node('b', { eth1: one, eth2: two });
  a.addPeer(b, [one, two]);
  b.addPeer(a, [one, two]);
  lab.until(() => a.isUp(b) && b.isUp(a), 5_000);
  a.routeTo(b);
  b.routeTo(a);
  lab.advance(2_000);
  return { lab, one, two, a, b };
}

const inUse = (node: LabNode, other: LabNode): string => node.row(other).path?.remote ?? '';

describe('mesh: dead paths', () => {
  const settings = [
    { probeIntervalMsec: 1_000, phase: 0 },
    { probeIntervalMsec: 1_000, phase: 370 },
    { probeIntervalMsec: 1_000, phase: 930 },
    { probeIntervalMsec: 50, phase: 13 },
  ];
  for (const { probeIntervalMsec, phase } of settings) {
    it(`are found within 3 × ${probeIntervalMsec} ms + 50 ms (phase ${phase})`, () => {
      const config = { probeIntervalMsec };
      const { lab, wire, a, b } = linked(101 + phase, { a: { config }, b: { config } });
      talk(lab, [a, b], 3_000 + phase);
      wire.isUp = false;
      const cutAt = lab.now;
      talk(lab, [a, b], 4 * probeIntervalMsec);
      for (const node of [a, b]) {
        const downAt = node.told('down')[0]?.at ?? Infinity;
        expect(downAt - cutAt).to.be.at.most(3 * probeIntervalMsec + 50);
        expect(downAt - cutAt).to.be.at.least(2 * probeIntervalMsec);
      }
    });
  }

  it('are found within 3.2 intervals when one side alone sends a packet each 200 ms', () => {
    const { lab, wire, a, b } = linked(110);
    for (let i = 0; i < 20; i++) {
      a.sendPacket(b);
      lab.advance(200);
    }
    wire.isUp = false;
    const cutAt = lab.now;
    while (a.isUp(b) && lab.now - cutAt < 10_000) {
      a.sendPacket(b);
      lab.advance(200);
    }
    expect(a.told('down')[0]?.at).to.be.at.most(cutAt + 3_200);
  });

  it('are found at once when the transport cannot send', () => {
    const node = { reportsUnreachable: true };
    const { lab, wire, a, b } = linked(111, { a: node, b: node });
    talk(lab, [a, b], 1_000);
    wire.isUp = false;
    const cutAt = lab.now;
    talk(lab, [a, b], 1_000);
    expect((a.told('down')[0]?.at ?? Infinity) - cutAt).to.be.at.most(250);
  });

  it('are found without traffic, after an idle probe', () => {
    const { lab, wire, a } = linked(112);
    lab.advance(60_000);
    wire.isUp = false;
    lab.advance(35_000);
    expect(a.told('down')).to.have.length(1);
  });

  it('are left for another one without a down, when there is one', () => {
    const { lab, one, a, b } = twoCables(113);
    talk(lab, [a, b], 2_000);
    expect(inUse(a, b)).to.contain('eth1');
    const before = b.delivered.length;
    one.isUp = false;
    talk(lab, [a, b], 3_100);
    talk(lab, [a, b], 1_000);
    expect(inUse(a, b)).to.contain('eth2');
    expect(inUse(b, a)).to.contain('eth2');
    expect(a.told('down')).to.be.empty;
    expect(b.told('down')).to.be.empty;
    expect(b.delivered.length - before).to.be.at.least(90);
  });

  it('are left when only one direction fails on one cable', () => {
    const { lab, one, a, b } = twoCables(114);
    talk(lab, [a, b], 1_000);
    one.loss = 1;
    talk(lab, [a, b], 4_000);
    one.loss = 0;
    talk(lab, [a, b], 10_000);
    expect(a.isUp(b)).to.equal(true);
    expect(a.told('down')).to.be.empty;
    expect(inUse(a, b).replace(/.*%/, '')).to.equal(inUse(b, a).replace(/.*%/, ''));
  });
});

describe('mesh: roaming', () => {
  it('follows a peer whose address changed, without a down', () => {
    const { lab, a, b } = linked(121);
    talk(lab, [a, b], 1_000);
    b.moveTo('fe80::77');
    talk(lab, [a, b], 1_000);
    expect(inUse(a, b)).to.contain('fe80::77');
    const before = b.delivered.length;
    talk(lab, [a, b], 1_000);
    expect(b.delivered.length - before).to.be.at.least(98);
    expect(a.told('down')).to.be.empty;
  });

  it('stays where it is when an old packet comes from another address', () => {
    const { lab, wire, a, b } = linked(122);
    talk(lab, [a, b], 500);
    const here = inUse(a, b);
    const stolen: { path: Parameters<LabNode['receive']>[0]; bytes: Uint8Array }[] = [];
    const receive = a.receive.bind(a);
    a.receive = (path, bytes) => {
      if (stolen.length < 20) stolen.push({ path, bytes: bytes.slice() });
      receive(path, bytes);
    };
    talk(lab, [a, b], 500);
    for (const { bytes } of stolen) a.receive(a.pathOf('udp://[fe80::bad%eth0]:666'), bytes);
    lab.advance(2_000);
    expect(inUse(a, b)).to.equal(here);
    expect(a.row(b).paths).to.have.length(1);
    expect(wire.isUp).to.equal(true);
  });
});

describe('mesh: path MTU', () => {
  it('finds what the path carries', () => {
    const { lab, a, b } = linked(131);
    lab.advance(1_000);
    expect(a.row(b).mtu).to.equal(1420);
    expect(a.told('changed')[0]?.event).to.deep.include({ mtu: 1420 });
  });

  it('never tells less than 1280, and splits what does not fit', () => {
    const { lab, a, b } = linked(132, { wire: { datagramBytesMax: 1000 } });
    lab.advance(3_000);
    expect(a.row(b).mtu).to.equal(1280);
    expect(a.row(b).path?.datagramBytesMax).to.equal(976);
    a.sendPacket(b, 1280);
    lab.advance(100);
    expect(b.delivered[0]).to.have.length(1280);
  });

  it('steps down when the path no longer carries what it did', () => {
    const { lab, wire, a, b } = linked(133);
    lab.advance(2_000);
    wire.datagramBytesMax = 1300;
    for (let i = 0; i < 15; i++) {
      a.sendPacket(b, 60);
      b.sendPacket(a, 60);
      lab.advance(1_000);
    }
    expect(a.row(b).path?.datagramBytesMax).to.equal(1232);
    expect(a.told('down')).to.be.empty;
    a.sendPacket(b, 1280);
    lab.advance(100);
    expect(b.delivered.at(-1)).to.have.length(1280);
  });
});
