import { createTransport } from '../../../transports/udp/index.js';
import { transportContract } from './suite.js';

const wrongUrls = [
  'udp://127.0.0.1',
  'udp://127.0.0.1:70000',
  'udp://example.org:1',
  'udp://[::1%lo]:1',
];

transportContract('udp, IPv4', {
  make: (host) => createTransport(host, {}),
  anyUrl: () => 'udp://127.0.0.1:0',
  reachable: (bound) => bound,
  wrongUrls,
});

transportContract('udp, IPv6', {
  make: (host) => createTransport(host, {}),
  anyUrl: () => 'udp://[::1]:0',
  reachable: (bound) => bound,
  wrongUrls,
});

transportContract('udp, both families, over IPv4', {
  make: (host) => createTransport(host, {}),
  anyUrl: () => 'udp://[::]:0',
  reachable: (bound) => bound.replace('[::]', '127.0.0.1'),
  wrongUrls,
});

transportContract('udp, both families, over IPv6', {
  make: (host) => createTransport(host, {}),
  anyUrl: () => 'udp://[::]:0',
  reachable: (bound) => bound.replace('[::]', '[::1]'),
  wrongUrls,
});

transportContract('udp, all IPv4 addresses', {
  make: (host) => createTransport(host, {}),
  anyUrl: () => 'udp://0.0.0.0:0',
  reachable: (bound) => bound.replace('0.0.0.0', '127.0.0.1'),
  wrongUrls,
});
