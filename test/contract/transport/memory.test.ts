import { expect } from 'chai';
import { createTransport, MemoryHub, MemoryTransport } from '../../../transports/memory/index.js';
import { Probe } from './probe.js';
import { transportContract } from './suite.js';

const hub = new MemoryHub();

transportContract('memory', {
  make: (host) => new MemoryTransport(hub, host),
  anyUrl: () => 'memory://node:0',
  reachable: (bound) => bound,
  wrongUrls: ['memory://node', 'memory://node:99999', 'udp://127.0.0.1:1'],
});

transportContract('memory, as a plugin', {
  make: (host) => createTransport(host, {}),
  anyUrl: () => 'memory://plugin:0',
  reachable: (bound) => bound,
  wrongUrls: ['memory://-', 'memory://UPPER:1'],
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a memory network', () => {
  async function heard(seed: number): Promise<number[]> {
    const lossy = new MemoryHub({ loss: 0.3, seed });
    const a = new Probe((host) => new MemoryTransport(lossy, host));
    const numbers: number[] = [];
    const b = new MemoryTransport(lossy, {
      received: (_path, datagrams) => {
        for (const bytes of datagrams) numbers.push(bytes[0] ?? -1);
      },
      failed() {},
      log() {},
    });
    await a.transport.listen('memory://a:1');
    await b.listen('memory://b:1');
    expect(a.transport.capabilities.reliable).to.equal(false);
    const path = a.transport.open('memory://b:1');
    for (let i = 0; i < 100; i++) a.transport.send(path, [Uint8Array.of(i)]);
    await turn();
    return numbers;
  }

  it('loses the share that it is told to, the same ones for the same seed', async () => {
    const first = await heard(7);
    expect(first.length).to.be.within(50, 90);
    expect(await heard(7)).to.deep.equal(first);
    expect(await heard(8)).to.not.deep.equal(first);
  });

  it('refuses what a full queue cannot take', async () => {
    const net = new MemoryHub();
    const [a, b] = [1, 2].map(() => new Probe((host) => new MemoryTransport(net, host)));
    await a?.transport.listen('memory://a:1');
    await b?.transport.listen('memory://b:1');
    const path = a?.transport.open('memory://b:1');
    let taken = 0;
    for (let i = 0; i < 2000 && path !== undefined; i++) {
      taken += a?.transport.send(path, [Uint8Array.of(1)]) ?? 0;
    }
    expect(taken).to.equal(1024);
    expect(await b?.take(1024)).to.have.length(1024);
  });

  it('remembers a bounded number of remotes', async () => {
    const net = new MemoryHub();
    const b = new MemoryTransport(net, { received() {}, failed() {}, log() {} });
    await b.listen('memory://b:1');
    for (let i = 1; i <= 1500; i++) {
      const one = new MemoryTransport(net, { received() {}, failed() {}, log() {} });
      await one.listen(`memory://a:${i}`);
      one.send(one.open('memory://b:1'), [Uint8Array.of(1)]);
      if (i % 500 === 0) await turn();
    }
    await turn();
    expect(b.paths).to.equal(1024);
  });

  it('tells that nobody listens there', async () => {
    const net = new MemoryHub();
    const a = new Probe((host) => new MemoryTransport(net, host));
    await a.transport.listen('memory://a:1');
    const path = a.transport.open('memory://nobody:1');
    expect(a.transport.send(path, [Uint8Array.of(1)])).to.equal(0);
    expect(a.failures).to.deep.equal([]);
    await turn();
    expect(a.failures.map(({ failure }) => failure.kind)).to.deep.equal(['unreachable']);
  });
});
