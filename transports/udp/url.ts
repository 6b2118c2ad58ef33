import {
  formatSocketAddress,
  parseSocketAddress,
  type SocketAddress,
} from '../../src/posix/address.js';

const SCHEME = 'udp://';

/**
 * @param url `udp://192.0.2.1:4242`, `udp://[2001:db8::1]:4242`, `udp://[fe80::1%eth1]:4242`.
 * @throws Error in words when it is not one, or names an interface that is not there.
 */
export function parseUdpUrl(url: string): SocketAddress {
  if (!url.startsWith(SCHEME)) throw new Error(`${url.slice(0, 80)} is not a udp:// URL`);
  const at = parseSocketAddress(url.slice(SCHEME.length));
  if (!at.ok) throw new Error(`${url.slice(0, 80)}: ${at.error}`);
  return at.value;
}

export const udpUrl = (at: SocketAddress): string => SCHEME + formatSocketAddress(at);
