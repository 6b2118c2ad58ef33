import { createTransport } from '../../../transports/tcp/index.js';
import { transportContract } from './suite.js';

const wrongUrls = [
  'tcp://127.0.0.1',
  'tcp://127.0.0.1:70000',
  'tcp://example.org:1',
  'udp://127.0.0.1:1',
];

for (const [name, any, wildcard] of [
  ['IPv4', 'tcp://127.0.0.1:0', ''],
  ['IPv6', 'tcp://[::1]:0', ''],
  ['both families, over IPv4', 'tcp://[::]:0', '127.0.0.1'],
] as const) {
  transportContract(`tcp, ${name}`, {
    make: (host) => createTransport(host, {}),
    anyUrl: () => any,
    reachable: (bound) => (wildcard === '' ? bound : bound.replace('[::]', wildcard)),
    wrongUrls,
  });
}
