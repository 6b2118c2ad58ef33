/** What graph theory says of a topology: who can reach whom, and what must not fail. */

export type Edge = readonly [string, string];

/** Neighbors of every node; parallel edges count once. */
export function adjacency(
  nodes: Iterable<string>,
  edges: Iterable<Edge>,
): ReadonlyMap<string, ReadonlySet<string>> {
  const near = new Map<string, Set<string>>();
  for (const node of nodes) near.set(node, new Set());
  for (const [a, b] of edges) {
    if (a === b || !near.has(a) || !near.has(b)) continue;
    near.get(a)?.add(b);
    near.get(b)?.add(a);
  }
  return near;
}

/** Everything reachable from a node, itself first, in order of distance. */
export function reachable(
  near: ReadonlyMap<string, ReadonlySet<string>>,
  from: string,
): ReadonlySet<string> {
  const found = new Set([from]);
  for (const node of found) for (const next of near.get(node) ?? []) found.add(next);
  return found;
}

/** The set that each node is in. */
export function components(
  near: ReadonlyMap<string, ReadonlySet<string>>,
): ReadonlyMap<string, ReadonlySet<string>> {
  const of = new Map<string, ReadonlySet<string>>();
  for (const node of near.keys()) {
    if (of.has(node)) continue;
    const set = reachable(near, node);
    for (const member of set) of.set(member, set);
  }
  return of;
}

const componentCount = (near: ReadonlyMap<string, ReadonlySet<string>>): number =>
  new Set(components(near).values()).size;

/** Nodes whose failure parts nobody else from anybody. */
export function spareNodes(nodes: readonly string[], edges: readonly Edge[]): string[] {
  const before = componentCount(adjacency(nodes, edges));
  return nodes.filter((node) => {
    const rest = nodes.filter((other) => other !== node);
    return rest.length > 0 && componentCount(adjacency(rest, edges)) <= before;
  });
}

/** Indexes of edges whose failure parts nobody. */
export function spareEdges(nodes: readonly string[], edges: readonly Edge[]): number[] {
  const before = componentCount(adjacency(nodes, edges));
  return edges.flatMap((_, i) => {
    const rest = edges.filter((_other, j) => j !== i);
    return componentCount(adjacency(nodes, rest)) === before ? [i] : [];
  });
}
