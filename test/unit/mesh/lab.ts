/** A small world for mesh tests: meshes with real planes and real cryptography, on virtual time and a seeded network. */
import type { Entropy } from '../../../src/base/entropy.js';
import { addressBytes, type NodeId } from '../../../src/base/ip6.js';
import type { EpochMillis, Instant } from '../../../src/base/time.js';
import { deriveNode } from '../../../src/identity/address.js';
import { signNode } from '../../../src/identity/records.js';
import type { LinkEvent, LinkId } from '../../../src/link/types.js';
import type { Invite } from '../../../src/mesh/invites.js';
import { Mesh, type MeshEvent, type PeerSpec } from '../../../src/mesh/mesh.js';
import type { Joined, LinkRow, MeshConfig } from '../../../src/mesh/types.js';
import { PortableCore } from '../../../src/plane/portable/core.js';
import type { PathId, PathInfo, PlaneEvent } from '../../../src/plane/types.js';
import { nodeCrypto } from '../../../src/platform/crypto.js';
import type { NodeRecordBody } from '../../../src/wire/types.js';

const crypto = nodeCrypto();
/** Ethernet, IPv6 and UDP around every datagram. */
export const FRAME_BYTES = 14 + 40 + 8;
const PORT = 4242;
/** 2026-01-01, in ms. */
const EPOCH = 1_767_225_600_000;

/** mulberry32: good enough to shake a network. */
export function seeded(seed: number): Entropy {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    bytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(next() * 256)),
    below: (limit) => Math.floor(next() * limit),
  };
}

/** One cable or LAN. */
export interface Segment {
  readonly name: string;
  delayMsec: number;
  jitterMsec: number;
  /** 0..1 */
  loss: number;
  duplication: number;
  isUp: boolean;
  /** Largest UDP payload; bigger datagrams vanish. */
  datagramBytesMax: number;
  /** Bytes on the wire with all headers, both directions. */
  bytes: number;
  datagrams: number;
}

interface Interface {
  readonly name: string;
  address: string;
  readonly segment: Segment;
}

export interface NodeOptions {
  readonly realm?: string;
  readonly transit?: boolean;
  readonly discovery?: boolean;
  readonly config?: Partial<MeshConfig>;
  /** The same number gives the same identity. */
  readonly identity?: number;
  /** The transport reports a cut cable, as a kernel does whose interface is down. */
  readonly reportsUnreachable?: boolean;
}

interface Task {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export class Lab {
  now = 1_000 as Instant;
  readonly seed: number;
  readonly random: Entropy;
  readonly segments = new Map<string, Segment>();
  readonly nodes = new Map<string, LabNode>();
  #tasks: Task[] = [];
  #order = 0;

  constructor(seed = 1) {
    this.seed = seed;
    this.random = seeded(seed);
  }

  segment(name: string, options: Partial<Segment> = {}): Segment {
    const segment: Segment = {
      ...{ name, delayMsec: 1, jitterMsec: 0, loss: 0, duplication: 0, isUp: true },
      ...{ datagramBytesMax: 1452, bytes: 0, datagrams: 0 },
      ...options,
    };
    this.segments.set(name, segment);
    return segment;
  }

  /** @param wires Interface name → segment; addresses are fe80::<node>. */
  node(name: string, wires: Readonly<Record<string, Segment>>, options: NodeOptions = {}): LabNode {
    const node = new LabNode(this, name, wires, options);
    this.nodes.set(name, node);
    node.settle();
    return node;
  }

  at(delay: number, run: () => void): void {
    this.#tasks.push({ at: this.now + delay, order: this.#order++, run });
  }

  carry(from: LabNode, on: Interface, to: string | undefined, deliver: Delivery): void {
    const { segment } = on;
    segment.bytes += deliver.bytes + FRAME_BYTES;
    segment.datagrams++;
    const copies = this.#chance(segment.duplication) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      if (!segment.isUp || this.#chance(segment.loss)) continue;
      if (deliver.bytes > segment.datagramBytesMax) continue;
      this.at(segment.delayMsec + this.random.below(1 + segment.jitterMsec), () => {
        if (segment.isUp) this.#arrive(from, on, to, deliver);
      });
    }
  }

  #arrive(from: LabNode, on: Interface, to: string | undefined, deliver: Delivery): void {
    for (const node of this.nodes.values()) {
      if (node === from || node.isDead) continue;
      const there = node.interfaces.find(({ segment }) => segment === on.segment);
      if (there === undefined || (to !== undefined && there.address !== to)) continue;
      deliver.run(node, there);
    }
  }

  #chance(share: number): boolean {
    return share > 0 && this.random.below(1_000_000) < share * 1_000_000;
  }

  advance(msec: number): void {
    const until = this.now + msec;
    for (;;) {
      const task = this.#nextTask();
      const wake = this.#nextWake();
      const at = Math.min(task?.at ?? Infinity, wake?.at ?? Infinity);
      if (at > until) break;
      this.now = Math.max(this.now, at) as Instant;
      if (task !== undefined && task.at === at) {
        this.#tasks = this.#tasks.filter((other) => other !== task);
        task.run();
      } else {
        wake?.node.wake();
      }
    }
    this.now = until as Instant;
  }

  /** @returns how long it took, ms. */
  until(done: () => boolean, withinMsec: number): number {
    const from = this.now;
    while (!done()) {
      if (this.now - from > withinMsec) {
        throw new Error(`seed ${this.seed}: not within ${withinMsec} ms (at ${this.now})`);
      }
      this.advance(1);
    }
    return this.now - from;
  }

  #nextTask(): Task | undefined {
    let first: Task | undefined;
    for (const task of this.#tasks) {
      if (!first || task.at < first.at || (task.at === first.at && task.order < first.order)) {
        first = task;
      }
    }
    return first;
  }

  #nextWake(): { node: LabNode; at: number } | undefined {
    let first: { node: LabNode; at: number } | undefined;
    for (const node of this.nodes.values()) {
      const at = node.isDead ? undefined : node.mesh.nextTimeout();
      if (at !== undefined && (first === undefined || at < first.at)) first = { node, at };
    }
    return first;
  }
}

interface Delivery {
  readonly bytes: number;
  run(node: LabNode, on: Interface): void;
}

export class LabNode {
  readonly name: string;
  readonly id: NodeId;
  readonly key: Uint8Array;
  readonly mesh: Mesh;
  readonly core: PortableCore;
  readonly interfaces: Interface[];
  readonly linkEvents: { readonly at: number; readonly event: LinkEvent }[] = [];
  readonly events: MeshEvent[] = [];
  readonly joined: Joined[] = [];
  readonly received: Uint8Array[] = [];
  readonly delivered: Uint8Array[] = [];
  isDead = false;
  readonly #lab: Lab;
  readonly #options: NodeOptions;
  readonly #paths = new Map<string, PathInfo>();
  readonly #planeEvents: PlaneEvent[] = [];
  #refused: PathId[] = [];

  constructor(
    lab: Lab,
    name: string,
    wires: Readonly<Record<string, Segment>>,
    options: NodeOptions,
  ) {
    this.#lab = lab;
    this.name = name;
    this.#options = options;
    const host = `fe80::${lab.nodes.has(name) ? 1000 + [...lab.nodes.keys()].indexOf(name) : lab.nodes.size + 1}`;
    this.interfaces = Object.entries(wires).map(([wire, segment]) => ({
      name: wire,
      address: host,
      segment,
    }));
    const owner = identityOf(options.identity ?? lab.nodes.size + 1000 * lab.seed, options);
    this.id = owner.id;
    this.key = crypto.x25519Public(owner.noisePrivateKey);
    this.core = this.#makeCore();
    this.mesh = new Mesh({
      crypto,
      entropy: seeded(lab.random.below(2 ** 31)),
      wall: (now) => (EPOCH + now) as EpochMillis,
      realm: options.realm ?? 'test',
      work: 0,
      identity: owner,
      name,
      ...(options.config === undefined ? {} : { config: options.config }),
      readLink: (link, into) => this.core.readLink(link, into),
    });
    this.#configurePlane();
    if (options.discovery === true) this.discoverOn(this.interfaces.map((i) => i.name));
  }

  get now(): Instant {
    return this.#lab.now;
  }

  discoverOn(names: readonly string[]): void {
    this.mesh.handleCommand(this.now, { kind: 'set-candidates', candidates: [], port: PORT });
    this.mesh.handleCommand(this.now, { kind: 'set-interfaces', names });
    this.settle();
  }

  /** How another node on the same segment reaches this one. */
  endpointFor(other: LabNode, segment: Segment): string {
    const here = this.interfaces.find((i) => i.segment === segment);
    const there = other.interfaces.find((i) => i.segment === segment);
    return `udp://[${here?.address}%${there?.name}]:${PORT}`;
  }

  addPeer(other: LabNode, segments: readonly Segment[], more: Partial<PeerSpec> = {}): void {
    const endpoints = segments.map((segment) => other.endpointFor(this, segment));
    this.mesh.handleCommand(this.now, {
      kind: 'add-peer',
      peer: { key: other.key, endpoints, ...more },
    });
    this.settle();
  }

  setInvites(invites: readonly Invite[]): void {
    this.mesh.handleCommand(this.now, { kind: 'set-invites', invites });
    this.settle();
  }

  removePeer(other: LabNode): void {
    this.mesh.handleCommand(this.now, { kind: 'remove-peer', key: other.key });
    this.settle();
  }

  shutDown(reason: string): void {
    this.mesh.handleCommand(this.now, { kind: 'shutdown', reason });
    this.settle();
  }

  row(other: LabNode): LinkRow {
    const link = this.linkTo(other);
    const row = this.mesh.links().find((one) => one.link === link);
    if (row === undefined) throw new Error(`${this.name} has no link to ${other.name}`);
    return row;
  }

  linkTo(other: LabNode): LinkId {
    const key = Buffer.from(other.key).toString('base64url');
    return (this.mesh.peers().find((peer) => peer.key === key)?.link ?? 0) as LinkId;
  }

  isUp(other: LabNode): boolean {
    const link = this.linkTo(other);
    return this.mesh.links().some((row) => row.link === link && row.state === 'up');
  }

  /** Events of one kind with their times. */
  told(kind: LinkEvent['kind']): { readonly at: number; readonly event: LinkEvent }[] {
    return this.linkEvents.filter(({ event }) => event.kind === kind);
  }

  send(other: LabNode, message: Uint8Array): ReturnType<Mesh['handleLinkCommand']> {
    const command = { kind: 'send', link: this.linkTo(other), message } as const;
    const answer = this.mesh.handleLinkCommand(this.now, command);
    this.settle();
    return answer;
  }

  reset(other: LabNode): void {
    const command = { kind: 'reset', link: this.linkTo(other), reason: 'test' } as const;
    this.mesh.handleLinkCommand(this.now, command);
    this.settle();
  }

  /** Sends an IPv6 packet of this size to the other node's address. */
  sendPacket(other: LabNode, bytes = 100): void {
    const packet = new Uint8Array(bytes);
    packet[0] = 0x60;
    packet[4] = (bytes - 40) >> 8;
    packet[5] = (bytes - 40) & 0xff;
    packet[6] = 59; // no next header
    packet[7] = 64;
    packet.set(addressBytes(this.id), 8);
    packet.set(addressBytes(other.id), 24);
    this.core.handleTunPackets(this.now, [packet]);
    this.settle();
  }

  routeTo(other: LabNode): void {
    const prefix = `${other.id.slice(0, 16)}/64` as never;
    const changes = [{ kind: 'set', prefix, link: this.linkTo(other) } as const];
    this.core.apply(this.now, [{ kind: 'fib', changes }]);
  }

  /** The router dies without a word. */
  kill(): void {
    this.isDead = true;
    this.#lab.nodes.delete(this.name);
  }

  /** The network's view of this node changes: a new address on every interface. */
  moveTo(address: string): void {
    for (const one of this.interfaces) one.address = address;
  }

  wake(): void {
    this.mesh.handleTimeout(this.now);
    this.settle();
  }

  receive(path: PathInfo, datagram: Uint8Array): void {
    this.core.handleDatagrams(this.now, path, [datagram]);
    this.settle();
  }

  beacon(on: Interface, source: string, bytes: Uint8Array): void {
    this.mesh.handleBeacon(this.now, { interface: on.name, source, bytes });
    this.settle();
  }

  pathOf(endpoint: string): PathInfo {
    const known = this.#paths.get(endpoint);
    if (known !== undefined) return known;
    const path: PathInfo = {
      id: (this.#paths.size + 1) as PathId,
      ...{ transport: 'udp', local: null, remote: endpoint, relayed: false, via: null },
      ...{ reliable: false, maxDatagramBytes: 65_507 },
    };
    this.#paths.set(endpoint, path);
    return path;
  }

  settle(): void {
    for (let isBusy = true; isBusy; ) {
      isBusy = false;
      for (let out = this.mesh.poll(); out !== undefined; out = this.mesh.poll()) {
        isBusy = true;
        this.#act(out);
      }
      this.core.flush(this.now);
      for (const id of this.#takeRefused()) this.#tellRefused(id);
      for (const event of this.#planeEvents.splice(0)) {
        isBusy = true;
        this.mesh.handlePlane(this.now, event);
      }
    }
  }

  #act(out: NonNullable<ReturnType<Mesh['poll']>>): void {
    switch (out.kind) {
      case 'plane':
        this.core.apply(this.now, [out.command]);
        return;
      case 'link':
        this.linkEvents.push({ at: this.now, event: out.event });
        if (out.event.kind === 'received') this.received.push(out.event.message);
        return;
      case 'open': {
        const { request, endpoint } = out;
        this.mesh.handlePathOpened(this.now, { request, path: this.pathOf(endpoint) });
        return;
      }
      case 'release':
        return;
      case 'beacon':
        this.#sendBeacon(out.interface, out.address, out.bytes);
        return;
      case 'relayed':
      case 'relay-closed':
        return;
      case 'joined':
        this.joined.push(out);
        return;
      case 'event':
        this.events.push(out.event);
        return;
      default:
        out satisfies never;
    }
  }

  #sendBeacon(name: string, address: string | undefined, bytes: Uint8Array): void {
    const on = this.interfaces.find((one) => one.name === name);
    if (on === undefined) return;
    const source = on.address;
    const copy = bytes.slice();
    this.#lab.carry(this, on, address, {
      bytes: bytes.length,
      run: (node, there) => node.beacon(there, source, copy),
    });
  }

  #makeCore(): PortableCore {
    return new PortableCore({
      crypto,
      tun: {
        write: (packet) => {
          this.delivered.push(packet.slice());
          return true;
        },
      },
      paths: { send: (id, datagrams) => this.#send(id, datagrams) },
      pathInfo: (id) => [...this.#paths.values()].find((path) => path.id === id),
      emit: (event) => void this.#planeEvents.push(event),
    });
  }

  #send(id: PathId, datagrams: readonly Uint8Array[]): number {
    const path = [...this.#paths.values()].find((one) => one.id === id);
    const match = /\[([^%\]]+)%([^\]]+)\]/.exec(path?.remote ?? '');
    const on = this.interfaces.find(({ name }) => name === match?.[2]);
    if (on === undefined) return 0;
    if (!on.segment.isUp && this.#options.reportsUnreachable === true) {
      this.#refused.push(id);
      return 0;
    }
    const source = on.address;
    for (const datagram of datagrams) {
      const copy = datagram.slice();
      this.#lab.carry(this, on, match?.[1], {
        bytes: copy.length,
        run: (node, there) =>
          node.receive(node.pathOf(`udp://[${source}%${there.name}]:${PORT}`), copy),
      });
    }
    return datagrams.length;
  }

  #takeRefused(): PathId[] {
    const refused = this.#refused;
    this.#refused = [];
    return refused;
  }

  #tellRefused(id: PathId): void {
    const path = [...this.#paths.values()].find((one) => one.id === id);
    if (path === undefined) return;
    const failure = { kind: 'unreachable', reason: 'ENETUNREACH' } as const;
    this.core.handlePathFailed(this.now, path, failure);
  }

  #configurePlane(): void {
    const prefixes = [`${this.id.slice(0, 16)}/64` as never];
    const transit = this.#options.transit ?? true;
    this.core.apply(this.now, [{ kind: 'local', address: this.id, prefixes, transit }]);
  }
}

export function identityOf(number: number, options: NodeOptions) {
  const random = seeded(number + 77);
  const seed = random.bytes(32);
  const noisePrivateKey = random.bytes(32);
  const realm = options.realm ?? 'test';
  const proof = {
    publicKey: crypto.ed25519Public(seed),
    successor: new Uint8Array(32),
    nonce: 0n,
  };
  const { id } = deriveNode(crypto, realm, proof);
  const body: NodeRecordBody = {
    ...{ realm, proof, noiseKey: crypto.x25519Public(noisePrivateKey), seq: 1 },
    ...{ notAfter: EPOCH / 1000 + 86_400 * 30, transit: options.transit ?? true, relay: false },
    ...{ name: `n${number}`, endpoints: [], handle: '', contact: '', tags: [] },
  };
  const record = signNode(crypto, seed, body);
  return { id, noisePrivateKey, nodeRecord: () => record };
}

/** Two nodes on one cable; each knows the other unless told otherwise. */
export function pair(
  seed: number,
  options: {
    readonly wire?: Partial<Segment>;
    readonly a?: NodeOptions;
    readonly b?: NodeOptions;
  } = {},
): { lab: Lab; wire: Segment; a: LabNode; b: LabNode } {
  const lab = new Lab(seed);
  const wire = lab.segment('wire', options.wire);
  const a = lab.node('a', { eth0: wire }, options.a);
  const b = lab.node('b', { eth0: wire }, options.b);
  return { lab, wire, a, b };
}

export function linked(
  seed: number,
  options: Parameters<typeof pair>[1] = {},
): ReturnType<typeof pair> {
  const made = pair(seed, options);
  const { lab, wire, a, b } = made;
  a.addPeer(b, [wire]);
  b.addPeer(a, [wire]);
  lab.until(() => a.isUp(b) && b.isUp(a), 60_000);
  a.routeTo(b);
  b.routeTo(a);
  return made;
}
