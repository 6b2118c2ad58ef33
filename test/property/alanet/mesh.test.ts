import { expect } from 'chai';
import { isUp } from '../../../src/alanet/attest/subjects.js';
import type { Neighbor } from '../../../src/alanet/session/neighbor.js';
import type { NodeId } from '../../../src/base/ip6.js';
import type { LinkId } from '../../../src/link/types.js';
import { SeededEntropy } from '../../../src/sim/random.js';
import { TestMesh, TestNode } from '../../unit/alanet/mesh.js';

interface Cable {
  readonly a: TestNode;
  readonly b: TestNode;
  readonly link: LinkId;
  readonly rttMsec: number;
  isUp: boolean;
}

interface Storm {
  readonly seed: number;
  readonly nodes: number;
  readonly events: number;
  readonly delayMsecMax: number;
  readonly fullRate: number;
}

/** Long enough for damping, renewals and back-off to be over. */
const QUIET_MSEC = 400_000;

/** A random mesh in which cables fail, come back and are reset while everything else is still under way. */
class StormyMesh {
  readonly mesh: TestMesh;
  readonly cables: Cable[] = [];
  readonly #entropy: SeededEntropy;

  constructor({ seed, nodes, events, delayMsecMax, fullRate }: Storm) {
    this.#entropy = new SeededEntropy(seed, 1);
    const all = Array.from({ length: nodes }, (_, i) => new TestNode(i + 1));
    const weather = { entropy: new SeededEntropy(seed, 2), delayMsecMax, fullRate };
    this.mesh = new TestMesh(all, weather);
    for (let i = 1; i < nodes; i++) this.#lay(i, this.#entropy.below(i));
    for (let i = 0; i < nodes; i++)
      this.#lay(this.#entropy.below(nodes), this.#entropy.below(nodes));
    this.mesh.advance(this.#entropy.below(3_000));
    for (let i = 0; i < events; i++) this.#happen();
    this.mesh.advance(QUIET_MSEC);
  }

  #lay(i: number, j: number): void {
    const [a, b] = [this.mesh.nodes[i], this.mesh.nodes[j]];
    if (a === undefined || b === undefined || a === b) return;
    if (this.cables.some((one) => (one.a === a && one.b === b) || (one.a === b && one.b === a)))
      return;
    const rttMsec = 1 + this.#entropy.below(60);
    const { a: link } = this.mesh.join(a, b, rttMsec);
    this.cables.push({ a, b, link, rttMsec, isUp: true });
  }

  #happen(): void {
    const cable = this.cables[this.#entropy.below(this.cables.length)] as Cable;
    const dice = this.#entropy.below(10);
    if (!cable.isUp) this.mesh.mend(cable.a, cable.link, cable.rttMsec);
    else if (dice === 0) {
      cable.a.alanet.handleCommand(this.mesh.now, { kind: 'clear', link: cable.link, how: 'hard' });
    } else if (dice < 3) this.mesh.reset(cable.a, cable.link);
    else this.mesh.cut(cable.a, cable.link);
    if (dice >= 3) cable.isUp = !cable.isUp;
    if (dice < 3) cable.isUp = true;
    this.mesh.advance(this.#entropy.below(this.#entropy.chance(0.3) ? 20_000 : 300));
  }
}

const routesOf = (neighbor: Neighbor): string[] =>
  [...neighbor.routes.values()].map((one) => `${one.prefix} ${one.asPath.join(' ')}`).sort();

/** What a node should have told a neighbor: its best routes, but for those that lead through it. */
function told(from: TestNode, to: TestNode): string[] {
  const { locRib } = from.alanet;
  const found: string[] = [];
  for (const prefix of locRib.prefixes()) {
    const best = locRib.best(prefix);
    if (best === undefined || best.asPath.includes(to.keys.id)) continue;
    found.push(`${prefix} ${[from.keys.id, ...best.asPath].join(' ')}`);
  }
  return found.sort();
}

/** Cost and hops of the best path to everyone, by Dijkstra over what the ends signed. */
function oracle(cables: readonly Cable[], from: TestNode): Map<NodeId, string> {
  const done = new Map<NodeId, string>();
  const open = new Map<TestNode, readonly [number, number]>([[from, [0, 0]]]);
  while (open.size > 0) {
    const [next] = [...open].sort(([, x], [, y]) => x[0] - y[0] || x[1] - y[1]);
    const [node, [cost, hops]] = next as [TestNode, [number, number]];
    open.delete(node);
    done.set(node.keys.id, `${cost} ${hops}`);
    for (const { a, b, isUp: up } of cables) {
      const other = a === node ? b : b === node ? a : undefined;
      if (!up || other === undefined || done.has(other.keys.id)) continue;
      const entry = node.alanet.neighborOf(other.keys.id)?.agreement.entry;
      const way = [cost + (entry?.up?.body.costClass ?? 0), hops + 1] as const;
      const known = open.get(other);
      if (known && (known[0] - way[0] || known[1] - way[1]) <= 0) continue;
      open.set(other, way);
    }
  }
  return done;
}

function check({ mesh, cables }: StormyMesh, seed: number): void {
  for (const { a, b, isUp: up } of cables) {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const neighbor = to.alanet.neighborOf(from.keys.id) as Neighbor;
      const where = `seed ${seed}: ${from.keys.body.name} to ${to.keys.body.name}`;
      expect(neighbor.state, where).to.equal(up ? 'Established' : 'Connect');
      expect(isUp(neighbor.agreement.entry), where).to.equal(up);
      expect(routesOf(neighbor), where).to.deep.equal(up ? told(from, to) : []);
    }
  }
  for (const node of mesh.nodes) {
    const wanted = oracle(cables, node);
    const { locRib } = node.alanet;
    const found = new Map(
      [...locRib.prefixes()].map((prefix) => {
        const best = locRib.best(prefix);
        return [best?.asPath.at(-1) ?? node.keys.id, `${best?.cost} ${best?.asPath.length}`];
      }),
    );
    const where = `seed ${seed}: routes of ${node.keys.body.name}`;
    expect([...found].sort(), where).to.deep.equal([...wanted].sort());
    expect(node.fib.size, where).to.equal(locRib.size - 1);
  }
}

describe('a mesh after any storm', () => {
  const storms = { nodes: 8, events: 25 };
  const weathers = [
    { name: 'perfect links', delayMsecMax: 0, fullRate: 0 },
    { name: 'slow links', delayMsecMax: 40, fullRate: 0 },
    { name: 'slow and busy links', delayMsecMax: 200, fullRate: 0.5 },
  ];
  for (const { name, ...weather } of weathers) {
    it(`has the cheapest loop-free routes everywhere, and each side knows what the other said: ${name}`, function () {
      this.timeout(60_000);
      const seeds = Number(process.env.STORMS ?? 12);
      for (let seed = 1; seed <= seeds; seed++)
        check(new StormyMesh({ seed, ...storms, ...weather }), seed);
    });
  }
});
