import { expect } from 'chai';
import { splitUpdate } from '../../../src/alanet/rib/split.js';
import { proposeLink, signDown } from '../../../src/identity/records.js';
import { LINK_MESSAGE_MAX } from '../../../src/link/types.js';
import { encodeBgp } from '../../../src/wire/bgp.js';
import type { BgpUpdate } from '../../../src/wire/types.js';
import { announceBehind, linkAt, linkBody, linkRecord, neighborAt, update } from './claims.js';
import { crypto, type Keys, keysOf, line, type TestNode } from './mesh.js';

type Three = [TestNode, TestNode, TestNode];

describe('alanet at its limits', () => {
  it('survives a neighbor that signs its link down under the last number there is', () => {
    const { mesh, nodes } = line(2);
    const [victim, attacker] = nodes as [TestNode, TestNode];
    const [mine, its] = [victim.keys, attacker.keys];
    const body = linkBody(mine.id, its.id, { seq: Number.MAX_SAFE_INTEGER, down: true });
    const down = signDown(crypto, its.seed, body, its.id < mine.id ? 'a' : 'b');
    mesh.inject(victim, linkAt(victim), update({ records: [{ id: 900, record: down }] }));
    mesh.advance(60_000);
    expect(neighborAt(victim).agreement.inForce).to.equal(true);
  });

  it('does not countersign a link under the last number there is', () => {
    const { mesh, nodes } = line(2);
    const [low, high] = nodes.sort((a, b) => (a.keys.id < b.keys.id ? -1 : 1)) as [
      TestNode,
      TestNode,
    ];
    const body = linkBody(low.keys.id, high.keys.id, { seq: Number.MAX_SAFE_INTEGER });
    const record = proposeLink(crypto, low.keys.seed, body);
    mesh.inject(high, linkAt(high), encodeBgp({ kind: 'link-proposal', record }));
    expect(neighborAt(high).lastError).to.match(/3\/1.*no room/);
    mesh.cut(high, linkAt(high));
    mesh.advance(60_000);
  });

  it('says in parts what thousands of routes behind one lost link come to', function () {
    this.timeout(120_000);
    const { mesh, nodes } = line(3);
    const [a, b, c] = nodes as Three;
    const far = Array.from({ length: 8_500 }, (_, i) => keysOf(10_000 + i));
    const to = { mesh, to: b, link: linkAt(b, 1) };
    const self = [{ id: 1, record: c.keys.record }];
    mesh.inject(b, to.link, update({ records: self }));
    announceBehind(to, c.keys, far);
    mesh.advance(10_000);
    expect(a.alanet.locRib.size).to.equal(far.length + 3);
    mesh.cut(b, to.link);
    expect(a.alanet.locRib.size).to.equal(2);
    mesh.join(b, c);
    mesh.advance(5_000);
    expect(neighborAt(a).lastError).to.equal('');
    expect(neighborAt(b).lastError).to.equal('');
    expect(a.alanet.locRib.size).to.equal(3);
  });

  it('sends a long path of the largest records in messages that fit', () => {
    const { mesh, nodes } = line(3);
    const [a, b, c] = nodes as Three;
    const endpoints = Array.from({ length: 16 }, (_, i) => `udp://${'x'.repeat(90)}${i}`);
    const chain = Array.from({ length: 40 }, (_, i) => keysOf(20_000 + i, { endpoints }));
    mesh.inject(b, linkAt(b, 1), update({ records: [{ id: 1, record: c.keys.record }] }));
    for (const [i, keys] of chain.entries()) {
      const link = linkRecord(chain[i - 1] ?? (c.keys as Keys), keys);
      mesh.inject(
        ...([b, linkAt(b, 1)] as const),
        update({
          records: [
            { id: 10 + i, record: keys.record },
            { id: 100 + i, record: link },
          ],
          paths: [{ id: 10 + i, parent: i === 0 ? 0 : 9 + i, link: 100 + i }],
          routes: i === 39 ? [{ origin: 49, path: 49, communities: [] }] : [],
        }),
      );
    }
    mesh.advance(2_000);
    expect(neighborAt(b, 1).refusals).to.deep.equal({});
    expect(a.alanet.locRib.size).to.equal(4);
  });

  it('cuts an UPDATE without changing what it says', () => {
    const body = new Uint8Array(2_048);
    const signature = new Uint8Array(64);
    const record = { kind: 'node', body, signature, countersignature: signature } as const;
    const ids = Array.from({ length: 9_000 }, (_, i) => 0xffff_0000 + i);
    const whole: BgpUpdate = {
      kind: 'update',
      records: ids.slice(0, 100).map((id) => ({ id, record })),
      paths: ids.slice(0, 5_000).map((id) => ({ id, parent: id, link: id })),
      routes: ids.slice(0, 5_000).map((id) => ({ origin: id, path: id, communities: [7n] })),
      ...{ withdrawn: ids, forgetPaths: ids, forgetRecords: ids, malformed: [] },
      ...{ beginOfRib: true, endOfRib: true },
    };
    const parts = splitUpdate(whole);
    for (const part of parts) expect(encodeBgp(part).length).to.be.at.most(LINK_MESSAGE_MAX / 2);
    for (const list of ['records', 'paths', 'routes', 'withdrawn', 'forgetRecords'] as const) {
      expect(parts.flatMap((part) => part[list] as unknown[])).to.deep.equal([...whole[list]]);
    }
    expect(parts.map((part) => part.beginOfRib).indexOf(true)).to.equal(0);
    expect(parts.findIndex((part) => part.endOfRib)).to.equal(parts.length - 1);
    const last = (list: 'records' | 'forgetPaths') =>
      parts.map((part) => part[list].length > 0).lastIndexOf(true);
    expect(last('records')).to.be.at.most(parts.findIndex((part) => part.paths.length > 0));
    expect(parts.findIndex((p) => p.forgetPaths.length > 0)).to.be.at.least(1);
  });
});
