/** What kind of NAT is between this node and the others, in the words of RFC 4787, from what neighbors see of us. */
import { isTellable } from './endpoint.js';
import type { Reach } from './link-paths.js';

/** none: we are seen as we are. Mapping: §4.1; filtering: §5. */
export type NatKind =
  | 'none'
  | 'endpoint-independent'
  | 'address-dependent'
  | 'address-and-port-dependent'
  | 'unknown';

export interface Sighting {
  /** Where the neighbor is: `udp://192.0.2.1:4242`. */
  readonly remote: string;
  /** Where it sees us. */
  readonly observed: string;
  /** From where its packets came to us, though we had not sent there. */
  readonly reachedBy: Reach;
}

export interface NatView {
  readonly mapping: NatKind;
  readonly filtering: NatKind;
  /** Our endpoints as neighbors see them, each once. */
  readonly observed: readonly string[];
}

const hostOf = (url: string): string => url.replace(/^\w+:\/\//, '').replace(/:\d+$/, '');
const isUdp4 = (url: string): boolean => /^udp:\/\/\d/.test(url);

/** @param own Our endpoints as we know them ourselves. */
export function natView(sightings: readonly Sighting[], own: readonly string[]): NatView {
  const seen = sightings.filter(({ remote, observed }) => isUdp4(remote) && isUdp4(observed));
  const observed = [
    ...new Set(sightings.map((one) => one.observed).filter((url) => /^(?:udp|tcp):/.test(url))),
  ];
  const mapping = mappingOf(seen, own);
  return { mapping, filtering: mapping === 'none' ? 'none' : filteringOf(sightings), observed };
}

/** What came through shows what is let through; what is not, nobody can see from inside. */
function filteringOf(sightings: readonly Sighting[]): NatKind {
  const reaches = new Set(sightings.map(({ reachedBy }) => reachedBy));
  if (reaches.has('other host')) return 'endpoint-independent';
  return reaches.has('other port') ? 'address-dependent' : 'unknown';
}

function mappingOf(seen: readonly Sighting[], own: readonly string[]): NatKind {
  if (seen.length === 0) return 'unknown';
  if (seen.every(({ observed }) => own.includes(observed))) return 'none';
  const endpoints = new Set(seen.map(({ observed }) => observed));
  const hosts = new Set(seen.map(({ remote }) => hostOf(remote)));
  if (endpoints.size === 1) return hosts.size > 1 ? 'endpoint-independent' : 'unknown';
  const perHost = new Map<string, Set<string>>();
  for (const { remote, observed } of seen) {
    const host = hostOf(remote);
    perHost.set(host, (perHost.get(host) ?? new Set()).add(observed));
  }
  const isByPort = [...perHost.values()].some(({ size }) => size > 1);
  const remotes = new Set(seen.map(({ remote }) => remote)).size;
  return !isByPort && remotes > hosts.size ? 'address-dependent' : 'address-and-port-dependent';
}

/** Ours: endpoints that others see, of all that are told. */
const SIGHTINGS_TOLD_MAX = 4;
const TOLD_MAX = 16;

/**
 * What peers are told: our own endpoints and those that others see us at. Who sees us over a stream knows our address only;
 * many NAT boxes keep the port, so that is named too.
 */
export function withSightings(own: readonly string[], sightings: readonly Sighting[]): string[] {
  const port = own.map((url) => /^udp:.*:(\d+)$/.exec(url)?.[1]).find((text) => text !== undefined);
  const seen = sightings.flatMap(({ observed }) => {
    if (observed.startsWith('udp:')) return [observed];
    const host = /^tcp:\/\/(.+):\d+$/.exec(observed)?.[1];
    return host === undefined || port === undefined ? [] : [`udp://${host}:${port}`];
  });
  const others = [...new Set(seen)].filter((url) => isTellable(url) && !own.includes(url));
  const told = others.slice(0, SIGHTINGS_TOLD_MAX);
  return [...own.slice(0, TOLD_MAX - told.length), ...told];
}
