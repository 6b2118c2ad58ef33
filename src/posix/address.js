/**
 * Socket addresses. Inside, every address has 16 bytes (IPv4 as ::ffff:a.b.c.d); families differ only in what the kernel is
 * shown. A zone is an interface index, and means something only for link-local addresses.
 */
import { formatAddress, parseAddress, parseIp4 } from '../base/ip6.js';
import { bad, good } from '../base/result.js';
import { libc, SystemError } from './libc.js';
export const AF_INET = 2;
export const AF_INET6 = 10;
/** struct sockaddr_in6, the larger one. */
export const SOCKADDR_BYTES = 28;
const SOCKADDR_IN_BYTES = 16;
const IP4_AT = 12;
export function isIp4(address) {
  for (let i = 0; i < 10; i++) if (address[i] !== 0) return false;
  return address[10] === 0xff && address[11] === 0xff;
}
/** fe80::/10, RFC 4291 §2.5.6. */
export function isLinkLocal(address) {
  return address[0] === 0xfe && ((address[1] ?? 0) & 0xc0) === 0x80;
}
/** All zeros, of either family. */
export function isUnspecified(address) {
  for (let i = isIp4(address) ? IP4_AT : 0; i < 16; i++) if (address[i] !== 0) return false;
  return true;
}
export function ip4(quad) {
  const address = new Uint8Array(16);
  address[10] = 0xff;
  address[11] = 0xff;
  address.set(quad, IP4_AT);
  return address;
}
/** A struct sockaddr for bind: 28 bytes for IPv6, 16 for IPv4. */
export function encodeSockaddr(family, at) {
  const bytes = new Uint8Array(family === AF_INET ? SOCKADDR_IN_BYTES : SOCKADDR_BYTES);
  const words = new DataView(bytes.buffer);
  words.setUint16(0, family, true);
  words.setUint16(2, at.port);
  if (family === AF_INET) {
    bytes.set(at.address.subarray(IP4_AT), 4);
  } else {
    bytes.set(at.address, 8);
    words.setUint32(24, at.zone, true);
  }
  return bytes;
}
export function decodeSockaddr(bytes) {
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const port = words.getUint16(2);
  if (words.getUint16(0, true) === AF_INET) {
    return { address: ip4([...bytes.subarray(4, 8)]), port, zone: 0 };
  }
  return { address: bytes.slice(8, 24), port, zone: words.getUint32(24, true) };
}
/** @throws SystemError ENODEV. */
export function interfaceIndex(name) {
  const index = name.length < 16 && !name.includes('\0') ? libc().nameToIndex(name) : 0;
  if (index === 0) throw new SystemError('if_nametoindex', 'ENODEV', `no interface ${name}`);
  return index;
}
/** The index in digits when the interface is gone. */
export function interfaceName(index) {
  const name = Buffer.alloc(16);
  if (libc().indexToName(index, name) === null) return String(index);
  return name.toString('latin1', 0, name.indexOf(0));
}
/** `192.0.2.1`, `2001:db8::1`, `fe80::1%eth0`. */
export function formatHost(at) {
  if (isIp4(at.address)) return [...at.address.subarray(IP4_AT)].join('.');
  const text = formatAddress(at.address);
  return at.zone !== 0 && isLinkLocal(at.address) ? `${text}%${interfaceName(at.zone)}` : text;
}
/** `192.0.2.1:4242`, `[fe80::1%eth0]:4242`. */
export function formatSocketAddress(at) {
  const host = formatHost(at);
  return host.includes(':') ? `[${host}]:${at.port}` : `${host}:${at.port}`;
}
/** `[v6%zone]:port` or `v4:port`; a zone is an interface's name or index, for link-local addresses only. */
export function parseSocketAddress(text) {
  const match = /^(?:\[([^\]%]+)(?:%([^\]]{1,15}))?\]|([\d.]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[4]);
  if (match === null || port > 65_535) {
    return bad(`'${text.slice(0, 80)}' is not [address]:port with a numeric address`);
  }
  if (match[3] !== undefined) {
    const quad = parseIp4(match[3]);
    if (quad === undefined) return bad(`'${match[3].slice(0, 60)}' is not an IPv4 address`);
    return good({ address: ip4(quad), port, zone: 0 });
  }
  const address = parseAddress(match[1] ?? '');
  if (!address.ok) return address;
  return withZone(address.value, match[2], port);
}
function withZone(address, zone, port) {
  if (!isLinkLocal(address)) {
    if (zone !== undefined) return bad(`${formatAddress(address)} takes no zone`);
    return good({ address, port, zone: 0 });
  }
  if (zone === undefined) {
    return bad(`${formatAddress(address)} needs an interface: ${formatAddress(address)}%eth0`);
  }
  if (/^[1-9]\d{0,8}$/.test(zone)) return good({ address, port, zone: Number(zone) });
  try {
    return good({ address, port, zone: interfaceIndex(zone) });
  } catch {
    return bad(`no interface ${zone}`);
  }
}
