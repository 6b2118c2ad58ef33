/**
 * A NAT box for UDP as RFC 4787 describes them: which outside port a host's packet leaves by (mapping, §4.1), who may
 * answer there (filtering, §5), for how long (§4.3), and whether hosts behind it reach each other by its outside (§6).
 */
import type { SeededEntropy } from './random.js';

/** On what of the other end it depends: nothing, its address, its address and port. */
export type Dependence = 'endpoint-independent' | 'address' | 'address-and-port';
export const DEPENDENCES: readonly Dependence[] = [
  'endpoint-independent',
  'address',
  'address-and-port',
];

export interface NatBehaviour {
  readonly mapping: Dependence;
  readonly filtering: Dependence;
  /** RFC 4787 §6. */
  readonly hairpin: boolean;
  /** How outside ports are chosen: the host's own if free, one after the other, or any. RFC 4787 §4.2. */
  readonly ports: 'preserve' | 'sequential' | 'random';
  /** A mapping without a packet from inside for so long is forgotten. RFC 4787 REQ-5: not below 2 minutes. */
  readonly mappingMsec: number;
  readonly blocksUdp: boolean;
}

/** RFC 4787 REQ-5. */
export const MAPPING_MSEC = 120_000;

const common = { hairpin: false, ports: 'preserve', mappingMsec: MAPPING_MSEC } as const;
const cone = { ...common, mapping: 'endpoint-independent', blocksUdp: false } as const;

/** The kinds that a lab's `alamesh.nat` label names. */
export const NAT_KINDS = {
  'full-cone': { ...cone, filtering: 'endpoint-independent' },
  'address-restricted': { ...cone, filtering: 'address' },
  'port-restricted': { ...cone, filtering: 'address-and-port' },
  symmetric: {
    ...common,
    ...{ mapping: 'address-and-port', filtering: 'address-and-port', ports: 'random' },
    blocksUdp: false,
  },
  'udp-blocked': { ...cone, filtering: 'address-and-port', blocksUdp: true },
  cgnat: { ...cone, filtering: 'address-and-port', ports: 'random' },
} as const satisfies Readonly<Record<string, NatBehaviour>>;
export type NatKind = keyof typeof NAT_KINDS;

export const isNatKind = (text: string): text is NatKind => Object.hasOwn(NAT_KINDS, text);

/** One end of a packet: an IPv4 address and a UDP port. */
export interface End {
  readonly address: string;
  readonly port: number;
}

interface Mapping {
  readonly key: string;
  readonly inside: End;
  readonly port: number;
  /** Of the last packet from inside, ms. */
  usedAt: number;
  /** Whom it let out to, and when last, ms; by what filtering looks at. */
  readonly sentTo: Map<string, number>;
}

/** Ours: mappings that a box keeps, as cheap ones do; a packet that needs one more is dropped. */
const MAPPINGS_MAX = 1_024;
const [FIRST_PORT, PORTS] = [1_024, 64_512];

export class NatBox {
  /** Its outside. */
  readonly address: string;
  behaviour: NatBehaviour;
  readonly #random: SeededEntropy;
  readonly #byKey = new Map<string, Mapping>();
  readonly #byPort = new Map<number, Mapping>();
  #nextPort: number;
  /** Packets from inside for which there was no room, and from outside that nobody had asked for. */
  readonly dropped = { full: 0, unmapped: 0, filtered: 0 };
  /** The most mappings that there were at once. */
  mappingsPeak = 0;

  constructor(address: string, behaviour: NatBehaviour, random: SeededEntropy) {
    this.address = address;
    this.behaviour = behaviour;
    this.#random = random;
    this.#nextPort = FIRST_PORT + random.below(PORTS);
  }

  /** @returns The packet's source outside; undefined when it is dropped. */
  outbound(now: number, from: End, to: End): End | undefined {
    if (this.behaviour.blocksUdp) return undefined;
    this.#expire(now);
    const key = `${from.address}:${from.port} ${partOf(to, this.behaviour.mapping)}`;
    const mapping = this.#byKey.get(key) ?? this.#map(now, key, from);
    if (mapping === undefined) return undefined;
    mapping.usedAt = now;
    mapping.sentTo.set(partOf(to, this.behaviour.filtering), now);
    return { address: this.address, port: mapping.port };
  }

  /** @returns Whom a packet from outside to a port of ours is for; undefined when it is dropped. */
  inbound(now: number, from: End, port: number): End | undefined {
    this.#expire(now);
    const mapping = this.#byPort.get(port);
    if (mapping === undefined) {
      this.dropped.unmapped++;
      return undefined;
    }
    const { filtering, mappingMsec } = this.behaviour;
    const sentAt = mapping.sentTo.get(partOf(from, filtering));
    if (sentAt !== undefined && now - sentAt < mappingMsec) return mapping.inside;
    this.dropped.filtered++;
    return undefined;
  }

  /** Power cut: its table is lost. */
  reboot(): void {
    this.#byKey.clear();
    this.#byPort.clear();
  }

  mappings(now: number): number {
    this.#expire(now);
    return this.#byKey.size;
  }

  #map(now: number, key: string, inside: End): Mapping | undefined {
    if (this.#byKey.size >= MAPPINGS_MAX) {
      this.dropped.full++;
      return undefined;
    }
    const port = this.#freePort(inside.port);
    const mapping = { key, inside, port, usedAt: now, sentTo: new Map<string, number>() };
    this.#byKey.set(key, mapping);
    this.#byPort.set(port, mapping);
    this.mappingsPeak = Math.max(this.mappingsPeak, this.#byKey.size);
    return mapping;
  }

  #freePort(wanted: number): number {
    const { ports } = this.behaviour;
    let port = wanted;
    if (ports === 'random') port = FIRST_PORT + this.#random.below(PORTS);
    if (ports === 'sequential') port = this.#nextPort++;
    for (; ; port++) {
      const wrapped = FIRST_PORT + ((port - FIRST_PORT + PORTS) % PORTS);
      if (!this.#byPort.has(wrapped)) return wrapped;
    }
  }

  #expire(now: number): void {
    for (const mapping of this.#byKey.values()) {
      if (now - mapping.usedAt < this.behaviour.mappingMsec) continue;
      this.#byKey.delete(mapping.key);
      this.#byPort.delete(mapping.port);
    }
  }
}

function partOf({ address, port }: End, dependence: Dependence): string {
  switch (dependence) {
    case 'endpoint-independent':
      return '*';
    case 'address':
      return address;
    case 'address-and-port':
      return `${address}:${port}`;
    default:
      return dependence satisfies never;
  }
}
