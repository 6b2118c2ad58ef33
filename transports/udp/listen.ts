import {
  AF_INET,
  AF_INET6,
  formatHost,
  isIp4,
  isUnspecified,
  type SocketAddress,
} from '../../src/posix/address.js';
import { UdpSocket } from '../../src/posix/udp.js';
import { parseUdpUrl } from './url.js';

/** Why `listen` refused, in words for people. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  /** errno's name: EADDRINUSE, EACCES, EADDRNOTAVAIL, EINVAL for a wrong URL… */
  readonly code: string;

  constructor(message: string, code: string, cause: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/**
 * Binds a socket: `udp://[::]:4242` takes both families, any other address its own.
 * @param log Told when the host has no IPv6 and IPv4 has to do.
 * @throws ListenError.
 */
export function bindUdp(url: string, log: (message: string) => void): UdpSocket {
  const at = parseListenUrl(url);
  try {
    return bindAddress(at);
  } catch (error) {
    if (codeOf(error) !== 'EAFNOSUPPORT' || isIp4(at.address) || !isUnspecified(at.address)) {
      throw explain(at, error);
    }
    log(`this host has no IPv6: ${url} listens on IPv4 only`);
    return bindUdp(`udp://0.0.0.0:${at.port}`, log);
  }
}

function bindAddress(at: SocketAddress): UdpSocket {
  const family = isIp4(at.address) ? AF_INET : AF_INET6;
  return new UdpSocket(at, { family, dualStack: isUnspecified(at.address), merge: true });
}

function parseListenUrl(url: string): SocketAddress {
  try {
    return parseUdpUrl(url);
  } catch (error) {
    throw new ListenError(error instanceof Error ? error.message : String(error), 'EINVAL', error);
  }
}

function explain(at: SocketAddress, error: unknown): ListenError {
  const code = codeOf(error);
  const host = isIp4(at.address) ? formatHost(at) : `[${formatHost(at)}]`;
  const words: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${at.port} of ${host} is in use by another program`,
    EACCES: `port ${at.port} of ${host} is reserved: ports below 1024 need CAP_NET_BIND_SERVICE`,
    EADDRNOTAVAIL: `no interface of this host has the address ${host}`,
    EAFNOSUPPORT: `this host has no IPv6: it cannot listen at ${host}`,
  };
  const message = words[code] ?? `cannot listen at port ${at.port} of ${host}: ${code}`;
  return new ListenError(message, code, error);
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'EUNKNOWN';
}
