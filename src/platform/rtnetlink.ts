/** Interfaces, addresses and routes of this host, through rtnetlink. */
import { AF_INET, AF_INET6, ip4 } from '../posix/address.js';
import {
  type Attribute,
  attributes,
  type Message,
  Netlink,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  payload,
  type Request,
  RTM,
  u32,
} from '../posix/netlink.js';

/** linux/if_link.h, linux/if_addr.h, linux/rtnetlink.h */
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_TXQLEN = 13;
const IFLA_AF_SPEC = 26;
const IFLA_INET6_ADDR_GEN_MODE = 8;
const ADDR_GEN_MODE_NONE = 1;
const IFF_UP = 1;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_FLAGS = 8;
const IFA_F_NODAD = 0x02;
const IFA_F_DADFAILED = 0x08;
const IFA_F_TENTATIVE = 0x40;
const IFA_F_PERMANENT = 0x80;
const IFA_F_NOPREFIXROUTE = 0x200;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_PRIORITY = 6;
const RTA_PREFSRC = 7;
const RTA_TABLE = 15;
const RT_TABLE_MAIN = 254;
const RT_SCOPE_UNIVERSE = 0;
const RTN_UNICAST = 1;
const IFINFOMSG_BYTES = 16;
const IFADDRMSG_BYTES = 8;
const RTMSG_BYTES = 12;

export interface LinkInfo {
  readonly index: number;
  readonly name: string;
  /** IFF_… bits of linux/if.h. */
  readonly flags: number;
  readonly mtu: number;
}

export interface AddressInfo {
  readonly index: number;
  /** 16 bytes; IPv4 as ::ffff:a.b.c.d. */
  readonly address: Uint8Array;
  /** Of the address's own family: 0..32 or 0..128. */
  readonly prefixLength: number;
  /** False while duplicate address detection runs, or when it failed. */
  readonly usable: boolean;
}

export interface RouteInfo {
  readonly index: number;
  /** 16 bytes. */
  readonly destination: Uint8Array;
  readonly prefixLength: number;
  readonly protocol: number;
  readonly metric: number;
}

export interface LinkSetup {
  readonly index: number;
  readonly mtu: number;
  readonly queuePackets: number;
}

let shared: Netlink | undefined;

/** One socket for the requests of this process; they are synchronous. */
export function netlink(): Netlink {
  shared ??= new Netlink();
  return shared;
}

/** MTU and queue; no link-local address and so no router solicitations; up. @throws SystemError. */
export function configureLink(setup: LinkSetup): void {
  const mode = attribute(IFLA_INET6_ADDR_GEN_MODE, Uint8Array.of(ADDR_GEN_MODE_NONE));
  const inet6 = attribute(AF_INET6, payload(new Uint8Array(0), [mode]));
  netlink().request(
    linkRequest(setup.index, 0, [
      attribute(IFLA_MTU, u32(setup.mtu)),
      attribute(IFLA_TXQLEN, u32(setup.queuePackets)),
      attribute(IFLA_AF_SPEC, payload(new Uint8Array(0), [inet6])),
    ]),
  );
  netlink().request(linkRequest(setup.index, IFF_UP, []));
}

/** A /128, without a route of its own and without duplicate address detection. @throws SystemError. */
export function addAddress(index: number, address: Uint8Array): void {
  const fixed = new Uint8Array(IFADDRMSG_BYTES);
  fixed[0] = AF_INET6;
  fixed[1] = 128;
  fixed[2] = IFA_F_NODAD | IFA_F_PERMANENT;
  new DataView(fixed.buffer).setUint32(4, index, true);
  netlink().request({
    type: RTM.newAddress,
    flags: NLM_F_CREATE | NLM_F_REPLACE,
    body: payload(fixed, [
      attribute(IFA_LOCAL, address),
      attribute(IFA_ADDRESS, address),
      attribute(IFA_FLAGS, u32(IFA_F_NODAD | IFA_F_PERMANENT | IFA_F_NOPREFIXROUTE)),
    ]),
  });
}

/** @throws SystemError: EADDRNOTAVAIL when it is not there. */
export function removeAddress(index: number, address: Uint8Array): void {
  const fixed = new Uint8Array(IFADDRMSG_BYTES);
  fixed[0] = AF_INET6;
  fixed[1] = 128;
  new DataView(fixed.buffer).setUint32(4, index, true);
  const body = payload(fixed, [attribute(IFA_LOCAL, address), attribute(IFA_ADDRESS, address)]);
  netlink().request({ type: RTM.delAddress, flags: 0, body });
}

/** Every interface of this network namespace. */
export function listLinks(): LinkInfo[] {
  return netlink().dump(RTM.getLink, new Uint8Array(IFINFOMSG_BYTES)).map(linkOf);
}

/** Every address, of both families. */
export function listAddresses(): AddressInfo[] {
  return netlink().dump(RTM.getAddress, new Uint8Array(IFADDRMSG_BYTES)).flatMap(addressesOf);
}

/** IPv6 routes of the main table. */
export function listRoutes(): RouteInfo[] {
  const fixed = new Uint8Array(RTMSG_BYTES);
  fixed[0] = AF_INET6;
  const table = attribute(RTA_TABLE, u32(RT_TABLE_MAIN));
  return netlink()
    .dump(RTM.getRoute, payload(fixed, [table]))
    .flatMap(routesOf);
}

export interface RouteSpec extends RouteInfo {
  /** Own address that the host's programs send from, undefined for the kernel's choice. */
  readonly source?: Uint8Array | undefined;
}

/** Adds a route; one with the same prefix and metric is left as it is, and the answer is EEXIST. */
export function addRouteRequest(route: RouteSpec): Request {
  return routeRequest(RTM.newRoute, NLM_F_CREATE | NLM_F_EXCL, route);
}

/** Deletes exactly this route: other interfaces' and protocols' are not touched. */
export function deleteRouteRequest(route: RouteSpec): Request {
  return routeRequest(RTM.delRoute, 0, route);
}

function routeRequest(type: number, flags: number, route: RouteSpec): Request {
  const fixed = new Uint8Array(RTMSG_BYTES);
  fixed.set([AF_INET6, route.prefixLength, 0, 0, RT_TABLE_MAIN, route.protocol]);
  fixed[6] = RT_SCOPE_UNIVERSE;
  fixed[7] = RTN_UNICAST;
  const list = [
    attribute(RTA_DST, route.destination),
    attribute(RTA_OIF, u32(route.index)),
    attribute(RTA_PRIORITY, u32(route.metric)),
  ];
  if (route.source !== undefined) list.push(attribute(RTA_PREFSRC, route.source));
  return { type, flags, body: payload(fixed, list) };
}

function linkRequest(index: number, flags: number, list: readonly Attribute[]): Request {
  const fixed = new Uint8Array(IFINFOMSG_BYTES);
  const words = new DataView(fixed.buffer);
  words.setInt32(4, index, true);
  words.setUint32(8, flags, true);
  words.setUint32(12, flags, true);
  return { type: RTM.newLink, flags: 0, body: payload(fixed, list) };
}

const attribute = (type: number, data: Uint8Array): Attribute => ({ type, data });

const wordAt = (bytes: Uint8Array | undefined, at: number): number =>
  bytes === undefined || bytes.length < at + 4
    ? 0
    : new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);

function linkOf({ body }: Message): LinkInfo {
  const found = attributes(body, IFINFOMSG_BYTES);
  const name = Buffer.from(found.get(IFLA_IFNAME) ?? []).toString('latin1');
  return {
    index: wordAt(body, 4),
    flags: wordAt(body, 8),
    name: name.replace(/\0.*$/s, ''),
    mtu: wordAt(found.get(IFLA_MTU), 0),
  };
}

function addressesOf({ body }: Message): AddressInfo[] {
  const found = attributes(body, IFADDRMSG_BYTES);
  const address = fullAddress(body[0], found.get(IFA_LOCAL) ?? found.get(IFA_ADDRESS));
  if (address === undefined) return [];
  const flags = found.has(IFA_FLAGS) ? wordAt(found.get(IFA_FLAGS), 0) : (body[2] ?? 0);
  const usable = (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) === 0;
  return [{ index: wordAt(body, 4), address, prefixLength: body[1] ?? 0, usable }];
}

function fullAddress(
  family: number | undefined,
  bytes: Uint8Array | undefined,
): Uint8Array | undefined {
  if (family === AF_INET6 && bytes?.length === 16) return bytes.slice();
  if (family === AF_INET && bytes?.length === 4) return ip4([...bytes]);
  return undefined;
}

function routesOf({ body }: Message): RouteInfo[] {
  const found = attributes(body, RTMSG_BYTES);
  const table = found.has(RTA_TABLE) ? wordAt(found.get(RTA_TABLE), 0) : body[4];
  if (body[0] !== AF_INET6 || table !== RT_TABLE_MAIN || body[7] !== RTN_UNICAST) return [];
  return [
    {
      index: wordAt(found.get(RTA_OIF), 0),
      destination: found.get(RTA_DST)?.slice() ?? new Uint8Array(16),
      prefixLength: body[1] ?? 0,
      protocol: body[5] ?? 0,
      metric: wordAt(found.get(RTA_PRIORITY), 0),
    },
  ];
}
