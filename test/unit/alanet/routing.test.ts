import { expect } from 'chai';
import { compareRoutes } from '../../../src/alanet/decision/compare.js';
import * as views from '../../../src/alanet/views.js';
import { formatNodeId } from '../../../src/base/ip6.js';
import { line, TestMesh, TestNode } from './mesh.js';

const node = (nodes: readonly TestNode[], i: number): TestNode => nodes[i] as TestNode;

describe('alanet between neighbors', () => {
  it('establishes a session and a link record that both signed', () => {
    const { nodes } = line(2);
    for (const one of nodes) {
      const [neighbor] = [...one.alanet.neighbors.values()];
      expect(neighbor?.state).to.equal('Established');
      expect(neighbor?.agreement.inForce).to.equal(true);
      expect(neighbor?.agreement.entry.up?.record.countersignature).to.have.length(64);
    }
  });

  it('carries every prefix along a line, with the path and its cost', () => {
    const { mesh, nodes } = line(5);
    const best = node(nodes, 0).alanet.locRib.best(node(nodes, 4).prefix);
    expect(best?.asPath).to.deep.equal(nodes.slice(1).map((one) => one.keys.id));
    expect(best?.cost).to.equal(4);
    expect(node(nodes, 0).fib.size).to.equal(4);
    const [row] = views.routes(node(nodes, 0).alanet, mesh.now, node(nodes, 4).prefix);
    expect(row).to.include({ best: true, valid: true, lostBy: null, hops: 4, originSeq: 10 });
    expect(row?.nexthop).to.equal(formatNodeId(node(nodes, 1).keys.id));
  });

  it('prefers the cheaper way and says why the other lost', () => {
    const nodes = [1, 2, 3].map((n) => new TestNode(n));
    const mesh = new TestMesh(nodes);
    const [a, b, c] = nodes as [TestNode, TestNode, TestNode];
    mesh.join(a, b, 45);
    mesh.join(a, c);
    mesh.join(c, b);
    mesh.advance(30_000);
    const [winner, loser] = views.routes(a.alanet, mesh.now, b.prefix);
    expect(winner?.asPath).to.deep.equal([c.keys.id, b.keys.id].map(formatNodeId));
    expect(loser).to.include({ best: false, lostBy: 'cost', cost: 5 });
  });

  it('withdraws what lay behind a cut link, and finds the other way round a ring', () => {
    const nodes = [1, 2, 3, 4].map((n) => new TestNode(n));
    const mesh = new TestMesh(nodes);
    const links = nodes.map((one, i) => mesh.join(one, node(nodes, (i + 1) % 4)));
    mesh.advance(5_000);
    mesh.cut(node(nodes, 0), links[0]?.a ?? (0 as never));
    mesh.advance(2_000);
    const best = node(nodes, 0).alanet.locRib.best(node(nodes, 1).prefix);
    expect(best?.asPath).to.deep.equal([3, 2, 1].map((i) => node(nodes, i).keys.id));
  });

  it('purges a dead node everywhere with few messages', () => {
    const { mesh, nodes } = line(6);
    const before = nodes.map((one) => one.said.filter(({ kind }) => kind === 'update').length);
    const last = node(nodes, 5);
    for (const link of last.ends.keys()) mesh.cut(last, link);
    mesh.advance(3_000);
    for (const [i, one] of nodes.slice(0, 5).entries()) {
      expect(one.has(last)).to.equal(false);
      const updates = one.said.filter(({ kind }) => kind === 'update').length - (before[i] ?? 0);
      expect(updates).to.be.at.most(2);
    }
  });

  it('drops the routes of a neighbor that stops in order at once', () => {
    const { mesh, nodes } = line(3);
    node(nodes, 2).alanet.handleCommand(mesh.now, { kind: 'shutdown' });
    mesh.run();
    expect(node(nodes, 0).has(node(nodes, 2))).to.equal(false);
  });

  for (const transit of ['stub', 'none'] as const) {
    it(`gives no way through a node with transit ${transit}`, () => {
      const nodes = [new TestNode(1), new TestNode(2, { transit }), new TestNode(3)];
      const mesh = new TestMesh(nodes);
      mesh.join(node(nodes, 0), node(nodes, 1));
      mesh.join(node(nodes, 1), node(nodes, 2));
      mesh.advance(5_000);
      expect(node(nodes, 0).has(node(nodes, 1))).to.equal(true);
      expect(node(nodes, 0).has(node(nodes, 2))).to.equal(false);
    });
  }

  it('loses no route in a soft clear, and begins anew in a hard one', () => {
    const { mesh, nodes } = line(3);
    const [a, b] = [node(nodes, 0), node(nodes, 1)];
    const [link] = a.ends.keys();
    a.alanet.handleCommand(mesh.now, { kind: 'clear', link: link as never, how: 'soft' });
    mesh.run();
    expect(a.fib.size).to.equal(2);
    mesh.advance(1_000);
    expect(views.routes(a.alanet, mesh.now).some((row) => row.stale)).to.equal(false);
    a.alanet.handleCommand(mesh.now, { kind: 'clear', link: link as never, how: 'hard' });
    mesh.advance(5_000);
    expect(a.alanet.neighborOf(b.keys.id)?.connectionsEstablished).to.equal(2);
    expect(a.fib.size).to.equal(2);
  });

  it('ends a session when the neighbor was silent for the hold time, not before', () => {
    const nodes = [1, 2].map((n) => new TestNode(n, { holdTimeSeconds: 240 }));
    const mesh = new TestMesh(nodes);
    mesh.join(node(nodes, 0), node(nodes, 1));
    mesh.advance(5_000);
    const a = node(nodes, 0);
    for (const end of a.ends.values()) if (end.far !== undefined) end.far.far = undefined;
    const neighbor = a.alanet.neighborOf(node(nodes, 1).keys.id);
    mesh.advance(159_000);
    expect(neighbor?.state).to.equal('Established');
    mesh.advance(241_000);
    expect(neighbor?.state).to.not.equal('Established');
    expect(neighbor?.lastError).to.match(/hold timer|neighbor says|reset|OPEN/i);
  });

  it('shows the summary as the contract names it', () => {
    const { mesh, nodes } = line(2);
    const summary = views.summary(node(nodes, 0).alanet, mesh.now) as Record<string, unknown>;
    expect(summary).to.include({ ribCount: 2, pathCount: 2, peerCount: 1 });
    const peers = Object.values(summary.peers as Record<string, object>);
    expect(peers[0]).to.include({
      state: 'Established',
      pfxRcd: 1,
      pfxAcc: 1,
      pfxBest: 1,
      pfxSnt: 1,
    });
  });

  it('orders routes totally: antisymmetric, and equal only for the same neighbor', () => {
    const { nodes } = line(4);
    const all = nodes.flatMap((one) =>
      [...one.alanet.locRib.prefixes()].flatMap((prefix) => one.alanet.locRib.routes(prefix)),
    );
    for (const a of all) {
      for (const b of all) {
        expect(Math.sign(compareRoutes(a, b).order)).to.equal(
          -Math.sign(compareRoutes(b, a).order) + 0,
        );
      }
    }
  });
});
