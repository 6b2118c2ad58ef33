import { expect } from 'chai';
import type { Neighbor } from '../../../src/alanet/session/neighbor.js';
import * as views from '../../../src/alanet/views.js';
import { addressBytes, type NodeId, type Prefix, prefixOfNode } from '../../../src/base/ip6.js';
import { countersignLink, proposeLink, signDown, signNode } from '../../../src/identity/records.js';
import type { LinkId } from '../../../src/link/types.js';
import { encodeBgp } from '../../../src/wire/bgp.js';
import type { BgpUpdate, LinkRecordBody, SignedRecord } from '../../../src/wire/types.js';
import { crypto, EPOCH, type Keys, keysOf, line, TestMesh, TestNode } from './mesh.js';

const NOTHING = {
  ...{ kind: 'update', records: [], paths: [], routes: [], withdrawn: [], beginOfRib: false },
  ...{ endOfRib: false, forgetPaths: [], forgetRecords: [], malformed: [] },
} as const satisfies BgpUpdate;

interface Scene {
  readonly mesh: TestMesh;
  readonly victim: TestNode;
  /** The victim's neighbor, in whose name everything is said. */
  readonly attacker: TestNode;
  readonly link: LinkId;
  readonly neighbor: Neighbor;
}

function scene(): Scene {
  const { mesh, nodes } = line(2);
  const [victim, attacker] = nodes as [TestNode, TestNode];
  const [link] = victim.ends.keys() as unknown as [LinkId];
  const neighbor = victim.alanet.neighbors.get(link) as Neighbor;
  return { mesh, victim, attacker, link, neighbor };
}

function linkBody(
  one: NodeId,
  other: NodeId,
  change: Partial<LinkRecordBody> = {},
): LinkRecordBody {
  const [a, b] = one < other ? [one, other] : [other, one];
  return {
    ...{ a: addressBytes(a), b: addressBytes(b), seq: EPOCH, notAfter: EPOCH + 86_400 },
    ...{ roleA: 1, roleB: 1, costClass: 1, down: false, ...change },
  };
}

/** Signed by both, unless a signer is replaced by somebody else. */
function linkRecord(one: Keys, other: Keys, change: Partial<LinkRecordBody> = {}): SignedRecord {
  const [low, high] = one.id < other.id ? [one, other] : [other, one];
  return countersignLink(
    crypto,
    high.seed,
    proposeLink(crypto, low.seed, linkBody(one.id, other.id, change)),
  );
}

/** Records under ids 900…, a path over the given link ids, and a route to the origin. */
function claim(
  { mesh, victim, link }: Scene,
  records: readonly SignedRecord[],
  { links, origin }: { readonly links: readonly number[]; readonly origin: number },
): void {
  const update: BgpUpdate = {
    ...NOTHING,
    records: records.map((record, i) => ({ id: 900 + i, record })),
    paths: links.map((at, i) => ({ id: 500 + i, parent: i === 0 ? 0 : 499 + i, link: 900 + at })),
    routes: [
      { origin: 900 + origin, path: links.length === 0 ? 0 : 499 + links.length, communities: [] },
    ],
  };
  mesh.inject(victim, link, encodeBgp(update));
}

describe('alanet against a lying neighbor', () => {
  const far = keysOf(77);
  const farther = keysOf(78);

  function refuses(at: Scene, reason: string): void {
    expect(at.neighbor.refusals).to.have.property(reason, 1);
    expect(at.neighbor.routes.size).to.equal(1);
    expect(at.neighbor.state).to.equal('Established');
    const rows = views.neighborRoutes(at.victim.alanet, at.mesh.now, at.link, 'received');
    expect(rows.find((row) => !row.valid)?.lostBy).to.equal(reason);
  }

  it('accepts an honest route first of all', () => {
    const at = scene();
    const link = linkRecord(at.attacker.keys, far);
    claim(at, [far.record, link], { links: [1], origin: 0 });
    expect(at.neighbor.refusals).to.deep.equal({});
    expect(at.neighbor.routes.size).to.equal(2);
  });

  it('refuses an unsigned origin', () => {
    const at = scene();
    const bare = { ...far.record, signature: new Uint8Array(0) };
    claim(at, [bare, linkRecord(at.attacker.keys, far)], { links: [1], origin: 0 });
    refuses(at, 'unsigned');
  });

  it('refuses an origin that somebody else signed', () => {
    const at = scene();
    const wrong = { ...far.record, signature: farther.record.signature };
    claim(at, [wrong], { links: [], origin: 0 });
    refuses(at, 'bad-signature');
  });

  it('refuses an origin of another realm', () => {
    const at = scene();
    claim(at, [keysOf(77, { realm: 'other' }).record], { links: [], origin: 0 });
    refuses(at, 'wrong-realm');
  });

  it('refuses an expired origin', () => {
    const at = scene();
    claim(at, [keysOf(77, { notAfter: EPOCH - 10 }).record], { links: [], origin: 0 });
    refuses(at, 'expired');
  });

  it('refuses an origin record that is older than one it has seen', () => {
    const at = scene();
    const link = linkRecord(at.attacker.keys, far);
    const newer = signNode(crypto, far.seed, { ...far.body, seq: 11 });
    claim(at, [newer, link], { links: [1], origin: 0 });
    claim(at, [far.record, link], { links: [1], origin: 0 });
    expect(at.neighbor.refusals).to.deep.equal({ replayed: 1 });
  });

  it('refuses an adjacency that only one end signed', () => {
    const at = scene();
    const half = { ...linkRecord(at.attacker.keys, far), countersignature: new Uint8Array(0) };
    claim(at, [far.record, half], { links: [1], origin: 0 });
    refuses(at, 'unsigned');
  });

  it('refuses an adjacency that the other end never signed', () => {
    const at = scene();
    const honest = linkRecord(at.attacker.keys, far);
    const forger = keysOf(99);
    const forged = linkRecord(forger, farther);
    const invented =
      at.attacker.keys.id < far.id
        ? { ...honest, countersignature: forged.countersignature }
        : { ...honest, signature: forged.signature };
    claim(at, [far.record, invented], { links: [1], origin: 0 });
    refuses(at, 'bad-signature');
  });

  it('refuses a path that was shortened: it does not reach the origin', () => {
    const at = scene();
    claim(at, [far.record, linkRecord(at.attacker.keys, far), farther.record], {
      links: [1],
      origin: 2,
    });
    refuses(at, 'broken-path');
  });

  it('refuses a prefix of somebody else as the own', () => {
    const at = scene();
    claim(at, [far.record], { links: [], origin: 0 });
    refuses(at, 'broken-path');
  });

  it('refuses a path through itself, and one that visits a node twice', () => {
    const at = scene();
    const { victim, attacker } = at;
    const back = [attacker.keys.record, linkRecord(attacker.keys, victim.keys), far.record];
    claim(at, [...back, linkRecord(victim.keys, far)], { links: [1, 3], origin: 2 });
    refuses(at, 'loop');
  });

  it('refuses an adjacency that its end has signed down since', () => {
    const at = scene();
    const records = [far.record, linkRecord(at.attacker.keys, far)];
    claim(at, records, { links: [1], origin: 0 });
    const body = linkBody(at.attacker.keys.id, far.id, { down: true, seq: EPOCH + 1 });
    const down = signDown(crypto, far.seed, body, far.id < at.attacker.keys.id ? 'a' : 'b');
    claim(at, [far.record, down], { links: [], origin: 0 });
    expect(at.neighbor.routes.size).to.equal(1);
    claim(at, records, { links: [1], origin: 0 });
    expect(at.neighbor.refusals).to.have.property('link-down', 1);
    expect(at.neighbor.routes.size).to.equal(1);
  });

  it('refuses a route that refers to nothing, and takes back what was said before', () => {
    const at = scene();
    claim(at, [far.record, linkRecord(at.attacker.keys, far)], { links: [1], origin: 0 });
    const lost = { ...NOTHING, routes: [{ origin: 900, path: 4711, communities: [] }] };
    at.mesh.inject(at.victim, at.link, encodeBgp(lost));
    refuses(at, 'unknown-reference');
  });

  it('explains a prefix with the reason for which a route to it was refused', () => {
    const at = scene();
    claim(at, [far.record], { links: [], origin: 0 });
    const [prefix] = at.neighbor.refused.map((one) => one.prefix);
    const explained = views.explain(at.victim.alanet, at.mesh.now, prefix as Prefix);
    expect(explained).to.have.property('winner', null);
    const { losers } = explained as { losers: views.RouteRow[] };
    expect(losers.map(({ lostBy, valid }) => [lostBy, valid])).to.deep.equal([
      ['broken-path', false],
    ]);
  });

  it('takes a route that cannot be decoded as withdrawn, and the rest of the UPDATE as said', () => {
    const at = scene();
    const link = linkRecord(at.attacker.keys, far);
    claim(at, [far.record, link], { links: [1], origin: 0 });
    expect(at.neighbor.routes.size).to.equal(2);
    const communities = Array.from({ length: 33 }, () => 1n);
    const other = linkRecord(at.attacker.keys, farther);
    const update = {
      ...NOTHING,
      records: [farther.record, other].map((record, i) => ({ id: 910 + i, record })),
      paths: [{ id: 510, parent: 0, link: 911 }],
      routes: [
        { origin: 900, path: 500, communities },
        { origin: 910, path: 510, communities: [] },
      ],
    };
    at.mesh.inject(at.victim, at.link, encodeBgp(update));
    expect(at.neighbor.refusals).to.deep.equal({ malformed: 1 });
    const has = (id: NodeId) => at.neighbor.routes.has(prefixOfNode(id));
    expect([has(far.id), has(farther.id)]).to.deep.equal([false, true]);
    expect(at.neighbor.state).to.equal('Established');
  });

  it('ends the session of a neighbor that sends no protobuf, restarts it, and leaves others alone', () => {
    const { mesh, nodes } = line(3);
    const [, middle] = nodes as [TestNode, TestNode, TestNode];
    const [left, right] = [...middle.alanet.neighbors.values()] as [Neighbor, Neighbor];
    mesh.inject(middle, left.link, new Uint8Array([0xff, 0xff, 0xff, 1, 2, 3]));
    expect(left.lastError).to.match(/UPDATE message error \(3\/1\)/);
    expect(right.state).to.equal('Established');
    expect(right.connectionsDropped).to.equal(0);
    mesh.advance(10_000);
    expect(left.state).to.equal('Established');
    expect(right.connectionsDropped).to.equal(0);
  });

  it('ignores a message that a newer version may send', () => {
    const at = scene();
    // Field 15 of the envelope, length-delimited, two bytes.
    at.mesh.inject(at.victim, at.link, new Uint8Array([0x7a, 2, 1, 2]));
    expect(at.neighbor.state).to.equal('Established');
    expect(at.neighbor.received).to.have.property('unknown', 1);
  });

  it('ends the session of a neighbor that has it remember too much', () => {
    const nodes = [new TestNode(1, { limits: { recordsMax: 20 } }), new TestNode(2)];
    const mesh = new TestMesh(nodes);
    const [victim, attacker] = nodes as [TestNode, TestNode];
    const { a } = mesh.join(victim, attacker);
    mesh.advance(1_000);
    const records = Array.from({ length: 21 }, (_, i) => ({
      id: 900 + i,
      record: keysOf(1000 + i).record,
    }));
    mesh.inject(victim, a, encodeBgp({ ...NOTHING, records }));
    const neighbor = victim.alanet.neighbors.get(a);
    expect(neighbor?.lastError).to.match(/cease \(6\/1\)/);
    expect(neighbor?.state).to.equal('Idle');
    mesh.advance(5_000);
    expect(neighbor?.state).to.equal('Established');
  });
});
