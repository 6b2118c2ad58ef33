import { expect } from 'chai';
import { concat, readU16, readU32 } from '../../../src/base/bytes.js';
import { addressBytes } from '../../../src/base/ip6.js';
import { icmp6Checksum } from '../../../src/plane/icmp6.js';
import { at, Bench, bytesOf, echo, type MakePlane, node, packet, pattern } from './harness.js';

interface Told {
  readonly type: number;
  readonly code: number;
  readonly word: number;
  readonly quote: Uint8Array;
}

/** Checks everything that every ICMPv6 error of ours has in common. */
function told(message: Uint8Array | undefined, to = node(2)): Told {
  if (message === undefined) throw new Error('no ICMPv6 message came');
  expect(message.subarray(0, 4)).to.deep.equal(new Uint8Array([0x60, 0, 0, 0]));
  expect(readU16(message, 4)).to.equal(message.length - 40);
  expect([message[6], message[7]]).to.deep.equal([58, 64]);
  expect(message.subarray(8, 24)).to.deep.equal(addressBytes(node(1)));
  expect(message.subarray(24, 40)).to.deep.equal(bytesOf(to));
  expect(icmp6Checksum(message, message.length)).to.equal(0);
  const quote = message.subarray(48);
  return { type: message[40] ?? 0, code: message[41] ?? 0, word: readU32(message, 44), quote };
}

/** What routers say when they drop, RFC 4443. */
export function icmpContract(make: MakePlane): void {
  const transit = (over: Partial<Parameters<typeof packet>[0]> = {}) =>
    packet({ source: node(2), destination: node(4), ...over });

  it('time exceeded: quotes the packet as it came', () => {
    for (const hopLimit of [0, 1]) {
      const bench = new Bench(make);
      bench.from(2, transit({ hopLimit }));
      const answer = told(bench.gotPackets(2)[0]);
      expect(answer).to.deep.equal({ type: 3, code: 0, word: 0, quote: transit({ hopLimit }) });
      expect(bench.dropped('hop-limit')).to.equal(1);
    }
  });

  it('a packet for us with the last hop limit is still for us', () => {
    const bench = new Bench(make);
    bench.from(2, packet({ source: node(2), destination: node(1), hopLimit: 1 }));
    expect(bench.unit.takeTun()).to.have.length(1);
  });

  it('no route: to the link, and into the TUN for our own packets', () => {
    const bench = new Bench(make);
    bench.from(2, transit({ destination: node(99) }));
    expect(told(bench.gotPackets(2)[0])).to.include({ type: 1, code: 0 });
    bench.tun(packet({ source: node(1), destination: node(99) }));
    expect(told(bench.unit.takeTun()[0], node(1))).to.include({ type: 1, code: 0 });
    expect(bench.dropped('no-route')).to.equal(2);
  });

  it('administratively prohibited: no transit between others, but to and from us', () => {
    const bench = new Bench(make, { transit: false });
    bench.from(2, transit());
    expect(told(bench.gotPackets(2)[0])).to.include({ type: 1, code: 1 });
    expect(bench.dropped('no-transit')).to.equal(1);
    bench.from(2, packet({ source: node(2), destination: node(1) }));
    bench.tun(packet({ source: node(1), destination: node(4) }));
    expect(bench.unit.takeTun()).to.have.length(1);
    expect(bench.got(3)).to.have.length(1);
  });

  it('packet too big: tells the MTU of the link, quotes up to 1280 bytes in all', () => {
    const bench = new Bench(make);
    bench.from(2, transit({ bytes: 1421 }));
    const message = bench.gotPackets(2)[0];
    expect(message?.length).to.equal(1280);
    expect(told(message)).to.deep.include({ type: 2, code: 0, word: 1420 });
    expect(told(message).quote).to.deep.equal(transit({ bytes: 1421 }).subarray(0, 1232));
    bench.tun(packet({ source: node(1), destination: node(2), bytes: 2000 }));
    expect(told(bench.unit.takeTun()[0], node(1))).to.include({ type: 2, word: 1420 });
    bench.from(2, transit({ bytes: 1420 }));
    expect(bench.gotPackets(3)).to.have.length(1);
  });

  it('address unreachable: for what the kernel finds no host for in our own prefix', () => {
    const bench = new Bench(make);
    const absent = node(1).replace(/01$/, '55') as ReturnType<typeof node>;
    bench.tun(packet({ source: node(1), destination: absent }));
    expect(told(bench.unit.takeTun()[0], node(1))).to.include({ type: 1, code: 3 });
    expect(bench.dropped('loop')).to.equal(1);
  });

  it('says nothing about ICMPv6 errors, redirects and what may hide one; but about echoes', () => {
    const bench = new Bench(make);
    const doomed = { source: node(2), destination: node(99) };
    for (const type of [1, 2, 3, 4, 100, 127, 137]) {
      bench.from(2, packet({ ...doomed, protocol: 58, payload: new Uint8Array(8).fill(type) }));
    }
    const hopByHop = concat(new Uint8Array([58, 0, 1, 4, 0, 0, 0, 0]), new Uint8Array(8).fill(3));
    bench.from(2, packet({ ...doomed, protocol: 0, payload: hopByHop }));
    const laterFragment = new Uint8Array([58, 0, 1, 0, 0, 0, 0, 1, 9, 9]);
    bench.from(2, packet({ ...doomed, protocol: 44, payload: laterFragment }));
    bench.from(2, packet({ ...doomed, protocol: 60, payload: new Uint8Array([58, 99]) }));
    bench.from(2, packet({ ...doomed, protocol: 58, payload: new Uint8Array(0) }));
    expect(bench.unit.takeSent()).to.deep.equal([]);
    expect(bench.dropped('no-route')).to.equal(11);
    bench.from(2, echo({ ...doomed, identifier: 1 }));
    expect(bench.got(2)).to.have.length(1);
  });

  it('is limited to a burst of 50 and 100 a second', () => {
    const bench = new Bench(make);
    const flood = () => {
      for (let i = 0; i < 200; i++) bench.from(2, transit({ hopLimit: 1 }));
      return bench.got(2).length;
    };
    expect(flood()).to.equal(50);
    bench.now = at(bench.now + 200);
    expect(flood()).to.equal(20);
    expect(bench.dropped('hop-limit')).to.equal(400);
  });

  it('answers to an injected echo come up, others go to the TUN', () => {
    const bench = new Bench(make);
    const ping = echo({ source: node(1), destination: node(4), identifier: 77 });
    bench.apply({ kind: 'inject', packet: ping });
    expect(bench.gotPackets(3)).to.deep.equal([ping]);
    const reply = { source: node(4), destination: node(1), type: 129 };
    const error = packet({
      ...{ source: node(3), destination: node(1), protocol: 58 },
      payload: concat(new Uint8Array([3, 0, 0, 0, 0, 0, 0, 0]), ping),
    });
    bench.from(3, echo({ ...reply, identifier: 77 }), error);
    expect(bench.kinds()).to.deep.equal(['confirmed', 'pong', 'pong']);
    expect(bench.unit.takeTun()).to.deep.equal([]);
    bench.from(3, echo({ ...reply, identifier: 78 }));
    bench.from(3, echo({ ...reply, type: 128, identifier: 77 }));
    expect(bench.unit.takeTun()).to.have.length(2);
    bench.now = at(bench.now + 30_000);
    bench.from(3, echo({ ...reply, identifier: 77 }));
    expect(bench.unit.takeTun(), 'too late: it may be of another program').to.have.length(1);
  });

  it('waits for the answers to at most 64 injected identifiers', () => {
    const bench = new Bench(make);
    for (let identifier = 0; identifier < 65; identifier++) {
      const ping = echo({ source: node(1), destination: node(4), identifier });
      bench.apply({ kind: 'inject', packet: ping });
    }
    const reply = { source: node(4), destination: node(1), type: 129 };
    bench.from(3, echo({ ...reply, identifier: 0 }), echo({ ...reply, identifier: 1 }));
    expect(bench.kinds()).to.deep.equal(['confirmed', 'pong']);
    expect(bench.unit.takeTun()).to.have.length(1);
  });

  it('an injected echo hears of our own refusal, and from ourselves', () => {
    const bench = new Bench(make);
    const lost = echo({ source: node(1), destination: node(99), identifier: 5 });
    bench.apply({ kind: 'inject', packet: lost });
    const own = echo({ source: node(1), destination: node(1), identifier: 6 });
    bench.apply({ kind: 'inject', packet: own });
    const pongs = bench.unit.takeEvents().map((e) => (e.kind === 'pong' ? e.packet : undefined));
    expect(told(pongs[0], node(1))).to.include({ type: 1, code: 0 });
    expect(pongs[1]?.[40]).to.equal(129);
    expect(icmp6Checksum(pongs[1] ?? pattern(40), pongs[1]?.length ?? 40)).to.equal(0);
    expect(bench.unit.takeTun()).to.deep.equal([]);
  });
}
