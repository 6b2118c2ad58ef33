/** The Loc-RIB: for each prefix every usable route and the best of them. Changes are gathered, then decided at once. */
import type { Prefix } from '../../base/ip6.js';
import type { LinkId } from '../../link/types.js';
import { bestRoute } from '../decision/compare.js';
import type { Route } from '../types.js';

interface Destination {
  /** By link; our own under -1. */
  readonly routes: Map<number, Route>;
  best: Route | undefined;
}

export interface BestChange {
  readonly prefix: Prefix;
  readonly before: Route | undefined;
  readonly after: Route | undefined;
}

const OWN = -1;

export class LocRib {
  readonly #destinations = new Map<Prefix, Destination>();
  readonly #dirty = new Set<Prefix>();
  #version = 0;
  #paths = 0;

  /** Rises with every change of a best route. */
  get version(): number {
    return this.#version;
  }

  get size(): number {
    return this.#destinations.size;
  }

  /** All usable routes, the best included. */
  get paths(): number {
    return this.#paths;
  }

  put(route: Route): void {
    const destination = this.#destinations.get(route.prefix) ?? {
      routes: new Map(),
      best: undefined,
    };
    this.#destinations.set(route.prefix, destination);
    const key = route.link ?? OWN;
    if (!destination.routes.has(key)) this.#paths++;
    destination.routes.set(key, route);
    this.#dirty.add(route.prefix);
  }

  remove(prefix: Prefix, link: LinkId | undefined): void {
    const destination = this.#destinations.get(prefix);
    if (!destination?.routes.delete(link ?? OWN)) return;
    this.#paths--;
    this.#dirty.add(prefix);
  }

  /** The route's cost or standing changed in place. */
  touch(prefix: Prefix): void {
    this.#dirty.add(prefix);
  }

  /** Decides for every prefix that changed. Also tells of best routes whose attributes changed in place. */
  decide(): BestChange[] {
    const changes: BestChange[] = [];
    for (const prefix of this.#dirty) {
      const destination = this.#destinations.get(prefix);
      if (destination === undefined) continue;
      const before = destination.best;
      const after = bestRoute(destination.routes.values());
      destination.best = after;
      if (after === undefined) this.#destinations.delete(prefix);
      if (before === after) continue;
      this.#version++;
      changes.push({ prefix, before, after });
    }
    this.#dirty.clear();
    return changes;
  }

  best(prefix: Prefix): Route | undefined {
    return this.#destinations.get(prefix)?.best;
  }

  routes(prefix: Prefix): Route[] {
    return [...(this.#destinations.get(prefix)?.routes.values() ?? [])];
  }

  prefixes(): IterableIterator<Prefix> {
    return this.#destinations.keys();
  }
}
