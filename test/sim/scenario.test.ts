import { expect } from 'chai';
import { Violation } from '../../src/sim/invariants.js';
import { replayable, scenario } from './seeds.js';

const QUICK = process.env.ALAMESH_QUICK === '1';

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

  for (const withdrawal of ['crash', 'shutdown'] as const) {
    it(`a ${withdrawal} in a mesh of 300 costs at most 10 UPDATEs per node`, function () {
      if (QUICK) this.skip();
      this.timeout(180_000);
      const run = replayable({
        name: 'mesh-300',
        seed: 1,
        run: () => scenario('mesh-300', 1, { withdrawal, withdrawalOnly: true }),
      });
      expect(run.messagesPerNode).to.be.greaterThan(0).and.at.most(10);
    });
  }
});
