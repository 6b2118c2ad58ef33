import { expect } from 'chai';
import type { Neighbor } from '../../../src/alanet/session/neighbor.js';
import { encodeBgp } from '../../../src/wire/bgp.js';
import type { BgpOpen } from '../../../src/wire/types.js';
import { announceBehind, linkAt, neighborAt, update } from './claims.js';
import { crypto, EPOCH, keysOf, line, TestMesh, TestNode } from './mesh.js';

/** One node whose neighbor only says what the test says. */
function alone(change: ConstructorParameters<typeof TestNode>[1] = {}): {
  readonly mesh: TestMesh;
  readonly node: TestNode;
  readonly peer: TestNode;
  readonly neighbor: Neighbor;
  readonly open: (change?: Partial<BgpOpen>) => void;
} {
  const [node, peer] = [new TestNode(1, change), new TestNode(2)];
  const mesh = new TestMesh([node]);
  mesh.join(node, peer);
  const hello: BgpOpen = {
    ...{ kind: 'open', version: 1, node: peer.keys.record, holdTime: 600, role: 'peer' },
    ...{ name: 'peer', capabilities: [] },
  };
  const open = (parts: Partial<BgpOpen> = {}): void =>
    mesh.inject(node, linkAt(node), encodeBgp({ ...hello, ...parts }));
  return { mesh, node, peer, neighbor: neighborAt(node), open };
}

const KEEPALIVE = encodeBgp({ kind: 'keepalive' });

describe('alanet sessions', () => {
  const wrong: readonly (readonly [string, Partial<BgpOpen>, RegExp])[] = [
    ['another version', { version: 2 }, /\(2\/1\)/],
    ['a hold time of one second', { holdTime: 1 }, /\(2\/6\)/],
    ['the record of another node', { node: keysOf(3).record }, /\(2\/2\).*wrong-key/],
    ['another noise key', { node: keysOf(2, { noiseKey: new Uint8Array(32) }).record }, /\(2\/2\)/],
    ['another realm', { node: keysOf(2, { realm: 'other' }).record }, /\(2\/2\).*wrong-realm/],
  ];
  for (const [what, change, error] of wrong) {
    it(`refuse an OPEN with ${what}`, () => {
      const { neighbor, open, node } = alone();
      open(change);
      expect(neighbor.state).to.equal('Idle');
      expect(neighbor.lastError).to.match(error);
      expect(node.said.at(-1)?.kind).to.equal('notification');
    });
  }

  it('refuse an OPEN whose node did too little work', () => {
    const { neighbor, open } = alone({ work: 30 });
    open();
    expect(neighbor.lastError).to.match(/\(2\/2\).*too-little-work/);
  });

  it('take an OPEN with capabilities and a role that nobody knows yet', () => {
    const { mesh, node, neighbor, open } = alone();
    open({ capabilities: [{ code: 4711, value: crypto.sha512t256(new Uint8Array(1)) }] });
    mesh.inject(node, linkAt(node), KEEPALIVE);
    expect(neighbor.state).to.equal('Established');
    expect(neighbor.capabilities).to.deep.equal([4711]);
  });

  for (const [what, message] of [
    ['an UPDATE', update({ endOfRib: true })],
    ['a ROUTE-REFRESH', encodeBgp({ kind: 'route-refresh' })],
    ['a KEEPALIVE', KEEPALIVE],
  ] as const) {
    it(`end at ${what} before OPEN`, () => {
      const { mesh, node, neighbor } = alone();
      mesh.inject(node, linkAt(node), message);
      expect(neighbor.lastError).to.match(/\(5\/0\)/);
      expect(neighbor.state).to.equal('Idle');
    });
  }

  it('give up a neighbor that opens but never confirms, also with a hold time of 0', () => {
    const { mesh, neighbor, open } = alone();
    open({ holdTime: 0 });
    mesh.advance(29_000);
    expect(neighbor.state).to.equal('OpenConfirm');
    mesh.advance(2_000);
    expect(neighbor.lastError).to.match(/\(4\/0\)/);
  });

  it('end after exactly the hold time, which any message restarts', () => {
    const { mesh, node, neighbor, open } = alone();
    open({ holdTime: 30 });
    mesh.inject(node, linkAt(node), KEEPALIVE);
    mesh.advance(29_000);
    mesh.inject(node, linkAt(node), update({}));
    mesh.advance(29_999);
    expect(neighbor.state).to.equal('Established');
    mesh.advance(1);
    expect(neighbor.lastError).to.match(/\(4\/0\)/);
  });

  it('stay up for a day on KEEPALIVEs alone', () => {
    const { mesh, nodes } = line(2);
    mesh.advance(80_000_000);
    for (const node of nodes) expect(neighborAt(node).connectionsDropped).to.equal(0);
  });

  it('rest longer after each fault in a row, and forget them after a good minute', () => {
    const { mesh, nodes } = line(2);
    const [victim] = nodes as [TestNode];
    const rest = (): number => {
      mesh.inject(victim, linkAt(victim), new Uint8Array([0xff, 0xff, 0xff, 1]));
      const since = mesh.now;
      while (neighborAt(victim).state !== 'Established') mesh.advance(100);
      return mesh.now - since;
    };
    const rests = [rest(), rest(), rest(), rest(), rest()];
    expect(rests[0]).to.be.below(1_500);
    for (let i = 1; i < rests.length; i++)
      expect(rests[i], `rest ${i} of ${rests}`).to.be.above(1.4 * (rests[i - 1] ?? 0));
    mesh.advance(120_000);
    expect(rest()).to.be.below(1_500);
  });

  it('end with Cease over the limit of routes, and come back', () => {
    const nodes = [new TestNode(1, { limits: { routesMax: 5 } }), new TestNode(2)];
    const mesh = new TestMesh(nodes);
    const [victim, other] = nodes as [TestNode, TestNode];
    const { a: link } = mesh.join(victim, other);
    mesh.advance(1_000);
    const many = Array.from({ length: 6 }, (_, i) => keysOf(100 + i));
    announceBehind({ mesh, to: victim, link }, other.keys, many);
    expect(neighborAt(victim).lastError).to.match(/\(6\/1\)/);
    expect(victim.alanet.locRib.size).to.equal(1);
    mesh.advance(5_000);
    expect(neighborAt(victim).state).to.equal('Established');
  });

  it('repeat the whole table once for many that ask in a row', () => {
    const { mesh, nodes } = line(3);
    const [, b] = nodes as [TestNode, TestNode];
    const begins = (): number =>
      b.said.filter((message) => message.kind === 'update' && message.beginOfRib).length;
    for (let i = 0; i < 100; i++) mesh.inject(b, linkAt(b), encodeBgp({ kind: 'route-refresh' }));
    mesh.advance(10_000);
    expect(begins()).to.equal(2);
  });

  it('wait on a second link to the same node, and move to it when the first goes', () => {
    const nodes = [new TestNode(1), new TestNode(2)];
    const mesh = new TestMesh(nodes);
    const [a, b] = nodes as [TestNode, TestNode];
    const first = mesh.join(a, b);
    mesh.join(a, b);
    mesh.advance(2_000);
    expect([neighborAt(a).state, neighborAt(a, 1).state]).to.deep.equal(['Established', 'Active']);
    mesh.cut(a, first.a);
    mesh.advance(5_000);
    expect([neighborAt(a).state, neighborAt(a, 1).state]).to.deep.equal(['Connect', 'Established']);
    expect(a.fib.get(b.prefix)).to.equal(linkAt(a, 1));
    mesh.mend(a, first.a);
    mesh.advance(1_000);
    expect(neighborAt(a).state).to.equal('Active');
  });

  it('begin anew when a link comes up that never went down', () => {
    const { mesh, nodes } = line(2);
    const [a, b] = nodes as [TestNode, TestNode];
    mesh.mend(a, linkAt(a));
    mesh.advance(10_000);
    expect(neighborAt(a).state).to.equal('Established');
    expect(a.has(b)).to.equal(true);
  });

  it('renew the record of a link in time, in place, without a word about routes', () => {
    const nodes = [1, 2, 3].map((number) => {
      const { id, seed, record } = keysOf(number, { notAfter: EPOCH + 10 * 86_400 });
      return new TestNode(number, { identity: { id, seed, nodeRecord: () => record } });
    });
    const mesh = new TestMesh(nodes);
    const [a, b, c] = nodes as [TestNode, TestNode, TestNode];
    mesh.join(a, b);
    mesh.join(b, c);
    mesh.advance(60_000);
    const seq = (): number => neighborAt(b, 1).agreement.entry.up?.body.seq ?? 0;
    const [seqBefore, said] = [seq(), b.said.length];
    mesh.advance(2.6 * 86_400_000);
    expect(seq()).to.be.above(seqBefore);
    const routes = b.said.slice(said).filter((one) => one.kind === 'update' && one.routes.length);
    expect(routes).to.deep.equal([]);
    expect(a.has(c)).to.equal(true);
  });

  it('do not sign a flapping link up again until it has been quiet', () => {
    const { mesh, nodes } = line(2);
    const [a, b] = nodes as [TestNode, TestNode];
    for (let i = 0; i < 5; i++) {
      mesh.cut(a, linkAt(a));
      mesh.mend(a, linkAt(a));
      mesh.advance(1_000);
    }
    expect(neighborAt(a).state).to.equal('Established');
    expect(a.has(b)).to.equal(false);
    mesh.advance(120_000);
    expect(a.has(b)).to.equal(true);
  });
});
