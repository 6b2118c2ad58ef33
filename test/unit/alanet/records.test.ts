import { expect } from 'chai';
import * as views from '../../../src/alanet/views.js';
import { addressBytes, type Prefix } from '../../../src/base/ip6.js';
import { deriveService } from '../../../src/identity/address.js';
import { countersignService, signNode, signService } from '../../../src/identity/records.js';
import { SeededEntropy } from '../../../src/sim/random.js';
import type { SignedRecord } from '../../../src/wire/types.js';
import { crypto, EPOCH, line, REALM, TestMesh, TestNode } from './mesh.js';

type Three = [TestNode, TestNode, TestNode];

/** The node signs another record of itself; it is shown at the next sweep. */
function resign(node: TestNode, change: { readonly seq: number; readonly notAfter: number }): void {
  node.record = signNode(crypto, node.keys.seed, { ...node.keys.body, ...change });
}

function service(host: TestNode, number: number, notAfter = EPOCH + 86_400) {
  const seed = new SeededEntropy(11, number).bytes(32);
  const proof = { publicKey: crypto.ed25519Public(seed), successor: new Uint8Array(32), nonce: 0n };
  const { prefix } = deriveService(crypto, REALM, proof);
  const sign = (seq: number): SignedRecord =>
    countersignService(
      crypto,
      host.keys.seed,
      signService(crypto, seed, {
        ...{ realm: REALM, proof, host: addressBytes(host.keys.id), seq, notAfter },
        ...{ anycast: false, name: `s${number}`, ports: [] },
      }),
    );
  return { prefix, sign };
}

describe('alanet and the lives of records', () => {
  it('drops a route when its origin has expired, and takes it back when that is signed anew', () => {
    const { mesh, nodes } = line(3);
    const [a, b, c] = nodes as Three;
    resign(c, { seq: 11, notAfter: EPOCH + 300 });
    mesh.advance(120_000);
    expect(a.has(c)).to.equal(true);
    mesh.advance(300_000);
    expect(a.has(c)).to.equal(false);
    expect(b.has(c)).to.equal(false);
    expect(a.neighbor.refusals).to.have.property('expired');
    resign(c, { seq: 12, notAfter: EPOCH + 86_400 });
    mesh.advance(120_000);
    expect(b.has(c)).to.equal(true);
    expect(a.has(c)).to.equal(true);
    expect(a.alanet.neighborOf(b.keys.id)?.connectionsDropped).to.equal(0);
  });

  it('refuses a neighbor that shows an older record of itself than one seen before', () => {
    const { mesh, nodes } = line(2);
    const [a, b] = nodes as [TestNode, TestNode];
    resign(b, { seq: 11, notAfter: EPOCH + 86_400 });
    mesh.advance(120_000);
    b.record = b.keys.record;
    const [link] = a.ends.keys();
    mesh.reset(a, link as never);
    expect(a.neighbor.state).to.equal('Idle');
    expect(a.neighbor.lastError).to.match(/\(2\/2\).*older/);
    resign(b, { seq: 12, notAfter: EPOCH + 86_400 });
    mesh.advance(10_000);
    expect(a.neighbor.state).to.equal('Established');
  });

  it('keeps what it has seen when it stops, though it was about to keep it later', () => {
    const { mesh, nodes } = line(2);
    const [a, b] = nodes as [TestNode, TestNode];
    expect(a.persisted).to.equal(undefined);
    a.alanet.handleCommand(mesh.now, { kind: 'shutdown' });
    mesh.run();
    expect(JSON.stringify(a.persisted)).to.contain(`node:${b.keys.id}`);
  });

  it('still refuses after a restart what is older than what it had seen before', () => {
    const first = line(2);
    const [a, b] = first.nodes as [TestNode, TestNode];
    resign(b, { seq: 11, notAfter: EPOCH + 86_400 });
    first.mesh.advance(120_000);
    a.alanet.handleCommand(first.mesh.now, { kind: 'shutdown' });
    first.mesh.run();
    const again = new TestNode(1, { highestSeen: JSON.parse(JSON.stringify(a.persisted)) });
    const mesh = new TestMesh([again, new TestNode(2)]);
    mesh.join(again, mesh.nodes[1] as TestNode);
    mesh.advance(500);
    expect(again.neighbor.state).to.equal('Idle');
    expect(again.neighbor.lastError).to.match(/older/);
  });

  it('carries services, their renewals and their end', () => {
    const { mesh, nodes } = line(3);
    const [a, , c] = nodes as Three;
    const { prefix, sign } = service(c, 1);
    const tell = (services: readonly SignedRecord[]) => {
      c.alanet.handleCommand(mesh.now, { kind: 'set-services', services });
      mesh.advance(1_000);
    };
    tell([sign(5)]);
    expect(a.alanet.locRib.best(prefix)?.asPath.at(-1)).to.equal(c.keys.id);
    expect(a.fib.has(prefix)).to.equal(true);
    tell([sign(6)]);
    const [row] = views.routes(a.alanet, mesh.now, prefix);
    expect(row).to.include({ originSeq: 6, best: true });
    tell([]);
    expect(a.alanet.locRib.best(prefix)).to.equal(undefined);
    expect(a.fib.has(prefix)).to.equal(false);
  });

  it('ends an own service whose record has expired', () => {
    const { mesh, nodes } = line(2);
    const [a, b] = nodes as [TestNode, TestNode];
    const { prefix, sign } = service(b, 2, EPOCH + 300);
    b.alanet.handleCommand(mesh.now, { kind: 'set-services', services: [sign(5)] });
    mesh.advance(1_000);
    const has = (node: TestNode, one: Prefix) => node.alanet.locRib.best(one) !== undefined;
    expect(has(a, prefix)).to.equal(true);
    mesh.advance(400_000);
    expect([has(a, prefix), has(b, prefix)]).to.deep.equal([false, false]);
  });

  it("says a service's host before the service, whatever comes first", () => {
    const { mesh, nodes } = line(3);
    const [a, b, c] = nodes as Three;
    const { prefix, sign } = service(c, 3);
    c.alanet.handleCommand(mesh.now, { kind: 'set-services', services: [sign(5)] });
    mesh.advance(1_000);
    const [link] = a.ends.keys();
    mesh.cut(a, link as never);
    // Then the service is the first that b has to say.
    const newcomer = new TestNode(9);
    mesh.add(newcomer);
    const known = b.alanet.locRib.routes(c.prefix);
    for (const route of known) b.alanet.locRib.remove(route.prefix, route.link);
    mesh.join(b, newcomer);
    mesh.advance(2_000);
    expect(newcomer.neighbor.refusals).to.deep.equal({});
    expect(newcomer.alanet.locRib.best(prefix)).to.not.equal(undefined);
  });
});
