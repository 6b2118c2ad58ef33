import { expect } from 'chai';
import type { PathId, PlaneEvent } from '../../../src/plane/types.js';
import { at, Bench, link, type MakePlane, node, Peer, packet, path, pattern } from './harness.js';

const outbound = (bytes = 100) => packet({ source: node(1), destination: node(2), bytes });
const inbound = () => packet({ source: node(2), destination: node(1) });

function part(index: number, total: number, id: number, bytes: Uint8Array): Uint8Array {
  return new Uint8Array([0xa3, (index << 4) | total, id >> 8, id & 0xff, ...bytes]);
}

/** Control payloads, handshakes, splitting and what goes up. */
export function controlContract(make: MakePlane): void {
  it('hands up control payloads to the byte, with path and size of the datagram', () => {
    const bench = new Bench(make);
    const payloads = [0xa0, 0xa1, 0xa2].map((first) => new Uint8Array([first, ...pattern(10)]));
    bench.from(2, ...payloads);
    const events = bench.unit.takeEvents().filter((event) => event.kind === 'control');
    expect(events).to.deep.equal(
      payloads.map((payload) => ({
        ...{ kind: 'control', link: link(2), path: bench.paths.get(2 as PathId), payload },
        datagramBytes: 43,
      })),
    );
    expect(bench.counters(2)).to.include({ rxPackets: 3, rxData: 0, lastDataRxAt: 0 });
  });

  it('sends control payloads and keepalives to the byte, and where `via` says', () => {
    const bench = new Bench(make);
    const payload = new Uint8Array([0xa1, 1, 2]);
    bench.apply(
      { kind: 'send', link: link(2), payload, via: 4 as PathId },
      { kind: 'send', link: link(2), payload: new Uint8Array(0) },
    );
    const sent = bench.unit.takeSent();
    expect(sent.map((s) => [s.path, s.datagram.length])).to.deep.equal([
      [4, 35],
      [2, 32],
    ]);
    expect(bench.peer(2).open(sent[0]?.datagram ?? pattern(32))?.payload).to.deep.equal(payload);
    expect(bench.counters(2)).to.include({ txPackets: 2, txBytes: 67, txData: 0 });
    expect(bench.counters(2).unansweredSinceAt).to.equal(0);
  });

  it('may probe above the datagram size of the link, but not of the path', () => {
    const bench = new Bench(make);
    bench.paths.set(4 as PathId, path(4, 1500));
    const probe = (bytes: number) => new Uint8Array(bytes - 32).fill(0xa1);
    const via = 4 as PathId;
    for (const bytes of [1500, 1501]) {
      bench.apply({ kind: 'send', link: link(2), payload: probe(bytes), via });
    }
    bench.apply({ kind: 'send', link: link(2), payload: probe(100), via: 9 as PathId });
    expect(bench.unit.takeSent().map((s) => s.datagram.length)).to.deep.equal([1500]);
    expect(bench.unit.plane.drops()).to.deep.equal({ 'too-big': 1, 'no-path': 1 });
  });

  it('counts a control payload without a key, and asks for one', () => {
    const bench = new Bench(make);
    bench.apply({ kind: 'wipe-keys', link: link(2) });
    bench.apply({ kind: 'send', link: link(2), payload: new Uint8Array([0xa0]) });
    bench.key(2, new Peer(22));
    expect(bench.unit.takeSent()).to.deep.equal([]);
    expect(bench.dropped('no-key')).to.equal(1);
    expect(bench.kinds()).to.deep.equal(['key-wanted']);
  });

  it('hands up handshake messages of the right size, and transmits ours as they are', () => {
    const bench = new Bench(make);
    const message = (type: number, bytes: number) => {
      const datagram = new Uint8Array(bytes);
      datagram[0] = type;
      return datagram;
    };
    const good = [message(1, 148), message(2, 92), message(3, 64)];
    bench.raw(4, ...good, message(1, 147), message(2, 148), message(5, 64), message(4, 31));
    const odd = message(1, 148);
    odd[2] = 1;
    bench.raw(4, odd, new Uint8Array(0));
    expect(bench.unit.takeEvents()).to.deep.equal(
      good.map((datagram) => ({
        ...{ kind: 'handshake', path: bench.paths.get(4 as PathId), datagram },
      })),
    );
    expect(bench.dropped('malformed')).to.equal(6);
    bench.apply({ kind: 'transmit', path: 3 as PathId, datagram: message(2, 92) });
    expect(bench.unit.takeSent()).to.deep.equal([{ path: 3, datagram: message(2, 92) }]);
  });

  it('hands up at most 256 handshake messages and 4096 control payloads in one pass', () => {
    const bench = new Bench(make);
    const initiation = new Uint8Array(148);
    initiation[0] = 1;
    bench.raw(4, ...new Array<Uint8Array>(300).fill(initiation));
    expect(bench.unit.takeEvents()).to.have.length(256);
    expect(bench.dropped('handshake-flood')).to.equal(44);
    bench.from(2, ...new Array<Uint8Array>(4100).fill(new Uint8Array([0xa0])));
    expect(bench.kinds().filter((kind) => kind === 'control')).to.have.length(4096);
    expect(bench.dropped('queue-full')).to.equal(4);
    bench.raw(4, initiation);
    expect(bench.kinds()).to.deep.equal(['handshake']);
  });

  it('tells of the first packet either way after `arm`, once', () => {
    const bench = new Bench(make);
    bench.from(2, new Uint8Array(0));
    bench.kinds();
    bench.apply({ kind: 'arm', link: link(2) });
    bench.from(2, new Uint8Array([0xa0]), new Uint8Array(0));
    expect(bench.kinds(), 'control payloads do not count').to.deep.equal(['control']);
    bench.tun(outbound(), outbound());
    expect(bench.kinds()).to.deep.equal(['active']);
    bench.apply({ kind: 'arm', link: link(2) });
    bench.from(2, inbound(), inbound());
    expect(bench.kinds()).to.deep.equal(['active']);
  });

  it('tells of failed paths', () => {
    const bench = new Bench(make);
    bench.unit.pathFailed(bench.now, path(2), 'closed');
    const events: PlaneEvent[] = [{ kind: 'path-failed', path: path(2), failure: 'closed' }];
    expect(bench.unit.takeEvents()).to.deep.equal(events);
  });

  it('splits what is too big for a datagram of the path, and joins it', () => {
    for (const datagramBytesMax of [400, 700, 1280]) {
      const there = new Bench(make);
      there.apply(there.link(2, { datagramBytesMax }));
      there.tun(outbound(1280), outbound(1300));
      const parts = there.got(2);
      const half = parts.length / 2;
      const mixed = parts.slice(0, half).flatMap((p, i) => [parts[half + i] ?? p, p]);
      for (const p of parts) expect(p.length + 32).to.be.at.most(datagramBytesMax);
      expect(there.counters(2).splitTx).to.equal(parts.length);
      expect(there.counters(2).txData).to.equal(2);

      const back = new Bench(make);
      back.apply({
        ...{ kind: 'local', address: node(2), prefixes: ['fd00000000000002/64'] as never },
        transit: false,
      });
      back.apply(back.link(3, { peer: node(1), sourceCheck: 'own' }));
      back.from(3, ...mixed);
      expect(back.unit.takeTun()).to.have.deep.members([outbound(1280), outbound(1300)]);
      expect(back.counters(3)).to.include({ joinedRx: 2, rxData: 2 });
    }
  });

  it('counts what is too big even for four parts', () => {
    const bench = new Bench(make);
    bench.apply(bench.link(2, { datagramBytesMax: 300 }));
    bench.tun(outbound(1280));
    expect(bench.unit.takeSent()).to.deep.equal([]);
    expect(bench.dropped('too-big')).to.equal(1);
    expect(bench.counters(2).txData).to.equal(0);
  });

  it('refuses parts that fit nowhere, and gives up what waits for 2 s', () => {
    const bench = new Bench(make);
    const bytes = pattern(100);
    bench.from(2, part(0, 1, 1, bytes), part(0, 5, 1, bytes), part(2, 2, 1, bytes));
    bench.from(2, part(0, 2, 1, new Uint8Array(0)), new Uint8Array([0xa3]));
    expect(bench.dropped('reassembly')).to.equal(5);
    const whole = packet({ source: node(2), destination: node(1), bytes: 200 });
    bench.from(2, part(0, 2, 7, whole.subarray(0, 100)), part(0, 2, 7, whole.subarray(0, 100)));
    bench.from(2, part(1, 3, 7, whole.subarray(100)));
    expect(bench.dropped('reassembly'), 'twice, and another total').to.equal(7);
    bench.now = at(bench.now + 2000);
    bench.from(2, part(1, 2, 7, whole.subarray(100)));
    expect(bench.unit.takeTun()).to.deep.equal([]);
    expect(bench.dropped('reassembly'), 'too late').to.equal(8);
    bench.from(2, part(0, 2, 7, whole.subarray(0, 100)));
    expect(bench.unit.takeTun()).to.deep.equal([whole]);
  });

  it('takes no part for a control payload or a part once it is joined', () => {
    const bench = new Bench(make);
    for (const first of [0xa0, 0xa3, 0x45]) {
      const inner = new Uint8Array(80).fill(first);
      bench.from(2, part(0, 2, first, inner.subarray(0, 40)));
      bench.from(2, part(1, 2, first, inner.subarray(40)));
    }
    expect(bench.kinds()).to.deep.equal(['confirmed']);
    expect(bench.dropped('malformed')).to.equal(3);
  });

  it('remembers at most 256 KiB of parts', () => {
    const bench = new Bench(make);
    for (let id = 0; id < 6; id++) bench.from(2, part(0, 2, id, pattern(60_000)));
    expect(bench.dropped('reassembly')).to.equal(2);
  });

  it('remembers at most 64 packets that wait for parts', () => {
    const bench = new Bench(make);
    for (let id = 0; id < 100; id++) bench.from(2, part(0, 2, id, pattern(40)));
    expect(bench.dropped('reassembly')).to.equal(36);
  });
}
