/**
 * Learned prefixes as routes over the TUN, in the main table. Changes are gathered and handed to the kernel in slices, so that
 * ten thousand of them never hold packets up for long. Routes of others are never replaced: ours have a metric that loses
 * to any usual one, and where prefixes overlap we say so.
 */
import { toHex } from '../base/bytes.js';
import { formatAddress, type Prefix, prefixBytes } from '../base/ip6.js';
import { interfaceName } from '../posix/address.js';
import { errnoName } from '../posix/libc.js';
import type { Request } from '../posix/netlink.js';
import {
  addRouteRequest,
  deleteRouteRequest,
  listRoutes,
  netlink,
  type RouteInfo,
  type RouteSpec,
} from './rtnetlink.js';

/** Ours: marks our routes (`ip -6 route show proto 180`). Not in /etc/iproute2/rt_protos. */
export const ROUTE_PROTOCOL = 180;
/** Ours: above what the kernel (256, 1024) and NetworkManager (up to 20,600) use. */
const METRIC = 30_000;
/** Ours: changes handed to the kernel at once, about 2 ms of work. */
const SLICE = 256;
/** Ours: overlaps that are remembered as told. */
const OVERLAPS_MAX = 1024;

/** A `Prefix`, or one of any length in the same form: the hex of its significant bytes, `/` and the length. */
export type RoutePrefix = Prefix | (string & { readonly brand: 'RoutePrefix' });

/** @param address 16 bytes; bits behind the length are taken for zero. @param length 0..128. */
export function routePrefix(address: Uint8Array, length: number): RoutePrefix {
  const bytes = address.slice(0, Math.ceil(length / 8));
  const last = bytes.length - 1;
  if (length % 8 !== 0) bytes[last] = (bytes[last] ?? 0) & (0xff << (8 - (length % 8)));
  return `${toHex(bytes)}/${length}` as RoutePrefix;
}

const lengthOf = (prefix: RoutePrefix): number => Number(prefix.slice(prefix.indexOf('/') + 1));
const bytesOf = (prefix: RoutePrefix): Uint8Array => prefixBytes(prefix as Prefix);

export interface Overlap {
  /** `fd00:1::/64`. */
  readonly ours: string;
  /** `fd00:1::/48 dev eth1`. */
  readonly theirs: string;
  /** Which route carries packets to addresses that both cover: the longer one, theirs when equal. */
  readonly wins: 'ours' | 'theirs';
}

export interface KernelRoutesOptions {
  /** Index of the TUN. */
  readonly index: number;
  /** The node's own address, 16 bytes: what programs of this host send from. */
  readonly source: Uint8Array;
  /** Told once for each pair. */
  readonly overlap: (overlap: Overlap) => void;
  /** The kernel refused routes: in words for the log, at most one line a slice. */
  readonly refused: (message: string) => void;
}

/** A route of another program or the kernel inside fc00::/7. */
interface Foreign {
  readonly destination: Uint8Array;
  readonly length: number;
  readonly text: string;
}

export class KernelRoutes {
  readonly #options: KernelRoutesOptions;
  #index: number;
  readonly #installed = new Set<RoutePrefix>();
  readonly #wanted = new Map<RoutePrefix, 'add' | 'delete'>();
  /** Wanted, and refused by the kernel: the device was down, perhaps. */
  readonly #refused = new Set<RoutePrefix>();
  readonly #told = new Set<string>();
  #foreign: readonly Foreign[] = [];
  #scheduled = false;
  #closed = false;

  /** Removes what a crashed run left on this device. @throws SystemError. */
  constructor(options: KernelRoutesOptions) {
    this.#options = options;
    this.#index = options.index;
    const routes = listRoutes();
    const left = routes.filter(
      ({ index, protocol }) => index === options.index && protocol === ROUTE_PROTOCOL,
    );
    netlink().requestAll(left.map(deleteRouteRequest));
    this.#foreign = this.#foreignOf(routes);
  }

  /** Of the TUN. */
  get index(): number {
    return this.#index;
  }

  get installed(): number {
    return this.#installed.size;
  }

  /** Idempotent; takes effect soon. */
  add(prefix: RoutePrefix): void {
    this.#want(prefix, 'add');
  }

  /** Idempotent; takes effect soon. */
  delete(prefix: RoutePrefix): void {
    this.#want(prefix, 'delete');
  }

  /** Everything that is wanted, now. */
  flush(): void {
    while (this.#wanted.size > 0) this.#slice();
  }

  /** Looks for overlaps again; call it when interfaces or addresses have changed. */
  recheck(): void {
    if (this.#closed) return;
    this.#foreign = this.#foreignOf(listRoutes());
    for (const prefix of this.#installed) this.#compare(prefix);
  }

  /** The device lost its routes, and may have another index: all that are wanted are set again, soon. */
  restore(index: number): void {
    this.#index = index;
    const lost = [...this.#installed, ...this.#refused];
    this.#installed.clear();
    this.#refused.clear();
    for (const prefix of lost) if (!this.#wanted.has(prefix)) this.#want(prefix, 'add');
  }

  /** Removes all our routes at once. Idempotent. Close it before the TUN. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#wanted.clear();
    const requests = [...this.#installed].map((prefix) => deleteRouteRequest(this.#spec(prefix)));
    this.#installed.clear();
    netlink().requestAll(requests);
  }

  #want(prefix: RoutePrefix, change: 'add' | 'delete'): void {
    if (this.#closed) return;
    if (change === 'delete') this.#refused.delete(prefix);
    if (this.#installed.has(prefix) === (change === 'add')) this.#wanted.delete(prefix);
    else this.#wanted.set(prefix, change);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#wanted.size === 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#slice();
      this.#schedule();
    });
  }

  #slice(): void {
    const changes = [...takeSome(this.#wanted, SLICE)];
    const requests = changes.map(([prefix, change]) => this.#request(prefix, change));
    const results = netlink().requestAll(requests);
    const errors = new Map<string, number>();
    for (const [i, [prefix, change]] of changes.entries()) {
      const error = harmless(change, results[i] ?? 0) ? '' : errnoName(results[i] ?? 0);
      if (error !== '') errors.set(error, (errors.get(error) ?? 0) + 1);
      this.#refused.delete(prefix);
      if (change === 'delete') this.#installed.delete(prefix);
      else if (error === '') this.#added(prefix);
      else this.#refused.add(prefix);
    }
    for (const [error, count] of errors) {
      this.#options.refused(`the kernel refused ${count} route changes: ${error}`);
    }
  }

  #added(prefix: RoutePrefix): void {
    this.#installed.add(prefix);
    this.#compare(prefix);
  }

  #request(prefix: RoutePrefix, change: 'add' | 'delete'): Request {
    const spec = this.#spec(prefix);
    return change === 'add' ? addRouteRequest(spec) : deleteRouteRequest(spec);
  }

  #spec(prefix: RoutePrefix): RouteSpec {
    return {
      index: this.#index,
      destination: bytesOf(prefix),
      prefixLength: lengthOf(prefix),
      protocol: ROUTE_PROTOCOL,
      metric: METRIC,
      source: this.#options.source,
    };
  }

  #foreignOf(routes: readonly RouteInfo[]): Foreign[] {
    return routes
      .filter(({ index, destination, prefixLength: length }) => {
        const unique = ((destination[0] ?? 0) & 0xfe) === 0xfc && length >= 7;
        return unique && index !== this.#index;
      })
      .map(({ destination, prefixLength: length, index }) => ({
        destination,
        length,
        text: `${formatAddress(destination)}/${length} dev ${interfaceName(index)}`,
      }));
  }

  #compare(prefix: RoutePrefix): void {
    if (this.#foreign.length === 0) return;
    const address = bytesOf(prefix);
    const length = lengthOf(prefix);
    for (const foreign of this.#foreign) {
      if (!sameBits(address, foreign.destination, Math.min(length, foreign.length))) continue;
      this.#tell(prefix, foreign, length > foreign.length ? 'ours' : 'theirs');
    }
  }

  #tell(prefix: RoutePrefix, foreign: Foreign, wins: Overlap['wins']): void {
    const ours = `${formatAddress(bytesOf(prefix))}/${lengthOf(prefix)}`;
    const pair = `${ours} ${foreign.text}`;
    if (this.#told.has(pair) || this.#told.size >= OVERLAPS_MAX) return;
    this.#told.add(pair);
    this.#options.overlap({ ours, theirs: foreign.text, wins });
  }
}

/** Removes and yields up to `count` entries. */
function* takeSome<K, V>(map: Map<K, V>, count: number): Generator<[K, V]> {
  let left = count;
  for (const entry of map) {
    if (left-- === 0) return;
    map.delete(entry[0]);
    yield entry;
  }
}

/** EEXIST: it is there; ESRCH, ENODEV: it is gone, perhaps with its device. */
function harmless(change: 'add' | 'delete', code: number): boolean {
  const name = code === 0 ? '' : errnoName(code);
  if (name === '') return true;
  return change === 'add' ? name === 'EEXIST' : name === 'ESRCH' || name === 'ENODEV';
}

function sameBits(a: Uint8Array, b: Uint8Array, bits: number): boolean {
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (a[i] !== b[i]) return false;
  const rest = bits & 7;
  return rest === 0 || (((a[whole] ?? 0) ^ (b[whole] ?? 0)) & (0xff << (8 - rest)) & 0xff) === 0;
}
