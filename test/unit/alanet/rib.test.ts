import { expect } from 'chai';
import * as views from '../../../src/alanet/views.js';
import { signNode } from '../../../src/identity/records.js';
import type { BgpUpdate } from '../../../src/wire/types.js';
import { linkAt, linkRecord, neighborAt, update } from './claims.js';
import { crypto, EPOCH, keysOf, line, type TestMesh, type TestNode } from './mesh.js';

interface Scene {
  readonly mesh: TestMesh;
  readonly victim: TestNode;
  readonly other: TestNode;
  readonly say: (parts: Partial<BgpUpdate>) => void;
}

function scene(): Scene {
  const { mesh, nodes } = line(2);
  const [victim, other] = nodes as [TestNode, TestNode];
  const say = (parts: Partial<BgpUpdate>): void =>
    mesh.inject(victim, linkAt(victim), update(parts));
  return { mesh, victim, other, say };
}

const ROUTE = { origin: 900, path: 500, communities: [] };
const STEP = { id: 500, parent: 0, link: 901 };

describe('alanet: what a neighbor said before', () => {
  const far = keysOf(77);

  it('is withdrawn by an id that has been given a bad record since', () => {
    const { other, say, victim } = scene();
    const newer = signNode(crypto, far.seed, { ...far.body, seq: 11 });
    const link = { id: 901, record: linkRecord(other.keys, far) };
    say({ records: [{ id: 900, record: newer }, link], paths: [STEP], routes: [ROUTE] });
    expect(neighborAt(victim).routes.size).to.equal(2);
    say({ records: [{ id: 900, record: far.record }] });
    say({ withdrawn: [900] });
    expect(neighborAt(victim).routes.size).to.equal(1);
  });

  it('goes with a route whose origin is refused, and the refusal names the prefix', () => {
    const { mesh, other, say, victim } = scene();
    const newer = signNode(crypto, far.seed, { ...far.body, seq: 11 });
    const link = { id: 901, record: linkRecord(other.keys, far) };
    say({ records: [{ id: 900, record: newer }, link], paths: [STEP], routes: [ROUTE] });
    say({ records: [{ id: 900, record: far.record }], routes: [ROUTE] });
    expect(neighborAt(victim).routes.size).to.equal(1);
    expect(neighborAt(victim).refusals).to.deep.equal({ replayed: 1 });
    const rows = views.neighborRoutes(victim.alanet, mesh.now, linkAt(victim), 'received');
    expect(rows.find((row) => !row.valid)?.prefix).to.match(/^fd.*\/64$/);
  });

  for (const [what, origin, link] of [
    ['origin', EPOCH + 100, EPOCH + 86_400],
    ['adjacency', EPOCH + 86_400, EPOCH + 100],
  ] as const) {
    it(`is dropped when the record of its ${what} expires, refused then, and asked for when it is renewed`, () => {
      const { mesh, other, say, victim } = scene();
      const record = signNode(crypto, far.seed, { ...far.body, notAfter: origin });
      const adjacency = linkRecord(other.keys, far, { notAfter: link });
      const records = [
        { id: 900, record },
        { id: 901, record: adjacency },
      ];
      say({ records, paths: [STEP], routes: [ROUTE] });
      expect(neighborAt(victim).routes.size).to.equal(2);
      mesh.advance(200_000);
      expect(neighborAt(victim).routes.size).to.equal(1);
      expect(neighborAt(victim).refusals).to.deep.equal({ expired: 1 });
      say({ routes: [ROUTE] });
      expect(neighborAt(victim).routes.size).to.equal(1);
      expect(neighborAt(victim).refusals).to.deep.equal({ expired: 2 });
      const asked = (): number => neighborAt(victim).sentMessages['route-refresh'] ?? 0;
      expect(asked()).to.equal(0);
      const seq = EPOCH + 1;
      const renewed = signNode(crypto, far.seed, { ...far.body, seq: 11, notAfter: seq + 86_400 });
      say({
        records: [
          { id: 900, record: renewed },
          { id: 901, record: linkRecord(other.keys, far, { seq, notAfter: seq + 86_400 }) },
        ],
      });
      mesh.advance(1_000);
      expect(asked()).to.equal(1);
      say({ routes: [ROUTE] });
      expect(neighborAt(victim).routes.size).to.equal(2);
    });
  }
});

describe('alanet towards a neighbor that reads slowly', () => {
  function slow(): { mesh: TestMesh; nodes: TestNode[]; a: TestNode; b: TestNode; d: TestNode } {
    const { mesh, nodes } = line(4);
    const [a, b, , d] = nodes as [TestNode, TestNode, TestNode, TestNode];
    b.blocked.add(linkAt(b));
    for (let i = 0; i < 30; i++) neighborAt(b).queue({ kind: 'keepalive' });
    return { mesh, nodes, a, b, d };
  }

  it('says a new cost of a far link as soon as it reads again', () => {
    const { mesh, a, b, d } = slow();
    for (const end of [d.ends.get(linkAt(d)), d.ends.get(linkAt(d))?.far]) {
      if (end === undefined) continue;
      const measured = { rttMsec: 95, mtu: 1420, transport: 'test' };
      end.node.alanet.handleLink(mesh.now, { kind: 'changed', link: end.link, ...measured });
    }
    mesh.advance(100_000);
    expect(b.alanet.locRib.best(d.prefix)?.cost).to.equal(11);
    mesh.release(b, linkAt(b));
    expect(a.alanet.locRib.best(d.prefix)?.cost).to.equal(12);
  });

  it('says a lost link, and ends the RIB that was asked for', () => {
    const { mesh, nodes, a, b, d } = slow();
    a.alanet.handleCommand(mesh.now, { kind: 'clear', link: linkAt(a), how: 'soft' });
    mesh.cut(d, linkAt(d));
    mesh.advance(2_000);
    expect(a.has(d)).to.equal(true);
    mesh.release(b, linkAt(b));
    mesh.advance(1_000);
    expect(a.has(d)).to.equal(false);
    expect(a.has(nodes[2] as TestNode)).to.equal(true);
    expect(neighborAt(a).hasEndOfRib).to.equal(true);
    expect([...neighborAt(a).routes.values()].filter((route) => route.stale)).to.deep.equal([]);
  });

  it('says its last words though it is full when the router stops', () => {
    const { mesh, a, b } = slow();
    b.alanet.handleCommand(mesh.now, { kind: 'shutdown' });
    mesh.run();
    expect(a.has(b)).to.equal(true);
    mesh.release(b, linkAt(b));
    expect(a.has(b)).to.equal(false);
  });

  it('ends the session of one that never reads', () => {
    const { mesh, b } = slow();
    for (let i = 0; i < 5_000; i++) neighborAt(b).queue({ kind: 'keepalive' });
    mesh.advance(300_000);
    expect(neighborAt(b).lastError).to.match(/6\/8|hold timer/);
    expect(neighborAt(b).outbox.length).to.be.below(100);
  });
});
