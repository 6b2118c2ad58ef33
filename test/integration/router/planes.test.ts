/** The two planes as peers of each other and of themselves, and what happens to the native one when its world goes away. */
import { expect } from 'chai';
import { loadNative } from '../../../src/platform/native.js';
import { canRunRouters, hasTools, type Namespace, Stage, until } from '../namespace.js';
import { converged, line, nth, type Router } from '../routers.js';

const SIZES = [0, 1, 15, 16, 17, 100, 1231, 1232, 1371, 1372, 1373, 1400, 4000, 20_000, 65_000];

async function pingsOfAllSizes(from: Namespace, to: string): Promise<void> {
  for (const size of SIZES) {
    const { received } = await from.ping(to, 2, '-i', '0.05', '-s', String(size));
    expect(received, `${size} bytes`).to.equal(2);
  }
}

/** @returns Bytes that arrived. */
async function stream(from: Router, to: Router, ...more: readonly string[]): Promise<number> {
  const server = to.at.start(['iperf3', '-s', '-1', '--forceflush', '-B', to.address]);
  await until('iperf3 listens', () => server.said().includes('listening'));
  const text = await from.at.must(['iperf3', '-J', '-t', '2', '-c', to.address, ...more]);
  return (JSON.parse(text) as { end: { sum_received: { bytes: number } } }).end.sum_received.bytes;
}

describe('the planes', function () {
  this.timeout(120_000);
  let stage: Stage;
  before(function () {
    if (!canRunRouters() || !loadNative().ok) this.skip();
  });
  beforeEach(() => {
    stage = new Stage();
  });
  afterEach(() => stage.close());

  it('auto takes the native one', async () => {
    const routers = await line(stage, [{}, {}]);
    await converged(routers);
    for (const router of routers) expect((await router.status()).plane).to.equal('native');
  });

  for (const kinds of [
    ['native', 'portable'],
    ['portable', 'native'],
    ['native', 'native', 'native'],
    ['portable', 'native', 'portable'],
  ]) {
    it(`carry packets of all sizes and streams: ${kinds.join(' – ')}`, async () => {
      const routers = await line(
        stage,
        kinds.map((plane) => ({ config: `plane = "${plane}"` })),
      );
      await converged(routers);
      const statuses = await Promise.all(routers.map((router) => router.status()));
      expect(statuses.map(({ plane }) => plane)).to.deep.equal(kinds);
      const [first, last] = [nth(routers, 1), nth(routers, kinds.length)];
      await pingsOfAllSizes(first.at, last.address);
      if (!hasTools('iperf3')) return;
      expect(await stream(first, last)).to.be.above(5_000_000);
      expect(await stream(first, last, '-R', '-P', '4')).to.be.above(5_000_000);
      expect(await stream(first, last, '-u', '-b', '20M', '-l', '1200')).to.be.above(3_000_000);
      for (const router of routers) {
        const { drops } = await router.status();
        expect(drops['bad-tag'] ?? 0).to.equal(0);
        expect(drops.malformed ?? 0).to.equal(0);
      }
    });
  }

  it('go on with their links when the interface is deleted, and say so', async () => {
    const routers = await line(stage, [{}, {}]);
    await converged(routers);
    const [one, two] = [nth(routers, 1), nth(routers, 2)];
    await one.at.must(['ip', 'link', 'delete', 'ala0']);
    await until('status tells', async () =>
      /deleted/.test(JSON.stringify((await one.status()).tun)),
    );
    await until('the link is up', async () => (await one.status()).links.up === 1);
    expect((await two.status()).links.up).to.equal(1);
  });

  it('take an interface that goes down and comes up again', async () => {
    const routers = await line(stage, [{}, {}]);
    await converged(routers);
    const [one, two] = [nth(routers, 1), nth(routers, 2)];
    await two.at.must(['ip', 'link', 'set', 'ala0', 'down']);
    expect((await one.at.ping(two.address, 3, '-i', '0.1', '-W', '1')).received).to.equal(0);
    await two.at.must(['ip', 'link', 'set', 'ala0', 'up']);
    await two.at.must(['ip', 'address', 'replace', `${two.address}/128`, 'dev', 'ala0']);
    await two.at.must(['ip', 'route', 'replace', one.prefix, 'dev', 'ala0']);
    await until('packets pass again', async () => {
      return (await one.at.ping(two.address, 1, '-W', '1')).received === 1;
    });
  });
});
