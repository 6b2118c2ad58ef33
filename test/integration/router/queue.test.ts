/** Turns on a slow way out: a ping passes bulk, from the node's own kernel and in transit. */
import { expect } from 'chai';
import { loadNative } from '../../../src/platform/native.js';
import { canRunRouters, hasTools, Stage, until } from '../namespace.js';
import { converged, line, nth, type Router } from '../routers.js';

/** The interface's own queue holds this much: without turns a ping waits so long. */
const QUEUE_MSEC = 400;
/** Half of that leaves room for a machine that is busy with other things. */
const PING_MSEC_MAX = QUEUE_MSEC / 2;

async function slowDown(router: Router, device: string): Promise<void> {
  const shape = ['rate', '10mbit', 'burst', '16kb', 'latency', `${QUEUE_MSEC}ms`];
  await router.at.must(['tc', 'qdisc', 'add', 'dev', device, 'root', 'tbf', ...shape]);
}

async function pingUnder(load: readonly string[], from: Router, to: Router): Promise<void> {
  const server = to.at.start(['iperf3', '-s', '-1', '--forceflush', '-B', to.address]);
  await until('iperf3 listens', () => server.said().includes('listening'));
  const client = from.at.start(['iperf3', '--forceflush', '-t', '60', '-c', to.address, ...load]);
  await until('it fills the queue', () => client.said().includes('2.00'));
  const { received, output } = await from.at.ping(to.address, 30);
  client.child.kill();
  await client.ended;
  expect(received, output).to.be.at.least(29);
  const averageMsec = Number(/= [\d.]+\/([\d.]+)\//.exec(output)?.[1]);
  expect(averageMsec, output).to.be.below(PING_MSEC_MAX);
}

describe('a slow way out', function () {
  this.timeout(120_000);
  let stage: Stage;
  before(function () {
    if (!canRunRouters() || !loadNative().ok || !hasTools('iperf3', 'tc')) this.skip();
  });
  beforeEach(() => {
    stage = new Stage();
  });
  afterEach(() => stage.close());

  for (const [load, options] of [
    ['TCP streams', ['-C', 'cubic', '-P', '4']],
    ['a flood of UDP', ['-u', '-b', '30M', '-l', '1200']],
  ] as const) {
    it(`lets a ping pass ${load} of its own`, async () => {
      const routers = await line(stage, [{}, {}]);
      await converged(routers);
      await slowDown(nth(routers, 1), 'to2');
      await pingUnder(options, nth(routers, 1), nth(routers, 2));
      const { drops, queue } = await nth(routers, 1).status();
      expect(queue?.bytesHigh).to.be.above(10_000);
      expect((drops.congested ?? 0) + (drops.overlimit ?? 0)).to.be.above(0);
    });

    it(`lets a ping pass ${load} in transit`, async () => {
      const routers = await line(stage, [{}, {}, {}]);
      await converged(routers);
      await slowDown(nth(routers, 2), 'to3');
      await pingUnder(options, nth(routers, 1), nth(routers, 3));
      expect((await nth(routers, 2).status()).queue?.bytesHigh).to.be.above(10_000);
      expect(await nth(routers, 2).dropped('congested')).to.be.above(0);
    });
  }
});
