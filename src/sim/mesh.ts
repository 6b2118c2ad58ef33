/**
 * A whole mesh in one process: routers, cables, virtual time, and the invariants looked at after every event. What
 * happens to it is told by its methods; equal seeds and equal calls give equal runs.
 */
import type { Crypto } from '../base/crypto.js';
import type { NodeId } from '../base/ip6.js';
import type { Instant } from '../base/time.js';
import { sharedCrypto } from './crypto.js';
import { adjacency, components, type Edge } from './graph.js';
import { seededIdentity } from './identity.js';
import { Internet } from './internet.js';
import { queueFault, quietFaults, routeFault, Violation } from './invariants.js';
import { type Cable, type CableQuality, Network, PERFECT } from './network.js';
import { type Disk, SimNode } from './node.js';
import { SeededEntropy } from './random.js';
import { Scheduler } from './scheduler.js';
import type { Topology } from './topology.js';

export const REALM = 'sim';
/** Ours: without a change for this long, and as it should be: quiet. */
const QUIET_MSEC = 2_000;
/** Ours: damping may hold a link back for two and a half minutes, idle probes see a silent one after half a minute. */
const SETTLE_MSEC_MAX = 600_000;
/** Ours: routers start within this time of each other. */
const START_SPREAD_MSEC = 300;
/** Salts of the seed's streams. */
const [NETWORK_SALT, IDENTITY_SALT, START_SALT, INTERNET_SALT] = [1, 2, 3, 6];

export interface SimMeshOptions {
  readonly topology: Topology;
  readonly seed: number;
  /** Default: perfect cables of 1 ms. */
  readonly quality?: CableQuality;
  /** A node's wall clock is off by this much; default 0. */
  readonly clockSkewMsec?: (name: string) => number;
  /** To share verified signatures between several meshes. */
  readonly crypto?: Crypto;
}

/** What was last seen of a node, to notice what an event changed. */
interface Seen {
  version: number;
  updates: number;
  received: number;
  dropped: number;
}

export class SimMesh {
  readonly topology: Topology;
  readonly seed: number;
  readonly scheduler = new Scheduler();
  readonly network: Network;
  /** Undefined where the topology has none. */
  readonly internet: Internet | undefined;
  readonly #options: SimMeshOptions;
  readonly #crypto: Crypto;
  readonly #disks = new Map<string, Disk>();
  readonly #nodes = new Map<string, SimNode>();
  readonly #seen = new Map<string, Seen>();
  readonly #unsettled = new Set<string>();
  #expected = new Map<string, { readonly peers: number; readonly routes: number }>();
  #boots = 0;
  #updates = 0;
  #changedAt = 0;

  constructor(options: SimMeshOptions) {
    const { topology, seed } = options;
    this.#options = options;
    this.topology = topology;
    this.seed = seed;
    this.#crypto = options.crypto ?? sharedCrypto();
    this.network = new Network(this.scheduler, new SeededEntropy(seed, NETWORK_SALT));
    this.internet =
      topology.internet &&
      new Internet(this.scheduler, new SeededEntropy(seed, INTERNET_SALT), topology.internet.sites);
    const entropy = new SeededEntropy(seed, IDENTITY_SALT);
    for (const name of topology.nodes) {
      const identity = seededIdentity(this.#crypto, entropy, REALM);
      this.#disks.set(name, { identity, seq: 0, highestSeen: undefined });
    }
    for (const [a, b] of topology.links) this.network.connect(a, b, options.quality ?? PERFECT);
  }

  /** Sent so far, by cable and over the internet. */
  get datagrams(): number {
    return this.network.traffic.datagrams + (this.internet?.sent ?? 0);
  }

  get now(): Instant {
    return this.scheduler.now;
  }

  /** UPDATE messages that all routers together have said so far. */
  get updates(): number {
    return this.#updates;
  }

  /** When a route or a session last changed, or an UPDATE was said. */
  get changedAt(): number {
    return this.#changedAt;
  }

  /** The router of this name, also one that has stopped. */
  node(name: string): SimNode {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new Error(`no node ${name} has been started`);
    return node;
  }

  alive(): SimNode[] {
    return [...this.#nodes.values()].filter((node) => node.alive);
  }

  /** Every node, within a third of a second. */
  startAll(): void {
    const random = new SeededEntropy(this.seed, START_SALT);
    for (const name of this.topology.nodes) {
      this.scheduler.at(this.now + random.below(START_SPREAD_MSEC), () => this.start(name));
      this.#unsettled.add(name);
    }
  }

  /** Boots a router, the first time or again with what its disk kept. */
  start(name: string): void {
    const disk = this.#disks.get(name);
    if (disk === undefined) throw new Error(`the topology has no node ${name}`);
    if (this.#nodes.get(name)?.alive === true) return;
    const node = new SimNode({
      ...{ name, disk, network: this.network, scheduler: this.scheduler, crypto: this.#crypto },
      seed: new SeededEntropy(this.seed, 0x1000 + ++this.#boots).below(0xffff_ffff),
      clockSkewMsec: this.#options.clockSkewMsec?.(name) ?? 0,
      ...{ realm: REALM, transit: 'full', internet: this.internet, peers: this.#peersOf(name) },
      observe: (observed) => this.#observe(observed),
      misdelivered: (at, sender, peer) => {
        throw this.#violation(at.name, `its session with ${peer} took what ${sender} sent`);
      },
    });
    this.#nodes.set(name, node);
    this.#seen.set(name, { version: 0, updates: 0, received: 0, dropped: 0 });
    this.#topologyChanged();
    node.start();
  }

  #peersOf(name: string): { name: string; key: Uint8Array }[] {
    const pairs = this.topology.internet?.peers ?? [];
    const others = pairs.flatMap(([a, b]) => (a === name ? [b] : b === name ? [a] : []));
    return others.flatMap((other) => {
      const key = this.#disks.get(other)?.identity.noisePublic;
      return key === undefined ? [] : [{ name: other, key }];
    });
  }

  /** The box of a site loses its table. */
  rebootBox(site: string): void {
    this.internet?.box(site).reboot();
  }

  /** The site blocks UDP from now on, or does not. */
  setBlocked(site: string, blocksUdp: boolean): void {
    const box = this.internet?.box(site);
    if (box === undefined) return;
    box.behaviour = { ...box.behaviour, blocksUdp };
    this.#topologyChanged();
  }

  /** Power cut. */
  crash(name: string): void {
    this.node(name).crash();
    this.#topologyChanged();
  }

  /** SIGTERM. */
  shutdown(name: string): void {
    this.node(name).shutdown();
    this.#topologyChanged();
  }

  /** The first cable of two nodes. */
  cable(a: string, b: string): Cable {
    const ends = (cable: Cable): string => [cable.a.node, cable.b.node].sort().join(' ');
    const found = this.network.cables.find((cable) => ends(cable) === [a, b].sort().join(' '));
    if (found === undefined) throw new Error(`no cable joins ${a} and ${b}`);
    return found;
  }

  cut(...cables: readonly Cable[]): void {
    for (const cable of cables) cable.up = false;
    this.#topologyChanged();
  }

  heal(...cables: readonly Cable[]): void {
    for (const cable of cables) cable.up = true;
    this.#topologyChanged();
  }

  setQuality(change: Partial<CableQuality>, cables: readonly Cable[] = this.network.cables): void {
    for (const cable of cables) cable.quality = { ...cable.quality, ...change };
    const { internet } = this;
    if (internet !== undefined) internet.quality = { ...internet.quality, ...change };
  }

  /** Cuts every cable between the group and the others. @returns The cables, to heal them. */
  partition(group: ReadonlySet<string>): readonly Cable[] {
    const across = this.network.cables.filter(
      ({ up, a, b }) => up && group.has(a.node) !== group.has(b.node),
    );
    this.cut(...across);
    return across;
  }

  runFor(msec: number): void {
    this.scheduler.runUntil(this.now + msec);
  }

  /** Every alive node has the sessions and the routes that cables allow, no more, and nothing waits. */
  get isSettled(): boolean {
    return this.#unsettled.size === 0;
  }

  /**
   * Runs until every route is there, whatever still moves.
   * @returns When the last one came, ms since the start.
   * @throws Violation when they do not come.
   */
  runUntilConverged(): number {
    const deadline = this.now + SETTLE_MSEC_MAX;
    while (!this.isSettled && this.scheduler.step(deadline));
    if (!this.isSettled) this.#giveUp();
    return this.now;
  }

  /** Runs until nothing moves any more, then checks everything. @throws Violation */
  runUntilQuiet(): void {
    const deadline = this.now + SETTLE_MSEC_MAX;
    for (;;) {
      const quietAt = Math.max(this.#changedAt + QUIET_MSEC, this.now);
      if (this.isSettled && quietAt <= this.now) break;
      if (!this.scheduler.step(this.isSettled ? Math.min(quietAt, deadline) : deadline)) {
        if (!this.isSettled || quietAt > deadline) this.#giveUp();
        this.scheduler.runUntil(quietAt);
      }
    }
    this.checkQuiet();
  }

  /** @throws Violation on the first thing that is wrong with a mesh at rest. */
  checkQuiet(): void {
    const ids = this.#idsByComponent();
    const faults = quietFaults(this.alive(), (node) => ids.get(node.name) ?? new Set());
    const [first] = faults;
    if (first === undefined) return;
    const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : '';
    throw this.#violation(first.node, `${first.kind}: ${first.text}${more}`);
  }

  #giveUp(): never {
    this.checkQuiet();
    const [name = ''] = this.#unsettled;
    const text = `${this.#unsettled.size} nodes did not settle: ${this.#describe(name)}`;
    throw this.#violation(name, text);
  }

  #describe(name: string): string {
    const node = this.#nodes.get(name);
    const expected = this.#expected.get(name);
    if (node === undefined || expected === undefined) return 'not started';
    const { neighbors, locRib } = node.engine.alanet;
    const states = [...neighbors.values()].map(
      (one) => `${one.name || one.peer} ${one.state}${one.carriesRoutes ? '' : ' (no routes)'}`,
    );
    return (
      `${locRib.size} routes of ${expected.routes}, ` +
      `sessions with ${states.join(', ') || 'nobody'}, ${expected.peers} expected`
    );
  }

  #violation(node: string, text: string): Violation {
    return new Violation(text, { seed: this.seed, atMsec: this.now, node });
  }

  #edges(): Edge[] {
    const cables = this.network.cables.filter(({ up }) => up);
    return [...cables.map(({ a, b }): Edge => [a.node, b.node]), ...this.#dialled()];
  }

  /** Peers of which one can be dialled: nobody opens a box for another yet. */
  #dialled(): readonly Edge[] {
    const { internet } = this;
    if (internet === undefined) return [];
    const pairs = this.topology.internet?.peers ?? [];
    return pairs.filter(([a, b]) => internet.canDial(a, b) || internet.canDial(b, a));
  }

  #near(): ReadonlyMap<string, ReadonlySet<string>> {
    return adjacency(
      this.alive().map((node) => node.name),
      this.#edges(),
    );
  }

  #idsByComponent(): ReadonlyMap<string, ReadonlySet<NodeId>> {
    const ids = new Map<ReadonlySet<string>, ReadonlySet<NodeId>>();
    const byNode = new Map<string, ReadonlySet<NodeId>>();
    for (const [name, members] of components(this.#near())) {
      const known = ids.get(members) ?? new Set([...members].map((one) => this.node(one).id));
      ids.set(members, known);
      byNode.set(name, known);
    }
    return byNode;
  }

  #topologyChanged(): void {
    const near = this.#near();
    const of = components(near);
    this.#expected = new Map();
    for (const [name, peers] of near) {
      this.#expected.set(name, { peers: peers.size, routes: of.get(name)?.size ?? 1 });
    }
    for (const name of this.topology.nodes) {
      const node = this.#nodes.get(name);
      if (node?.alive === true) this.#judge(node);
      else if (node !== undefined) this.#unsettled.delete(name);
    }
    this.#changedAt = this.now;
  }

  #observe(node: SimNode): void {
    const seen = this.#seen.get(node.name);
    if (seen === undefined) return;
    const queue = queueFault(node, this.topology.nodes.length);
    if (queue !== undefined) throw this.#violation(node.name, queue);
    if (!this.#hasChanged(node, seen)) {
      if (this.#unsettled.has(node.name)) this.#judge(node);
      return;
    }
    this.#changedAt = this.now;
    const route = routeFault(node);
    if (route !== undefined) throw this.#violation(node.name, route);
    this.#judge(node);
  }

  /** Also counts the UPDATEs that were said meanwhile. */
  #hasChanged(node: SimNode, seen: Seen): boolean {
    const { locRib, neighbors } = node.engine.alanet;
    const { version } = locRib;
    let [updates, received, dropped] = [0, 0, 0];
    for (const neighbor of neighbors.values()) {
      updates += neighbor.sentMessages.update ?? 0;
      received += neighbor.received.update ?? 0;
      dropped += neighbor.connectionsDropped + neighbor.connectionsEstablished;
    }
    const same =
      version === seen.version &&
      updates === seen.updates &&
      received === seen.received &&
      dropped === seen.dropped;
    if (same) return false;
    this.#updates += Math.max(updates - seen.updates, 0);
    Object.assign(seen, { version, updates, received, dropped });
    return true;
  }

  #judge(node: SimNode): void {
    if (this.#isNodeSettled(node)) this.#unsettled.delete(node.name);
    else this.#unsettled.add(node.name);
  }

  #isNodeSettled(node: SimNode): boolean {
    const expected = this.#expected.get(node.name);
    const { neighbors, locRib } = node.engine.alanet;
    if (expected === undefined || locRib.size !== expected.routes) return false;
    let sessions = 0;
    for (const one of neighbors.values()) {
      if (one.carriesRoutes) sessions++;
      else if (one.isEstablished) return false;
      const waits = one.inbox.length + one.outbox.length + one.pending.size;
      if (waits + one.pendingRecords.size > 0) return false;
    }
    return sessions === expected.peers;
  }
}
