/** All peers of a mesh, by link and by key, with their limits. */
import { toHex } from '../base/bytes.js';
import type { NodeId } from '../base/ip6.js';
import type { LinkId } from '../link/types.js';
import { zoneOf } from './endpoint.js';
import type { PeerLink, PeerSource } from './peer-link.js';

/** Ours; the Noise device holds as many in all. */
export const CONFIGURED_MAX = 2_816;
export const KNOWN_MAX = 1_024;
export const DISCOVERED_MAX = 256;
export const DISCOVERED_PER_INTERFACE_MAX = 64;

const MAXIMA: Readonly<Record<PeerSource, number>> = {
  configured: CONFIGURED_MAX,
  known: KNOWN_MAX,
  discovered: DISCOVERED_MAX,
  guest: DISCOVERED_MAX,
};

export class Peers {
  readonly #byLink = new Map<LinkId, PeerLink>();
  readonly #byKey = new Map<string, PeerLink>();

  all(): IterableIterator<PeerLink> {
    return this.#byLink.values();
  }

  get(link: LinkId): PeerLink | undefined {
    return this.#byLink.get(link);
  }

  byKey(key: Uint8Array): PeerLink | undefined {
    return this.#byKey.get(toHex(key));
  }

  byNode(id: NodeId): PeerLink | undefined {
    let found: PeerLink | undefined;
    for (const peer of this.#byLink.values()) {
      if (peer.nodeId === id && (found === undefined || peer.state === 'up')) found = peer;
    }
    return found;
  }

  hasRoom(source: PeerSource): boolean {
    return this.#count((peer) => peer.source === source) < MAXIMA[source];
  }

  hasRoomOn(zone: string): boolean {
    const isThere = (peer: PeerLink): boolean =>
      peer.source === 'discovered' &&
      peer.paths.table.all().some(({ endpoint }) => zoneOf(endpoint) === zone);
    return this.hasRoom('discovered') && this.#count(isThere) < DISCOVERED_PER_INTERFACE_MAX;
  }

  add(peer: PeerLink): void {
    this.#byLink.set(peer.link, peer);
    this.#byKey.set(toHex(peer.spec.key), peer);
  }

  delete(peer: PeerLink): void {
    this.#byLink.delete(peer.link);
    this.#byKey.delete(toHex(peer.spec.key));
  }

  #count(matches: (peer: PeerLink) => boolean): number {
    let count = 0;
    for (const peer of this.#byLink.values()) if (matches(peer)) count++;
    return count;
  }
}
