/** RFC 9234's roles as the neighbor's role towards us: its customers' routes are the most wanted. */
const ROLE_RANK = { customer: 0, peer: 1, provider: 2 };
export function compareRoutes(a, b) {
  const local = Number(a.link !== undefined) - Number(b.link !== undefined);
  if (local !== 0) return { order: local, by: 'local' };
  if (a.localPref !== b.localPref) return { order: b.localPref - a.localPref, by: 'local-pref' };
  const role = ROLE_RANK[a.role] - ROLE_RANK[b.role];
  if (role !== 0) return { order: role, by: 'role' };
  if (a.cost !== b.cost) return { order: a.cost - b.cost, by: 'cost' };
  const hops = a.asPath.length - b.asPath.length;
  if (hops !== 0) return { order: hops, by: 'hops' };
  const [left, right] = [a.neighbor ?? '', b.neighbor ?? ''];
  if (left === right) return { order: 0, by: 'equal' };
  return { order: left < right ? -1 : 1, by: 'neighbor-id' };
}
/** The best of all; undefined for none. */
export function bestRoute(routes) {
  let best;
  for (const route of routes) {
    if (best === undefined || compareRoutes(route, best).order < 0) best = route;
  }
  return best;
}
