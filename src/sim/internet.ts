/**
 * An internet of IPv4 and UDP under the simulated routers: realms of addresses, the public one outermost, joined by NAT
 * boxes. Private addresses of different homes are the same ones, as in real homes.
 */
import { type End, type NatBehaviour, NatBox } from './nat.js';
import { type CableQuality, PERFECT } from './network.js';
import type { SeededEntropy } from './random.js';
import type { Scheduler } from './scheduler.js';

/** A network of hosts: behind a box, or with public addresses. */
export interface Site {
  readonly name: string;
  /** Undefined: nothing translates. */
  readonly nat: NatBehaviour | undefined;
  /** The site that its box is a host of; undefined: the public internet. */
  readonly behind: string | undefined;
  readonly nodes: readonly string[];
}

/** Takes what reaches a host. @param sender The node that really sent it, whatever its address says. */
export interface InternetReceiver {
  receiveFrom(from: End, datagram: Uint8Array, sender: string): void;
}

interface Host {
  readonly node: string;
  readonly realm: Realm;
  readonly address: string;
}

interface Gateway {
  readonly box: NatBox;
  readonly inner: Realm;
  readonly outer: Realm;
}

class Realm {
  readonly name: string;
  /** The way out; undefined for the public internet. */
  gateway: Gateway | undefined;
  readonly hosts = new Map<string, Host | Gateway>();
  readonly #prefix: string;
  #last = 0;

  constructor(name: string, prefix: string) {
    this.name = name;
    this.#prefix = prefix;
  }

  nextAddress(): string {
    this.#last++;
    return `${this.#prefix}${Math.floor(this.#last / 250)}.${(this.#last % 250) + 2}`;
  }
}

interface Packet {
  readonly sender: string;
  readonly from: End;
  readonly to: End;
  readonly bytes: Uint8Array;
}

/** Where a packet ended, for tests and for whoever looks for a lost one. */
export type Fate = 'delivered' | 'no-route' | 'blocked' | 'no-hairpin' | 'dropped-in' | 'lost';

/** Ours: boxes behind boxes; a packet passes no more. */
const BOXES_MAX = 8;
export const SIM_PORT = 4242;
/** Between any two hosts; a site's own is not told apart. */
export const INTERNET: CableQuality = { ...PERFECT, latencyMsec: 20 };

export class Internet {
  quality: CableQuality = INTERNET;
  readonly fates: Record<Fate, number> = {
    ...{ delivered: 0, 'no-route': 0, blocked: 0, 'no-hairpin': 0, 'dropped-in': 0, lost: 0 },
  };
  sent = 0;
  readonly #scheduler: Scheduler;
  readonly #random: SeededEntropy;
  readonly #public = new Realm('public', '203.0.');
  readonly #realms = new Map<string, Realm>();
  readonly #hosts = new Map<string, Host>();
  readonly #receivers = new Map<string, InternetReceiver>();

  /** @throws Error for a site behind one that is not above it in the list, or a node of two sites. */
  constructor(scheduler: Scheduler, random: SeededEntropy, sites: readonly Site[]) {
    this.#scheduler = scheduler;
    this.#random = random;
    for (const site of sites) this.#addSite(site);
  }

  #addSite({ name, nat, behind, nodes }: Site): void {
    const outer = behind === undefined ? this.#public : this.#realms.get(behind);
    if (outer === undefined)
      throw new Error(`site ${name} is behind ${behind}, which is not there`);
    const realm = nat === undefined ? outer : this.#behind(outer, name, nat);
    this.#realms.set(name, realm);
    for (const node of nodes) {
      if (this.#hosts.has(node)) throw new Error(`${node} is in two sites`);
      const host = { node, realm, address: realm.nextAddress() };
      this.#hosts.set(node, host);
      realm.hosts.set(host.address, host);
    }
  }

  #behind(outer: Realm, name: string, nat: NatBehaviour): Realm {
    const depth = depthOf(outer) + 1;
    const inner = new Realm(name, PREFIXES[Math.min(depth, PREFIXES.length) - 1] ?? '10.');
    const box = new NatBox(outer.nextAddress(), nat, this.#random);
    const gateway = { box, inner, outer };
    inner.gateway = gateway;
    outer.hosts.set(box.address, gateway);
    return inner;
  }

  attach(node: string, receiver: InternetReceiver): void {
    this.#receivers.set(node, receiver);
  }

  detach(node: string): void {
    this.#receivers.delete(node);
  }

  /** Where a node listens, as it knows itself; undefined without a way to the internet. */
  endOf(node: string): End | undefined {
    const host = this.#hosts.get(node);
    return host && { address: host.address, port: SIM_PORT };
  }

  /** The box of a site. */
  box(site: string): NatBox {
    const box = this.#realms.get(site)?.gateway?.box;
    if (box === undefined) throw new Error(`no box of a site ${site}`);
    return box;
  }

  get boxes(): NatBox[] {
    return [...this.#realms.values()].flatMap(({ gateway }) => (gateway ? [gateway.box] : []));
  }

  /** Boxes from a node outwards. */
  boxesOf(node: string): NatBox[] {
    const boxes: NatBox[] = [];
    let realm = this.#hosts.get(node)?.realm;
    for (; realm?.gateway !== undefined; realm = realm.gateway.outer) boxes.push(realm.gateway.box);
    return boxes;
  }

  /** Can a packet get from one node to the other's own address, nothing being mapped before? */
  canDial(from: string, to: string): boolean {
    const target = this.#hosts.get(to);
    let realm = this.#hosts.get(from)?.realm;
    while (target !== undefined && realm !== undefined) {
      const found = realm.hosts.get(target.address);
      if (found === target) return true;
      if (found !== undefined || realm.gateway?.box.behaviour.blocksUdp === true) return false;
      realm = realm.gateway?.outer;
    }
    return false;
  }

  send(node: string, to: End, datagram: Uint8Array, port = SIM_PORT): void {
    const host = this.#hosts.get(node);
    if (host === undefined) return;
    this.sent++;
    if (datagram.length > this.quality.datagramBytesMax || this.#random.chance(this.quality.loss)) {
      this.fates.lost++;
      return;
    }
    const from = { address: host.address, port };
    this.#outwards(host.realm, { sender: node, from, to, bytes: datagram.slice() });
  }

  /** From realm to realm until one has the destination. */
  #outwards(start: Realm, packet: Packet): void {
    let [realm, { from }] = [start, packet];
    for (let boxes = 0; boxes <= BOXES_MAX; boxes++) {
      if (realm.hosts.has(packet.to.address)) {
        const at = realm;
        const found = { ...packet, from };
        this.#later(packet, () => this.#inwards(at, found));
        return;
      }
      const { gateway } = realm;
      if (gateway === undefined) break;
      const source = gateway.box.outbound(this.#scheduler.now, from, packet.to);
      if (source === undefined) {
        this.fates.blocked++;
        return;
      }
      from = source;
      if (packet.to.address === gateway.box.address) {
        this.#hairpin(gateway, { ...packet, from });
        return;
      }
      realm = gateway.outer;
    }
    this.fates['no-route']++;
  }

  /** To the outside of the box that it is behind: RFC 4787 §6, with the outside as its source (REQ-9a). */
  #hairpin(gateway: Gateway, packet: Packet): void {
    if (!gateway.box.behaviour.hairpin) this.fates['no-hairpin']++;
    else this.#later(packet, () => this.#through(gateway, packet));
  }

  #later({ bytes }: Packet, arrive: () => void): void {
    const { latencyMsec, jitterMsec, duplicate } = this.quality;
    const times = bytes.length > 0 && this.#random.chance(duplicate) ? 2 : 1;
    for (let i = 0; i < times; i++) {
      const delay = latencyMsec + this.#random.below(1000) * 0.001 * jitterMsec;
      this.#scheduler.at(this.#scheduler.now + delay, arrive);
    }
  }

  #inwards(realm: Realm, packet: Packet): void {
    const found = realm.hosts.get(packet.to.address);
    if (found === undefined) this.fates['no-route']++;
    else if ('box' in found) this.#through(found, packet);
    else this.#deliver(found, packet);
  }

  #through({ box, inner }: Gateway, packet: Packet): void {
    const inside = box.inbound(this.#scheduler.now, packet.from, packet.to.port);
    if (inside === undefined) this.fates['dropped-in']++;
    else this.#inwards(inner, { ...packet, to: inside });
  }

  #deliver({ node }: Host, { from, to, bytes, sender }: Packet): void {
    const receiver = this.#receivers.get(node);
    if (receiver === undefined || to.port !== SIM_PORT) {
      this.fates['no-route']++;
      return;
    }
    this.fates.delivered++;
    receiver.receiveFrom(from, bytes, sender);
  }
}

/** Of what is behind one box, and behind two: a home's, and a carrier's where there is a home inside. */
const PREFIXES = ['192.168.', '10.0.'] as const;

function depthOf(realm: Realm): number {
  return realm.gateway === undefined ? 0 : depthOf(realm.gateway.outer) + 1;
}
