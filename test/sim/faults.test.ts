import { expect } from 'chai';
import { quietFaults, Violation } from '../../src/sim/invariants.js';
import type { SimMesh } from '../../src/sim/mesh.js';
import { PERFECT } from '../../src/sim/network.js';
import { SeededEntropy } from '../../src/sim/random.js';
import { replayable, started } from './seeds.js';

const HOURS = 3_600_000;
const MINUTES = 60_000;

function eachSeed(name: string, seeds: number, run: (seed: number) => void): void {
  for (let seed = 1; seed <= seeds; seed++) replayable({ name, seed, run: () => run(seed) });
}

const names = (mesh: SimMesh): readonly string[] => mesh.topology.nodes;

describe('sim: faults', function () {
  this.timeout(120_000);

  it('converges under 30 % loss, duplication and reordering', () => {
    const quality = { ...PERFECT, loss: 0.3, duplicate: 0.2, jitterMsec: 40 };
    for (const name of ['line-4', 'ring-5', 'mesh-10']) {
      eachSeed(name, 8, (seed) => {
        const mesh = started(name, seed, { quality });
        mesh.runUntilConverged();
        expect(mesh.network.traffic.lost / mesh.network.traffic.datagrams).to.be.greaterThan(0.2);
        mesh.setQuality(PERFECT);
        mesh.runUntilQuiet();
      });
    }
  });

  it('splits control traffic for cables that carry less than a sealed packet', () => {
    eachSeed('ring-5', 3, (seed) => {
      const mesh = started('ring-5', seed, { quality: { ...PERFECT, datagramBytesMax: 1_200 } });
      mesh.runUntilConverged();
      mesh.runUntilQuiet();
    });
  });

  it('parts and joins: each side knows itself only, then all know all', () => {
    eachSeed('grid-3', 8, (seed) => {
      const mesh = started('grid-3', seed);
      mesh.runUntilQuiet();
      const group = new Set(names(mesh).slice(0, 3));
      const cables = mesh.partition(group);
      expect(cables).to.have.length(3);
      mesh.runUntilQuiet();
      for (const node of mesh.alive()) {
        expect(node.engine.alanet.locRib.size).to.equal(group.has(node.name) ? 3 : 6);
      }
      mesh.heal(...cables);
      mesh.runUntilQuiet();
      for (const node of mesh.alive()) expect(node.engine.alanet.locRib.size).to.equal(9);
    });
  });

  it('forgets a crashed router and takes it back with the keys on its disk', () => {
    eachSeed('ring-5', 8, (seed) => {
      const mesh = started('ring-5', seed);
      mesh.runUntilQuiet();
      const { id } = mesh.node('r2');
      mesh.crash('r2');
      mesh.runUntilQuiet();
      expect(mesh.node('r1').engine.alanet.locRib.size).to.equal(4);
      mesh.start('r2');
      mesh.runUntilQuiet();
      expect(mesh.node('r2').id).to.equal(id);
      expect(mesh.node('r1').engine.alanet.locRib.size).to.equal(5);
    });
  });

  it('takes a router back that restarts before anybody missed it', () => {
    eachSeed('ring-5', 8, (seed) => {
      const mesh = started('ring-5', seed);
      mesh.runUntilQuiet();
      mesh.crash('r2');
      mesh.runFor(500);
      mesh.start('r2');
      mesh.runUntilQuiet();
    });
  });

  it('bears wall clocks that differ by minutes', () => {
    eachSeed('mesh-8', 4, (seed) => {
      const random = new SeededEntropy(seed, 99);
      const skews = new Map<string, number>();
      const clockSkewMsec = (name: string): number => {
        const skew = skews.get(name) ?? (random.below(11) - 5) * MINUTES;
        skews.set(name, skew);
        return skew;
      };
      const mesh = started('mesh-8', seed, { clockSkewMsec });
      mesh.runUntilQuiet();
      mesh.crash('r8');
      mesh.runUntilQuiet();
      mesh.start('r8');
      mesh.runUntilQuiet();
      expect(Math.max(...skews.values()) - Math.min(...skews.values())).to.be.at.least(MINUTES);
    });
  });

  it('settles after cables flapped at random', () => {
    eachSeed('mesh-8', 6, (seed) => {
      const mesh = started('mesh-8', seed);
      mesh.runUntilQuiet();
      const random = new SeededEntropy(seed, 98);
      for (let i = 0; i < 30; i++) {
        const cable = random.pick(mesh.network.cables);
        if (cable === undefined) break;
        if (cable.up) mesh.cut(cable);
        else mesh.heal(cable);
        mesh.runFor(random.below(8_000));
      }
      mesh.heal(...mesh.network.cables);
      mesh.runUntilQuiet();
    });
  });

  it('stays as it is for three hours, through rekeys and renewals', () => {
    eachSeed('ring-5', 1, (seed) => {
      const mesh = started('ring-5', seed);
      mesh.runUntilQuiet();
      const version = mesh.node('r1').engine.alanet.locRib.version;
      mesh.runFor(3 * HOURS);
      mesh.runUntilQuiet();
      expect(mesh.node('r1').engine.alanet.locRib.version).to.equal(version);
    });
  });
});

describe('sim: the checker', () => {
  const quiet = (name: string): SimMesh => {
    const mesh = started(name, 1);
    mesh.runUntilQuiet();
    return mesh;
  };

  it('finds a forwarding loop', () => {
    const mesh = quiet('line-3');
    const [r1, r2, r3] = ['r1', 'r2', 'r3'].map((name) => mesh.node(name));
    if (r1 === undefined || r2 === undefined || r3 === undefined) throw new Error('three nodes');
    const prefix = `${r3.id.slice(0, 16)}/64` as never;
    const back = [...r2.engine.alanet.neighbors.values()].find((one) => one.peer === r1.id);
    if (back === undefined) throw new Error('r2 knows r1');
    r2.plane.apply(mesh.now, [
      { kind: 'fib', changes: [{ kind: 'set', prefix, link: back.link }] },
    ]);
    const all = new Set(mesh.alive().map((node) => node.id));
    const faults = quietFaults(mesh.alive(), () => all);
    expect(faults.map(({ kind }) => kind)).to.have.members(['fib', 'loop']);
    expect(faults.find(({ kind }) => kind === 'loop')?.text).to.equal('packets to r3 loop: r1 r2');
    expect(() => mesh.checkQuiet()).to.throw(Violation, /^r2, .*leaves by link/);
  });

  it('finds a route that is missing, and one to a node that is gone', () => {
    const mesh = quiet('line-3');
    const { locRib } = mesh.node('r1').engine.alanet;
    const far = locRib.best(`${mesh.node('r3').id.slice(0, 16)}/64` as never);
    if (far?.link === undefined) throw new Error('r1 has a route to r3');
    locRib.remove(far.prefix, far.link);
    locRib.decide();
    expect(() => mesh.checkQuiet()).to.throw(Violation, /unreachable: no route/);
    locRib.put({ ...far, prefix: 'fd00000000000000/64' as never });
    locRib.decide();
    mesh.cut(mesh.cable('r2', 'r3'));
    expect(() => mesh.checkQuiet()).to.throw(Violation, /ghost/);
  });

  it('finds at once a selected route through ourselves, or over a link that nobody signed', () => {
    for (const how of ['loop', 'unsigned'] as const) {
      const mesh = quiet('line-3');
      const node = mesh.node('r1');
      const { locRib, subjects } = node.engine.alanet;
      const far = locRib.best(`${mesh.node('r3').id.slice(0, 16)}/64` as never);
      if (far === undefined) throw new Error('r1 has a route to r3');
      const unsigned = subjects.entryOf(node.id, mesh.node('r3').id);
      const wrong =
        how === 'loop'
          ? { ...far, asPath: [node.id, ...far.asPath], steps: [unsigned, ...far.steps] }
          : { ...far, asPath: far.asPath.slice(-1), steps: [unsigned], cost: 0 };
      locRib.remove(far.prefix, far.link);
      locRib.put(wrong);
      locRib.decide();
      expect(() => mesh.runFor(10 * MINUTES)).to.throw(
        Violation,
        how === 'loop' ? /our own id/ : /not signed up/,
      );
    }
  });
});
