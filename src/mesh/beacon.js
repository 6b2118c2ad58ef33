/** Beacons on the LAN (docs/protocol.md §Discovery): 44 bytes in UDP, unauthenticated; only a handshake proves anything. */
import { readU16, utf8, writeU16 } from '../base/bytes.js';
const VERSION = 1;
const REALM_BYTES = 8;
const KEY_BYTES = 32;
const KEY_AT = 2 + REALM_BYTES;
const PORT_AT = KEY_AT + KEY_BYTES;
export const BEACON_BYTES = PORT_AT + 2;
const REALM_DOMAIN = 'alamesh beacon v1\0';
export function realmTag(crypto, realm) {
    return crypto.sha512t256(utf8(REALM_DOMAIN), utf8(realm)).subarray(0, REALM_BYTES);
}
export function encodeBeacon(beacon) {
    const bytes = new Uint8Array(BEACON_BYTES);
    bytes[0] = VERSION;
    bytes[1] = beacon.asks ? 1 : 0;
    bytes.set(beacon.realm, 2);
    bytes.set(beacon.key, KEY_AT);
    writeU16(bytes, PORT_AT, beacon.port);
    return bytes;
}
/** Total. Longer beacons of a newer minor form are read as far as we know them. */
export function decodeBeacon(bytes) {
    if (bytes.length < BEACON_BYTES || bytes.length > 64 || bytes[0] !== VERSION)
        return undefined;
    const port = readU16(bytes, PORT_AT);
    if (port === 0)
        return undefined;
    return {
        realm: bytes.slice(2, KEY_AT),
        key: bytes.slice(KEY_AT, PORT_AT),
        port,
        asks: ((bytes[1] ?? 0) & 1) !== 0,
    };
}
