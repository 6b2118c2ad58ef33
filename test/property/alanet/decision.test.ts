import { expect } from 'chai';
import fc from 'fast-check';
import { bestRoute, compareRoutes } from '../../../src/alanet/decision/compare.js';
import type { Route } from '../../../src/alanet/types.js';
import type { NodeId, Prefix } from '../../../src/base/ip6.js';
import type { Instant } from '../../../src/base/time.js';
import type { LinkId } from '../../../src/link/types.js';

const PREFIX = 'fd00000000000001/64' as Prefix;

/** Few values of each kind, so that routes often agree up to a late step. */
const route = (neighbor: number, isOwn: boolean): fc.Arbitrary<Route> =>
  fc
    .record({
      localPref: fc.constantFrom(100, 200),
      role: fc.constantFrom('peer' as const, 'customer' as const, 'provider' as const),
      cost: fc.integer({ min: 1, max: 3 }),
      hops: fc.integer({ min: 1, max: 3 }),
    })
    .map(({ hops, ...rest }) => ({
      ...{ ...rest, prefix: PREFIX, origin: 'n:x', steps: [], communities: [] },
      link: isOwn ? undefined : (neighbor as LinkId),
      neighbor: isOwn ? undefined : (neighbor.toString(16).padStart(32, '0') as NodeId),
      asPath: Array.from({ length: isOwn ? 0 : hops }, () => 'x' as NodeId),
      ...{ since: 0 as Instant, stale: false },
    }));

/** Each neighbor has at most one route to a prefix, and we at most one of our own. */
const routes = fc
  .tuple(fc.integer({ min: 1, max: 8 }), fc.boolean())
  .chain(([count, hasOwn]) =>
    fc.tuple(...Array.from({ length: count }, (_, i) => route(i + 1, hasOwn && i === 0))),
  );

const inAnyOrder = (list: readonly Route[]): fc.Arbitrary<Route[]> =>
  fc.shuffledSubarray([...list], { minLength: list.length });

describe('the decision', () => {
  it('gives one winner whatever the order of arrival', () => {
    const cases = routes.chain((list) => fc.tuple(fc.constant(list), inAnyOrder(list)));
    fc.assert(fc.property(cases, ([list, other]) => bestRoute(other) === bestRoute(list)));
  });

  it('orders all candidates the same way whatever the order of arrival', () => {
    const cases = routes.chain((list) => fc.tuple(fc.constant(list), inAnyOrder(list)));
    fc.assert(
      fc.property(cases, ([list, other]) => {
        const sorted = (all: readonly Route[]) =>
          [...all].sort((a, b) => compareRoutes(a, b).order);
        expect(sorted(other)).to.deep.equal(sorted(list));
      }),
    );
  });

  it('is antisymmetric, transitive, and never ties two neighbors', () => {
    fc.assert(
      fc.property(routes, (list) => {
        for (const a of list) {
          for (const b of list) {
            const { order, by } = compareRoutes(a, b);
            expect(Math.sign(order) + Math.sign(compareRoutes(b, a).order)).to.equal(0);
            expect(by === 'equal').to.equal(a === b);
            for (const c of list)
              if (order < 0 && compareRoutes(b, c).order < 0)
                expect(compareRoutes(a, c).order).to.be.below(0);
          }
        }
      }),
    );
  });

  it('names the first step of the list at which a loser differs', () => {
    const steps = ['local', 'local-pref', 'role', 'cost', 'hops', 'neighbor-id'];
    const rank = { customer: 0, peer: 1, provider: 2 };
    const keys = (one: Route) => [
      ...[one.link === undefined ? 0 : 1, -one.localPref, rank[one.role], one.cost],
      ...[one.asPath.length, one.link ?? 0],
    ];
    fc.assert(
      fc.property(routes, (list) => {
        const winner = bestRoute(list) as Route;
        for (const loser of list) {
          if (loser === winner) continue;
          const at = keys(winner).findIndex((key, i) => key !== keys(loser)[i]);
          expect(compareRoutes(winner, loser).by).to.equal(steps[at]);
        }
      }),
    );
  });
});
