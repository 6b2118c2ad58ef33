import { MemoryHub, MemoryTransport } from '../../../transports/memory/index.js';
import { transportContract } from './suite.js';

const hub = new MemoryHub();

transportContract('memory', {
  make: (host) => new MemoryTransport(hub, host),
  anyUrl: () => 'memory://node:0',
  reachable: (bound) => bound,
  wrongUrls: ['memory://node', 'memory://node:99999', 'udp://127.0.0.1:1'],
});
