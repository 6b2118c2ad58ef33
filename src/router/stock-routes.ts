/** Kernel routes to stock WireGuard peers: what they may use is configured, and nobody announces it. */
import { formatAddress } from '../base/ip6.js';
import type { PeerSpec } from '../mesh/types.js';
import { type KernelRoutes, type RoutePrefix, routePrefix } from '../platform/kernel-routes.js';
import type { Log } from './log.js';

/** Ours: a shorter one would swallow other private networks; who wants that adds the route. */
const ROUTE_BITS_MIN = 16;

export class StockRoutes {
  readonly #routes: KernelRoutes;
  readonly #log: Log;
  #present = new Set<RoutePrefix>();

  constructor(routes: KernelRoutes, log: Log) {
    this.#routes = routes;
    this.#log = log;
  }

  /** Adds and removes routes so that they are those of these peers. */
  set(peers: readonly PeerSpec[]): void {
    const wanted = new Set<RoutePrefix>();
    for (const { address, length } of peers.flatMap(({ stock }) => stock?.prefixes ?? [])) {
      if (length >= ROUTE_BITS_MIN) wanted.add(routePrefix(address, length));
      else this.#log.warn('routes', `no route to ${formatAddress(address)}/${length}: too wide`);
    }
    for (const prefix of this.#present) if (!wanted.has(prefix)) this.#routes.delete(prefix);
    for (const prefix of wanted) if (!this.#present.has(prefix)) this.#routes.add(prefix);
    this.#present = wanted;
  }
}
