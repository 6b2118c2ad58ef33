/** What the API commands print when no `--json` is given; every line fits 120 columns. */
import { table } from '../base/table.js';
import type { Document } from './client.js';
import { ago, bytes, fit, msec, percent, shortAddress, upTime } from './format.js';

const NAME_WIDTH = 16;

export function statusText(s: Document): string {
  const drops = Object.entries(s.drops as Record<string, number>).filter(([, count]) => count > 0);
  const dropText = drops.map(([reason, count]) => `${reason} ${count}`).join(', ');
  return `${[
    `alamesh ${s.version} (${fit(s.name, 40)})  realm ${s.realm}  up ${upTime(s.uptimeMsec)}  pid ${s.pid}`,
    `address    ${s.nodeId}`,
    `prefix     ${s.prefix}`,
    `plane      ${s.plane}, TUN ${s.tun.name} mtu ${s.tun.mtu}, ${bytes(s.rssBytes)} of memory`,
    `listening  ${fit((s.listen ?? []).join(' '), 100)}`,
    `links      ${s.links.up} up of ${s.links.total}`,
    `neighbors  ${s.neighbors.established} established of ${s.neighbors.total}`,
    `routes     ${s.routes.prefixes} prefixes, ${s.routes.paths} paths`,
    `drops      ${fit(dropText || 'none', 105)}`,
  ].join('\n')}\n`;
}

export function linksText(document: Document): string {
  const rows = document.links.map((l: Document) => [
    shortAddress(l.peer),
    fit(l.name ?? '', NAME_WIDTH),
    l.state,
    l.path?.transport ?? '–',
    fit(l.path?.remote.replace(/^\w+:\/\//, '') ?? '–', 32),
    msec(l.rttMsec),
    percent(l.loss),
    bytes(l.rxBytes),
    bytes(l.txBytes),
    ago(l.lastHandshakeAt),
  ]);
  const head = ['Peer', 'Name', 'State', 'Via', 'Remote', 'RTT', 'Loss', 'Rx', 'Tx', 'Handshake'];
  if (rows.length === 0)
    return 'no links yet: `alamesh peer add LINE`, or a router on the same LAN\n';
  return table(head, rows, {
    align: ['left', 'left', 'left', 'left', 'left', 'right', 'right', 'right', 'right', 'right'],
  });
}

/** `links WHO`: every candidate path, its state and why. */
export function linkText(document: Document): string {
  let text = linksText(document);
  for (const l of document.links) {
    const rows = l.paths.map((p: Document) => [
      p.id === l.path?.id && l.path?.id !== 0 ? '>' : ' ',
      p.transport,
      fit(p.remote, 44),
      p.state,
      msec(p.rttMsec),
      fit(p.lastResult ?? '', 36),
    ]);
    text += `\nPaths to ${l.name || l.peer}${l.lastError ? ` (${fit(l.lastError, 70)})` : ''}\n`;
    text += table([' ', 'Via', 'Remote', 'State', 'RTT', 'Last result'], rows);
  }
  return text;
}

export function peersText(document: Document): string {
  if (document.peers.length === 0) return 'no peers\n';
  const rows = document.peers.map((p: Document) => [
    shortAddress(p.address),
    fit(p.name ?? '', NAME_WIDTH),
    p.source,
    p.state ?? '–',
    `${p.key.slice(0, 12)}…`,
    fit((p.endpoints ?? []).join(' ') || '–', 48),
  ]);
  return table(['Address', 'Name', 'Source', 'State', 'Key', 'Endpoints'], rows);
}

export function summaryText(s: Document): string {
  const peers = Object.entries(s.peers as Record<string, Document>);
  const established = peers.filter(([, p]) => p.state === 'Established').length;
  const rows = peers.map(([address, p]) => [
    shortAddress(address),
    fit(p.hostname ?? '', NAME_WIDTH),
    p.role,
    p.link ?? '–',
    msec(p.rttMsec),
    String(p.msgRcvd),
    String(p.msgSent),
    String(p.inq),
    String(p.outq),
    p.state === 'Established'
      ? upTime(p.peerUptimeMsec)
      : p.peerUptimeMsec
        ? upTime(p.peerUptimeMsec)
        : 'never',
    p.state === 'Established' ? String(p.pfxRcd) : p.state,
    String(p.pfxBest),
    String(p.pfxSnt),
  ]);
  const head = [
    'Neighbor',
    'Name',
    'Role',
    'Link',
    'RTT',
    'MsgRx',
    'MsgTx',
    'InQ',
    'OutQ',
    'Up/Down',
  ];
  const right = 'right' as const;
  const left = 'left' as const;
  return `BGP router ${shortAddress(s.routerId)} (${fit(s.hostname ?? '', 40)})  realm ${s.realm}  table version ${s.tableVersion}
${s.ribCount} destinations, ${s.pathCount} paths, ${s.staleCount ?? 0} stale · ${peers.length} neighbors, ${established} established · ${bytes(s.ribBytes ?? 0)} of routes

${table([...head, 'State/PfxRcd', 'Best', 'PfxSnt'], rows, {
  align: [left, left, left, left, right, right, right, right, right, right, right, right, right],
})}`;
}

export function routesText(document: Document): string {
  if (document.routes.length === 0) return 'no routes\n';
  const rows = document.routes.map((r: Document) => [
    `${r.valid ? '*' : ' '}${r.best ? '>' : ' '}${r.stale ? 's' : ' '}`,
    fit(r.prefix, 28),
    r.neighbor === null ? 'own' : fit(r.neighborName || shortAddress(r.neighbor), NAME_WIDTH),
    String(r.localPref),
    String(r.cost),
    String(r.hops),
    upTime(r.ageMsec),
    fit(r.asPath.map(shortAddress).join(' '), 36),
    r.lostBy ?? '',
  ]);
  const right = 'right' as const;
  const left = 'left' as const;
  return `* valid, > best, s stale\n${table(
    ['', 'Prefix', 'Neighbor', 'Pref', 'Cost', 'Hops', 'Age', 'Path', 'Lost by'],
    rows,
    { align: [left, left, left, right, right, right, right, left, left] },
  )}`;
}

export function explainText(document: Document): string {
  const { winner, losers = [] } = document;
  if (winner === null || winner === undefined)
    return `${document.prefix}: no valid route\n${losersText(losers)}`;
  const via =
    winner.neighbor === null ? 'it is our own' : `via ${winner.neighborName || winner.neighbor}`;
  const line = `${document.prefix}: best ${via}, cost ${winner.cost}, ${winner.hops} hops`;
  return `${line}\n${losersText(losers)}`;
}

function losersText(losers: Document[]): string {
  if (losers.length === 0) return 'no other route\n';
  const rows = losers.map((r) => [
    fit(r.neighborName || shortAddress(r.neighbor), NAME_WIDTH),
    r.lostBy ?? '',
    String(r.localPref),
    String(r.cost),
    String(r.hops),
    fit(r.asPath.map(shortAddress).join(' '), 60),
  ]);
  return table(['Lost', 'By', 'Pref', 'Cost', 'Hops', 'Path'], rows);
}

export function pingText(p: Document): string {
  const lines: string[] = [];
  for (const h of p.path ?? []) {
    lines.push(
      `${String(h.hop).padStart(3)}  ${fit(h.name ?? '', NAME_WIDTH).padEnd(NAME_WIDTH)}  ${h.address ?? '*'}  ${msec(h.rttMsec)}`,
    );
  }
  for (const r of p.replies) {
    const what =
      r.rttMsec === null
        ? 'no answer'
        : r.from === p.target
          ? msec(r.rttMsec)
          : `${r.kind} from ${r.from}`;
    lines.push(`${p.target} seq ${r.seq}: ${what}`);
  }
  const loss = p.sent === 0 ? 0 : 1 - p.received / p.sent;
  lines.push(`${p.sent} sent, ${p.received} received, ${percent(loss)} lost`);
  return `${lines.join('\n')}\n`;
}

const MONITOR_HIDDEN = new Set(['schema', 'kind', 'at']);

export function monitorText(event: Document): string {
  const time = new Date(event.at).toISOString().slice(11, 23);
  const words = Object.entries(event as Record<string, unknown>)
    .filter(([key, value]) => !MONITOR_HIDDEN.has(key) && value !== null && value !== '')
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return `${fit(`${time} ${String(event.kind).padEnd(8)} ${words.join(' ')}`, 240)}\n`;
}
