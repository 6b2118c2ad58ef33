import { bestRoute } from '../decision/compare.js';

const OWN = -1;
export class LocRib {
  #destinations = new Map();
  #dirty = new Set();
  #version = 0;
  #paths = 0;
  /** Rises with every change of a best route. */
  get version() {
    return this.#version;
  }
  get size() {
    return this.#destinations.size;
  }
  /** All usable routes, the best included. */
  get paths() {
    return this.#paths;
  }
  put(route) {
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
  remove(prefix, link) {
    const destination = this.#destinations.get(prefix);
    if (!destination?.routes.delete(link ?? OWN)) return;
    this.#paths--;
    this.#dirty.add(prefix);
  }
  /** The route's cost or standing changed in place. */
  touch(prefix) {
    this.#dirty.add(prefix);
  }
  /** Decides for every prefix that changed. Also tells of best routes whose attributes changed in place. */
  decide() {
    const changes = [];
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
  best(prefix) {
    return this.#destinations.get(prefix)?.best;
  }
  routes(prefix) {
    return [...(this.#destinations.get(prefix)?.routes.values() ?? [])];
  }
  prefixes() {
    return this.#destinations.keys();
  }
}
