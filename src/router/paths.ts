/** Numbers for transport paths: the plane and the machines know a `PathId`, the transports their own objects. */
import type { PathId, PathInfo } from '../plane/types.js';
import type { Path, Transport } from '../transport/types.js';

/** Ours: paths that strangers made (any source address is one) are forgotten beyond this, oldest first. */
const UNPINNED_MAX = 4096;

interface Entry {
  readonly info: PathInfo;
  readonly path: Path;
  readonly transport: Transport;
}

/** Told of every path that has a number: a plane outside of JavaScript finds its own way. */
export interface PathWatcher {
  /** A path is new, or its own end is another one now. */
  added(info: PathInfo, path: Path, transport: Transport): void;
  removed(id: PathId): void;
}

export class PathTable {
  /** At most one. */
  watcher: PathWatcher | undefined;
  readonly #entries = new Map<PathId, Entry>();
  readonly #ids = new WeakMap<Path, PathId>();
  /** Insertion order is age. */
  readonly #unpinned = new Set<PathId>();
  #last = 0;

  /** The info of a path that a transport named; a path is new until this was asked for it. */
  infoOf(transport: Transport, path: Path): PathInfo {
    const known = this.#ids.get(path);
    const entry = known === undefined ? undefined : this.#entries.get(known);
    if (entry !== undefined && entry.info.local === path.local) return entry.info;
    return this.#add(transport, path, known);
  }

  #add(transport: Transport, path: Path, known: PathId | undefined): PathInfo {
    const id = known ?? (++this.#last as PathId);
    const { local, remote, relayed, via } = path;
    const { reliable, maxDatagramBytes } = transport.capabilities;
    const info = {
      ...{ id, transport: path.transport, local, remote, relayed, via },
      ...{ reliable, maxDatagramBytes },
    };
    const wasPinned = this.#entries.has(id) && !this.#unpinned.has(id);
    this.#entries.set(id, { info, path, transport });
    this.#ids.set(path, id);
    this.watcher?.added(info, path, transport);
    if (!wasPinned) this.#unpinned.add(id);
    this.#evict();
    return info;
  }

  info(id: PathId): PathInfo | undefined {
    return this.#entries.get(id)?.info;
  }

  /** Opened on purpose: stays until released. */
  pin(id: PathId): void {
    this.#unpinned.delete(id);
  }

  /** @returns How many datagrams the transport took; 0 for a path that is forgotten. */
  send(id: PathId, datagrams: readonly Uint8Array[]): number {
    const entry = this.#entries.get(id);
    return entry === undefined ? 0 : entry.transport.send(entry.path, datagrams);
  }

  release(id: PathId): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#forget(id, entry);
    entry.transport.release(entry.path);
  }

  #evict(): void {
    for (const id of this.#unpinned) {
      if (this.#unpinned.size <= UNPINNED_MAX) return;
      const entry = this.#entries.get(id);
      if (entry !== undefined) this.#forget(id, entry);
    }
  }

  #forget(id: PathId, entry: Entry): void {
    this.#unpinned.delete(id);
    this.#entries.delete(id);
    this.#ids.delete(entry.path);
    this.watcher?.removed(id);
  }
}
