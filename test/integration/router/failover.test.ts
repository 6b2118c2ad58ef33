import { expect } from 'chai';
import { canRunRouters, type Namespace, readPing, Stage, until } from '../namespace.js';
import { converged, isEstablished, Router } from '../routers.js';

/** Three intervals of 1 s and 50 ms are promised on a free machine; two busy cores get twice that. */
const FAILOVER_PINGS_MAX = 65;
const PING_INTERVAL_S = '0.1';
/** DOWN to UP is damped. */
const RECOVERY_MSEC_MAX = 60_000;

describe('a triangle of routers', function () {
  this.timeout(120_000);
  let stage: Stage;
  let r1: Router;
  let r2: Router;
  let r3: Router;

  before(async function () {
    if (!canRunRouters()) this.skip();
    stage = new Stage();
    const spaces = await Promise.all(['r1', 'r2', 'r3'].map((name) => stage.namespace(name)));
    const at = (n: number): Namespace => spaces[n - 1] as Namespace;
    for (const [a, b] of [
      [1, 2],
      [2, 3],
      [1, 3],
    ] as const) {
      await stage.wire({ at: at(a), device: `to${b}` }, { at: at(b), device: `to${a}` });
    }
    const start = (n: number): Promise<Router> => Router.start(stage, { at: at(n), name: `r${n}` });
    [r1, r2, r3] = (await Promise.all([1, 2, 3].map(start))) as [Router, Router, Router];
    await converged([r1, r2, r3]);
    await direct();
  });
  /** Whatever a test did or failed to do. */
  afterEach(async () => {
    await Promise.all([r1.at.restore('to3'), r3.at.restore('to1')]);
    await r1.at.ip('link set to3 up');
    await direct();
  });
  after(() => stage?.close());

  const direct = async (): Promise<void> => {
    const isDirect = async (): Promise<boolean> =>
      (await r1.bestTo(r3)) === r3.address && (await r3.bestTo(r1)) === r1.address;
    await until('r1 and r3 route to each other directly', isDirect, RECOVERY_MSEC_MAX);
    await until('all sessions are established', async () => {
      const pairs = [
        [r1, r2],
        [r2, r3],
        [r1, r3],
      ] as const;
      const states = await Promise.all(pairs.map(([a, b]) => isEstablished(a, b)));
      return !states.includes(false);
    });
  };

  /** Pings from r1 to r3 every 100 ms while `cut` does its work. @returns The longest run of lost ones. */
  async function lostBy(cut: () => Promise<void>): Promise<number> {
    const options = ['-6', '-n', '-i', PING_INTERVAL_S, '-c', '120', '-W', '1'];
    const ping = r1.at.start(['ping', ...options, r3.address]);
    await until('pings pass', () => ping.said().includes('icmp_seq=10 '));
    await cut();
    await ping.ended;
    const { gap, output } = readPing(ping.said());
    expect(output).to.contain('icmp_seq=120 ');
    return gap;
  }

  it('explains which route won and at which step each other one lost', async () => {
    const routes = await r1.routes(r3.prefix);
    expect(routes).to.have.length(2);
    const [best] = routes.filter((route) => route.best);
    const [loser] = routes.filter((route) => !route.best);
    expect(best).to.include({ neighbor: r3.address, lostBy: null });
    expect(loser?.neighbor).to.equal(r2.address);
    expect(loser?.lostBy).to.be.a('string').and.not.equal('');
    for (const what of [r3.prefix, r3.address]) {
      const text = await r1.must('bgp', 'explain', what);
      expect(text).to.contain(loser?.lostBy ?? '?');
      expect(text).to.match(/r3/).and.to.match(/r2/);
    }
  });

  it('goes around a link that is cut without a sign', async () => {
    const gap = await lostBy(async () => {
      await r1.at.dropArriving('to3', 'meta length > 0');
      await r3.at.dropArriving('to1', 'meta length > 0');
    });
    expect(gap).to.be.lessThan(FAILOVER_PINGS_MAX);
    expect(await r1.bestTo(r3)).to.equal(r2.address);
  });

  it('goes around a link that is cut in one direction only', async () => {
    const gap = await lostBy(() => r3.at.dropArriving('to1', 'meta length > 0').then(() => {}));
    expect(gap).to.be.lessThan(FAILOVER_PINGS_MAX);
    expect(await r1.bestTo(r3)).to.equal(r2.address);
  });

  it('goes around an interface that is taken down', async () => {
    const gap = await lostBy(() => r1.at.ip('link set to3 down').then(() => {}));
    expect(gap).to.be.lessThan(FAILOVER_PINGS_MAX);
    await until('r1 goes around', async () => (await r1.bestTo(r3)) === r2.address);
  });
});

describe('a router that gives no transit', function () {
  this.timeout(60_000);
  let stage: Stage;
  before(function () {
    if (!canRunRouters()) this.skip();
    stage = new Stage();
  });
  after(() => stage?.close());

  it('is reached itself, and nobody behind it', async () => {
    const spaces = await Promise.all(['r1', 'r2', 'r3'].map((name) => stage.namespace(name)));
    const at = (n: number): Namespace => spaces[n - 1] as Namespace;
    await stage.wire({ at: at(1), device: 'to2' }, { at: at(2), device: 'to1' });
    await stage.wire({ at: at(2), device: 'to3' }, { at: at(3), device: 'to2' });
    const [r1, r2, r3] = (await Promise.all(
      [1, 2, 3].map((n) => {
        const config = n === 2 ? 'transit = "none"' : '';
        return Router.start(stage, { at: at(n), name: `r${n}`, config });
      }),
    )) as [Router, Router, Router];
    await converged([r1, r2]);
    await converged([r2, r3]);
    expect((await r1.at.ping(r2.address, 3)).received).to.equal(3);
    expect((await r3.at.ping(r2.address, 3)).received).to.equal(3);
    expect(await r1.bestTo(r3)).to.equal(undefined);
    // Even a neighbor that sends to r3 all the same gets nothing through.
    const { name } = (await r1.status()).tun;
    await r1.at.ip(`-6 route add ${r3.prefix} dev ${name} src ${r1.address}`);
    expect((await r1.at.ping(r3.address, 3)).received).to.equal(0);
  });
});
