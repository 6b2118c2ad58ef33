/** A network inside one process. */
import type { CreateTransport } from '../../src/transport/types.js';
import { MemoryHub, MemoryTransport } from './hub.js';

const processHub = new MemoryHub();

/** On the process's own hub; `options.hub` may be another `MemoryHub`. */
export const createTransport: CreateTransport = (host, options) => {
  const hub = options.hub;
  return new MemoryTransport(hub instanceof MemoryHub ? hub : processHub, host);
};
export { MemoryHub, type MemoryHubOptions, MemoryTransport } from './hub.js';
