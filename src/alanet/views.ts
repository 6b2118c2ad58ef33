/** What the control API shows of routing: plain data, names as CLI.md and FRR have them. */
import { formatNodeId, formatPrefix, type Prefix } from '../base/ip6.js';
import type { Instant } from '../base/time.js';
import type { LinkId } from '../link/types.js';
import type { Alanet } from './alanet.js';
import { isUp, seqOf } from './attest/subjects.js';
import { compareRoutes } from './decision/compare.js';
import { type Neighbor, total } from './session/neighbor.js';
import type { Route } from './types.js';

/** Ours: what a route and its part of the indexes take, measured once; for the summary's headline. */
const ROUTE_BYTES = 900;

export interface RouteRow {
  readonly prefix: string;
  readonly nexthop: string | null;
  readonly neighbor: string | null;
  readonly neighborName: string;
  readonly best: boolean;
  readonly valid: boolean;
  readonly stale: boolean;
  readonly localPref: number;
  readonly cost: number;
  readonly hops: number;
  readonly asPath: readonly string[];
  readonly communities: readonly string[];
  readonly originSeq: number;
  readonly ageMsec: number;
  readonly lostBy: string | null;
}

export type View = 'received' | 'accepted' | 'advertised';

function routeRow(alanet: Alanet, route: Route, now: Instant): RouteRow {
  const best = alanet.locRib.best(route.prefix);
  const neighbor = route.link === undefined ? undefined : alanet.neighbors.get(route.link);
  const nexthop = route.neighbor === undefined ? null : formatNodeId(route.neighbor);
  return {
    ...{
      prefix: formatPrefix(route.prefix),
      nexthop,
      neighbor: nexthop,
      neighborName: neighbor?.name ?? '',
    },
    ...{ best: route === best, valid: true, stale: route.stale, localPref: route.localPref },
    ...{ cost: route.cost, hops: route.asPath.length, asPath: route.asPath.map(formatNodeId) },
    communities: route.communities.map(String),
    originSeq: alanet.subjects.recordOf(route.origin)?.seq ?? 0,
    ageMsec: Math.max(Math.round(now - route.since), 0),
    lostBy: best === undefined || best === route ? null : compareRoutes(best, route).by,
  };
}

/** The Loc-RIB, the best of each prefix first. */
export function routes(alanet: Alanet, now: Instant, prefix?: Prefix): RouteRow[] {
  const prefixes = prefix === undefined ? [...alanet.locRib.prefixes()].sort() : [prefix];
  const rows: RouteRow[] = [];
  for (const one of prefixes) {
    const all = alanet.locRib.routes(one).sort((a, b) => compareRoutes(a, b).order);
    for (const route of all) rows.push(routeRow(alanet, route, now));
  }
  return rows;
}

/** What one neighbor sent (refused ones too, the last of them), what of it was accepted, or what it was sent. */
export function neighborRoutes(alanet: Alanet, now: Instant, link: LinkId, view: View): RouteRow[] {
  const neighbor = alanet.neighbors.get(link);
  if (neighbor === undefined) return [];
  if (view === 'advertised') return advertised(alanet, now, neighbor);
  const accepted = [...neighbor.routes.values()].map((route) => routeRow(alanet, route, now));
  return view === 'accepted' ? accepted : [...accepted, ...refusedRows(neighbor, now)];
}

function refusedRows(neighbor: Neighbor, now: Instant): RouteRow[] {
  const address = formatNodeId(neighbor.peer);
  return neighbor.refused.map(({ prefix, fault, at }) => ({
    ...{
      prefix: prefix === undefined ? '?' : formatPrefix(prefix),
      nexthop: address,
      neighbor: address,
    },
    ...{
      neighborName: neighbor.name,
      best: false,
      valid: false,
      stale: false,
      localPref: 0,
      cost: 0,
    },
    ...{
      hops: 0,
      asPath: [],
      communities: [],
      originSeq: 0,
      ageMsec: Math.round(now - at),
      lostBy: fault,
    },
  }));
}

/** As the neighbor sees it: we are the next hop, and on the path. */
function advertised(alanet: Alanet, now: Instant, neighbor: Neighbor): RouteRow[] {
  const own = formatNodeId(alanet.options.identity.id);
  const rows: RouteRow[] = [];
  for (const prefix of neighbor.sent.keys()) {
    const best = alanet.locRib.best(prefix);
    if (best === undefined) continue;
    const row = routeRow(alanet, best, now);
    rows.push({ ...row, nexthop: own, asPath: [own, ...row.asPath], hops: row.hops + 1 });
  }
  return rows;
}

/** Losers: each with the step at which it lost, then neighbors whose last word on the prefix was refused, and why. */
export function explain(alanet: Alanet, now: Instant, prefix: Prefix): object {
  const [winner, ...losers] = routes(alanet, now, prefix);
  const refused = [...alanet.neighbors.values()].flatMap((neighbor) => {
    if (!neighbor.isEstablished || neighbor.routes.has(prefix)) return [];
    const text = formatPrefix(prefix);
    return refusedRows(neighbor, now)
      .filter((row) => row.prefix === text)
      .slice(-1);
  });
  return { prefix: formatPrefix(prefix), winner: winner ?? null, losers: [...losers, ...refused] };
}

export function summary(alanet: Alanet, now: Instant): object {
  const { id } = alanet.options.identity;
  const peers: Record<string, object> = {};
  let stale = 0;
  const all = [...alanet.neighbors.values()].sort((a, b) => (a.peer < b.peer ? -1 : 1));
  for (const neighbor of all) {
    for (const route of neighbor.routes.values()) if (route.stale) stale++;
    const address = formatNodeId(neighbor.peer);
    if (peers[address] !== undefined && !neighbor.isEstablished) continue;
    peers[address] = summaryRow(alanet, neighbor, now);
  }
  return {
    ...{ routerId: formatNodeId(id), as: formatNodeId(id), hostname: alanet.options.name },
    ...{ realm: alanet.options.realm, tableVersion: alanet.locRib.version },
    ...{ ribCount: alanet.locRib.size, pathCount: alanet.locRib.paths, staleCount: stale },
    ...{ ribBytes: alanet.locRib.paths * ROUTE_BYTES, peerCount: Object.keys(peers).length, peers },
  };
}

function summaryRow(alanet: Alanet, neighbor: Neighbor, now: Instant): object {
  let best = 0;
  for (const route of neighbor.routes.values())
    if (alanet.locRib.best(route.prefix) === route) best++;
  const { up, establishedAt, downAt } = neighbor;
  const since = neighbor.isEstablished ? establishedAt : downAt;
  return {
    ...{
      hostname: neighbor.name,
      role: neighbor.role,
      state: neighbor.state,
      link: up?.transport ?? null,
    },
    ...{ msgRcvd: total(neighbor.received), msgSent: total(neighbor.sentMessages) },
    ...{
      tableVersion: neighbor.tableVersion,
      inq: neighbor.inbox.length,
      outq: neighbor.outbox.length,
    },
    peerUptimeMsec: since === undefined ? null : Math.round(now - since),
    ...{
      pfxRcd: neighbor.routes.size,
      pfxAcc: neighbor.routes.size,
      pfxBest: best,
      pfxSnt: neighbor.sent.size - neighbor.unsaid.size,
    },
    rttMsec: up === undefined ? null : Math.round(neighbor.rttMsec * 1000) / 1000,
    connectionsEstablished: neighbor.connectionsEstablished,
    connectionsDropped: neighbor.connectionsDropped,
    lastError: neighbor.lastError === '' ? null : neighbor.lastError,
  };
}

/** Sessions in detail. */
export function neighborDetails(alanet: Alanet, now: Instant, neighbor: Neighbor): object {
  const { entry } = neighbor.agreement;
  const record = isUp(entry) ? entry.up?.body : entry.down?.body;
  return {
    address: formatNodeId(neighbor.peer),
    ...summaryRow(alanet, neighbor, now),
    holdTimeMsec: neighbor.holdMsec,
    keepaliveMsec: neighbor.holdMsec / 3,
    capabilities: neighbor.capabilities,
    endOfRibReceived: neighbor.hasEndOfRib,
    messagesReceived: neighbor.received,
    messagesSent: neighbor.sentMessages,
    refusedByReason: neighbor.refusals,
    limits: alanet.limits,
    linkRecord: {
      state: record === undefined ? 'none' : isUp(entry) ? 'up' : 'down',
      seq: seqOf(entry),
      costClass: record?.costClass ?? null,
      notAfterAt: record === undefined ? null : record.notAfter * 1000,
      measuredCostClass: neighbor.cost.current,
      dampingPenalty: Math.round(neighbor.damping.penalty(now)),
    },
  };
}
