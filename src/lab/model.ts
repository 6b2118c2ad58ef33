/** A lab as it is to be built: containerlab's inheritance is resolved, every default filled in. */
import type { NatBox } from './nat.js';
import type { KindHere } from './schema.js';

/**
 * router: runs alamesh; host: a plain namespace; bridge: a switch, on the host when it has a
 * bridge of that name, else in a namespace of its own; machine: the machine itself; nat: a NAT box.
 */
export type NodeRole = 'router' | 'host' | 'bridge' | 'machine' | 'nat';

export interface Bind {
  /** Absolute. */
  readonly source: string;
  /** Absolute, in the node. */
  readonly target: string;
  readonly readOnly: boolean;
}

export interface LabNode {
  readonly name: string;
  /** The namespace's name, containerlab's container name. */
  readonly container: string;
  readonly kind: KindHere;
  readonly role: NodeRole;
  readonly image: string | undefined;
  readonly entrypoint: string | undefined;
  readonly cmd: string | undefined;
  readonly exec: readonly string[];
  readonly binds: readonly Bind[];
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly sysctls: Readonly<Record<string, string>>;
  /** Of a NAT box. */
  readonly nat: NatBox | undefined;
  /** Routers that this one is to be peered with. */
  readonly peers: readonly string[];
  /** Words for `ip route replace`, of networks that NAT boxes make. */
  readonly routes: readonly string[];
}

export interface LinkEnd {
  /** Undefined: the machine itself. */
  readonly node: string | undefined;
  readonly iface: string;
  readonly mac: string | undefined;
  /** CIDR, either family. */
  readonly addresses: readonly string[];
  /** One that nobody gave, as from DHCP: it goes with the carrier and comes back with it. */
  readonly lease?: string;
}

/** A cable, or with one end a dummy interface. */
export interface LabLink {
  readonly a: LinkEnd;
  readonly b: LinkEnd | undefined;
  readonly mtu: number;
}

export interface Lab {
  readonly name: string;
  /** Absolute path of its file. */
  readonly file: string;
  readonly nodes: readonly LabNode[];
  readonly links: readonly LabLink[];
  /** What the file asks for and a namespace lab leaves out, for people. */
  readonly notes: readonly string[];
}

/** Ours: what Ethernet carries; containerlab's own default is 9500. */
export const MTU_DEFAULT = 1500;

export const endName = (end: LinkEnd): string => `${end.node ?? 'host'}:${end.iface}`;

export const addressesOf = ({ addresses, lease }: LinkEnd): string[] => [
  ...addresses,
  ...(lease === undefined ? [] : [lease]),
];
