/** @returns A fault that ends the session, or undefined. */
export function receiveUpdate(parts, neighbor, update, at) {
  if (update.beginOfRib) for (const route of neighbor.routes.values()) route.stale = true;
  if (!receiveRecords(parts, neighbor, update, at.nowSeconds)) return 'limit';
  for (const step of update.paths) if (!neighbor.dictionaryIn.setStep(step)) return 'limit';
  for (const item of update.malformed) {
    neighbor.refuse(at.now, undefined, 'malformed');
    if (item.what === 'route') withdraw(parts, neighbor, item.id);
    else if (item.what === 'record')
      neighbor.dictionaryIn.setRecord(item.id, { ok: false, fault: 'malformed' });
  }
  for (const route of update.routes) receiveRoute(parts, neighbor, route, at.now);
  for (const origin of update.withdrawn) withdraw(parts, neighbor, origin);
  neighbor.dictionaryIn.forget(update.forgetPaths, update.forgetRecords);
  if (update.endOfRib) endOfRib(parts, neighbor);
  return neighbor.routes.size > parts.routesMax ? 'limit' : undefined;
}
function receiveRecords(parts, neighbor, update, nowSeconds) {
  for (const { id, record } of update.records) {
    const learned = parts.subjects.learn(record, nowSeconds);
    const entry = learned.ok
      ? { ok: true, subject: learned.subject }
      : { ok: false, fault: learned.fault };
    if (!neighbor.dictionaryIn.setRecord(id, entry)) return false;
    if (!learned.ok) continue;
    const sent = neighbor.dictionaryOut.record(learned.subject.key);
    const current = parts.subjects.recordOf(learned.subject.key);
    if (sent !== undefined && current !== undefined) sent.digest = current.digest;
    if (learned.change === 'new') parts.learned(learned.subject, neighbor);
  }
  return true;
}
function receiveRoute(parts, neighbor, wire, now) {
  const origin = neighbor.dictionaryIn.record(wire.origin);
  if (!origin.ok) {
    neighbor.refuse(now, undefined, origin.fault);
    return;
  }
  const { subject } = origin;
  if (subject.kind === 'link') {
    neighbor.refuse(now, undefined, 'malformed');
    return;
  }
  const prefix = subject.kind === 'node' ? subject.node.prefix : subject.service.prefix;
  const host = subject.kind === 'node' ? subject.node.id : subject.service.host;
  const route = makeRoute(parts, neighbor, { prefix, host, origin: subject.key, wire, now });
  if (typeof route === 'string') {
    neighbor.refuse(now, prefix, route);
    removeRoute(parts, neighbor, prefix);
    return;
  }
  putRoute(parts, neighbor, route);
}
function makeRoute(parts, neighbor, from) {
  if (from.host === parts.own) return 'loop';
  const path = neighbor.dictionaryIn.path(from.wire.path, from.host);
  if (!path.ok) return path.fault;
  if (!neighbor.agreement.inForce) return 'link-down';
  const steps = [neighbor.agreement.entry, ...path.steps];
  const known = neighbor.routes.get(from.prefix);
  return {
    ...{ prefix: from.prefix, link: neighbor.link, neighbor: neighbor.peer, origin: from.origin },
    ...{ steps, asPath: path.nodes, communities: from.wire.communities, localPref: 100 },
    ...{ role: neighbor.role, cost: costOf(steps), since: known?.since ?? from.now, stale: false },
  };
}
/** DESIGN §6: the sum of the classes that both ends of every link signed. */
export function costOf(steps) {
  let cost = 0;
  for (const entry of steps) cost += entry.up?.body.costClass ?? 0;
  return cost;
}
function putRoute(parts, neighbor, route) {
  const before = neighbor.routes.get(route.prefix);
  if (before !== undefined) for (const entry of before.steps) entry.routes.delete(before);
  for (const entry of route.steps) entry.routes.add(route);
  neighbor.routes.set(route.prefix, route);
  parts.locRib.put(route);
}
/** Takes a route out of everything that knows it. */
export function removeRoute(parts, neighbor, prefix) {
  const route = neighbor.routes.get(prefix);
  if (route === undefined) return;
  neighbor.routes.delete(prefix);
  for (const entry of route.steps) entry.routes.delete(route);
  parts.locRib.remove(prefix, neighbor.link);
}
function withdraw(parts, neighbor, originId) {
  const origin = neighbor.dictionaryIn.record(originId);
  if (!origin.ok || origin.subject.kind === 'link') return;
  const { subject } = origin;
  removeRoute(
    parts,
    neighbor,
    subject.kind === 'node' ? subject.node.prefix : subject.service.prefix,
  );
}
function endOfRib(parts, neighbor) {
  neighbor.hasEndOfRib = true;
  for (const route of [...neighbor.routes.values()]) {
    if (route.stale) removeRoute(parts, neighbor, route.prefix);
  }
}
