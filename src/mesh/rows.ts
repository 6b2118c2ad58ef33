/** The rows of `links` and `peer list` (CLI.md). */
import { toBase64Url } from '../base/bytes.js';
import { formatNodeId } from '../base/ip6.js';
import type { Instant, WallClock } from '../base/time.js';
import type { Candidate } from './candidates.js';
import { innerMtu } from './mtu.js';
import type { PeerLink } from './peer-link.js';
import type { LinkRow, PathRow, PeerRow } from './types.js';

export function linkRow(peer: PeerLink, wall: WallClock): LinkRow {
  const { paths, keys } = peer;
  const counters = paths.readCounters();
  const { current } = paths;
  const at = (time: Instant | undefined): number | null =>
    time === undefined ? null : Math.round(wall(time));
  return {
    ...{ link: peer.link, peer: peer.label, name: peer.name, state: peer.state },
    path: current === undefined ? null : pathRow(current),
    paths: paths.table.all().map(pathRow),
    rttMsec: rounded(current?.rtt.smoothedMsec),
    rttMinMsec: rounded(current?.minRtt.msec),
    loss: Math.round(paths.loss.worst * 10_000) / 10_000,
    rxBytes: counters.rxBytes,
    txBytes: counters.txBytes,
    lastHandshakeAt: at(keys.lastHandshakeAt),
    upSinceAt: at(peer.upSince),
    mtu: innerMtu(peer.datagramBytesMax),
    cipher: keys.cipher ?? null,
    lastError: peer.lastError,
  };
}

function pathRow(candidate: Candidate): PathRow {
  const { path, endpoint, state, lastResult, source, rtt, mtu } = candidate;
  return {
    id: path?.id ?? 0,
    transport: path?.transport ?? endpoint.slice(0, Math.max(0, endpoint.indexOf(':'))),
    local: path?.local ?? null,
    remote: path?.remote ?? endpoint,
    relayed: path?.relayed ?? false,
    via: path?.via ?? null,
    ...{ state, lastResult, source },
    rttMsec: rounded(rtt.smoothedMsec),
    datagramBytesMax: mtu.datagramBytesMax,
  };
}

export function peerRow(peer: PeerLink): PeerRow {
  const id = peer.nodeId;
  return {
    key: toBase64Url(peer.spec.key),
    name: peer.name,
    address: id === undefined ? null : formatNodeId(id),
    source: peer.source,
    stock: peer.isStock,
    endpoints: peer.paths.table.all().map(({ endpoint }) => endpoint),
    state: peer.state,
    link: peer.link,
    observed: peer.observed,
  };
}

const rounded = (msec: number | undefined): number | null =>
  msec === undefined ? null : Math.round(msec * 1000) / 1000;
