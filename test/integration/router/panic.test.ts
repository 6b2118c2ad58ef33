/** Panics of the native plane's worker, in every stage of a packet: the router and its sessions' keys survive them. */
import { expect } from 'chai';
import { loadNative } from '../../../src/platform/native.js';
import { canRunRouters, Stage, until } from '../namespace.js';
import { converged, line, nth, type Router } from '../routers.js';

/** Of a stage, how often it is entered before a panic, twice: commands are few, packets many. */
const STAGES = {
  ...{ command: 8, socket: 400, deliver: 400, tun: 400 },
  ...{ serve: 400, send: 400, publish: 400 },
};

const config = 'plane = "native"';

async function handshakeAt(router: Router, other: Router): Promise<number | null | undefined> {
  return (await router.linkTo(other))?.lastHandshakeAt;
}

describe('panics of the native plane', function () {
  this.timeout(120_000);
  let stage: Stage;
  before(function () {
    if (!canRunRouters() || !loadNative().ok) this.skip();
  });
  beforeEach(() => {
    stage = new Stage();
  });
  afterEach(() => stage.close());

  for (const [where, count] of Object.entries(STAGES)) {
    it(`packets pass again under the same keys after one in stage ${where}`, async () => {
      const env = { ALAMESH_TEST_PLANE_PANIC: `${where}:${count}:2` };
      const routers = await line(stage, [{ config, env }, { config }]);
      await converged(routers);
      const [one, two] = [nth(routers, 1), nth(routers, 2)];
      const before = await handshakeAt(one, two);
      await until('the worker panicked', async () => {
        await one.at.ping(two.address, 200, '-i', '0.002');
        return (await one.status()).planeHealth.panics > 0;
      });
      expect((await one.at.ping(two.address, 20, '-i', '0.01')).received).to.be.at.least(18);
      const { planeHealth, links, drops } = await one.status();
      expect(planeHealth.state).to.equal('running');
      expect(planeHealth.problem).to.contain(`(${where})`).and.contain('guard.rs:');
      expect(links.up).to.equal(1);
      expect(await handshakeAt(one, two), 'no new handshake was needed').to.equal(before);
      expect(drops['bad-tag'] ?? 0).to.equal(0);
      expect((await two.status()).drops.replayed ?? 0, 'no counter was used twice').to.equal(0);
      expect(await one.must('status')).to.contain('panics');
    });
  }

  it('too many of them pause it; control goes on, and status says so', async () => {
    const env = { ALAMESH_TEST_PLANE_PANIC: 'tun:20:5' };
    const routers = await line(stage, [{ config, env }, { config }]);
    await converged(routers);
    const [one, two] = [nth(routers, 1), nth(routers, 2)];
    await one.at.ping(two.address, 150, '-i', '0.002');
    const { planeHealth } = await until('it pauses', async () => {
      const status = await one.status();
      return status.planeHealth.state === 'paused' && status;
    });
    expect(planeHealth.problem).to.contain('pauses for 10 s');
    expect(await one.must('status')).to.contain('PAUSED');
    await until('packets pass after the pause', async () => {
      return (await one.at.ping(two.address, 3, '-i', '0.1')).received === 3;
    });
    expect((await one.status()).planeHealth.state).to.equal('running');
  });
});
