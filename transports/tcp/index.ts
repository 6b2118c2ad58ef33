/** TCP, where UDP does not get through. */
import type { CreateTransport } from '../../src/transport/types.js';
import { TcpTransport } from './transport.js';

/** Takes no options: where to listen is `listen`'s. */
export const createTransport: CreateTransport = (host) => new TcpTransport(host);
