import { expect } from 'chai';
import fc from 'fast-check';
import type { PlaneEvent } from '../../../src/plane/types.js';
import { type LabNode, linked, pair, seeded } from './lab.js';

/** A control payload as if the other side had sealed it. */
function inject(node: LabNode, from: LabNode, payload: Uint8Array): void {
  const path = node.row(from).path;
  const info = node.pathOf(path?.remote ?? '');
  const link = node.linkTo(from);
  const event: PlaneEvent = { kind: 'control', link, path: info, payload, datagramBytes: 100 };
  node.mesh.handlePlane(node.now, event);
}

describe('mesh: bad input', () => {
  it('survives any control payload, handshake and beacon', () => {
    const { lab, a, b } = linked(401, { a: { discovery: true } });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(3), (bytes, kind) => {
        if (bytes.length > 0 && kind < 3) bytes[0] = 0xa0 + kind;
        const path = a.pathOf('udp://[fe80::2%eth0]:4242');
        inject(a, b, bytes);
        a.mesh.handlePlane(lab.now, { kind: 'handshake', path, datagram: bytes });
        a.mesh.handleBeacon(lab.now, { interface: 'eth0', source: 'fe80::5', bytes });
        a.settle();
      }),
      { numRuns: 300 },
    );
    expect(a.mesh.counters().malformedControl).to.be.above(10);
    expect(a.mesh.counters().malformedBeacons).to.be.above(10);
  });

  it('gives a link up that sends many malformed payloads, and says why', () => {
    const { lab, a, b } = linked(402);
    for (let i = 0; i < 20; i++) inject(a, b, Uint8Array.of(0xa0, 0xff));
    a.settle();
    expect(a.isUp(b)).to.equal(false);
    lab.advance(50);
    expect(b.told('down')[0]?.event).to.deep.include({
      reason: 'goodbye: too many malformed messages',
    });
  });

  it('bounds what one link may make us do in a second', () => {
    const { a, b } = linked(403);
    const probe = new Uint8Array(16);
    probe[0] = 0xa1;
    for (let i = 0; i < 8_000; i++) inject(a, b, probe);
    a.settle();
    expect(a.mesh.counters().controlFlood).to.be.within(2_900, 3_100);
    expect(a.isUp(b)).to.equal(true);
  });

  it('refuses its own identity elsewhere', () => {
    const { lab, wire, a, b } = pair(404, { a: { identity: 3 } });
    const twin = lab.node('twin', { eth0: wire }, { identity: 3 });
    const answer = a.mesh.handleCommand(lab.now, {
      kind: 'add-peer',
      peer: { key: twin.key, endpoints: [] },
    });
    expect(answer).to.deep.equal({ ok: false, error: 'this is our own key' });
    expect(b.mesh.peers()).to.be.empty;
  });

  it('refuses another node than the one that was configured', () => {
    const { lab, wire, a, b } = pair(405);
    a.addPeer(b, [wire], { id: a.id });
    b.addPeer(a, [wire]);
    lab.advance(10_000);
    expect(a.isUp(b)).to.equal(false);
    expect(a.row(b).lastError).to.match(/^it is fd.*, expected fd/);
    expect(a.mesh.counters().refusedHellos).to.be.within(1, 3);
  });

  it('refuses wrong peers with a reason', () => {
    const { lab, a } = pair(406);
    const add = (key: Uint8Array, endpoints: string[]) =>
      a.mesh.handleCommand(lab.now, { kind: 'add-peer', peer: { key, endpoints } });
    expect(add(new Uint8Array(5), [])).to.deep.include({ ok: false });
    expect(add(new Uint8Array(32), [])).to.deep.include({ error: 'not a valid X25519 key' });
    expect(add(seeded(1).bytes(32), ['nonsense'])).to.deep.include({
      error: "'nonsense' is not an endpoint URL",
    });
    const remove = { kind: 'remove-peer', key: new Uint8Array(32) } as const;
    expect(a.mesh.handleCommand(lab.now, remove)).to.deep.include({ ok: false });
  });

  it('keeps at most 16 candidates of a peer that names many', () => {
    const { lab, a, b } = linked(407);
    for (let round = 0; round < 10; round++) {
      const candidates = Array.from({ length: 16 }, (_, i) => `udp://192.0.2.${i}:${1000 + round}`);
      b.mesh.handleCommand(lab.now, { kind: 'set-candidates', candidates, port: 0 });
      b.reset(a);
      lab.until(() => a.isUp(b) && b.isUp(a), 1_000);
    }
    expect(a.row(b).paths).to.have.length(16);
    expect(a.isUp(b)).to.equal(true);
  });
});

describe('mesh: stock WireGuard peers', () => {
  it('get keys, packets and no control payload', () => {
    const { lab, wire, a, b } = pair(411);
    const all = { prefixes: [{ address: new Uint8Array(16), length: 0 }] };
    a.addPeer(b, [wire], { stock: all });
    b.addPeer(a, [wire], { stock: all });
    lab.until(() => a.isUp(b) && b.isUp(a), 2_000);
    a.routeTo(b);
    a.sendPacket(b);
    lab.advance(10);
    expect(b.delivered).to.have.length(1);
    expect(a.linkEvents).to.be.empty;
    const before = wire.datagrams;
    lab.advance(100_000);
    expect(wire.datagrams - before).to.be.at.most(2);
  });
});
