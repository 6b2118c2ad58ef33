import { expect } from 'chai';
import { encodeBeacon, realmTag } from '../../../src/mesh/beacon.js';
import { nodeCrypto } from '../../../src/platform/crypto.js';
import { Lab, type LabNode, linked, seeded } from './lab.js';

const ON = { discovery: true };

/** A beacon of a key that nobody has. */
function forged(lab: Lab, node: LabNode): void {
  const realm = realmTag(nodeCrypto(), 'test');
  const bytes = encodeBeacon({ realm, key: lab.random.bytes(32), port: 4242, asks: true });
  const source = `fe80::${(1 + lab.random.below(0xfffe)).toString(16)}`;
  node.mesh.handleBeacon(lab.now, { interface: 'eth0', source, bytes });
}

describe('mesh: LAN discovery', () => {
  it('links all nodes of a LAN without any configuration', () => {
    const lab = new Lab(201);
    const lan = lab.segment('lan');
    const nodes = ['a', 'b', 'c', 'd'].map((name) => lab.node(name, { eth0: lan }, ON));
    const all = (): boolean => nodes.every((a) => nodes.every((b) => a === b || a.isUp(b)));
    expect(lab.until(all, 5_000)).to.be.below(1_500);
    expect(nodes[0]?.mesh.peers().map(({ source }) => source)).to.deep.equal([
      ...['discovered', 'discovered', 'discovered'],
    ]);
  });

  it('finds a node that comes later, and one that restarts', () => {
    const lab = new Lab(202);
    const lan = lab.segment('lan');
    const a = lab.node('a', { eth0: lan }, ON);
    lab.advance(30_000);
    const b = lab.node('b', { eth0: lan }, { ...ON, identity: 9 });
    expect(lab.until(() => a.isUp(b) && b.isUp(a), 5_000)).to.be.below(1_500);
    b.kill();
    lab.advance(5_000);
    const again = lab.node('b', { eth0: lan }, { ...ON, identity: 9 });
    lab.until(() => again.isUp(a) && a.told('up').length === 2, 10_000);
  });

  it('comes back at once on a beacon after a goodbye', () => {
    const lab = new Lab(203);
    const lan = lab.segment('lan');
    const a = lab.node('a', { eth0: lan }, ON);
    const b = lab.node('b', { eth0: lan }, { ...ON, identity: 9 });
    lab.until(() => a.isUp(b), 5_000);
    b.shutDown('upgrade');
    b.kill();
    lab.advance(2_500);
    const again = lab.node('b', { eth0: lan }, { ...ON, identity: 9 });
    expect(lab.until(() => again.isUp(a) && a.isUp(again), 6_000)).to.be.below(2_000);
  });

  it('makes one peer with two paths of two cables', () => {
    const lab = new Lab(204);
    const [one, two] = [lab.segment('one'), lab.segment('two')];
    const a = lab.node('a', { eth1: one, eth2: two }, ON);
    const b = lab.node('b', { eth1: one, eth2: two }, ON);
    lab.until(() => a.isUp(b) && b.isUp(a), 5_000);
    lab.advance(5_000);
    expect(a.mesh.peers()).to.have.length(1);
    expect(a.row(b).paths.map(({ state }) => state)).to.deep.equal(['proven', 'proven']);
    expect(a.told('down')).to.be.empty;
  });

  it('ignores other realms and its own beacon', () => {
    const lab = new Lab(205);
    const lan = lab.segment('lan');
    const a = lab.node('a', { eth0: lan }, ON);
    const b = lab.node('b', { eth0: lan }, { ...ON, realm: 'other' });
    lab.advance(10_000);
    expect(a.mesh.peers()).to.be.empty;
    expect(b.mesh.peers()).to.be.empty;
    expect(a.mesh.counters().foreignBeacons).to.be.above(0);
  });

  it('does not answer a stranger whose beacon was not heard', () => {
    const lab = new Lab(206);
    const lan = lab.segment('lan');
    const a = lab.node('a', { eth0: lan });
    const b = lab.node('b', { eth0: lan });
    b.addPeer(a, [lan]);
    lab.advance(10_000);
    expect(a.mesh.peers()).to.be.empty;
    expect(b.isUp(a)).to.equal(false);
    expect(a.mesh.counters().strangers).to.be.above(0);
  });

  it('bears a flood of beacons: few peers, few datagrams, links untouched, all forgotten later', () => {
    const { lab, wire, a, b } = linked(207, { a: ON });
    lab.advance(5_000);
    const before = wire.datagrams;
    for (let i = 0; i < 5_000; i++) {
      forged(lab, a);
      if (i % 5 === 4) lab.advance(1);
    }
    a.settle();
    expect(a.mesh.peers().length).to.be.at.most(65);
    expect(wire.datagrams - before).to.be.below(400);
    expect(a.mesh.counters().beaconFlood).to.be.above(4_000);
    expect(a.told('down')).to.be.empty;
    lab.advance(120_000);
    expect(a.mesh.peers().length).to.be.at.most(1);
    expect(a.isUp(b)).to.equal(true);
  });

  it('takes nothing but link-local sources on its interfaces', () => {
    const lab = new Lab(208);
    const a = lab.node('a', { eth0: lab.segment('lan') }, ON);
    const realm = realmTag(nodeCrypto(), 'test');
    const key = seeded(5).bytes(32);
    const bytes = encodeBeacon({ realm, key, port: 1, asks: true });
    for (const source of ['2001:db8::1', '::1', 'fe80::1]:5/x', '', 'udp://x']) {
      a.mesh.handleBeacon(lab.now, { interface: 'eth0', source, bytes });
    }
    a.mesh.handleBeacon(lab.now, { interface: 'eth9', source: 'fe80::1', bytes });
    expect(a.mesh.peers()).to.be.empty;
  });

  it('drops the paths of an interface that goes, and finds them again when it comes', () => {
    const lab = new Lab(209);
    const lan = lab.segment('lan');
    const a = lab.node('a', { eth0: lan }, ON);
    const b = lab.node('b', { eth0: lan }, ON);
    lab.until(() => a.isUp(b) && b.isUp(a), 5_000);
    a.discoverOn([]);
    expect(a.isUp(b)).to.equal(false);
    lab.advance(1_000);
    a.discoverOn(['eth0']);
    expect(lab.until(() => a.isUp(b) && b.isUp(a), 10_000)).to.be.below(6_000);
  });
});
