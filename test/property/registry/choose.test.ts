import { createHash } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import {
  type Choosable,
  choose,
  type Experience,
  type Policy,
} from '../../../src/registry/choose.js';

const AUTO: Policy = { peers: 'auto', most: 8, handles: [], tags: [], relaysFirst: false };
const NEW: Experience = { isUp: false, isDead: false, rttMsec: undefined };

interface Person extends Choosable {
  readonly number: number;
}

const realm = (size: number, seed: number): Person[] =>
  Array.from({ length: size }, (_, number) => ({
    number,
    key: createHash('sha256').update(`${seed}/${number}`).digest(),
    handle: `h${number % 5}`,
    tags: number % 3 === 0 ? ['eu'] : [],
    relay: number % 10 === 0,
    isDialable: true,
  }));

interface Wanted {
  readonly policy?: Policy;
  readonly experience?: (member: Person) => Experience;
}

/** Who dials whom, for every member; links are both ways. */
function mesh(members: readonly Person[], { policy = AUTO, experience = () => NEW }: Wanted = {}) {
  const links = members.map(() => new Set<number>());
  for (const me of members) {
    const others = members.filter((one) => one !== me);
    const choice = { own: me.key, members: others, policy, experience, isChosen: () => false };
    const chosen = choose(choice);
    expect(chosen.size).to.be.at.most(Math.max(policy.most, 0));
    for (const { number } of chosen.keys()) {
      links[me.number]?.add(number);
      links[number]?.add(me.number);
    }
  }
  return links;
}

/** Hops to the farthest; Infinity when somebody is not reached. @param without These are gone. */
function depth(links: readonly ReadonlySet<number>[], from: number, without: ReadonlySet<number>) {
  const seen = new Set([from]);
  let edge = [from];
  for (let hops = 0; ; hops++) {
    const next = edge.flatMap((at) => [...(links[at] ?? [])]);
    edge = [...new Set(next)].filter((at) => !seen.has(at) && !without.has(at));
    if (edge.length === 0) return seen.size + without.size === links.length ? hops : Infinity;
    for (const at of edge) seen.add(at);
  }
}

describe('the choice of peers', function () {
  this.timeout(60_000);

  it('joins every realm, and every realm without any one node', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: 40 }),
        fc.nat(),
        fc.integer({ min: 2, max: 6 }),
        (size, seed, most) => {
          const links = mesh(realm(size, seed), { policy: { ...AUTO, most } });
          for (let gone = 0; gone < size; gone++) {
            expect(depth(links, gone === 0 ? 1 : 0, new Set([gone]))).to.be.below(Infinity);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('builds no full mesh of 500, and no long one', () => {
    const links = mesh(realm(500, 7));
    const degrees = links.map(({ size }) => size);
    expect(Math.max(...degrees)).to.be.below(40);
    expect(Math.min(...degrees)).to.be.at.least(8);
    expect(depth(links, 0, new Set())).to.be.below(6);
  });

  it('takes all of a small realm, and nobody where it is told so', () => {
    const [me, ...members] = realm(9, 1) as [Person, ...Person[]];
    const pick = (policy: Policy): number =>
      choose({ own: me.key, members, policy, experience: () => NEW, isChosen: () => false }).size;
    expect(pick(AUTO)).to.equal(8);
    expect(pick({ ...AUTO, peers: 'all', most: 2 })).to.equal(8);
    expect(pick({ ...AUTO, peers: 'none' })).to.equal(0);
  });

  it('keeps to handles and tags', () => {
    const [me, ...members] = realm(60, 2) as [Person, ...Person[]];
    const pick = (policy: Policy): Person[] => [
      ...choose({
        own: me.key,
        members,
        policy,
        experience: () => NEW,
        isChosen: () => false,
      }).keys(),
    ];
    const byHandle = pick({ ...AUTO, handles: ['h1', 'h2'] });
    expect(byHandle).to.have.length(8);
    expect(byHandle.every(({ handle }) => ['h1', 'h2'].includes(handle))).to.equal(true);
    expect(pick({ ...AUTO, tags: ['eu'] }).every(({ tags }) => tags.includes('eu'))).to.equal(true);
    expect(pick({ ...AUTO, tags: ['mars'] })).to.have.length(0);
    expect(
      pick({ ...AUTO, relaysFirst: true }).filter(({ relay }) => relay),
    ).to.have.length.at.least(2);
  });

  it('prefers the near, leaves the dead, and keeps what it has among equals', () => {
    const [me, ...members] = realm(60, 3) as [Person, ...Person[]];
    const near = new Set([11, 23, 37]);
    const experience = ({ number }: Person): Experience => ({
      ...{ isUp: false, isDead: number === 11, rttMsec: near.has(number) ? 3 : 200 },
    });
    const first = choose({ own: me.key, members, policy: AUTO, experience, isChosen: () => false });
    const numbers = [...first.keys()].map(({ number }) => number);
    expect(numbers).to.include.members([23, 37]).and.not.include(11);
    const isChosen = (one: Person): boolean => first.has(one);
    const jittered = (one: Person): Experience => ({
      ...experience(one),
      rttMsec: (experience(one).rttMsec ?? 0) * (1 + (one.number % 7) / 200),
    });
    const again = choose({ own: me.key, members, policy: AUTO, experience: jittered, isChosen });
    expect([...again.keys()]).to.deep.equal([...first.keys()]);
  });

  it('stays with far neighbors, and never dials who has no endpoint', () => {
    const [me, ...all] = realm(500, 5) as [Person, ...Person[]];
    const members = all.map((one) => ({ ...one, isDialable: one.number % 3 === 0 }));
    const met = new Set<number>();
    let chosen = new Set<number>();
    for (let look = 0; look < 100; look++) {
      const experience = ({ number }: Person): Experience => {
        return { isUp: met.has(number), isDead: false, rttMsec: met.has(number) ? 150 : undefined };
      };
      const isChosen = ({ number }: Person): boolean => chosen.has(number);
      const picked = choose({ own: me.key, members, policy: AUTO, experience, isChosen });
      chosen = new Set([...picked.keys()].map(({ number }) => number));
      for (const number of chosen) met.add(number);
    }
    expect(met.size).to.equal(8);
    expect([...met].every((number) => number % 3 === 0)).to.equal(true);
  });

  it('goes on with the dead where nobody else is left', () => {
    const [me, ...members] = realm(20, 4) as [Person, ...Person[]];
    const experience = (): Experience => ({ ...NEW, isDead: true });
    const chosen = choose({
      own: me.key,
      members,
      policy: AUTO,
      experience,
      isChosen: () => false,
    });
    expect(chosen.size).to.equal(8);
  });
});
