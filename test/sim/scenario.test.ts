import { expect } from 'chai';
import { spareNodes } from '../../src/sim/graph.js';
import { Violation } from '../../src/sim/invariants.js';
import type { SimMesh } from '../../src/sim/mesh.js';
import { replayable, scenario, started } from './seeds.js';

const MEAN_DEGREE = 4;

describe('sim: the whole scenario', () => {
  for (const [name, seeds] of [
    ['line-2', 4],
    ['line-3', 6],
    ['ring-3', 4],
    ['ring-5', 12],
    ['grid-3', 8],
    ['mesh-8', 10],
    ['mesh-12', 6],
    ['mesh-20', 2],
  ] as const) {
    it(`comes to rest and is right after every step: ${name}, ${seeds} seeds`, function () {
      this.timeout(120_000);
      for (let seed = 1; seed <= seeds; seed++) {
        const run = replayable({ name, seed, run: () => scenario(name, seed) });
        expect(run.loops).to.equal(0);
        expect(run.unreachable).to.equal(0);
        expect(run.convergedMsec).to.be.greaterThan(0);
        expect(run.steps.map((step) => step.name)).to.include.members(['start', 'impair', 'join']);
      }
    });
  }

  it('gives equal documents for equal seeds, and other ones for other seeds', function () {
    this.timeout(60_000);
    const plain = (seed: number): string => {
      const { wallMsec, ...rest } = scenario('mesh-8', seed);
      expect(wallMsec).to.be.at.least(0);
      return JSON.stringify(rest);
    };
    expect(plain(11)).to.equal(plain(11));
    expect(plain(12)).to.not.equal(plain(11));
  });

  it('says how to replay what failed', () => {
    const run = (): never => {
      throw new Violation('two nodes are one', { seed: 5, atMsec: 10, node: 'r1' });
    };
    expect(() => replayable({ name: 'ring-5', seed: 5, run })).to.throw(
      /r1, 10\.0 ms, seed 5: two nodes are one\nreplay: alamesh sim run ring-5 --seed 5$/,
    );
  });

  it('losing a node of a mesh of 300 costs at most 10 UPDATEs per node', function () {
    if (process.env.ALAMESH_QUICK === '1') this.skip();
    this.timeout(240_000);
    const seed = 1;
    replayable({ name: 'mesh-300', seed, run: () => loseNodes(started('mesh-300', seed)) });
  });
});

/** Two of middling degree: one by a crash, one by an orderly stop. */
function loseNodes(mesh: SimMesh): void {
  mesh.runUntilQuiet();
  for (const how of ['crash', 'shutdown'] as const) {
    const alive = mesh.alive().map((node) => node.name);
    const links = mesh.topology.links.filter((ends) => ends.every((end) => alive.includes(end)));
    const degree = (node: string): number => links.filter((ends) => ends.includes(node)).length;
    const name = spareNodes(alive, links).find((node) => degree(node) === MEAN_DEGREE);
    if (name === undefined) throw new Error('no node of middling degree can be spared');
    const before = mesh.updates;
    mesh[how](name);
    mesh.runUntilQuiet();
    expect((mesh.updates - before) / mesh.alive().length, how).to.be.within(1, 10);
  }
}
