/** The control API's answers, made from what the machines show. Field names are CLI.md's. */

import type { Neighbor } from '../../alanet/session/neighbor.js';
import * as views from '../../alanet/views.js';
import { toBase64Url } from '../../base/bytes.js';
import { EXIT, UserError } from '../../base/errors.js';
import {
  formatNodeId,
  formatPrefix,
  type NodeId,
  nodeIdOf,
  type Prefix,
  parseAddress,
  parsePrefix,
  prefixOfNode,
  servicePrefix,
} from '../../base/ip6.js';
import type { LinkRow } from '../../mesh/types.js';
import { now } from '../../platform/clock.js';
import { trace } from '../echo.js';
import type { NewInvite } from '../invite-store.js';
import { peerSpecs } from '../peer-specs.js';
import type { Router } from '../router.js';
import { servicesDocument } from '../services.js';
import { version } from '../version.js';
import { resolveWho } from '../who.js';
import type { Document, PeerAddition, PingRequest, RouterControl } from './types.js';

const PING_TIMEOUT_MSEC = 1000;
const PING_INTERVAL_MSEC = 200;

export class RouterDocuments implements RouterControl {
  readonly #router: Router;

  constructor(router: Router) {
    this.#router = router;
  }

  status(): Document {
    const { engine, parts, plane, tun, config, listening, startedAt } = this.#router;
    const links = engine.mesh.links();
    const neighbors = [...engine.alanet.neighbors.values()];
    const { locRib } = engine.alanet;
    return {
      schema: 'alamesh.status/1',
      ...{
        nodeId: formatNodeId(this.#router.id),
        prefix: formatPrefix(prefixOfNode(this.#router.id)),
      },
      ...{
        name: config.name ?? parts.identity.name,
        realm: parts.identity.realm,
        version: version(),
      },
      ...{ plane: plane.kind, pid: process.pid, uptimeMsec: Date.now() - startedAt },
      ...{
        publicKey: toBase64Url(parts.identity.noisePublic),
        transit: config.transit,
        listen: listening,
      },
      transports: this.#router.transports(),
      tun: { name: tun.name, mtu: tun.mtu, state: tun.state, problem: tun.problem || null },
      links: { up: links.filter((link) => link.state === 'up').length, total: links.length },
      neighbors: {
        established: neighbors.filter((one) => one.isEstablished).length,
        total: neighbors.length,
      },
      routes: { prefixes: locRib.size, paths: locRib.paths },
      drops: plane.drops(),
      queue: plane.queue?.() ?? null,
      planeHealth: plane.health?.() ?? { state: 'running', panics: 0, problem: null },
      nat: engine.mesh.nat(),
      relay: { policy: config.relay, ...engine.mesh.relayCounters() },
      mesh: engine.mesh.counters(),
      noise: engine.mesh.noiseCounters(),
      rssBytes: process.memoryUsage.rss(),
    };
  }

  links(who: string | undefined): Document {
    const all = this.#router.engine.mesh.links();
    const rows = all.map((row) => ({ ...row, address: row.peer }));
    const links = who === undefined ? rows : [resolveWho(who, rows, 'link')];
    return {
      schema: 'alamesh.links/1',
      links: links.map(({ address: _address, ...row }) => linkDocument(row)),
    };
  }

  peers(): Document {
    const { config, parts, registry } = this.#router;
    const byHand = peerSpecs(config, parts.peerStore.peers, parts.dir).map(({ id }) => id);
    const members = [...registry.peers(), ...registry.others()];
    const listed = new Set(members.map(({ key }) => toBase64Url(key)));
    for (const key of byHand) listed.delete(key);
    const rows = this.#router.engine.mesh.peers();
    const peers = rows.map((row) => (listed.has(row.key) ? { ...row, source: 'registry' } : row));
    return { schema: 'alamesh.peers/1', peers };
  }

  async addPeer({ text }: PeerAddition): Promise<Document> {
    const { peerStore } = this.#router.parts;
    const added = await peerStore.add(text);
    this.#router.applyPeers();
    return peerStore.addedDocument(
      added,
      'its link comes up as soon as both sides have added each other',
    );
  }

  async removePeer(who: string): Promise<Document> {
    const removed = await this.#router.parts.peerStore.remove(who);
    this.#router.applyPeers();
    return {
      schema: 'alamesh.peer/1',
      ...removed,
      message: `removed ${removed.name || removed.key}`,
    };
  }

  registryStatus(): Document {
    return this.#router.registry.status();
  }

  registryDiff(): Document {
    return this.#router.registry.diff();
  }

  registrySync(url: string | undefined): Promise<Document> {
    return this.#router.registry.sync(url);
  }

  registryApprove(head: string | undefined): Promise<Document> {
    return this.#router.registry.approve(head);
  }

  peerLine(endpoints: readonly string[]): Document {
    return this.#router.parts.peerStore.lineDocument(endpoints, this.#router.listening);
  }

  async invite(wanted: NewInvite, endpoints: readonly string[]): Promise<Document> {
    const { invites, peerStore } = this.#router.parts;
    const self = peerStore.self(endpoints, this.#router.listening);
    const made = await invites.create(wanted, self);
    this.#router.tellInvites();
    return made;
  }

  invites(): Document {
    return this.#router.parts.invites.list();
  }

  async revokeInvite(id: string): Promise<Document> {
    const revoked = await this.#router.parts.invites.revoke(id);
    this.#router.tellInvites();
    return revoked;
  }

  bgpSummary(): Document {
    return { schema: 'alamesh.bgp.summary/1', ...views.summary(this.#router.engine.alanet, now()) };
  }

  bgpNeighbors(who: string | undefined): Document {
    const { alanet } = this.#router.engine;
    const chosen = who === undefined ? [...alanet.neighbors.values()] : [this.#neighbor(who)];
    const neighbors = chosen.map((one) => views.neighborDetails(alanet, now(), one));
    return { schema: 'alamesh.bgp.neighbors/1', neighbors };
  }

  bgpRoutes(prefix: string | undefined): Document {
    const { alanet } = this.#router.engine;
    const routes = views.routes(alanet, now(), prefix === undefined ? undefined : prefixOf(prefix));
    return { schema: 'alamesh.bgp.routes/1', routes };
  }

  bgpView(view: views.View, who: string): Document {
    const { alanet } = this.#router.engine;
    const routes = views.neighborRoutes(alanet, now(), this.#neighbor(who).link, view);
    return { schema: 'alamesh.bgp.routes/1', routes };
  }

  bgpExplain(what: string): Document {
    const explained = views.explain(this.#router.engine.alanet, now(), prefixOf(what));
    return { schema: 'alamesh.bgp.explain/1', ...explained };
  }

  bgpClear(who: string, how: 'soft' | 'hard'): Document {
    const { link, peer, name } = this.#neighbor(who);
    this.#router.feed((at) => this.#router.engine.commandAlanet(at, { kind: 'clear', link, how }));
    const message = how === 'soft' ? 'asked for its routes again' : 'the session begins anew';
    return {
      schema: 'alamesh.bgp.clear/1',
      address: formatNodeId(peer),
      name,
      how,
      message: `${name}: ${message}`,
    };
  }

  #neighbor(who: string): Neighbor {
    const known = [...this.#router.engine.alanet.neighbors.values()].map((neighbor) => ({
      ...{ address: formatNodeId(neighbor.peer), name: neighbor.name, neighbor },
    }));
    return resolveWho(who, known, 'neighbor').neighbor;
  }

  services(): Document {
    return servicesDocument(this.#router.services.keys);
  }

  async rescanServices(): Promise<Document> {
    await this.#router.services.load();
    return this.services();
  }

  dnsHosts(): Document {
    return this.#router.names.hosts();
  }

  dnsLookup(name: string, type: string): Document {
    return this.#router.names.lookup(name, type);
  }

  async ping(request: PingRequest, gone: AbortSignal): Promise<Document> {
    const destination = this.#pingTarget(request.target);
    const target = formatNodeId(nodeIdOf(destination));
    const { echoes } = this.#router;
    const path = request.trace ? await trace(echoes, destination) : [];
    const identifier = echoes.identifier();
    const replies: object[] = [];
    let received = 0;
    for (let sequence = 1; sequence <= request.count && !gone.aborted; sequence++) {
      const began = Date.now();
      const probe = { destination, identifier, sequence: 1000 + sequence, hopLimit: 64 };
      const { answer, rttMsec } = await echoes.send({ ...probe, timeoutMsec: PING_TIMEOUT_MSEC });
      if (answer?.kind === 'reply') received++;
      const from = answer === undefined ? null : formatNodeId(answer.from);
      replies.push({ seq: sequence, from, kind: answer?.kind ?? 'silent', rttMsec });
      const rest = PING_INTERVAL_MSEC - (Date.now() - began);
      if (rest > 0 && sequence < request.count)
        await new Promise((resolve) => setTimeout(resolve, rest));
    }
    const named = path.map((hop) => ({ ...hop, name: this.#nameOf(hop.address) }));
    const asPath = this.#asPath(destination);
    return {
      schema: 'alamesh.ping/1',
      target,
      sent: replies.length,
      received,
      replies,
      path: named,
      asPath,
    };
  }

  /** An address, or the name or address prefix of a neighbor. */
  #pingTarget(text: string): Uint8Array {
    const parsed = parseAddress(text.split('/')[0] ?? '');
    if (parsed.ok) {
      const first = parsed.value[0];
      if (first === 0xfd || first === 0xfc) return parsed.value;
      throw new UserError(`${text} is not an address of ALANET (fd… or fc…)`, {
        code: 'bad-address',
        exit: EXIT.usage,
      });
    }
    const known = [...this.#router.engine.alanet.subjects.nodes.values()].map((node) => ({
      ...{ address: formatNodeId(node.id), name: node.body.name, bytes: node.id },
    }));
    const found = resolveWho(text, known, 'node');
    const address = parseAddress(found.address);
    if (!address.ok) throw new UserError(address.error, { code: 'bad-address' });
    return address.value;
  }

  #nameOf(address: string | null): string {
    const parsed = address === null ? undefined : parseAddress(address);
    if (parsed?.ok !== true) return '';
    const id: NodeId = nodeIdOf(parsed.value);
    return this.#router.engine.alanet.subjects.nodes.get(id)?.body.name ?? '';
  }

  #asPath(destination: Uint8Array): string[] {
    const id = nodeIdOf(destination);
    const prefix = destination[0] === 0xfc ? servicePrefix(destination) : prefixOfNode(id);
    return (this.#router.engine.alanet.locRib.best(prefix)?.asPath ?? []).map(formatNodeId);
  }

  monitor(each: (event: Document) => void, gone: AbortSignal): void {
    this.#router.monitor.listen(each, gone);
  }

  async reload(): Promise<Document> {
    return { schema: 'alamesh.reload/1', changes: await this.#router.reload() };
  }

  down(): Document {
    setTimeout(() => this.#router.parts.stop(), 20);
    return { schema: 'alamesh.down/1', pid: process.pid };
  }
}

/** CLI.md's fields; `lossMsec` and the like stay numbers, absent paths stay null. */
function linkDocument({ link: _link, ...row }: LinkRow): object {
  return row;
}

/** A prefix, or an address in one. */
function prefixOf(text: string): Prefix {
  if (text.includes('/')) {
    const prefix = parsePrefix(text);
    if (prefix.ok) return prefix.value;
    throw new UserError(prefix.error, { code: 'bad-prefix', exit: EXIT.usage });
  }
  const address = parseAddress(text);
  if (!address.ok) throw new UserError(address.error, { code: 'bad-address', exit: EXIT.usage });
  if (address.value[0] === 0xfc) return servicePrefix(address.value);
  return prefixOfNode(nodeIdOf(address.value));
}
