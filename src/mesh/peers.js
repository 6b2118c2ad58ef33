/** All peers of a mesh, by link and by key, with their limits. */
import { toHex } from '../base/bytes.js';
import { zoneOf } from './endpoint.js';
/** Ours; the Noise device holds as many in all. */
export const CONFIGURED_MAX = 3_840;
export const DISCOVERED_MAX = 256;
export const DISCOVERED_PER_INTERFACE_MAX = 64;
export class Peers {
    #byLink = new Map();
    #byKey = new Map();
    all() {
        return this.#byLink.values();
    }
    get(link) {
        return this.#byLink.get(link);
    }
    byKey(key) {
        return this.#byKey.get(toHex(key));
    }
    byNode(id) {
        let found;
        for (const peer of this.#byLink.values()) {
            if (peer.nodeId === id && (found === undefined || peer.state === 'up'))
                found = peer;
        }
        return found;
    }
    hasRoom(source) {
        const max = source === 'configured' ? CONFIGURED_MAX : DISCOVERED_MAX;
        return this.#count((peer) => peer.source === source) < max;
    }
    hasRoomOn(zone) {
        const isThere = (peer) => peer.source === 'discovered' &&
            peer.paths.table.all().some(({ endpoint }) => zoneOf(endpoint) === zone);
        return this.hasRoom('discovered') && this.#count(isThere) < DISCOVERED_PER_INTERFACE_MAX;
    }
    add(peer) {
        this.#byLink.set(peer.link, peer);
        this.#byKey.set(toHex(peer.spec.key), peer);
    }
    delete(peer) {
        this.#byLink.delete(peer.link);
        this.#byKey.delete(toHex(peer.spec.key));
    }
    #count(matches) {
        let count = 0;
        for (const peer of this.#byLink.values())
            if (matches(peer))
                count++;
        return count;
    }
}
