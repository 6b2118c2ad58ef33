import { expect } from 'chai';
import { addressBytes } from '../../../src/base/ip6.js';
import { proposeLink } from '../../../src/identity/records.js';
import type { LinkId } from '../../../src/link/types.js';
import { encodeBgp } from '../../../src/wire/bgp.js';
import type { BgpUpdate } from '../../../src/wire/types.js';
import { crypto, EPOCH, keysOf, line, TestMesh, TestNode } from './mesh.js';

const NOTHING = {
  ...{ kind: 'update', records: [], paths: [], routes: [], withdrawn: [], beginOfRib: false },
  ...{ endOfRib: false, forgetPaths: [], forgetRecords: [], malformed: [] },
} as const satisfies BgpUpdate;

const count = (node: TestNode, kind: string): number =>
  node.said.filter((message) => message.kind === kind).length;

/** An UPDATE with this many records of nodes that nobody knows. */
const strangers = (from: number, many: number): Uint8Array =>
  encodeBgp({
    ...NOTHING,
    records: Array.from({ length: many }, (_, i) => ({
      id: 10_000 + from + i,
      record: keysOf(10_000 + from + i).record,
    })),
  });

const linkOf = (node: TestNode): LinkId => [...node.ends.keys()][0] as LinkId;

describe('alanet against a flood', () => {
  it('verifies only so many records of a neighbor a second, and serves others meanwhile', () => {
    const limits = { recordsBurst: 100, recordsPerSecond: 10 };
    const nodes = [new TestNode(1, { limits }), new TestNode(2), new TestNode(3)];
    const mesh = new TestMesh(nodes);
    const [victim, flooder, friend] = nodes as [TestNode, TestNode, TestNode];
    const { a: link } = mesh.join(victim, flooder);
    mesh.join(victim, friend);
    mesh.advance(20_000);
    const before = victim.alanet.subjects.nodes.size;
    mesh.inject(victim, link, strangers(0, 90));
    mesh.inject(victim, link, strangers(100, 90));
    const verified = () => victim.alanet.subjects.nodes.size - before;
    mesh.advance(1);
    expect(verified()).to.be.within(90, 110);
    mesh.advance(2_000);
    expect(verified()).to.be.at.most(120);
    const other = friend.alanet.neighborOf(victim.keys.id);
    friend.alanet.handleCommand(mesh.now, { kind: 'clear', link: linkOf(friend), how: 'soft' });
    mesh.advance(200);
    expect(other?.hasEndOfRib).to.equal(true);
    expect(friend.said.at(-1)).to.deep.include({ kind: 'update', endOfRib: true });
    mesh.advance(20_000);
    expect(verified()).to.equal(180);
  });

  it('takes a large UPDATE in parts, so that no call takes long', () => {
    const { mesh, nodes } = line(2);
    const [victim] = nodes as [TestNode, TestNode];
    const before = victim.alanet.subjects.nodes.size;
    const link = linkOf(victim);
    victim.alanet.handleLink(mesh.now, { kind: 'received', link, message: strangers(300, 200) });
    expect(victim.alanet.subjects.nodes.size - before).to.be.below(101);
    mesh.advance(1);
    expect(victim.alanet.subjects.nodes.size - before).to.equal(200);
  });

  it('forgets what nobody refers to any more', () => {
    const nodes = [new TestNode(1, { limits: { subjectsMax: 100 } }), new TestNode(2)];
    const mesh = new TestMesh(nodes);
    const [victim, flooder] = nodes as [TestNode, TestNode];
    mesh.join(victim, flooder);
    mesh.advance(1_000);
    for (let i = 0; i < 5; i++) {
      mesh.inject(victim, linkOf(victim), strangers(1000 + 100 * i, 60));
      mesh.reset(victim, linkOf(victim));
      mesh.advance(60_000);
    }
    expect(victim.alanet.subjects.size).to.be.at.most(100);
    expect(victim.neighbor.state).to.equal('Established');
    expect(victim.has(flooder)).to.equal(true);
  });

  it('ends the session of the neighbor that fills the memory, and of no other', () => {
    const limits = { subjectsMax: 100 };
    const nodes = [new TestNode(1, { limits }), new TestNode(2), new TestNode(3)];
    const mesh = new TestMesh(nodes);
    const [victim, flooder, friend] = nodes as [TestNode, TestNode, TestNode];
    const { a: link } = mesh.join(victim, flooder);
    mesh.join(victim, friend);
    mesh.advance(1_000);
    mesh.inject(victim, link, strangers(2000, 120));
    mesh.advance(500);
    const [bad, good] = [flooder, friend].map((one) => victim.alanet.neighborOf(one.keys.id));
    expect(bad?.lastError).to.match(/cease \(6\/1\)/);
    expect(good?.connectionsDropped).to.equal(0);
    expect(victim.has(friend)).to.equal(true);
    expect(victim.alanet.subjects.size).to.be.at.most(100);
  });

  it('answers a flood of ROUTE-REFRESH with one table at a time', () => {
    const { mesh, nodes } = line(2);
    const [victim] = nodes as [TestNode, TestNode];
    const before = count(victim, 'update');
    for (let i = 0; i < 100; i++)
      mesh.inject(victim, linkOf(victim), encodeBgp({ kind: 'route-refresh' }));
    mesh.advance(20_000);
    expect(count(victim, 'update') - before).to.be.within(2, 6);
  });

  it('countersigns only so often, however often it is asked', () => {
    const { mesh, nodes } = line(2);
    const victim = nodes.find(({ keys }) =>
      nodes.every((one) => keys.id >= one.keys.id),
    ) as TestNode;
    const lower = nodes.find((one) => one !== victim) as TestNode;
    const [a, b] = [lower, victim].map(({ keys }) => addressBytes(keys.id));
    mesh.advance(120_000);
    const before = count(victim, 'link-agreement');
    for (let i = 0; i < 200; i++) {
      const record = proposeLink(crypto, lower.keys.seed, {
        ...{ a: a as Uint8Array, b: b as Uint8Array, seq: EPOCH + 1000 + i, costClass: 1 },
        ...{ notAfter: EPOCH + 86_400, roleA: 1, roleB: 1, down: false },
      });
      mesh.inject(victim, linkOf(victim), encodeBgp({ kind: 'link-proposal', record }));
    }
    expect(count(victim, 'link-agreement') - before).to.be.within(1, 20);
    expect(victim.neighbor.state).to.equal('Established');
  });

  it('rests longer after each fault in a row, also when the neighbor resets the link itself', () => {
    const { mesh, nodes } = line(2);
    const [victim] = nodes as [TestNode, TestNode];
    const link = linkOf(victim);
    const rests: number[] = [];
    for (let i = 0; i < 5; i++) {
      mesh.inject(victim, link, new Uint8Array([0xff, 0xff, 0xff]));
      expect(victim.neighbor.state).to.equal('Idle');
      const since = mesh.now;
      mesh.reset(victim, link);
      while (!victim.neighbor.isEstablished && mesh.now - since < 100_000) mesh.advance(100);
      rests.push(mesh.now - since);
    }
    for (const [i, rest] of rests.entries()) expect(rest).to.be.at.least(1000 * 2 ** i);
  });
});
