/** What `status`, `links` and `peer list` print without `--json`; no line exceeds 120 columns. */
import { type Align, table } from '../base/table.js';
import type { LinkDocument, LinksDocument, PeersDocument, StatusDocument } from './documents.js';
import { ago, bytes, clip, msec, percent, shortAddress, upTime, withoutScheme } from './format.js';

const NAME_WIDTH = 16;
const LINE_WIDTH = 120;

export function statusText(s: StatusDocument): string {
  const drops = Object.entries(s.drops).filter(([, count]) => count > 0);
  const lines = [
    `alamesh ${s.version} (${clip(s.name, 32)})  realm ${clip(s.realm, 24)}  up ${upTime(s.uptimeMsec)}  pid ${s.pid}`,
    `address    ${s.nodeId}`,
    `prefix     ${s.prefix}`,
    `plane      ${s.plane}, ${tunText(s)}, ${bytes(s.rssBytes)} of memory`,
    `listening  ${(s.listen ?? []).join(' ') || 'nowhere'}`,
    ...pluginLines(s),
    `links      ${s.links.up} up of ${s.links.total}`,
    `neighbors  ${s.neighbors.established} established of ${s.neighbors.total}`,
    `routes     ${s.routes.prefixes} prefixes, ${s.routes.paths} paths`,
    `drops      ${drops.map(([reason, count]) => `${reason} ${count}`).join(', ') || 'none'}`,
    ...(s.tun.problem ? [`problem    ${s.tun.problem}`] : []),
    ...natText(s),
    ...queueText(s),
    ...healthText(s),
  ];
  return lines.map((line) => `${clip(line, LINE_WIDTH)}\n`).join('');
}

function natText({ nat }: StatusDocument): string[] {
  if (nat === undefined) return [];
  const { mapping, filtering, observed } = nat;
  const seen = observed.length === 0 ? '' : `; seen as ${observed.map(withoutScheme).join(' ')}`;
  if (mapping === 'none') return [`NAT        none${seen}`];
  return [`NAT        mapping ${mapping}, filtering ${filtering}${seen}`];
}

function queueText({ queue }: StatusDocument): string[] {
  if (!queue) return [];
  const { bytes: waiting, bytesHigh, marked } = queue;
  return [
    `queue      ${bytes(waiting)} now, ${bytes(bytesHigh)} at most, ${marked} packets marked`,
  ];
}

function healthText({ planeHealth: health }: StatusDocument): string[] {
  if (health === undefined || health.panics === 0) return [];
  const state = health.state === 'paused' ? 'PAUSED' : 'running';
  return [`packets    ${state} after ${health.panics} panics; the last: ${health.problem ?? ''}`];
}

/** Transports of third parties: they may fail while the router runs. */
function pluginLines({ transports = [] }: StatusDocument): string[] {
  return transports.flatMap(({ scheme, module, state, lastError }) => {
    if (module === null) return [];
    const why = state !== 'running' && lastError !== null ? `: ${lastError}` : '';
    return [`transport  ${scheme ?? '?'} (${clip(module, 48)}) ${state}${why}`];
  });
}

function tunText({ tun }: StatusDocument): string {
  const text = `TUN ${tun.name} mtu ${tun.mtu}`;
  return tun.problem ? `${text} ${(tun.state ?? 'lost').toUpperCase()}` : text;
}

const LINK_HEADS = 'Peer Name State Via Remote RTT Loss Rx Tx Handshake'.split(' ');
const LINK_ALIGN: readonly Align[] = [
  ...(['left', 'left', 'left', 'left', 'left'] as const),
  ...(['right', 'right', 'right', 'right', 'right'] as const),
];

export function linksText({ links }: LinksDocument): string {
  if (links.length === 0) {
    return 'no links yet: `alamesh peer add LINE`, or start a router on the same LAN\n';
  }
  return table(LINK_HEADS, links.map(linkRow), { align: LINK_ALIGN });
}

const linkRow = (link: LinkDocument): string[] => [
  shortAddress(link.peer),
  clip(link.name, NAME_WIDTH),
  link.state,
  link.path?.transport ?? '–',
  withoutScheme(link.path?.remote),
  msec(link.rttMsec),
  percent(link.loss),
  bytes(link.rxBytes),
  bytes(link.txBytes),
  ago(link.lastHandshakeAt),
];

/** `links WHO`: every candidate path, its state and how its last try ended. */
export function pathsText(document: LinksDocument): string {
  return linksText(document) + document.links.map(pathsOf).join('');
}

function pathsOf(link: LinkDocument): string {
  const rows = link.paths.map((path) => [
    path.id !== 0 && path.id === link.path?.id ? '>' : '',
    path.relayed ? `${path.transport} by ${shortAddress(path.via)}` : path.transport,
    withoutScheme(path.remote),
    path.state ?? '',
    msec(path.rttMsec),
    clip(path.lastResult, LINE_WIDTH),
  ]);
  const error = link.lastError ? ` (${clip(link.lastError, 60)})` : '';
  const heads = ['', 'Via', 'Remote', 'State', 'RTT', 'Last result'];
  const align: readonly Align[] = ['left', 'left', 'left', 'left', 'right'];
  return `\nPaths to ${link.name || shortAddress(link.peer)}${error}\n${table(heads, rows, { align })}`;
}

export function peersText({ peers }: PeersDocument): string {
  if (peers.length === 0) return 'no peers: `alamesh peer add LINE` adds one\n';
  const rows = peers.map((peer) => [
    shortAddress(peer.address),
    clip(peer.name, NAME_WIDTH),
    peer.source,
    peer.state ?? '–',
    `${peer.key.slice(0, 12)}…`,
    clip(peer.endpoints.join(' ') || '–', LINE_WIDTH),
  ]);
  return table(['Address', 'Name', 'Source', 'State', 'Key', 'Endpoints'], rows);
}
