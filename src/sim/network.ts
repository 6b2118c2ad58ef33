/**
 * The wires: cables between two nodes' interfaces, with latency, jitter, loss, duplication and an MTU. Addresses are
 * link-local as on real cables, so that discovery works as it does there.
 */
import type { SeededEntropy } from './random.js';
import type { Scheduler } from './scheduler.js';

export interface CableQuality {
  readonly latencyMsec: number;
  /** Added uniformly; more than the spacing of packets reorders them. */
  readonly jitterMsec: number;
  /** 0..1 */
  readonly loss: number;
  readonly duplicate: number;
  /** Largest datagram, bytes of UDP payload; larger ones vanish, as in a black hole. */
  readonly datagramBytesMax: number;
}

export const PERFECT: CableQuality = {
  latencyMsec: 1,
  jitterMsec: 0,
  loss: 0,
  duplicate: 0,
  datagramBytesMax: 1452,
};

export interface Port {
  readonly node: string;
  readonly interface: string;
  /** `fe80::n:i`, unique in the simulation. */
  readonly address: string;
}

export interface Receiver {
  receive(port: Port, from: Port, datagram: Uint8Array): void;
  receiveBeacon(port: Port, from: Port, beacon: Uint8Array): void;
}

export class Cable {
  readonly a: Port;
  readonly b: Port;
  quality: CableQuality;
  up = true;

  constructor(a: Port, b: Port, quality: CableQuality) {
    this.a = a;
    this.b = b;
    this.quality = quality;
  }

  get name(): string {
    return `${this.a.node}-${this.b.node}`;
  }
}

export interface Traffic {
  datagrams: number;
  bytes: number;
  lost: number;
}

export class Network {
  readonly cables: Cable[] = [];
  readonly traffic: Traffic = { datagrams: 0, bytes: 0, lost: 0 };
  readonly #scheduler: Scheduler;
  readonly #random: SeededEntropy;
  readonly #receivers = new Map<string, Receiver>();
  readonly #cableOf = new Map<string, Cable>();
  readonly #ports = new Map<string, Port[]>();

  constructor(scheduler: Scheduler, random: SeededEntropy) {
    this.#scheduler = scheduler;
    this.#random = random;
  }

  attach(node: string, receiver: Receiver): void {
    this.#receivers.set(node, receiver);
  }

  detach(node: string): void {
    this.#receivers.delete(node);
  }

  connect(a: string, b: string, quality: CableQuality): Cable {
    const cable = new Cable(this.#addPort(a), this.#addPort(b), quality);
    this.cables.push(cable);
    this.#cableOf.set(cable.a.address, cable);
    this.#cableOf.set(cable.b.address, cable);
    return cable;
  }

  #addPort(node: string): Port {
    const ports = this.#ports.get(node) ?? [];
    this.#ports.set(node, ports);
    const nodeNumber = [...this.#ports.keys()].indexOf(node) + 1;
    const number = ports.length + 1;
    const address = `fe80::${nodeNumber.toString(16)}:${number.toString(16)}`;
    const port = { node, interface: `eth${number}`, address };
    ports.push(port);
    return port;
  }

  ports(node: string): readonly Port[] {
    return this.#ports.get(node) ?? [];
  }

  /** @param to The far end's address; others are not on this cable. */
  send(port: Port, to: string, datagram: Uint8Array): void {
    const cable = this.#cableOf.get(port.address);
    if (cable === undefined) return;
    const far = cable.a === port ? cable.b : cable.a;
    if (far.address !== to) return;
    this.#carry(cable, datagram, (bytes) => {
      this.#receivers.get(far.node)?.receive(far, port, bytes);
    });
  }

  /** A multicast on one cable. */
  sendBeacon(port: Port, beacon: Uint8Array): void {
    const cable = this.#cableOf.get(port.address);
    if (cable === undefined) return;
    const far = cable.a === port ? cable.b : cable.a;
    this.#carry(cable, beacon, (bytes) => {
      this.#receivers.get(far.node)?.receiveBeacon(far, port, bytes);
    });
  }

  #carry(cable: Cable, datagram: Uint8Array, deliver: (bytes: Uint8Array) => void): void {
    const { quality } = cable;
    this.traffic.datagrams++;
    this.traffic.bytes += datagram.length;
    if (
      !cable.up ||
      datagram.length > quality.datagramBytesMax ||
      this.#random.chance(quality.loss)
    ) {
      this.traffic.lost++;
      return;
    }
    const copy = datagram.slice();
    const times = this.#random.chance(quality.duplicate) ? 2 : 1;
    for (let i = 0; i < times; i++) {
      const delay = quality.latencyMsec + this.#random.below(1000) * 0.001 * quality.jitterMsec;
      this.#scheduler.at(this.#scheduler.now + delay, () => {
        if (cable.up) deliver(copy);
      });
    }
  }
}
