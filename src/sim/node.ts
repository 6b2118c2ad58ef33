/**
 * One simulated router: the real engine and the real portable plane, on a virtual network and virtual time. What a
 * restart keeps (keys, sequence numbers, the highest seen) is in `Disk`; everything else dies in a crash.
 */
import type { Crypto } from '../base/crypto.js';
import type { NodeId } from '../base/ip6.js';
import type { EpochMillis, Instant } from '../base/time.js';
import { Engine, type EngineOutput } from '../engine/engine.js';
import type { RouterIdentity } from '../engine/options.js';
import { engineOptions } from '../engine/options.js';
import type { LinkId } from '../link/types.js';
import { PortableCore } from '../plane/portable/core.js';
import type { LinkCounters, PathId, PathInfo, PlaneEvent } from '../plane/types.js';
import { type Internet, type InternetReceiver, SIM_PORT } from './internet.js';
import type { End } from './nat.js';
import type { Network, Port, Receiver } from './network.js';
import { SeededEntropy } from './random.js';
import type { Scheduler } from './scheduler.js';

/** 2026-01-01, so that records have plausible times. */
const EPOCH_START = 1_767_225_600_000;

export interface Disk {
  readonly identity: RouterIdentity;
  seq: number;
  highestSeen: unknown;
}

export interface SimNodeOptions {
  readonly name: string;
  readonly disk: Disk;
  readonly network: Network;
  readonly internet?: Internet | undefined;
  /** Whom it has as peers, by name. */
  readonly peers: readonly { readonly name: string; readonly key: Uint8Array }[];
  readonly scheduler: Scheduler;
  readonly crypto: Crypto;
  readonly seed: number;
  /** Added to this node's wall clock, ms. */
  readonly clockSkewMsec: number;
  readonly realm: string;
  readonly transit: 'full' | 'stub' | 'none';
  /** After every event that the node handled. */
  readonly observe: (node: SimNode) => void;
  /** A session took what another node than its peer sent. */
  readonly misdelivered: (node: SimNode, sender: string, peer: string) => void;
}

interface Way {
  readonly info: PathInfo;
  readonly send: (datagram: Uint8Array) => void;
}

const toUrl = ({ address, port }: End): string => `udp://${address}:${port}`;

export class SimNode implements Receiver, InternetReceiver {
  readonly name: string;
  readonly engine: Engine;
  readonly plane: PortableCore;
  /** Packets that reached this node's TUN, newest last; bounded. */
  readonly delivered: Uint8Array[] = [];
  readonly #options: SimNodeOptions;
  readonly #paths = new Map<string, PathInfo>();
  readonly #pathById = new Map<PathId, Way>();
  #events: PlaneEvent[] = [];
  #alive = true;
  #wakeAt = Number.POSITIVE_INFINITY;

  constructor(options: SimNodeOptions) {
    this.#options = options;
    this.name = options.name;
    const { disk, scheduler, crypto } = options;
    this.plane = new PortableCore({
      crypto,
      tun: { write: (packet) => this.#deliver(packet) },
      paths: { send: (path, datagrams) => this.#send(path, datagrams) },
      pathInfo: (id) => this.#pathById.get(id)?.info,
      emit: (event) => {
        this.#events.push(event);
      },
    });
    this.engine = new Engine(
      engineOptions({
        crypto,
        entropy: new SeededEntropy(options.seed, scheduler.ran + 1),
        wall: (now: Instant) => (EPOCH_START + now + options.clockSkewMsec) as EpochMillis,
        identity: disk.identity,
        nextSeq: () => ++disk.seq,
        highestSeen: disk.highestSeen,
        realm: options.realm,
        work: 0,
        name: options.name,
        transit: options.transit,
        readLink: (link: LinkId, into: LinkCounters) => this.plane.readLink(link, into),
      }),
    );
    options.network.attach(options.name, this);
    options.internet?.attach(options.name, this);
  }

  get id(): NodeId {
    return this.#options.disk.identity.id;
  }

  get alive(): boolean {
    return this.#alive;
  }

  start(): void {
    const names = this.#options.network.ports(this.name).map((port) => port.interface);
    const own = this.#options.internet?.endOf(this.name);
    const candidates = own === undefined ? [] : [toUrl(own)];
    this.#feed((now) => {
      this.engine.start(now);
      this.engine.commandMesh(now, { kind: 'set-candidates', candidates, port: SIM_PORT });
      this.engine.commandMesh(now, { kind: 'set-interfaces', names });
      for (const { name, key } of this.#options.peers) this.#addPeer(now, name, key);
    });
  }

  #addPeer(now: Instant, name: string, key: Uint8Array): void {
    const end = this.#options.internet?.endOf(name);
    const endpoints = end === undefined ? [] : [toUrl(end)];
    this.engine.commandMesh(now, { kind: 'add-peer', peer: { key, name, endpoints } });
  }

  /** Power cut: nothing is said to anyone. */
  crash(): void {
    this.#alive = false;
    this.#options.network.detach(this.name);
    this.#options.internet?.detach(this.name);
  }

  /** Stops as on SIGTERM. */
  shutdown(): void {
    this.#feed((now) => this.engine.shutdown(now));
    this.crash();
  }

  /** An inner packet as if a program here sent it. */
  sendInner(packet: Uint8Array): void {
    this.#feed((now) => this.plane.handleTunPackets(now, [packet]));
  }

  receive(port: Port, from: Port, datagram: Uint8Array): void {
    const info = this.#pathTo(port, from.address);
    this.#feed((now) => this.plane.handleDatagrams(now, info, [datagram]));
  }

  receiveFrom(from: End, datagram: Uint8Array, sender: string): void {
    const info = this.#internetPath(from);
    const before = this.#received();
    this.#feed((now) => this.plane.handleDatagrams(now, info, [datagram]));
    for (const [peer, packets] of this.#received()) {
      const isMore = packets > (before.get(peer) ?? 0);
      if (isMore && peer !== sender) this.#options.misdelivered(this, sender, peer);
    }
  }

  /** Authenticated datagrams so far, by the name of the peer. */
  #received(): Map<string, number> {
    const counters = { rxPackets: 0 } as LinkCounters;
    const all = new Map<string, number>();
    for (const { link, name } of this.engine.mesh.peers()) {
      counters.rxPackets = 0;
      if (this.plane.readLink(link, counters)) all.set(name, counters.rxPackets);
    }
    return all;
  }

  receiveBeacon(port: Port, from: Port, bytes: Uint8Array): void {
    const beacon = { interface: port.interface, source: from.address, bytes };
    this.#feed((now) => this.engine.handleBeacon(now, beacon));
  }

  #feed(action: (now: Instant) => void): void {
    if (!this.#alive) return;
    action(this.#options.scheduler.now);
    this.#drain();
    this.#options.observe(this);
    this.#schedule();
  }

  #drain(): void {
    const now = this.#options.scheduler.now;
    for (;;) {
      this.plane.flush(now);
      if (this.#events.length > 0) {
        const events = this.#events;
        this.#events = [];
        this.engine.handlePlane(now, events);
      }
      const output = this.engine.poll(now);
      if (output === undefined && this.#events.length === 0) return;
      if (output !== undefined) this.#act(now, output);
    }
  }

  #act(now: Instant, output: EngineOutput): void {
    switch (output.kind) {
      case 'plane':
        this.plane.apply(now, output.commands);
        return;
      case 'open':
        this.#open(now, output.request, output.endpoint);
        return;
      case 'beacon':
        this.#sendBeacon(output.interface, output.bytes);
        return;
      case 'persist':
        this.#options.disk.highestSeen = output.highestSeen;
        return;
      case 'release':
      case 'joined':
      case 'relayed':
      case 'relay-closed':
      case 'event':
      case 'pong':
      case 'kernel-routes':
        return;
      default:
        output satisfies never;
    }
  }

  #open(now: Instant, request: number, endpoint: string): void {
    const path = this.#wayTo(endpoint);
    const error = `no way to ${endpoint} in the simulation`;
    this.engine.handlePathOpened(now, path === undefined ? { request, error } : { request, path });
  }

  #wayTo(endpoint: string): PathInfo | undefined {
    const [, address, digits] = /^udp:\/\/(\d+\.\d+\.\d+\.\d+):(\d+)$/.exec(endpoint) ?? [];
    if (address !== undefined) {
      const hasWay = this.#options.internet?.endOf(this.name) !== undefined;
      return hasWay ? this.#internetPath({ address, port: Number(digits) }) : undefined;
    }
    const [, remote, name] = /^udp:\/\/\[(fe80::[0-9a-f:]+)%(\w+)\]:\d+$/.exec(endpoint) ?? [];
    const port = this.#options.network.ports(this.name).find((p) => p.interface === name);
    return remote === undefined || port === undefined ? undefined : this.#pathTo(port, remote);
  }

  #pathTo(port: Port, remote: string): PathInfo {
    const url = `udp://[${remote}%${port.interface}]:4242`;
    return this.#path(url, (datagram) => this.#options.network.send(port, remote, datagram));
  }

  #internetPath(to: End): PathInfo {
    const { internet } = this.#options;
    return this.#path(toUrl(to), (datagram) => internet?.send(this.name, to, datagram));
  }

  #path(url: string, send: Way['send']): PathInfo {
    const known = this.#paths.get(url);
    if (known !== undefined) return known;
    const info: PathInfo = {
      ...{ id: (this.#paths.size + 1) as PathId, transport: 'udp', local: null, remote: url },
      ...{ relayed: false, via: null, reliable: false, maxDatagramBytes: 65_507 },
    };
    this.#paths.set(url, info);
    this.#pathById.set(info.id, { info, send });
    return info;
  }

  #send(path: PathId, datagrams: readonly Uint8Array[]): number {
    const to = this.#pathById.get(path);
    if (to === undefined || !this.#alive) return 0;
    for (const datagram of datagrams) to.send(datagram);
    return datagrams.length;
  }

  #sendBeacon(name: string, bytes: Uint8Array): void {
    const port = this.#options.network.ports(this.name).find((p) => p.interface === name);
    if (port !== undefined) this.#options.network.sendBeacon(port, bytes);
  }

  #deliver(packet: Uint8Array): boolean {
    this.delivered.push(packet.slice());
    if (this.delivered.length > 1024) this.delivered.shift();
    return true;
  }

  /** One wake-up in the heap at a time; an earlier one replaces it by being run first. */
  #schedule(): void {
    const next = this.engine.nextTimeout();
    if (next === undefined || next >= this.#wakeAt) return;
    this.#wakeAt = next;
    this.#options.scheduler.at(next, () => {
      if (this.#wakeAt !== next) return;
      this.#wakeAt = Number.POSITIVE_INFINITY;
      this.#feed((now) => this.engine.handleTimeout(now));
    });
  }
}
