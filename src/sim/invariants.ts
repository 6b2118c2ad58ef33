/**
 * What must hold. After every event, for the node that had it: bounded queues and no unproven route in use. Once
 * nothing moves, for all: no loop, everything routed that can be reached and nothing else, and a forwarding table that
 * says what the Loc-RIB says.
 */
import { isUp } from '../alanet/attest/subjects.js';
import type { Neighbor } from '../alanet/session/neighbor.js';
import { LIMITS, type Route } from '../alanet/types.js';
import { addressBytes, formatNodeId, type NodeId, prefixOfNode } from '../base/ip6.js';
import type { LinkId } from '../link/types.js';
import { LOCAL, NO_ROUTE } from '../plane/fib.js';
import type { SimNode } from './node.js';

/** A node's own address and its /64, always in its forwarding table. */
const FIB_OWN = 2;
/** Ours: alanet stops building UPDATEs at 16; withdrawals, keepalives and answers come on top. */
const OUTBOX_MAX = 256;

/** A broken promise; `sim run` adds how to replay it. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly seed: number;
  /** Virtual, ms since the start. */
  readonly atMsec: number;
  readonly node: string;

  constructor(what: string, at: { seed: number; atMsec: number; node: string }) {
    super(`${at.node}, ${at.atMsec.toFixed(1)} ms, seed ${at.seed}: ${what}`);
    this.seed = at.seed;
    this.atMsec = at.atMsec;
    this.node = at.node;
  }
}

/** @returns What is wrong with a node's queues, or undefined. @param nodes Nodes that there are. */
export function queueFault(node: SimNode, nodes: number): string | undefined {
  for (const neighbor of node.engine.alanet.neighbors.values()) {
    const fault = neighborFault(neighbor, nodes);
    if (fault !== undefined) return `neighbor ${neighbor.name || neighbor.peer}: ${fault}`;
  }
  return undefined;
}

function neighborFault(neighbor: Neighbor, nodes: number): string | undefined {
  const { outbox, inboxBytes, pending, pendingRecords, inbox } = neighbor;
  if (outbox.length > OUTBOX_MAX) return `${outbox.length} messages wait to be sent`;
  if (inboxBytes > LIMITS.inboxBytesMax) return `${inboxBytes} bytes wait to be processed`;
  if (inbox.length === 0 && inboxBytes !== 0) return `an empty inbox of ${inboxBytes} bytes`;
  if (pending.size > nodes) return `${pending.size} prefixes pending, of ${nodes}`;
  if (pendingRecords.size > nodes * nodes) return `${pendingRecords.size} records pending`;
  if (neighbor.routes.size > nodes) return `${neighbor.routes.size} routes to ${nodes} nodes`;
  return undefined;
}

/** Routes whose path was looked at: it never changes, only the records of its adjacencies do. */
const wellMade = new WeakSet<Route>();

/** @returns What is wrong with a selected route, or undefined. */
export function routeFault(node: SimNode): string | undefined {
  const { locRib } = node.engine.alanet;
  for (const prefix of locRib.prefixes()) {
    const best = locRib.best(prefix);
    const fault = best === undefined ? undefined : selectedFault(node.id, best);
    if (fault !== undefined) return `selected ${prefix}: ${fault}`;
  }
  return undefined;
}

function selectedFault(own: NodeId, route: Route): string | undefined {
  if (route.link === undefined) return undefined;
  if (!wellMade.has(route)) {
    const fault = pathFault(own, route);
    if (fault !== undefined) return fault;
    wellMade.add(route);
  }
  for (const entry of route.steps) {
    if (!isUp(entry)) return `the adjacency ${entry.key} on its path is not signed up`;
  }
  return undefined;
}

function pathFault(own: NodeId, route: Route): string | undefined {
  if (route.asPath.includes(own)) return 'our own id is on its path';
  if (route.steps.length !== route.asPath.length) {
    return `${route.asPath.length} hops, but ${route.steps.length} signed adjacencies`;
  }
  let from = own;
  for (const [i, to] of route.asPath.entries()) {
    const entry = route.steps[i];
    const joins = entry && (entry.a === from ? entry.b === to : entry.b === from && entry.a === to);
    if (!joins) return `no adjacency of ${from} and ${to}`;
    from = to;
  }
  return prefixOfNode(from) === route.prefix ? undefined : 'the path does not end at the origin';
}

export interface QuietFault {
  readonly kind: 'loop' | 'unreachable' | 'ghost' | 'fib';
  readonly node: string;
  readonly text: string;
}

/**
 * @param nodes All that are alive.
 * @param reachable The alive nodes that a node can reach by cables, itself included.
 * @returns Everything that is wrong now that nothing moves; empty when all is well.
 */
export function quietFaults(
  nodes: readonly SimNode[],
  reachable: (node: SimNode) => ReadonlySet<NodeId>,
): QuietFault[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const faults: QuietFault[] = [];
  for (const node of nodes) {
    faults.push(...ribFaults(node, reachable(node)), ...fibFaults(node));
  }
  for (const destination of nodes) faults.push(...loops(byId, destination));
  return faults;
}

function ribFaults(node: SimNode, wanted: ReadonlySet<NodeId>): QuietFault[] {
  const { locRib } = node.engine.alanet;
  const faults: QuietFault[] = [];
  const prefixes = new Set([...wanted].map(prefixOfNode));
  for (const id of wanted) {
    if (locRib.best(prefixOfNode(id)) !== undefined) continue;
    const text = `no route to ${formatNodeId(id)}, which cables reach`;
    faults.push({ kind: 'unreachable', node: node.name, text });
  }
  for (const prefix of locRib.prefixes()) {
    if (prefixes.has(prefix)) continue;
    faults.push({ kind: 'ghost', node: node.name, text: `a route to ${prefix}, which is gone` });
  }
  return faults;
}

function fibFaults(node: SimNode): QuietFault[] {
  const { locRib } = node.engine.alanet;
  const faults: QuietFault[] = [];
  let learned = 0;
  for (const prefix of locRib.prefixes()) {
    const best = locRib.best(prefix);
    if (best?.link === undefined) continue;
    learned++;
    const end = best.asPath.at(-1);
    const hop = end === undefined ? NO_ROUTE : node.plane.nextHop(addressBytes(end));
    if (hop === best.link) continue;
    const text = `${prefix} leaves by link ${hop}, the Loc-RIB says ${best.link}`;
    faults.push({ kind: 'fib', node: node.name, text });
  }
  const installed = node.plane.fibSize - FIB_OWN;
  if (installed !== learned) {
    const text = `${installed} learned routes in the plane, ${learned} in the Loc-RIB`;
    faults.push({ kind: 'fib', node: node.name, text });
  }
  return faults;
}

/** Follows packets to one destination from everywhere; each node is left once. */
function loops(byId: ReadonlyMap<NodeId, SimNode>, destination: SimNode): QuietFault[] {
  const address = addressBytes(destination.id);
  const done = new Set<SimNode>();
  const faults: QuietFault[] = [];
  for (const start of byId.values()) {
    const trail = new Set<SimNode>();
    let at: SimNode | undefined = start;
    while (at !== undefined && !done.has(at) && !trail.has(at)) {
      trail.add(at);
      at = nextNode(byId, at, address);
    }
    if (at !== undefined && trail.has(at)) {
      const text = `packets to ${destination.name} loop: ${[...trail].map((n) => n.name).join(' ')}`;
      faults.push({ kind: 'loop', node: start.name, text });
    }
    for (const node of trail) done.add(node);
  }
  return faults;
}

function nextNode(
  byId: ReadonlyMap<NodeId, SimNode>,
  node: SimNode,
  address: Uint8Array,
): SimNode | undefined {
  const hop = node.plane.nextHop(address);
  if (hop === LOCAL || hop === NO_ROUTE) return undefined;
  const neighbor = node.engine.alanet.neighbors.get(hop as LinkId);
  return neighbor === undefined ? undefined : byId.get(neighbor.peer);
}
