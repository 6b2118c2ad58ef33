/** Whether an endpoint is for everyone: private and special addresses help nobody elsewhere, and tell of a network. */
import { parseAddress, parseIp4 } from '../base/ip6.js';

/** @returns Why others cannot use it; undefined when they can. */
export function endpointFault(url: string): string | undefined {
  const match = /^[a-z][a-z0-9+.-]*:\/\/(?:\[([^\]]*)\]|([^:/[\]]+)):(\d{1,5})(?:[/?].*)?$/.exec(
    url,
  );
  if (match === null) return `'${url.slice(0, 80)}' is not like udp://host:port`;
  const port = Number(match[3]);
  if (port < 1 || port > 65_535) return `port ${port} is none`;
  if (match[1] !== undefined) return ip6Fault(match[1]);
  const host = match[2] ?? '';
  const ip4 = parseIp4(host);
  return ip4 === undefined ? nameFault(host) : ip4Fault(ip4);
}

function ip4Fault([a = 0, b = 0]: readonly number[]): string | undefined {
  const isPrivate =
    a === 10 ||
    (a === 172 && b >= 16 && b <= 31) ||
    (a === 192 && b === 168) ||
    (a === 100 && b >= 64 && b <= 127);
  if (isPrivate) return 'is a private address (RFC 1918, RFC 6598)';
  if (a === 0 || a === 127 || a >= 224 || (a === 169 && b === 254))
    return 'is no address of a host';
  return undefined;
}

function ip6Fault(host: string): string | undefined {
  const parsed = parseAddress(host);
  if (!parsed.ok) return `'${host.slice(0, 50)}' is no IPv6 address`;
  const bytes = parsed.value;
  const [a = 0, b = 0] = bytes;
  const zeros = bytes.findIndex((byte) => byte !== 0);
  if (zeros === 10 && bytes[10] === 0xff && bytes[11] === 0xff)
    return ip4Fault([...bytes.slice(12)]);
  if (zeros < 0 || zeros >= 12) return 'is no address of a host';
  if ((a & 0xfe) === 0xfc) return 'is a private address (RFC 4193)';
  if (a === 0xff || (a === 0xfe && (b & 0x80) === 0x80)) return 'is an address of one link';
  return undefined;
}

function nameFault(host: string): string | undefined {
  const name = host.toLowerCase();
  const isDns = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/.test(name);
  if (!isDns || name.length > 253) return `'${host.slice(0, 80)}' is no full name of a host`;
  return /\.(?:local|localhost|internal|lan|home|home\.arpa|ala|invalid|test)$/.test(name)
    ? `'${host}' is a name of one network`
    : undefined;
}
