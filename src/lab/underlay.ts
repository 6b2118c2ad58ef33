/**
 * IPv4 addresses and routes of networks that NAT boxes make, so that a file need not name them. An address
 * of the file stays. A box's inside gets 10.B.L.0/24 (B-th box, L-th of its inside interfaces), a carrier's
 * 100.64.B.0/24, a public one's a part of 198.51.100.0/24; where no inside is, it is the internet: 203.0.113.0/24.
 */
import { endName, type LabNode } from './model.js';
import type { Port } from './segments.js';

export interface Underlay {
  /** By `node:interface`, CIDR. */
  readonly addresses: ReadonlyMap<string, string>;
  /** By node, words for `ip route replace`. */
  readonly routes: ReadonlyMap<string, readonly string[]>;
}

interface Network {
  /** Without the last byte's host number: `10.1.0.` and 0. */
  readonly head: string;
  readonly first: number;
  readonly bits: number;
}

const PUBLIC_BITS = 28;
const LAN_BITS = 24;
/** Ours: so that interfaces of one node differ; a lower one is preferred. */
const METRIC = 100;

/** @throws Error with words for people where there are more networks or hosts than addresses. */
export function planUnderlay(segments: readonly (readonly Port[])[]): Underlay {
  return new Plan(segments).made;
}

const isInside = ({ node, end }: Port): boolean => node.nat?.inside.includes(end.iface) === true;
const isPublic = ({ node }: Port): boolean => node.nat?.kind === 'public';

/** An IPv4 address of the file, if it has one there. */
const given = ({ end }: Port): string | undefined =>
  end.addresses.find((text) => /^\d+(\.\d+){3}\/\d+$/.test(text));

class Plan {
  readonly #segments: readonly (readonly Port[])[];
  readonly #boxes: readonly LabNode[];
  readonly #addresses = new Map<string, string>();
  readonly #routes = new Map<string, string[]>();
  #publics = 0;
  #internets = 0;

  constructor(segments: readonly (readonly Port[])[]) {
    this.#segments = segments.filter((ports) => ports.some(({ node }) => node.nat !== undefined));
    const boxes = this.#segments.flat().map(({ node }) => node);
    this.#boxes = [...new Set(boxes)].filter(({ nat }) => nat !== undefined);
    if (this.#boxes.length > 255) throw new Error('more than 255 NAT boxes: give them addresses');
    for (const ports of this.#segments) this.#number(ports);
    for (const ports of this.#segments) this.#route(ports);
  }

  get made(): Underlay {
    return { addresses: this.#addresses, routes: this.#routes };
  }

  #number(ports: readonly Port[]): void {
    const missing = ports.filter((port) => given(port) === undefined);
    if (missing.length === 0) return;
    const network = this.#networkOf(ports);
    const taken = new Set(ports.map((port) => given(port)?.split('/')[0]));
    const order = [...missing.filter(isInside), ...missing.filter((port) => !isInside(port))];
    let host = network.first;
    for (const { end } of order) {
      do host += 1;
      while (taken.has(`${network.head}${host}`));
      if (host >= network.first + 2 ** (32 - network.bits) - 1)
        throw new Error(`no address is left for ${endName(end)}: give its link one`);
      this.#addresses.set(endName(end), `${network.head}${host}/${network.bits}`);
    }
  }

  #networkOf(ports: readonly Port[]): Network {
    const known = ports.map(given).find((text) => text !== undefined);
    if (known !== undefined) return networkOf(known);
    const gateway = ports.find(isInside);
    if (gateway === undefined) return this.#internet();
    const box = this.#boxes.indexOf(gateway.node) + 1;
    const lan = gateway.node.nat?.inside.indexOf(gateway.end.iface) ?? 0;
    if (isPublic(gateway)) return this.#public();
    const head =
      gateway.node.nat?.kind === 'cgnat' ? `100.${64 + lan}.${box}.` : `10.${box}.${lan}.`;
    return { head, first: 0, bits: LAN_BITS };
  }

  #internet(): Network {
    const heads = ['203.0.113.', '192.0.2.'];
    const head = heads[this.#internets] ?? `198.18.${this.#internets}.`;
    this.#internets += 1;
    return { head, first: 0, bits: LAN_BITS };
  }

  #public(): Network {
    const first = this.#publics * 2 ** (32 - PUBLIC_BITS);
    this.#publics += 1;
    if (first > 255)
      throw new Error('more than 16 networks behind public boxes: give them addresses');
    return { head: '198.51.100.', first, bits: PUBLIC_BITS };
  }

  #route(ports: readonly Port[]): void {
    const gateway = ports.find(isInside) ?? ports.find((port) => this.#joinsInternets(port));
    for (const port of ports) {
      if (gateway !== undefined && port.node !== gateway.node) {
        const metric = METRIC + (this.#routes.get(port.node.name)?.length ?? 0);
        this.#add(port, `default via ${this.#ip(gateway)} dev ${port.end.iface} metric ${metric}`);
      }
      for (const box of ports) if (box !== port) this.#addPublic(port, box);
    }
  }

  /** A router that has cables to several boxes' outsides forwards between them. */
  #joinsInternets({ node }: Port): boolean {
    if (node.role !== 'router') return false;
    const outer = this.#segments.filter((ports) => !ports.some(isInside));
    return outer.filter((ports) => ports.some((port) => port.node === node)).length > 1;
  }

  /** The way to a network that a public box has behind it. */
  #addPublic(port: Port, box: Port): void {
    if (!isPublic(box) || isInside(box) || port.node === box.node) return;
    const lans = this.#segments.flat().filter((one) => one.node === box.node && isInside(one));
    for (const lan of lans) {
      const { head, first, bits } = networkOf(this.#cidr(lan));
      this.#add(port, `${head}${first}/${bits} via ${this.#ip(box)} dev ${port.end.iface}`);
    }
  }

  #add({ node }: Port, route: string): void {
    this.#routes.set(node.name, [...(this.#routes.get(node.name) ?? []), route]);
  }

  #cidr(port: Port): string {
    return given(port) ?? this.#addresses.get(endName(port.end)) ?? '';
  }

  #ip(port: Port): string {
    return this.#cidr(port).split('/')[0] ?? '';
  }
}

/** `10.1.0.7/24` → 10.1.0.0; of networks larger than a /24, the /24 that the address is in gets hosts. */
function networkOf(cidr: string): Network {
  const [, head = '', last = '0', bits = '24'] = /^(\d+\.\d+\.\d+\.)(\d+)\/(\d+)$/.exec(cidr) ?? [];
  const size = 2 ** Math.min(8, 32 - Number(bits));
  return { head, first: Number(last) - (Number(last) % size), bits: Number(bits) };
}
