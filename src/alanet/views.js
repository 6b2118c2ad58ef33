/** What the control API shows of routing: plain data, names as CLI.md and FRR have them. */
import { formatNodeId, formatPrefix } from '../base/ip6.js';
import { isUp, seqOf } from './attest/subjects.js';
import { compareRoutes } from './decision/compare.js';
import { total } from './session/neighbor.js';

/** Ours: what a route and its part of the indexes take, measured once; for the summary's headline. */
const ROUTE_BYTES = 900;
function routeRow(alanet, route, now) {
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
export function routes(alanet, now, prefix) {
  const prefixes = prefix === undefined ? [...alanet.locRib.prefixes()].sort() : [prefix];
  const rows = [];
  for (const one of prefixes) {
    const all = alanet.locRib.routes(one).sort((a, b) => compareRoutes(a, b).order);
    for (const route of all) rows.push(routeRow(alanet, route, now));
  }
  return rows;
}
/** What one neighbor sent (refused ones too, the last of them), what of it was accepted, or what it was sent. */
export function neighborRoutes(alanet, now, link, view) {
  const neighbor = alanet.neighbors.get(link);
  if (neighbor === undefined) return [];
  if (view === 'advertised') return advertised(alanet, now, neighbor);
  const accepted = [...neighbor.routes.values()].map((route) => routeRow(alanet, route, now));
  return view === 'accepted' ? accepted : [...accepted, ...refusedRows(neighbor, now)];
}
function refusedRows(neighbor, now) {
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
function advertised(alanet, now, neighbor) {
  const own = formatNodeId(alanet.options.identity.id);
  const rows = [];
  for (const prefix of neighbor.sent.keys()) {
    const best = alanet.locRib.best(prefix);
    if (best === undefined) continue;
    const row = routeRow(alanet, best, now);
    rows.push({ ...row, nexthop: own, asPath: [own, ...row.asPath], hops: row.hops + 1 });
  }
  return rows;
}
export function explain(alanet, now, prefix) {
  const [winner, ...losers] = routes(alanet, now, prefix);
  return { prefix: formatPrefix(prefix), winner: winner ?? null, losers };
}
export function summary(alanet, now) {
  const { id } = alanet.options.identity;
  const peers = {};
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
function summaryRow(alanet, neighbor, now) {
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
export function neighborDetails(alanet, now, neighbor) {
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
