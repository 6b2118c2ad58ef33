/** Graphs to simulate: generated ones by name, and lab files. */
import type { Site } from './internet.js';
import { DEPENDENCES, MAPPING_MSEC, NAT_KINDS, type NatBehaviour } from './nat.js';
import type { SeededEntropy } from './random.js';

export interface Topology {
  readonly name: string;
  readonly nodes: readonly string[];
  /** Cables. */
  readonly links: readonly (readonly [string, string])[];
  /** An internet that nodes share, besides their cables. */
  readonly internet?: InternetPlan;
}

export interface InternetPlan {
  readonly sites: readonly Site[];
  /** Nodes that have each other as peers, and know each other's own addresses. */
  readonly peers: readonly (readonly [string, string])[];
}

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `r${i + 1}`);

const at = (nodes: readonly string[], i: number): string => nodes[i % nodes.length] as string;

export function line(count: number): Topology {
  const nodes = names(count);
  const links = nodes.slice(1).map((node, i) => [at(nodes, i), node] as const);
  return { name: `line-${count}`, nodes, links };
}

export function ring(count: number): Topology {
  const { nodes, links } = line(count);
  return { name: `ring-${count}`, nodes, links: [...links, [at(nodes, count - 1), at(nodes, 0)]] };
}

export function grid(side: number): Topology {
  const nodes = names(side * side);
  const links: [string, string][] = [];
  for (let i = 0; i < nodes.length; i++) {
    if (i % side !== side - 1) links.push([at(nodes, i), at(nodes, i + 1)]);
    if (i + side < nodes.length) links.push([at(nodes, i), at(nodes, i + side)]);
  }
  return { name: `grid-${side}`, nodes, links };
}

/**
 * A connected mesh as friends make one: each newcomer peers with one earlier node, then chords until the mean degree is
 * reached; popular nodes get more (preferential attachment).
 * @param degree Mean degree, ≥ 2.
 */
export function mesh(count: number, degree: number, random: SeededEntropy): Topology {
  const nodes = names(count);
  const links = new Map<string, readonly [string, string]>();
  const ends: string[] = [at(nodes, 0)];
  const join = (a: string, b: string): void => {
    const key = a < b ? `${a} ${b}` : `${b} ${a}`;
    if (a === b || links.has(key)) return;
    links.set(key, [a, b]);
    ends.push(a, b);
  };
  for (let i = 1; i < count; i++) join(at(nodes, i), random.pick(ends) ?? at(nodes, 0));
  const wanted = Math.min(Math.floor((count * degree) / 2), (count * (count - 1)) / 2);
  for (let tries = 0; links.size < wanted && tries < 50 * wanted; tries++) {
    join(
      at(nodes, random.below(count)),
      random.chance(0.5) ? (random.pick(ends) as string) : at(nodes, random.below(count)),
    );
  }
  return { name: `mesh-${count}`, nodes, links: [...links.values()] };
}

/** Ours: of a site, how likely it is public, blocks UDP, is in a carrier's network, has two nodes. */
const [PUBLIC, BLOCKED, IN_CARRIER, SHARED] = [0.15, 0.05, 0.3, 0.25];

/** A public node, all others behind NAT boxes of any kind; every pair is peered. */
export function homes(count: number, random: SeededEntropy): Topology {
  const nodes = names(count);
  const carrier = { ...natOf(random), ports: 'random' } as const;
  const sites: Site[] = [
    { name: 'internet', nat: undefined, behind: undefined, nodes: [at(nodes, 0)] },
    { name: 'carrier', nat: carrier, behind: undefined, nodes: [] },
  ];
  for (let i = 1; i < count; ) {
    const size = Math.min(random.chance(SHARED) ? 2 : 1, count - i);
    const nat = random.chance(PUBLIC) ? undefined : natOf(random);
    const behind = nat !== undefined && random.chance(IN_CARRIER) ? 'carrier' : undefined;
    sites.push({ name: `home${i}`, nat, behind, nodes: nodes.slice(i, i + size) });
    i += size;
  }
  const peers = nodes.flatMap((a, i) => nodes.slice(i + 1).map((b) => [a, b] as const));
  return { name: `nats-${count}`, nodes, links: [], internet: { sites, peers } };
}

function natOf(random: SeededEntropy): NatBehaviour {
  if (random.chance(BLOCKED)) return NAT_KINDS['udp-blocked'];
  return {
    mapping: random.pick(DEPENDENCES) ?? 'endpoint-independent',
    filtering: random.pick(DEPENDENCES) ?? 'endpoint-independent',
    hairpin: random.chance(0.5),
    ports: random.pick(['preserve', 'sequential', 'random'] as const) ?? 'preserve',
    mappingMsec: random.chance(0.3) ? MAPPING_MSEC / 4 : MAPPING_MSEC,
    blocksUdp: false,
  };
}

/** `nats-N`, `line-N`, `ring-N`, `grid-SIDE`, `mesh-N`, `mesh-N-DEGREE`; undefined for other names. */
export function topologyNamed(name: string, random: SeededEntropy): Topology | undefined {
  const match = /^(line|ring|grid|mesh|nats)-(\d{1,4})(?:-(\d{1,2}))?$/.exec(name);
  if (match === null) return undefined;
  const count = Number(match[2]);
  if (count < 2) return undefined;
  switch (match[1]) {
    case 'line':
      return line(count);
    case 'ring':
      return count < 3 ? undefined : ring(count);
    case 'nats':
      return homes(count, random);
    case 'grid':
      return count > 40 ? undefined : grid(count);
    default:
      return mesh(count, Number(match[3] ?? 4), random);
  }
}
