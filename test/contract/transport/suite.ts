/** What every transport must do, present and future: `transportContract('udp', …)` in a test of its own. */
import { expect } from 'chai';
import { PATHS_MIN, type Transport, type TransportHost } from '../../../src/transport/types.js';
import { Probe, until } from './probe.js';

export interface TransportUnderTest {
  /** A new transport; each one made in a test is a node of its own, and the suite closes it. */
  make(host: TransportHost): Transport;
  /** Where a node may listen, with port 0; called once for each node. */
  anyUrl(): string;
  /** Turns what `listen` returned into what others open (a wildcard address into a real one). */
  reachable(bound: string): string;
  /** URLs that `open` and `listen` must refuse. */
  readonly wrongUrls: readonly string[];
}

/** Bytes that differ everywhere: `length` of them, beginning with `tag`. */
function pattern(length: number, tag: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i === 0 ? tag : (i * 31 + tag) & 0xff));
}

export function transportContract(name: string, subject: TransportUnderTest): void {
  describe(`transport contract: ${name}`, () => {
    const probes: Probe[] = [];

    async function node(): Promise<Probe> {
      const probe = new Probe((host) => subject.make(host));
      probes.push(probe);
      const bound = await probe.transport.listen(subject.anyUrl());
      probe.bound = bound;
      probe.url = subject.reachable(bound);
      return probe;
    }

    async function pair(): Promise<{ a: Probe; b: Probe }> {
      return { a: await node(), b: await node() };
    }

    afterEach(async () => {
      for (const probe of probes.splice(0)) await probe.transport.close();
    });

    it('says what it can do, with sane numbers', async () => {
      const { transport } = await node();
      const { maxDatagramBytes, batchMax } = transport.capabilities;
      expect(transport.scheme).to.match(/^[a-z][a-z0-9]*$/);
      expect(maxDatagramBytes).to.be.within(1472, 65_535);
      expect(batchMax).to.be.within(1, 65_536);
    });

    it('listens at the port that it returns, in its own scheme', async () => {
      const probe = await node();
      expect(probe.bound).to.match(new RegExp(`^${probe.transport.scheme}://.+:[1-9][0-9]*$`));
    });

    it('delivers bytes unchanged both ways', async () => {
      const { a, b } = await pair();
      const there = pattern(1420, 1);
      expect(a.transport.send(a.transport.open(b.url), [there])).to.equal(1);
      const [first] = await b.take(1);
      expect(first?.bytes).to.deep.equal(there);
      const back = pattern(777, 2);
      expect(b.transport.send(b.pathOf(first), [back])).to.equal(1);
      const [second] = await a.take(1);
      expect(second?.bytes).to.deep.equal(back);
    });

    it('delivers an empty datagram and the largest', async () => {
      const { a, b } = await pair();
      const path = a.transport.open(b.url);
      const largest = pattern(a.transport.capabilities.maxDatagramBytes, 3);
      expect(a.transport.send(path, [new Uint8Array(0), largest])).to.equal(2);
      const got = await b.take(2);
      expect(got.map(({ bytes }) => bytes.length)).to.have.members([0, largest.length]);
      expect(got.find(({ bytes }) => bytes.length > 0)?.bytes).to.deep.equal(largest);
    });

    it('takes a train of mixed sizes, and keeps every boundary', async () => {
      const { a, b } = await pair();
      const sizes = [1420, 1420, 1420, 90, 90, 1, 1420, 0, 300, 300, 299, 1200];
      const count = Math.min(sizes.length, a.transport.capabilities.batchMax);
      const train = sizes.slice(0, count).map((size, i) => pattern(size, i));
      expect(a.transport.send(a.transport.open(b.url), train)).to.equal(count);
      const got = (await b.take(count)).map(({ bytes }) => Buffer.from(bytes).toString('hex'));
      const sent = train.map((bytes) => Buffer.from(bytes).toString('hex'));
      if (a.transport.capabilities.reliable) expect(got).to.deep.equal(sent);
      else expect(got).to.have.members(sent);
    });

    it('takes up to batchMax datagrams at once, and says how many', async () => {
      const { a, b } = await pair();
      const { batchMax, reliable } = a.transport.capabilities;
      const train = Array.from({ length: Math.min(batchMax, 512) }, (_, i) =>
        pattern(100, i & 255),
      );
      const taken = a.transport.send(a.transport.open(b.url), train);
      expect(taken).to.equal(train.length);
      const got = await b.take(taken);
      const wrong = got.filter(
        ({ bytes }, i) => bytes.length !== 100 || (reliable && bytes[0] !== (i & 255)),
      );
      expect(wrong).to.deep.equal([]);
    });

    it('leaves the sent buffers to the sender', async () => {
      const { a, b } = await pair();
      const mine = pattern(500, 9);
      a.transport.send(a.transport.open(b.url), [mine]);
      mine.fill(0xee);
      const [got] = await b.take(1);
      expect(got?.bytes).to.deep.equal(pattern(500, 9));
    });

    it('sends only the view that it is given, from any buffer', async () => {
      const { a, b } = await pair();
      const arena = pattern(4000, 5);
      const path = a.transport.open(b.url);
      a.transport.send(path, [arena.subarray(100, 1100), arena.subarray(2000, 3000)]);
      const got = await b.take(2);
      const starts = got.map(({ bytes }) => bytes[0]);
      expect(starts).to.have.members([arena[100], arena[2000]]);
      expect(got.map(({ bytes }) => bytes.length)).to.deep.equal([1000, 1000]);
    });

    it('gives the same Path object for the same remote', async () => {
      const { a, b } = await pair();
      const path = a.transport.open(b.url);
      expect(a.transport.open(b.url)).to.equal(path);
      a.transport.send(path, [pattern(10, 1)]);
      const [first] = await b.take(1);
      a.transport.send(path, [pattern(10, 2)]);
      const [second] = await b.take(1);
      expect(second?.path).to.equal(first?.path);
      expect(b.transport.open(b.pathOf(first).remote)).to.equal(first?.path);
    });

    it('hears the answer on the path that it opened, and then knows its own end', async () => {
      const { a, b } = await pair();
      const path = a.transport.open(b.url);
      expect(path.remote).to.equal(b.url);
      a.transport.send(path, [pattern(10, 1)]);
      const [first] = await b.take(1);
      b.transport.send(b.pathOf(first), [pattern(10, 2)]);
      const [answer] = await a.take(1);
      expect(answer?.path).to.equal(path);
      expect(path.local).to.be.a('string');
      expect(path.local).to.equal(b.pathOf(first).remote);
      expect(b.pathOf(first).local).to.equal(path.remote);
    });

    it('tells two remotes apart', async () => {
      const { a, b } = await pair();
      const c = await node();
      a.transport.send(a.transport.open(c.url), [pattern(10, 1)]);
      b.transport.send(b.transport.open(c.url), [pattern(10, 2)]);
      const got = await c.take(2);
      expect(new Set(got.map(({ path }) => path)).size).to.equal(2);
      for (const one of got) c.transport.send(one.path, [one.bytes]);
      expect((await a.take(1))[0]?.bytes[0]).to.equal(1);
      expect((await b.take(1))[0]?.bytes[0]).to.equal(2);
    });

    it('listens at several addresses at once, and answers from the one addressed', async () => {
      const { a, b } = await pair();
      const second = subject.reachable(await b.transport.listen(subject.anyUrl()));
      expect(second).to.not.equal(b.url);
      for (const url of [b.url, second]) {
        const path = a.transport.open(url);
        a.transport.send(path, [pattern(10, 1)]);
        const [got] = await b.take(1);
        b.transport.send(b.pathOf(got), [pattern(10, 2)]);
        const [answer] = await a.take(1);
        expect(answer?.path).to.equal(path);
      }
    });

    it('remembers at least PATHS_MIN remotes', async function () {
      this.timeout(20_000);
      const b = await node();
      const remotes: Probe[] = [];
      for (let i = 0; i < PATHS_MIN; i++) remotes.push(await node());
      const first = new Map<string, unknown>();
      for (let round = 0; round < 2; round++) {
        for (const remote of remotes) {
          remote.transport.send(remote.transport.open(b.url), [pattern(8, round)]);
        }
        for (const { path } of await b.take(PATHS_MIN)) {
          if (round === 0) first.set(path.remote, path);
          else expect(first.get(path.remote)).to.equal(path);
        }
      }
      expect(first.size).to.equal(PATHS_MIN);
    });

    it('carries nothing on a released path until it is opened again', async () => {
      const { a, b } = await pair();
      const path = a.transport.open(b.url);
      a.transport.release(path);
      a.transport.release(path);
      expect(a.transport.send(path, [pattern(10, 1)])).to.equal(0);
      const again = a.transport.open(b.url);
      expect(a.transport.send(again, [pattern(10, 2)])).to.equal(1);
      expect((await b.take(1))[0]?.bytes[0]).to.equal(2);
    });

    it('takes nothing for a path of another transport', async () => {
      const { a, b } = await pair();
      const stranger = { ...a.transport.open(b.url), transport: 'other', remote: 'other://x:1' };
      expect(a.transport.send(stranger, [pattern(10, 1)])).to.equal(0);
      a.transport.release(stranger);
    });

    it('reports an address in use, with a code', async () => {
      const { a, b } = await pair();
      const error = await failure(b.transport.listen(a.bound));
      expect(error).to.have.property('code', 'EADDRINUSE');
      expect(error.message).to.match(/in use/);
    });

    it('refuses URLs that are not its own', async () => {
      const { transport } = await node();
      for (const url of ['', 'nonsense', 'gopher://127.0.0.1:70', ...subject.wrongUrls]) {
        expect(() => transport.open(url), `open ${url}`).to.throw(Error);
        const error = await failure(transport.listen(url));
        expect(error, `listen ${url}`).to.have.property('code');
      }
    });

    it('calls nothing from inside send', async () => {
      const { a, b } = await pair();
      const path = a.transport.open(b.url);
      const before = a.calls + b.calls;
      a.transport.send(path, [pattern(10, 1)]);
      b.transport.send(b.transport.open(a.url), [pattern(10, 1)]);
      expect(a.calls + b.calls).to.equal(before);
      await b.take(1);
    });

    it('survives close in the middle of a delivery', async () => {
      const { a, b } = await pair();
      const path = a.transport.open(b.url);
      b.onReceived = () => void b.transport.close();
      const c = await node();
      for (const from of [a, c]) from.transport.send(from.transport.open(b.url), [pattern(10, 1)]);
      await until(() => b.calls > 0);
      const calls = b.calls;
      a.transport.send(path, [pattern(10, 2)]);
      await turns(20);
      expect(b.calls).to.equal(calls);
    });

    it('closes twice, calls nothing afterwards, and frees its address', async () => {
      const { a, b } = await pair();
      const path = a.transport.open(b.url);
      const own = b.transport.open(a.url);
      a.transport.send(path, [pattern(10, 1)]);
      await b.transport.close();
      await b.transport.close();
      const calls = b.calls;
      expect(b.transport.send(own, [pattern(10, 2)])).to.equal(0);
      b.transport.release(own);
      a.transport.send(path, [pattern(10, 3)]);
      await turns(20);
      expect(b.calls).to.equal(calls);
      const next = new Probe((host) => subject.make(host));
      probes.push(next);
      expect(await next.transport.listen(b.bound)).to.equal(b.bound);
    });
  });
}

async function failure(promise: Promise<unknown>): Promise<Error> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).to.be.instanceOf(Error);
  return error as Error;
}

/** Lets the event loop turn, so that what could happen does. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}
