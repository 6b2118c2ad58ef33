/**
 * One UPDATE of a neighbor, step by step: records are verified, path steps checked, routes accepted or refused with a
 * reason. A refused route is a withdrawal of what the neighbor said before (RFC 7606).
 */
import type { NodeId, Prefix } from '../../base/ip6.js';
import type { Instant } from '../../base/time.js';
import type { BgpUpdate, WireRoute } from '../../wire/types.js';
import type { Learned, LinkEntry, Subject, Subjects } from '../attest/subjects.js';
import type { Neighbor } from '../session/neighbor.js';
import type { Route, RouteFault } from '../types.js';
import type { LocRib } from './loc-rib.js';

export interface AdjInParts {
  readonly subjects: Subjects;
  readonly locRib: LocRib;
  readonly own: NodeId;
  readonly routesMax: number;
  /** A record that was new to us: others may have to get it, and routes over a link may have changed. */
  readonly learned: (subject: Subject, from: Neighbor) => void;
  /** Routes were refused for a reason that is over: the neighbor should say them again. */
  readonly askAgain: (neighbor: Neighbor) => void;
}

interface At {
  readonly now: Instant;
  readonly nowSeconds: number;
}

/** @returns A fault that ends the session, or undefined. */
export function receiveUpdate(
  parts: AdjInParts,
  neighbor: Neighbor,
  update: BgpUpdate,
  at: At,
): 'limit' | undefined {
  if (update.beginOfRib) for (const route of neighbor.routes.values()) route.stale = true;
  if (!receiveRecords(parts, neighbor, update, at.nowSeconds)) return 'limit';
  for (const step of update.paths) if (!neighbor.dictionaryIn.setStep(step)) return 'limit';
  for (const item of update.malformed) {
    neighbor.refuse(at.now, undefined, 'malformed');
    if (item.what === 'route') withdraw(parts, neighbor, item.id);
    else if (item.what === 'record')
      neighbor.dictionaryIn.setRecord(item.id, { ok: false, fault: 'malformed' });
  }
  for (const route of update.routes) receiveRoute(parts, neighbor, route, at);
  for (const origin of update.withdrawn) withdraw(parts, neighbor, origin);
  neighbor.dictionaryIn.forget(update.forgetPaths, update.forgetRecords);
  if (update.endOfRib) endOfRib(parts, neighbor);
  return neighbor.routes.size > parts.routesMax ? 'limit' : undefined;
}

function receiveRecords(
  parts: AdjInParts,
  neighbor: Neighbor,
  update: BgpUpdate,
  nowSeconds: number,
): boolean {
  for (const { id, record } of update.records) {
    const learned = parts.subjects.learn(record, nowSeconds);
    const entry = learned.ok
      ? ({ ok: true, subject: learned.subject } as const)
      : ({ ok: false, fault: learned.fault } as const);
    const before = neighbor.dictionaryIn.record(id);
    if (!neighbor.dictionaryIn.setRecord(id, entry)) return false;
    if (!learned.ok) continue;
    noteKnown(parts, neighbor, learned);
    if (learned.change === 'new') parts.learned(learned.subject, neighbor);
    if (learned.isDown && learned.subject.kind === 'link')
      dropOver(parts, neighbor, learned.subject.entry);
    // What referred to it was refused, and the neighbor does not know.
    if (!before.ok && before.fault !== 'unknown-reference') parts.askAgain(neighbor);
  }
  return true;
}

/**
 * Nobody needs to be told what it just said, but for what it may have been refused: an origin that we named by an older
 * record. A record that is older than ours does not count as ours.
 */
function noteKnown(
  { subjects }: AdjInParts,
  neighbor: Neighbor,
  learned: Extract<Learned, { ok: true }>,
): void {
  if (learned.subject.kind !== 'link') return;
  const sent = neighbor.dictionaryOut.record(learned.subject.key);
  const current = subjects.recordOf(learned.subject.key);
  if (sent === undefined || current === undefined) return;
  if (current.digest === learned.digest || (current.isDown && learned.isDown))
    sent.digest = current.digest;
}

/** A neighbor that says DOWN withdraws its routes over the link, even when we know of a newer UP already. */
function dropOver(parts: AdjInParts, neighbor: Neighbor, entry: LinkEntry): void {
  neighbor.doubted.delete(entry.key);
  for (const route of [...entry.routes])
    if (route.link === neighbor.link) removeRoute(parts, neighbor, route.prefix);
}

function receiveRoute(parts: AdjInParts, neighbor: Neighbor, wire: WireRoute, at: At): void {
  const origin = neighbor.dictionaryIn.record(wire.origin);
  const route = origin.ok
    ? makeRoute(parts, neighbor, { subject: origin.subject, wire, at })
    : origin.fault;
  if (typeof route !== 'string') {
    putRoute(parts, neighbor, route);
    return;
  }
  const prefix = prefixOf(origin.subject);
  neighbor.refuse(at.now, prefix, route);
  if (prefix !== undefined) removeRoute(parts, neighbor, prefix);
}

/** What an origin's record is about; a link's is about no prefix. */
function prefixOf(subject: Subject | undefined): Prefix | undefined {
  if (subject?.kind === 'node') return subject.node.prefix;
  return subject?.kind === 'service' ? subject.service.prefix : undefined;
}

function makeRoute(
  parts: AdjInParts,
  neighbor: Neighbor,
  { subject, wire, at }: { readonly subject: Subject; readonly wire: WireRoute; readonly at: At },
): Route | RouteFault {
  if (subject.kind === 'link') return 'malformed';
  const { prefix } = subject.kind === 'node' ? subject.node : subject.service;
  const host = subject.kind === 'node' ? subject.node.id : subject.service.host;
  if (host === parts.own) return 'loop';
  const path = neighbor.dictionaryIn.path(wire.path, host);
  if (!path.ok) {
    if (path.down !== undefined) neighbor.doubt(path.down.key);
    return path.fault;
  }
  if (!neighbor.agreement.inForce) return 'link-down';
  const steps = [neighbor.agreement.entry, ...path.steps];
  const expired = parts.subjects.expiredOf(subject.key, steps, at.nowSeconds);
  if (expired !== undefined) {
    neighbor.doubt(expired);
    return 'expired';
  }
  const since = neighbor.routes.get(prefix)?.since ?? at.now;
  return {
    ...{ prefix, link: neighbor.link, neighbor: neighbor.peer, origin: subject.key },
    ...{ steps, asPath: path.nodes, communities: wire.communities, localPref: 100 },
    ...{ role: neighbor.role, cost: costOf(steps), since, stale: false },
  };
}

/** DESIGN §6: the sum of the classes that both ends of every link signed. */
export function costOf(steps: readonly LinkEntry[]): number {
  let cost = 0;
  for (const entry of steps) cost += entry.up?.body.costClass ?? 0;
  return cost;
}

function putRoute(parts: AdjInParts, neighbor: Neighbor, route: Route): void {
  const before = neighbor.routes.get(route.prefix);
  if (before !== undefined) for (const entry of before.steps) entry.routes.delete(before);
  for (const entry of route.steps) entry.routes.add(route);
  neighbor.routes.set(route.prefix, route);
  parts.locRib.put(route);
}

/** Takes a route out of everything that knows it. */
export function removeRoute(
  parts: Pick<AdjInParts, 'locRib'>,
  neighbor: Neighbor,
  prefix: Prefix,
): void {
  const route = neighbor.routes.get(prefix);
  if (route === undefined) return;
  neighbor.routes.delete(prefix);
  for (const entry of route.steps) entry.routes.delete(route);
  parts.locRib.remove(prefix, neighbor.link);
}

function withdraw(parts: AdjInParts, neighbor: Neighbor, originId: number): void {
  const prefix = prefixOf(neighbor.dictionaryIn.record(originId).subject);
  if (prefix !== undefined) removeRoute(parts, neighbor, prefix);
}

function endOfRib(parts: AdjInParts, neighbor: Neighbor): void {
  neighbor.hasEndOfRib = true;
  for (const route of [...neighbor.routes.values()]) {
    if (route.stale) removeRoute(parts, neighbor, route.prefix);
  }
}
