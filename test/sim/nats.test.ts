/** Whole meshes on an internet of NAT boxes, by seeds: ALAMESH_SIM_SEEDS asks for more of them than CI has time for. */
import { expect } from 'chai';
import type { SimMesh } from '../../src/sim/mesh.js';
import { NAT_KINDS, type NatKind } from '../../src/sim/nat.js';
import { SeededEntropy } from '../../src/sim/random.js';
import type { Topology } from '../../src/sim/topology.js';
import { replayable, scenario, started } from './seeds.js';

const MINUTE = 60_000;
const SEEDS = Number(process.env.ALAMESH_SIM_SEEDS ?? 200);
/** A pair that has a link probes it; one that cannot have any tries a handshake now and then. */
const DATAGRAMS_PER_PAIR_AND_MINUTE_MAX = 60;
/** What a home's box must bear for each peer. */
const MAPPINGS_PER_PEER_MAX = 64;

const pairs = ({ topology }: SimMesh): number => topology.internet?.peers.length ?? 0;

/** Nobody sends without end, and no box is filled. */
function endsQuiet(mesh: SimMesh): void {
  const sentIn = (msec: number): number => {
    const before = mesh.datagrams;
    mesh.runFor(msec);
    return (mesh.datagrams - before) / (msec / MINUTE) / pairs(mesh);
  };
  mesh.runFor(10 * MINUTE);
  const [first, second] = [sentIn(10 * MINUTE), sentIn(10 * MINUTE)];
  expect(second, 'datagrams per pair and minute').to.be.below(DATAGRAMS_PER_PAIR_AND_MINUTE_MAX);
  expect(second, 'it does not grow').to.be.at.most(first * 1.2 + 1);
  const mappings = MAPPINGS_PER_PEER_MAX * mesh.topology.nodes.length ** 2;
  for (const box of mesh.internet?.boxes ?? []) {
    expect(box.mappingsPeak, 'mappings of a box').to.be.at.most(mappings);
    expect(box.dropped.full).to.equal(0);
  }
}

describe('sim: an internet of NAT boxes', function () {
  this.timeout(120_000 + SEEDS * 5_000);

  it(`has every session that can be dialled, in no wrong hands, and ends quiet: ${SEEDS} seeds`, () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const name = `nats-${3 + (seed % 4)}`;
      const run = (): void => {
        const mesh = started(name, seed);
        mesh.runUntilQuiet();
        if (seed % 8 === 0) endsQuiet(mesh);
        mesh.checkQuiet();
      };
      replayable({ name, seed, run });
    }
  });

  it('comes to rest after every step of the scenario, boxes rebooted and UDP blocked', () => {
    for (let seed = 1; seed <= Math.ceil(SEEDS / 20); seed++) {
      const name = `nats-${3 + (seed % 4)}`;
      const run = replayable({ name, seed, run: () => scenario(name, seed) });
      expect([run.loops, run.unreachable]).to.deep.equal([0, 0]);
      expect(run.datagrams).to.be.above(0);
    }
  });

  it('gives equal documents for equal seeds', () => {
    const plain = (): string => {
      const { wallMsec: _, ...rest } = scenario('nats-5', 4);
      return JSON.stringify(rest);
    };
    expect(plain()).to.equal(plain());
  });

  /** A hub in the open, and one node behind a box of a kind with mappings that live so long. */
  function oneHome(kind: NatKind, mappingMsec: number): Topology {
    const nat = { ...NAT_KINDS[kind], mappingMsec };
    const sites = [
      { name: 'internet', nat: undefined, behind: undefined, nodes: ['hub'] },
      { name: 'home', nat, behind: undefined, nodes: ['a'] },
    ];
    const internet = { sites, peers: [['hub', 'a'] as const] };
    return { name: kind, nodes: ['hub', 'a'], links: [], internet };
  }

  it('would notice a datagram in wrong hands', () => {
    const mesh = started('x', 1, { topology: oneHome('full-cone', MINUTE) });
    mesh.runUntilQuiet();
    const hub = mesh.node('hub');
    mesh.internet?.attach('hub', {
      receiveFrom: (from, datagram) => hub.receiveFrom(from, datagram, 'somebody'),
    });
    expect(() => mesh.runFor(MINUTE)).to.throw(/its session with a took what somebody sent/);
  });

  for (const kind of Object.keys(NAT_KINDS) as NatKind[]) {
    if (kind === 'udp-blocked') continue;
    it(`a link out of a ${kind} box outlives mappings, and a box that loses them`, () => {
      for (const mappingMsec of [30_000, 120_000]) {
        const topology = oneHome(kind, mappingMsec);
        const mesh = started(kind, 1, { topology });
        mesh.runUntilQuiet();
        const { alanet } = mesh.node('hub').engine;
        const random = new SeededEntropy(7);
        for (let i = 0; i < 5; i++) {
          mesh.runFor(random.below(10) * MINUTE);
          mesh.rebootBox('home');
          mesh.runFor(2 * MINUTE);
          mesh.runUntilQuiet();
          expect([...alanet.neighbors.values()].some((one) => one.isEstablished)).to.equal(true);
        }
      }
    });
  }
});
