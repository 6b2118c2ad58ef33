/** The example of docs/transports.md: by itself, and as the router runs it, in a process of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { PluginTransport } from '../../../src/plugin/transport.js';
import type { CreateTransport } from '../../../src/transport/types.js';
import { transportContract } from './suite.js';

const EXAMPLE = path.resolve('examples/transport-unix/index.js');
/** Processes in one test: the other nodes of it are made in this one. */
const PROCESSES_MAX = 2;

describe('the example of a transport', function () {
  this.timeout(60_000);
  let create: CreateTransport;
  let made = 0;
  const directory = mkdtempSync(path.join(tmpdir(), 'alamesh-unix-'));
  before(async () => {
    ({ createTransport: create } = await import(pathToFileURL(EXAMPLE).href));
  });
  beforeEach(() => {
    made = 0;
  });
  after(() => rmSync(directory, { recursive: true, force: true }));
  const common = {
    anyUrl: () => 'unix://node:0',
    reachable: (bound: string) => bound,
  };

  transportContract('unix', {
    ...common,
    make: (host) => create(host, { directory }),
    wrongUrls: ['unix://node', 'unix://node:99999', 'unix://../node:1', 'udp://127.0.0.1:1'],
  });

  transportContract('unix, in a process of its own', {
    ...common,
    make: (host) => {
      if (++made > PROCESSES_MAX) return create(host, { directory });
      const module = EXAMPLE;
      return new PluginTransport(host, { module, dir: directory, options: { directory } });
    },
    // Others are refused by the plugin, which answers later.
    wrongUrls: ['udp://127.0.0.1:1'],
  });
});
