/** A lab file as a graph: its routers, and the cables and switches between them. */
import type { Lab } from '../lab/model.js';
import { adjacency, components } from './graph.js';
import type { Topology } from './topology.js';

/** Plain hosts and the machine itself are left out; routers on one switch, or on switches joined, all see each other. */
export function topologyOfLab(lab: Lab): Topology {
  const roleOf = new Map(lab.nodes.map(({ name, role }) => [name, role]));
  const nodes = lab.nodes.filter(({ role }) => role === 'router').map(({ name }) => name);
  const links: [string, string][] = [];
  const onBridge = new Map<string, string[]>();
  const joined: [string, string][] = [];
  for (const { a, b } of lab.links) {
    const [one, other] = [a.node, b?.node];
    if (one === undefined || other === undefined || one === other) continue;
    const roles = `${roleOf.get(one)} ${roleOf.get(other)}`;
    if (roles === 'router router') links.push([one, other]);
    else if (roles === 'router bridge') add(onBridge, other, one);
    else if (roles === 'bridge router') add(onBridge, one, other);
    else if (roles === 'bridge bridge') joined.push([one, other]);
  }
  for (const segment of segments(onBridge, joined)) links.push(...pairs(segment));
  return { name: lab.name, nodes, links };
}

function add(map: Map<string, string[]>, key: string, value: string): void {
  map.set(key, [...(map.get(key) ?? []), value]);
}

/** Routers of each set of bridges that are joined to each other. */
function segments(
  onBridge: ReadonlyMap<string, readonly string[]>,
  joined: readonly (readonly [string, string])[],
): string[][] {
  const near = adjacency([...onBridge.keys(), ...joined.flat()], joined);
  return [...new Set(components(near).values())].map((bridges) => [
    ...new Set([...bridges].flatMap((bridge) => onBridge.get(bridge) ?? [])),
  ]);
}

const pairs = (names: readonly string[]): [string, string][] =>
  names.flatMap((one, i) => names.slice(i + 1).map((other): [string, string] => [one, other]));
