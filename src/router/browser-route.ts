/**
 * Chromium asks for AAAA records only where the kernel has a route to one public address, as it takes that for "this host has IPv6". On
 * a host whose only IPv6 is ours there is none. Where that is wished (`[dns] browser_route`) it gets one, over the TUN.
 */
import { parseAddress } from '../base/ip6.js';
import { type KernelRoutes, routePrefix } from '../platform/kernel-routes.js';
import { listRoutes, type RouteInfo } from '../platform/rtnetlink.js';
import type { Log } from './log.js';

/** Chromium, net/dns/host_resolver_manager.cc: kIPv6ProbeAddress. */
const PROBED = '2001:4860:4860::8888';
const ADDRESS_BITS = 128;

export interface BrowserRouteOptions {
  readonly routes: KernelRoutes;
  readonly log: Log;
}

export class BrowserRoute {
  readonly #options: BrowserRouteOptions;
  readonly #probed: Uint8Array;
  #isSet = false;

  constructor(options: BrowserRouteOptions) {
    this.#options = options;
    const probed = parseAddress(PROBED);
    this.#probed = probed.ok ? probed.value : new Uint8Array(ADDRESS_BITS / 8);
  }

  /** Sets it, or takes it back when the host has got IPv6 of its own. Call it when interfaces have changed. */
  update(): void {
    const { routes, log } = this.#options;
    const isWanted = !listRoutes().some(
      (route) => route.index !== routes.index && this.#covers(route),
    );
    if (isWanted === this.#isSet) return;
    this.#isSet = isWanted;
    const prefix = routePrefix(this.#probed, ADDRESS_BITS);
    if (isWanted) routes.add(prefix);
    else routes.delete(prefix);
    log.info('dns', `${isWanted ? 'set' : 'removed'} the route that makes browsers see IPv6`);
  }

  #covers({ destination, prefixLength }: RouteInfo): boolean {
    for (let bit = 0; bit < prefixLength; bit++) {
      const mask = 0x80 >> (bit % 8);
      const [ours, theirs] = [this.#probed[bit >> 3] ?? 0, destination[bit >> 3] ?? 0];
      if (((ours ^ theirs) & mask) !== 0) return false;
    }
    return true;
  }
}
