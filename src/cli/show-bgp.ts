/** What the `bgp` commands print without `--json`, as those who know FRR and BIRD expect it; at most 120 columns. */
import { type Align, table } from '../base/table.js';
import type {
  ExplainDocument,
  Fact,
  Facts,
  NeighborDocument,
  NeighborsDocument,
  RouteDocument,
  RoutesDocument,
  SummaryDocument,
} from './documents.js';
import { bytes, clip, msec, shortAddress, shortPrefix, upTime } from './format.js';

const NAME_WIDTH = 16;
const LINE_WIDTH = 120;
const ESTABLISHED = 'Established';

const SUMMARY_HEADS =
  'Neighbor Name Role Link RTT MsgRx MsgTx InQ OutQ Up/Down State/PfxRcd Best PfxSnt'.split(' ');
const SUMMARY_ALIGN: readonly Align[] = SUMMARY_HEADS.map((_, i) => (i < 4 ? 'left' : 'right'));

export function summaryText(s: SummaryDocument): string {
  const peers = Object.entries(s.peers);
  const up = peers.filter(([, peer]) => peer.state === ESTABLISHED).length;
  const name = s.hostname ? ` (${clip(s.hostname, 32)})` : '';
  const realm = s.realm === undefined ? '' : `realm ${clip(s.realm, 24)}  `;
  const size = s.ribBytes === undefined ? '' : ` · ${bytes(s.ribBytes)} of routes`;
  return `BGP router ${shortAddress(s.routerId)}${name}  ${realm}table version ${s.tableVersion}
${s.ribCount} destinations, ${s.pathCount} paths, ${s.staleCount ?? 0} stale · ${peers.length} neighbors, ${up} established${size}

${table(SUMMARY_HEADS, peers.map(summaryRow), { align: SUMMARY_ALIGN })}`;
}

function summaryRow([address, peer]: readonly [string, NeighborDocument]): string[] {
  return [
    shortAddress(address),
    clip(peer.hostname, NAME_WIDTH),
    peer.role,
    peer.link ?? '–',
    msec(peer.rttMsec),
    String(peer.msgRcvd),
    String(peer.msgSent),
    String(peer.inq),
    String(peer.outq),
    upTime(peer.peerUptimeMsec),
    peer.state === ESTABLISHED ? String(peer.pfxRcd) : peer.state,
    String(peer.pfxBest),
    String(peer.pfxSnt),
  ];
}

/** Everything that is known of each session, a fact a line. */
export function neighborsText({ neighbors }: NeighborsDocument): string {
  if (neighbors.length === 0) return 'no neighbors\n';
  const parts = neighbors.map(({ address, hostname, ...facts }) => {
    const head = hostname ? `${clip(hostname, 40)} ${address}` : address;
    return [`Neighbor ${head}`, ...factLines(facts, '  ')].join('\n');
  });
  return `${parts.join('\n\n')}\n`;
}

function factLines(facts: Facts, indent: string): string[] {
  return Object.entries(facts).flatMap(([key, value]) => {
    if (value === null || value === undefined) return [];
    if (isFacts(value)) return [`${indent}${key}`, ...factLines(value, `${indent}  `)];
    return [clip(`${indent}${key}: ${factText(value)}`, LINE_WIDTH)];
  });
}

const isFacts = (value: Fact): value is Facts =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function factText(value: Fact): string {
  if (!Array.isArray(value)) return typeof value === 'object' ? JSON.stringify(value) : `${value}`;
  return value.map(factText).join(', ') || 'none';
}

const ROUTE_HEADS = ['', 'Prefix', 'Neighbor', 'Pref', 'Cost', 'Hops', 'Age', 'Path', 'Lost by'];
const ROUTE_ALIGN: readonly Align[] = [
  ...(['left', 'left', 'left', 'right', 'right', 'right', 'right', 'left', 'left'] as const),
];

export function routesText({ routes }: RoutesDocument): string {
  if (routes.length === 0) return 'no routes\n';
  const rows = routes.map((route) => [
    `${route.valid ? '*' : ' '}${route.best ? '>' : ' '}${route.stale ? 's' : ' '}`,
    shortPrefix(route.prefix),
    neighborOf(route),
    String(route.localPref),
    String(route.cost),
    String(route.hops),
    upTime(route.ageMsec),
    pathOf(route),
    clip(route.lostBy, LINE_WIDTH),
  ]);
  return `* valid, > best, s stale\n${table(ROUTE_HEADS, rows, { align: ROUTE_ALIGN })}`;
}

const neighborOf = (route: RouteDocument): string =>
  route.neighbor === null
    ? 'own'
    : clip(route.neighborName, NAME_WIDTH) || shortAddress(route.neighbor);

const pathOf = ({ asPath }: RouteDocument): string => asPath.map(shortAddress).join(' ') || '–';

/** The winner, and for every loser the step of the decision at which it lost. */
export function explainText({ prefix, winner, losers = [] }: ExplainDocument): string {
  const rest = losers.length === 0 ? 'no other route\n' : losersText(losers);
  if (winner === null || winner === undefined) return `${prefix}: no valid route\n${rest}`;
  const via = winner.neighbor === null ? 'our own' : `via ${neighborOf(winner)}`;
  const facts = `pref ${winner.localPref}, cost ${winner.cost}, ${winner.hops} hops`;
  return `${prefix}: best is ${via}, ${facts}, path ${clip(pathOf(winner), 40)}\n${rest}`;
}

function losersText(losers: readonly RouteDocument[]): string {
  const rows = losers.map((route) => [
    neighborOf(route),
    clip(route.lostBy, LINE_WIDTH),
    String(route.localPref),
    String(route.cost),
    String(route.hops),
    pathOf(route),
  ]);
  const align: readonly Align[] = ['left', 'left', 'right', 'right', 'right', 'left'];
  return table(['Lost', 'By', 'Pref', 'Cost', 'Hops', 'Path'], rows, { align });
}
