import { expect } from 'chai';
import { fromHex } from '../../../src/base/bytes.js';
import {
  Bench,
  link,
  type MakePlane,
  net,
  node,
  Peer,
  packet,
  service,
  serviceAddress,
} from './harness.js';

const hex = (text: string): Uint8Array => fromHex(text) ?? new Uint8Array(0);

const MARTIANS: readonly (readonly [string, Uint8Array])[] = [
  ['unspecified', new Uint8Array(16)],
  ['loopback', hex(`${'00'.repeat(15)}01`)],
  ['v4-mapped', hex(`${'00'.repeat(10)}ffff0a000001`)],
  ['multicast', hex(`ff02${'00'.repeat(13)}01`)],
  ['link-local', hex(`fe80${'00'.repeat(13)}01`)],
];

/** Who may send what where. */
export function forwardingContract(make: MakePlane): void {
  const transit = (over: Partial<Parameters<typeof packet>[0]> = {}) =>
    packet({ source: node(2), destination: node(4), ...over });

  it('forwards between links with the hop limit one less and everything else the same', () => {
    const bench = new Bench(make);
    bench.from(2, transit({ bytes: 777 }));
    expect(bench.gotPackets(3)).to.deep.equal([transit({ bytes: 777, hopLimit: 63 })]);
    expect(bench.unit.takeTun()).to.have.length(0);
  });

  it('leaves the hop limit of packets from the TUN to the kernel', () => {
    const bench = new Bench(make);
    const mine = packet({ source: node(1), destination: node(4), hopLimit: 1 });
    bench.tun(mine);
    expect(bench.gotPackets(3)).to.deep.equal([mine]);
  });

  it('follows changes of routes, and prefers a /128 to the /64', () => {
    const bench = new Bench(make);
    const host = serviceAddress(7);
    const mine = packet({ source: node(1), destination: host });
    bench.tun(mine);
    expect(bench.dropped('no-route')).to.equal(1);
    bench.apply({ kind: 'fib', changes: [{ kind: 'set', prefix: service(7), link: link(2) }] });
    bench.tun(mine);
    expect(bench.got(2)).to.have.length(1);
    bench.apply({ kind: 'fib', changes: [{ kind: 'delete', prefix: service(7) }] });
    bench.tun(mine);
    expect(bench.dropped('no-route')).to.equal(2);
  });

  it('delivers to all of its own /64 and its services, and no longer when they are taken away', () => {
    const bench = new Bench(make);
    const neighbor = node(1).replace(/01$/, '99') as ReturnType<typeof node>;
    bench.from(2, packet({ source: node(2), destination: neighbor }));
    bench.from(2, packet({ source: node(2), destination: serviceAddress(1) }));
    expect(bench.unit.takeTun()).to.have.length(2);
    bench.apply({ kind: 'local', address: node(1), prefixes: [net(1)], transit: true });
    bench.from(2, packet({ source: node(2), destination: serviceAddress(1) }));
    expect(bench.unit.takeTun()).to.have.length(0);
    expect(bench.dropped('no-route')).to.equal(1);
  });

  for (const [name, address] of MARTIANS) {
    it(`drops ${name} sources and destinations from links and from the TUN`, () => {
      const bench = new Bench(make);
      bench.from(2, transit({ source: address }), transit({ destination: address }));
      bench.tun(packet({ source: address, destination: node(2) }));
      bench.tun(packet({ source: node(1), destination: address }));
      expect(bench.unit.plane.drops()).to.deep.equal({
        ...{ 'martian-source': 2, 'martian-destination': 2 },
      });
      expect(bench.unit.takeSent()).to.deep.equal([]);
      expect(bench.unit.takeTun()).to.deep.equal([]);
    });
  }

  it('routed sources: any that has a route, but never ours nor from outside fc00::/7', () => {
    const bench = new Bench(make);
    bench.from(2, transit({ source: node(3), destination: node(1) }));
    expect(bench.unit.takeTun()).to.have.length(1);
    bench.from(2, transit({ source: node(1) }), transit({ source: node(99) }));
    bench.from(2, transit({ source: hex(`2001${'00'.repeat(13)}01`) }));
    expect(bench.dropped('wrong-source')).to.equal(3);
    expect(bench.unit.takeSent()).to.deep.equal([]);
  });

  it("own sources: the peer's /64 and services that are routed to it, nothing else", () => {
    const bench = new Bench(make);
    const changes = [2, 3].map((n) => ({
      kind: 'set' as const,
      prefix: service(n),
      link: link(n),
    }));
    bench.apply(bench.link(2, { sourceCheck: 'own' }), { kind: 'fib', changes });
    const inNet = `${node(2).slice(0, 30)}77` as ReturnType<typeof node>;
    bench.from(2, transit({ source: inNet }), transit({ source: serviceAddress(2) }));
    expect(bench.got(3)).to.have.length(2);
    bench.from(2, transit({ source: node(3) }), transit({ source: serviceAddress(3) }));
    bench.from(2, transit({ source: serviceAddress(9) }));
    expect(bench.dropped('wrong-source')).to.equal(3);
  });

  it('from the TUN only our own sources', () => {
    const bench = new Bench(make);
    bench.tun(packet({ source: node(2), destination: node(3) }));
    expect(bench.dropped('wrong-source')).to.equal(1);
    bench.tun(packet({ source: serviceAddress(1), destination: node(3) }));
    expect(bench.got(3)).to.have.length(1);
  });

  it('an unproven link carries control payloads and no packets, either way', () => {
    const bench = new Bench(make);
    bench.apply(bench.link(2, { peer: undefined }));
    bench.from(2, packet({ source: node(2), destination: node(1) }), new Uint8Array([0xa0, 1]));
    bench.tun(packet({ source: node(1), destination: node(2) }));
    expect(bench.unit.takeTun()).to.deep.equal([]);
    expect(bench.unit.takeSent()).to.deep.equal([]);
    expect(bench.dropped('unproven-link')).to.equal(2);
    expect(bench.kinds()).to.deep.equal(['confirmed', 'control']);
  });

  it('a stock WireGuard peer sends and gets what lies in its prefixes, of any length', () => {
    const bench = new Bench(make);
    const inside = hex('20010db8000012340000000000000001');
    const prefixes = [{ address: hex('20010db8000012000000000000000000'), length: 56 }];
    bench.apply(bench.link(4, { peer: undefined, prefixes }));
    bench.key(4, new Peer(4));
    bench.from(4, packet({ source: inside, destination: node(1) }));
    expect(bench.unit.takeTun()).to.have.length(1);
    bench.from(4, packet({ source: node(4), destination: node(1) }));
    expect(bench.dropped('wrong-source')).to.equal(1);
    bench.tun(packet({ source: node(1), destination: inside }));
    expect(bench.got(4)).to.have.length(1);
    bench.from(2, packet({ source: inside, destination: node(1) }));
    expect(bench.dropped('wrong-source'), 'from a member').to.equal(2);
    bench.apply({ kind: 'remove-link', link: link(4) });
    bench.tun(packet({ source: node(1), destination: inside }));
    expect(bench.dropped('no-route')).to.equal(1);
    const wider = [{ address: hex('20010db8000000000000000000000000'), length: 32 }];
    bench.apply(bench.link(3, { peer: undefined, prefixes: wider }));
    bench.tun(packet({ source: node(1), destination: inside }));
    expect(bench.got(3), 'nothing of the removed link is in the way').to.have.length(1);
  });

  it('drops what would go back where it came from', () => {
    const bench = new Bench(make);
    bench.from(3, packet({ source: node(3), destination: node(4) }));
    expect(bench.dropped('loop')).to.equal(1);
    expect(bench.unit.takeSent()).to.deep.equal([]);
  });

  it('drops what is no IPv6, cut short or no known payload', () => {
    const bench = new Bench(make);
    const long = packet({ source: node(2), destination: node(1) });
    long[5] = 200;
    bench.from(2, new Uint8Array(40).fill(0x45), long, long.subarray(0, 39));
    bench.from(2, new Uint8Array([0xa5, 0]), new Uint8Array([0x00]));
    bench.tun(new Uint8Array(0), new Uint8Array([0x60]), new Uint8Array(40).fill(0x45));
    expect(bench.unit.plane.drops()).to.deep.equal({
      ...{ 'not-ip6': 3, malformed: 3, 'unknown-payload': 2 },
    });
    expect(bench.unit.takeTun()).to.deep.equal([]);
  });

  it('drops and counts when TUN or transport take nothing, or there is no path', () => {
    const bench = new Bench(make);
    bench.unit.setBlocked(true);
    bench.from(2, packet({ source: node(2), destination: node(1) }));
    bench.tun(packet({ source: node(1), destination: node(2) }));
    bench.apply(bench.link(2, { path: undefined }));
    bench.tun(packet({ source: node(1), destination: node(2) }));
    expect(bench.unit.plane.drops()).to.deep.equal({
      ...{ 'tun-full': 1, 'send-failed': 1, 'no-path': 1 },
    });
  });

  it('keeps the order of packets on a path over more than one train', () => {
    const bench = new Bench(make);
    bench.tun(
      ...Array.from({ length: 600 }, (_, i) =>
        packet({ source: node(1), destination: node(i % 2 === 0 ? 2 : 3), bytes: 60 + i }),
      ),
    );
    const sent = bench.unit.takeSent();
    for (const n of [2, 3]) {
      const counters = sent.flatMap((s) => bench.peer(n).open(s.datagram)?.counter ?? []);
      expect(counters).to.deep.equal(Array.from({ length: 300 }, (_, i) => i));
    }
  });
}
