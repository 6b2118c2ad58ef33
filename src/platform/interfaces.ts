/** Which interfaces of this host can carry discovery, and when that changes: told by the kernel, never polled. */
import { isIp4, isLinkLocal } from '../posix/address.js';
import { GROUP, Netlink } from '../posix/netlink.js';
import type { Watch } from '../posix/poller.js';
import { type AddressInfo, type LinkInfo, listAddresses, listLinks } from './rtnetlink.js';

/** linux/if.h */
const IFF_UP = 0x1;
const IFF_LOOPBACK = 0x8;
const IFF_POINTOPOINT = 0x10;
const IFF_RUNNING = 0x40;
const IFF_MULTICAST = 0x1000;
/** Ours: changes come in bursts; they are looked at together. */
const SETTLE_MSEC = 50;

/** An interface that can carry discovery. */
export interface LanInterface {
  readonly name: string;
  readonly index: number;
  /** Its link-local address, 16 bytes. */
  readonly address: Uint8Array;
}

/** An address of this host that others may reach: not loopback, not link-local. */
export interface HostAddress {
  readonly interface: string;
  /** 16 bytes; IPv4 as ::ffff:a.b.c.d. */
  readonly address: Uint8Array;
}

export interface LanFilter {
  /** Globs of names (`eth[1-9]*`); none matches none. */
  readonly names: readonly string[];
  /** The router's own TUN, by name. */
  readonly except?: string | undefined;
}

/** `*`, `?` and `[a-z]`, `[!a-z]` as a shell has them. */
export function globMatches(glob: string, name: string): boolean {
  const source = glob.replace(/\[(!?)([^\]]+)\]|[\s\S]/g, (part, not?: string, set?: string) => {
    if (set !== undefined) return `[${not === '!' ? '^' : ''}${set.replace(/[\\^[]/g, '\\$&')}]`;
    if (part === '*') return '.*';
    return part === '?' ? '.' : part.replace(/[\\^$.|+(){}[\]]/, '\\$&');
  });
  try {
    return new RegExp(`^${source}$`).test(name);
  } catch {
    return glob === name; // a range like [z-a]
  }
}

/** Interfaces that are up, running, multicast, no tunnels, and have a link-local address. By name. */
export function lanInterfaces(filter: LanFilter): LanInterface[] {
  const addresses = listAddresses();
  return listLinks()
    .filter((link) => carriesMulticast(link) && passes(filter, link.name))
    .flatMap((link) => withLinkLocal(link, addresses))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** This host's addresses for candidates. @param except The router's own TUN, by name. */
export function hostAddresses(except?: string): HostAddress[] {
  const links = new Map(listLinks().map((link) => [link.index, link]));
  return listAddresses().flatMap(({ index, address, usable }) => {
    const link = links.get(index);
    if (link === undefined || !usable || link.name === except) return [];
    if ((link.flags & IFF_LOOPBACK) !== 0 || isLinkLocal(address)) return [];
    return [{ interface: link.name, address }];
  });
}

function carriesMulticast({ flags }: LinkInfo): boolean {
  const wanted = IFF_UP | IFF_RUNNING | IFF_MULTICAST;
  return (flags & wanted) === wanted && (flags & (IFF_LOOPBACK | IFF_POINTOPOINT)) === 0;
}

function passes({ names, except }: LanFilter, name: string): boolean {
  return name !== except && names.some((glob) => globMatches(glob, name));
}

function withLinkLocal(link: LinkInfo, addresses: readonly AddressInfo[]): LanInterface[] {
  const own = addresses.find(
    ({ index, address, usable }) =>
      index === link.index && usable && !isIp4(address) && isLinkLocal(address),
  );
  return own === undefined ? [] : [{ name: link.name, index: link.index, address: own.address }];
}

export interface LanChange {
  readonly added: readonly LanInterface[];
  readonly removed: readonly LanInterface[];
  /** All that there are now. */
  readonly present: readonly LanInterface[];
}

/** Watches links and addresses. `changed` also comes when only addresses did: then nothing is added or removed. */
export class InterfaceWatcher {
  readonly #filter: LanFilter;
  readonly #changed: (change: LanChange) => void;
  readonly #netlink = new Netlink(GROUP.link | GROUP.ip4Address | GROUP.ip6Address);
  readonly #watch: Watch;
  #present: readonly LanInterface[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @throws SystemError when there is no netlink. */
  constructor(filter: LanFilter, changed: (change: LanChange) => void) {
    this.#filter = filter;
    this.#changed = changed;
    this.#present = lanInterfaces(filter);
    this.#watch = this.#netlink.watch(() => {
      this.#timer ??= setTimeout(() => this.#look(), SETTLE_MSEC);
    });
  }

  /** As of the last change; at first, as of the start. */
  get present(): readonly LanInterface[] {
    return this.#present;
  }

  /** Idempotent; nothing is called afterwards. */
  close(): void {
    clearTimeout(this.#timer);
    this.#watch.close();
    this.#netlink.close();
  }

  #look(): void {
    this.#timer = undefined;
    const present = lanInterfaces(this.#filter);
    const added = present.filter((lan) => !this.#present.some((old) => same(lan, old)));
    const removed = this.#present.filter((old) => !present.some((lan) => same(lan, old)));
    this.#present = present;
    this.#changed({ added, removed, present });
  }
}

/** A new index under an old name is another interface; a new address of the same one is not the same either. */
function same(a: LanInterface, b: LanInterface): boolean {
  return a.name === b.name && a.index === b.index && Buffer.compare(a.address, b.address) === 0;
}
