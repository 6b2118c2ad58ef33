/** UDP over IPv4 and IPv6: the transport that most links use. */
import type { CreateTransport } from '../../src/transport/types.js';
import { UdpTransport } from './transport.js';

/** Takes no options: where to listen is `listen`'s. */
export const createTransport: CreateTransport = (host) => new UdpTransport(host);
export { type UdpCounters, UdpTransport } from './transport.js';
