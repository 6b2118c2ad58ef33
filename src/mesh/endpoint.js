/** Endpoint URLs as text: `scheme://host:port`, IPv6 hosts in brackets, link-local ones with a zone. */
const ENDPOINT = /^[a-z][a-z0-9+.-]{0,15}:\/\/[\x21-\x7e]{1,200}$/;
const HOST = /^[a-z0-9+.-]+:\/\/(\[[^\]]*\]|[^:/]*)/;
export const isEndpoint = (text) => ENDPOINT.test(text);
/** `[fe80::1%eth1]` or `192.0.2.1`; empty when there is none. */
const hostOf = (endpoint) => HOST.exec(endpoint)?.[1] ?? '';
/** The interface that a link-local endpoint is on. */
export function zoneOf(endpoint) {
    return /%([^\]]+)\]/.exec(endpoint)?.[1];
}
/**
 * May we try an endpoint that a peer names? Not what cannot be another host's: unspecified, loopback, multicast, and
 * link-local, which means nothing without our own zone.
 */
export function isTellable(endpoint) {
    const host = hostOf(endpoint).toLowerCase();
    if (!isEndpoint(endpoint))
        return false;
    if (host.startsWith('['))
        return !/^\[(::1?\]|::ffff:|fe[89ab]|ff)/.test(host);
    return !/^(0\.|127\.|22[4-9]\.|23\d\.|255\.|localhost$)/.test(host);
}
export const lanEndpoint = (address, zone, port) => `udp://[${address}%${zone}]:${port}`;
