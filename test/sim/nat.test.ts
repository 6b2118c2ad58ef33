/** NAT boxes of every kind, by themselves: who can reach whom, and for how long. */
import { expect } from 'chai';
import { Internet, SIM_PORT, type Site } from '../../src/sim/internet.js';
import {
  DEPENDENCES,
  type Dependence,
  type End,
  MAPPING_MSEC,
  NAT_KINDS,
  type NatBehaviour,
  NatBox,
} from '../../src/sim/nat.js';
import { SeededEntropy } from '../../src/sim/random.js';
import { Scheduler } from '../../src/sim/scheduler.js';
import { canPunch } from '../../src/sim/theory.js';

const KINDS: readonly NatBehaviour[] = DEPENDENCES.flatMap((mapping) =>
  DEPENDENCES.map((filtering) => ({ ...NAT_KINDS.symmetric, mapping, filtering })),
);

const end = (address: string, port: number): End => ({ address, port });
const HOST = end('192.168.0.2', SIM_PORT);
/** Two addresses, of one of them two ports. */
const [X, X2, Y] = [end('203.0.9.1', 1), end('203.0.9.1', 2), end('203.0.9.2', 1)];

const boxOf = (change: Partial<NatBehaviour>): NatBox =>
  new NatBox('203.0.0.9', { ...NAT_KINDS['port-restricted'], ...change }, new SeededEntropy(1));

describe('sim: a NAT box', () => {
  for (const [mapping, sameForX2, sameForY] of [
    ['endpoint-independent', true, true],
    ['address', true, false],
    ['address-and-port', false, false],
  ] as const) {
    for (const ports of ['preserve', 'sequential', 'random'] as const) {
      it(`maps by ${mapping}, ports ${ports}`, () => {
        const box = boxOf({ mapping, ports });
        const first = box.outbound(0, HOST, X);
        expect(first?.address).to.equal(box.address);
        expect(box.outbound(1, HOST, X)).to.deep.equal(first);
        expect(box.outbound(1, HOST, X2)?.port === first?.port).to.equal(sameForX2);
        expect(box.outbound(1, HOST, Y)?.port === first?.port).to.equal(sameForY);
        const other = box.outbound(1, end('192.168.0.3', SIM_PORT), X);
        expect(other?.port).to.not.equal(first?.port);
        if (ports === 'preserve') expect(first?.port).to.equal(SIM_PORT);
      });
    }
  }

  for (const [filtering, fromX2, fromY] of [
    ['endpoint-independent', true, true],
    ['address', true, false],
    ['address-and-port', false, false],
  ] as const) {
    for (const mapping of DEPENDENCES) {
      it(`filters by ${filtering}, maps by ${mapping}`, () => {
        const box = boxOf({ mapping, filtering });
        const port = box.outbound(0, HOST, X)?.port ?? 0;
        expect(box.inbound(1, X, port)).to.deep.equal(HOST);
        expect(box.inbound(1, X2, port) !== undefined).to.equal(fromX2);
        expect(box.inbound(1, Y, port) !== undefined).to.equal(fromY);
        expect(box.inbound(1, X, port + 1)).to.equal(undefined);
      });
    }
  }

  it('forgets what is not used from inside, and everything when it reboots', () => {
    const box = boxOf({});
    const port = box.outbound(0, HOST, X)?.port ?? 0;
    box.outbound(MAPPING_MSEC - 1, HOST, Y);
    expect(box.inbound(MAPPING_MSEC + 5, X, port), 'its filter closed').to.equal(undefined);
    expect(box.inbound(MAPPING_MSEC + 5, Y, port), 'the mapping lives').to.deep.equal(HOST);
    for (let at = 0; at < MAPPING_MSEC; at += 10_000) box.inbound(MAPPING_MSEC + at, Y, port);
    expect(box.inbound(2 * MAPPING_MSEC, Y, port), 'packets in do not keep it').to.equal(undefined);
    expect(box.mappings(2 * MAPPING_MSEC)).to.equal(0);
    const next = box.outbound(3 * MAPPING_MSEC, HOST, X)?.port ?? 0;
    box.reboot();
    expect(box.inbound(3 * MAPPING_MSEC, X, next)).to.equal(undefined);
  });

  it('has a full table at some time, and says so', () => {
    const box = boxOf({ mapping: 'address-and-port' });
    for (let i = 0; i < 2_000; i++) box.outbound(0, HOST, end('203.0.9.1', i + 1));
    expect(box.mappings(1)).to.equal(1_024);
    expect(box.dropped.full).to.equal(2_000 - 1_024);
    expect(box.outbound(MAPPING_MSEC, HOST, X)).to.not.equal(undefined);
  });
});

/** Hosts that do nothing but what punching needs: they tell a third one where they are, and answer what comes. */
class Hosts {
  readonly scheduler = new Scheduler();
  readonly internet: Internet;
  readonly heard = new Map<string, Map<string, End[]>>();

  constructor(sites: readonly Site[], seed: number) {
    this.internet = new Internet(this.scheduler, new SeededEntropy(seed), sites);
    for (const name of sites.flatMap(({ nodes }) => nodes)) {
      this.heard.set(name, new Map());
      this.internet.attach(name, {
        receiveFrom: (from, _bytes, sender) => {
          const of = this.heard.get(name);
          of?.set(sender, [...(of.get(sender) ?? []), from]);
        },
      });
    }
  }

  send(from: string, to: End): void {
    this.internet.send(from, to, Uint8Array.of(1));
  }

  run(): void {
    this.scheduler.runUntil(this.scheduler.now + 1_000);
  }

  hears(name: string, sender: string): boolean {
    return this.heard.get(name)?.has(sender) === true;
  }

  lastFrom(name: string, sender: string): End {
    const seen = this.heard.get(name)?.get(sender)?.at(-1);
    if (seen === undefined) throw new Error(`${name} heard nothing of ${sender}`);
    return seen;
  }

  /** As the third host sees it. */
  outsideOf(name: string, third: string): End {
    this.send(name, this.internet.endOf(third) as End);
    this.run();
    return this.lastFrom(third, name);
  }

  /** Both send to the other's outside, then wherever packets came from. @returns Did both hear? */
  punch(a: string, b: string, third: string): boolean {
    const known = new Map([
      [a, [this.outsideOf(b, third)]],
      [b, [this.outsideOf(a, third)]],
    ]);
    for (let round = 0; round < 6; round++) {
      for (const name of [a, b]) for (const to of known.get(name) ?? []) this.send(name, to);
      this.run();
      for (const [name, other] of [
        [a, b],
        [b, a],
      ] as const) {
        known.set(name, [...(known.get(name) ?? []).slice(0, 1), ...this.#ends(name, other)]);
      }
    }
    return this.hears(a, b) && this.hears(b, a);
  }

  #ends(name: string, sender: string): End[] {
    const all = this.heard.get(name)?.get(sender) ?? [];
    return [...new Map(all.map((one) => [`${one.address}:${one.port}`, one])).values()];
  }
}

const site = (
  name: string,
  nat: NatBehaviour | undefined,
  nodes: string[],
  behind?: string,
): Site => ({
  ...{ name, nat, behind, nodes },
});
const OUTSIDE = site('outside', undefined, ['s', 't']);

describe('sim: who can reach whom', () => {
  it('punches exactly where theory says so: every kind with every other', () => {
    const table: string[] = [];
    for (const [i, one] of KINDS.entries()) {
      for (const [j, other] of KINDS.entries()) {
        for (const ports of ['preserve', 'sequential', 'random'] as const) {
          const seed = 1 + i * 9 + j;
          const [natA, natB] = [
            { ...one, ports },
            { ...other, ports },
          ];
          const hosts = new Hosts([OUTSIDE, site('A', natA, ['a']), site('B', natB, ['b'])], seed);
          const what = `${name(one)} – ${name(other)}, ports ${ports}, seed ${seed}`;
          const punched = hosts.punch('a', 'b', 's');
          // With preserved ports a box that maps by address still sends to all from the same port.
          if (ports === 'preserve') expect(punched || !canPunch(one, other), what).to.equal(true);
          else expect(punched, what).to.equal(canPunch(one, other));
        }
        table.push(canPunch(one, other) ? '×' : '·');
      }
    }
    const rows = KINDS.map((kind, i) => `${name(kind)} ${table.slice(9 * i, 9 * i + 9).join('')}`);
    expect(rows).to.deep.equal([
      'EI-EI ×××××××××',
      'EI-AD ×××××××××',
      'EI-APD ×××······',
      'AD-EI ××·××·××·',
      'AD-AD ××·×··×··',
      'AD-APD ××·······',
      'APD-EI ××·××·××·',
      'APD-AD ××·×··×··',
      'APD-APD ××·······',
    ]);
  });

  it('hears nothing uninvited behind a box, everything in the open', () => {
    for (const kind of KINDS) {
      const hosts = new Hosts([OUTSIDE, site('A', kind, ['a'])], 1);
      hosts.send('s', hosts.internet.endOf('t') as End);
      hosts.send('s', end(hosts.internet.box('A').address, SIM_PORT));
      hosts.run();
      expect([hosts.hears('t', 's'), hosts.hears('a', 's')]).to.deep.equal([true, false]);
    }
  });

  for (const hairpin of [true, false]) {
    it(`two behind one box: by their own addresses, by its outside ${hairpin ? 'too' : 'not'}`, () => {
      for (const kind of KINDS.filter(({ mapping }) => mapping === 'endpoint-independent')) {
        const make = () => new Hosts([OUTSIDE, site('A', { ...kind, hairpin }, ['a', 'b'])], 1);
        const inside = make();
        inside.send('a', inside.internet.endOf('b') as End);
        inside.run();
        expect(inside.hears('b', 'a')).to.equal(true);
        const outside = make();
        expect(outside.punch('a', 'b', 's'), name(kind)).to.equal(hairpin);
        expect(outside.internet.fates['no-hairpin'] > 0).to.equal(!hairpin);
      }
    });
  }

  it('behind a carrier: a home in it acts as the stricter of the two', () => {
    for (const home of KINDS) {
      for (const carrier of KINDS) {
        const hosts = new Hosts(
          [
            OUTSIDE,
            site('C', carrier, []),
            site('H', home, ['a'], 'C'),
            site('B', NAT_KINDS['port-restricted'], ['b']),
          ],
          7,
        );
        const both = strictest(home, carrier);
        const what = `${name(home)} in ${name(carrier)}`;
        expect(hosts.punch('a', 'b', 's'), what).to.equal(
          canPunch(both, NAT_KINDS['port-restricted']),
        );
      }
    }
  });

  it('two homes of one carrier need its hairpin; their own outsides in it do as well', () => {
    for (const hairpin of [true, false]) {
      const home = NAT_KINDS['port-restricted'];
      const hosts = new Hosts(
        [
          ...[OUTSIDE, site('C', { ...NAT_KINDS.cgnat, hairpin }, [])],
          ...[site('H', home, ['a'], 'C'), site('I', home, ['b'], 'C')],
        ],
        3,
      );
      expect(hosts.punch('a', 'b', 's')).to.equal(hairpin);
    }
  });

  it('equal private addresses of two homes are two hosts', () => {
    const kind = NAT_KINDS['full-cone'];
    const sites = [OUTSIDE, site('A', kind, ['a', 'a2']), site('B', kind, ['b', 'b2'])];
    const hosts = new Hosts(sites, 1);
    const target = hosts.internet.endOf('b2') as End;
    expect(target).to.deep.equal(hosts.internet.endOf('a2'));
    hosts.send('a', target);
    hosts.run();
    expect([hosts.hears('a2', 'a'), hosts.hears('b2', 'a')]).to.deep.equal([true, false]);
    expect(hosts.internet.canDial('a', 'b2')).to.equal(false);
    expect(hosts.internet.canDial('a', 'a2')).to.equal(true);
  });

  it('blocked UDP lets nothing out', () => {
    const hosts = new Hosts([OUTSIDE, site('A', NAT_KINDS['udp-blocked'], ['a', 'b'])], 1);
    hosts.send('a', hosts.internet.endOf('s') as End);
    hosts.send('a', hosts.internet.endOf('b') as End);
    hosts.run();
    expect([hosts.hears('s', 'a'), hosts.hears('b', 'a')]).to.deep.equal([false, true]);
    expect(hosts.internet.fates.blocked).to.equal(1);
    expect(hosts.internet.canDial('a', 's')).to.equal(false);
  });
});

const SHORT: Readonly<Record<Dependence, string>> = {
  ...{ 'endpoint-independent': 'EI', address: 'AD', 'address-and-port': 'APD' },
};
const name = ({ mapping, filtering }: NatBehaviour): string =>
  `${SHORT[mapping]}-${SHORT[filtering]}`;

function strictest(a: NatBehaviour, b: NatBehaviour): NatBehaviour {
  const worse = (x: Dependence, y: Dependence): Dependence =>
    DEPENDENCES[Math.max(DEPENDENCES.indexOf(x), DEPENDENCES.indexOf(y))] as Dependence;
  return {
    ...a,
    ...{ mapping: worse(a.mapping, b.mapping), filtering: worse(a.filtering, b.filtering) },
  };
}
