import { expect } from 'chai';
import type { PathId } from '../../../src/plane/types.js';
import { at, Bench, link, type MakePlane, node, Peer, packet } from './harness.js';

const outbound = (bytes = 100) => packet({ source: node(1), destination: node(2), bytes });
const inbound = () => packet({ source: node(2), destination: node(1) });

/** WireGuard's data messages, keys and their rotation. */
export function sessionContract(make: MakePlane): void {
  it('seals a packet as WireGuard does: type 4, their index, counters from 0, padded to 16', () => {
    const bench = new Bench(make);
    bench.tun(outbound(111));
    bench.unit.takeSent();
    bench.key(2, new Peer(22));
    bench.tun(outbound(100), outbound(112));
    const sent = bench.unit.takeSent();
    expect(sent.map((s) => s.path)).to.deep.equal([2, 2]);
    const opened = sent.map((s) => bench.peer(2).open(s.datagram));
    expect(opened.map((o) => o?.counter)).to.deep.equal([0, 1]);
    expect(opened.map((o) => o?.payload.length)).to.deep.equal([112, 112]);
    expect(opened[0]?.payload.subarray(0, 100)).to.deep.equal(outbound(100));
    expect(opened[0]?.payload.subarray(100)).to.deep.equal(new Uint8Array(12));
  });

  it('pads no further than the path carries', () => {
    const bench = new Bench(make);
    bench.apply(bench.link(2, { datagramBytesMax: 1292 + 32 }));
    bench.tun(outbound(1285), outbound(1292));
    expect(bench.got(2).map((p) => p.length)).to.deep.equal([1292, 1292]);
  });

  it('delivers a packet for us to the TUN, without the padding, hop limit untouched', () => {
    const bench = new Bench(make);
    bench.from(2, inbound());
    expect(bench.unit.takeTun()).to.deep.equal([inbound()]);
    expect(bench.counters(2)).to.include({ rxPackets: 1, rxBytes: 96, rxData: 1 });
  });

  it('drops a replayed, a forged, an unknown and an expired datagram, each for its reason', () => {
    const bench = new Bench(make);
    const datagram = bench.peer(2).seal(inbound());
    const forged = datagram.slice();
    forged[40] = (forged[40] ?? 0) ^ 1;
    const unknown = datagram.slice();
    unknown[4] = 0x55;
    bench.raw(2, forged, datagram, datagram, unknown);
    expect(bench.unit.takeTun()).to.have.length(1);
    bench.now = at(1000 + 180_000);
    bench.raw(2, bench.peer(2).seal(inbound()));
    expect(bench.unit.plane.drops()).to.deep.equal({
      ...{ 'bad-tag': 1, replayed: 1, 'unknown-index': 1, 'key-expired': 1 },
    });
    expect(bench.unit.takeTun()).to.have.length(0);
  });

  it('takes packets out of order, and refuses a counter at the end of its range', () => {
    const bench = new Bench(make);
    const { peers } = bench;
    for (const counter of [5, 3, 4, 2, 1, 0, 2 ** 53 - 1]) {
      bench.raw(2, peers.get(2)?.seal(inbound(), counter) ?? new Uint8Array(0));
    }
    expect(bench.unit.takeTun()).to.have.length(6);
    expect(bench.dropped('replayed')).to.equal(1);
    expect(bench.counters(2).rxLost).to.equal(0);
  });

  it('counts gaps as lost, also of keys that are gone', () => {
    const bench = new Bench(make);
    for (const counter of [0, 1, 4, 9]) bench.raw(2, bench.peer(2).seal(inbound(), counter));
    expect(bench.counters(2).rxLost).to.equal(6);
    bench.apply({ kind: 'wipe-keys', link: link(2) });
    expect(bench.counters(2).rxLost).to.equal(6);
  });

  it('takes a keepalive as a sign of life only', () => {
    const bench = new Bench(make);
    bench.tun(outbound());
    expect(bench.counters(2).unansweredSinceAt).to.equal(bench.now);
    bench.from(2, new Uint8Array(0));
    expect(bench.unit.takeTun()).to.have.length(0);
    const { lastRxAt, lastDataRxAt, unansweredSinceAt, rxData } = bench.counters(2);
    expect({ lastRxAt, lastDataRxAt, unansweredSinceAt, rxData }).to.deep.equal({
      ...{ lastRxAt: bench.now, lastDataRxAt: 0, unansweredSinceAt: 0, rxData: 0 },
    });
  });

  it('as the initiator sends at once, and tells of the first packet under the key', () => {
    const bench = new Bench(make);
    bench.from(2, inbound(), inbound());
    const { localIndex } = bench.peer(2).keypair;
    expect(bench.unit.takeEvents()).to.deep.equal([
      { kind: 'confirmed', link: link(2), localIndex },
    ]);
  });

  it('as the responder sends under the new key only after a packet arrived under it', () => {
    const bench = new Bench(make);
    const old = bench.peer(2);
    const fresh = bench.key(2, new Peer(22, { initiator: false }));
    bench.tun(outbound());
    expect(bench.unit.takeSent().map((s) => old.open(s.datagram)?.counter)).to.deep.equal([0]);
    bench.raw(2, fresh.seal(new Uint8Array(0)));
    bench.tun(outbound());
    expect(bench.got(2)).to.have.length(1);
    expect(bench.kinds()).to.deep.equal(['confirmed']);
    bench.raw(2, old.seal(inbound()));
    expect(bench.unit.takeTun(), 'the previous key still opens').to.have.length(1);
  });

  it('keeps the current and the previous key of an initiator, and no third', () => {
    const bench = new Bench(make);
    const first = bench.peer(2);
    const second = bench.key(2, new Peer(22));
    bench.raw(2, first.seal(inbound()), second.seal(inbound()));
    expect(bench.unit.takeTun()).to.have.length(2);
    const third = bench.key(2, new Peer(23));
    bench.raw(2, first.seal(inbound()), second.seal(inbound()), third.seal(inbound()));
    expect(bench.unit.takeTun()).to.have.length(2);
    expect(bench.dropped('unknown-index')).to.equal(1);
  });

  it('as the responder forgets the previous key when another is made, and a next that was never used', () => {
    const bench = new Bench(make);
    const first = bench.peer(2);
    const second = bench.key(2, new Peer(22));
    const third = bench.key(2, new Peer(23, { initiator: false }));
    bench.raw(2, first.seal(inbound()), second.seal(inbound()));
    expect(bench.unit.takeTun()).to.have.length(1);
    const fourth = bench.key(2, new Peer(24, { initiator: false }));
    bench.raw(2, third.seal(inbound()), second.seal(inbound()), fourth.seal(inbound()));
    expect(bench.unit.takeTun()).to.have.length(2);
    expect(bench.dropped('unknown-index')).to.equal(2);
  });

  it('as the initiator keeps an unconfirmed next key as the previous one, instead of the current', () => {
    const bench = new Bench(make);
    const current = bench.peer(2);
    const next = bench.key(2, new Peer(22, { initiator: false }));
    bench.key(2, new Peer(23));
    bench.raw(2, next.seal(inbound()), current.seal(inbound()));
    expect(bench.unit.takeTun()).to.have.length(1);
    expect(bench.dropped('unknown-index')).to.equal(1);
    bench.tun(outbound());
    expect(bench.got(2), 'sent under the newest').to.have.length(1);
  });

  it('stages packets while there is no key, asks for one once, and sends them in order', () => {
    const bench = new Bench(make);
    bench.apply({ kind: 'wipe-keys', link: link(2) });
    for (let i = 0; i < 130; i++) bench.tun(outbound(60 + i));
    expect(bench.unit.takeEvents()).to.deep.equal([{ kind: 'key-wanted', link: link(2) }]);
    expect(bench.dropped('staging-full')).to.equal(2);
    bench.key(2, new Peer(22));
    const lengths = bench.gotPackets(2).map((p) => p.length);
    expect(lengths).to.deep.equal(Array.from({ length: 128 }, (_, i) => 62 + i));
  });

  it('as the responder sends what is staged when the key is confirmed', () => {
    const bench = new Bench(make);
    bench.apply({ kind: 'wipe-keys', link: link(2) });
    bench.tun(outbound());
    const fresh = bench.key(2, new Peer(22, { initiator: false }));
    expect(bench.got(2)).to.have.length(0);
    bench.raw(2, fresh.seal(new Uint8Array(0)));
    expect(bench.gotPackets(2)).to.deep.equal([outbound()]);
  });

  it('stages instead of using a key that is too old', () => {
    const bench = new Bench(make);
    bench.now = at(1000 + 180_000);
    bench.tun(outbound());
    expect(bench.unit.takeSent()).to.have.length(0);
    expect(bench.kinds()).to.deep.equal(['key-wanted']);
  });

  it('asks again once a key that came has gone, and every 5 s while none comes', () => {
    const bench = new Bench(make);
    bench.apply({ kind: 'wipe-keys', link: link(2) });
    bench.tun(outbound());
    bench.key(2, new Peer(22, { createdAt: bench.now, rejectAfterMsec: 1000 }));
    bench.now = at(bench.now + 1000);
    bench.tun(outbound());
    expect(bench.kinds()).to.deep.equal(['key-wanted', 'key-wanted']);
    for (let i = 0; i < 10; i++) {
      bench.now = at(bench.now + 1000);
      bench.tun(outbound());
    }
    expect(bench.kinds()).to.deep.equal(['key-wanted', 'key-wanted']);
  });

  it('forgets keys and staged packets on wipe-keys and with the link', () => {
    const bench = new Bench(make);
    bench.apply({ kind: 'wipe-keys', link: link(2) });
    bench.tun(outbound());
    bench.apply({ kind: 'wipe-keys', link: link(2) });
    bench.key(2, new Peer(22));
    expect(bench.got(2)).to.have.length(0);
    bench.apply({ kind: 'remove-link', link: link(2) });
    bench.from(2, inbound());
    expect(bench.dropped('unknown-index')).to.equal(1);
    expect(bench.unit.plane.readLink(link(2), bench.counters(3))).to.equal(false);
  });

  it('counts messages under the current key for rekeying', () => {
    const bench = new Bench(make);
    bench.tun(outbound(), outbound());
    expect(bench.counters(2).keyMessages).to.equal(2);
    bench.key(2, new Peer(22));
    expect(bench.counters(2)).to.include({ keyMessages: 0, txPackets: 2, txData: 2 });
  });

  it('tells of authenticated packets on another path, at most every 100 ms', () => {
    const bench = new Bench(make);
    for (let i = 0; i < 25; i++) {
      bench.now = at(2000 + 10 * i);
      bench.raw(4, bench.peer(2).seal(inbound()));
    }
    const moved = bench.unit.takeEvents().filter((event) => event.kind === 'moved');
    expect(moved).to.have.length(3);
    expect(moved[0]).to.deep.include({ link: link(2), path: bench.paths.get(4 as PathId) });
  });
}
