import { expect } from 'chai';
import { canRunRouters, hasTools, Stage, until } from '../namespace.js';
import { converged, established, introduce, line, nth, Router } from '../routers.js';

/** Verification of a size that was proven comes every 10 s; then the search below it. */
const HEAL_MSEC_MAX = 90_000;
const IP6_AND_ECHO_BYTES = 48;
/** `ping -s` for an IPv6 packet of so many bytes. */
const payloadOf = (packetBytes: number): string => String(packetBytes - IP6_AND_ECHO_BYTES);

describe('packets and the sizes of paths', function () {
  this.timeout(150_000);
  let stage: Stage;
  before(function () {
    if (!canRunRouters()) this.skip();
  });
  beforeEach(() => {
    stage = new Stage();
  });
  afterEach(() => stage.close());

  it('carry 1420 bytes over ordinary links, and are told the size of a smaller one', async function () {
    const routers = await line(stage, [{}, {}, {}], [1500, 1280]);
    await converged(routers);
    const r = (n: number): Router => nth(routers, n);
    expect((await r(1).status()).tun.mtu).to.equal(1420);
    const whole = ['-M', 'do', '-s', payloadOf(1420)];
    await until('1420 bytes pass', async () => {
      return (await r(1).at.ping(r(2).address, 1, ...whole)).received === 1;
    });
    const { received, output } = await r(1).at.ping(r(3).address, 3, ...whole);
    expect(received, output).to.equal(0);
    expect(output).to.match(/mtu[=:] ?1280/);
    expect(output).to.contain(r(2).address);
    expect(await r(2).dropped('too-big')).to.be.at.least(1);
    const least = ['-M', 'do', '-s', payloadOf(1280)];
    expect((await r(1).at.ping(r(3).address, 5, ...least)).received).to.equal(5);
    if (!hasTools('iperf3')) this.skip();
    const server = r(3).at.start(['iperf3', '-s', '-1', '--forceflush', '-B', r(3).address]);
    await until('iperf3 listens', () => server.said().includes('listening'));
    const text = await r(1).at.must(['iperf3', '-J', '-t', '2', '-c', r(3).address]);
    expect(JSON.parse(text).end.sum_received.bytes).to.be.greaterThan(100_000);
  });

  it('of 1280 bytes are split and joined where the underlay carries only 1200', async () => {
    const a = await stage.namespace('a');
    const b = await stage.namespace('b');
    await stage.wire(
      { at: a, device: 'wire', addresses: ['10.9.0.1/24'] },
      { at: b, device: 'wire', addresses: ['10.9.0.2/24'] },
      1200,
    );
    const one = await Router.start(stage, { at: a, name: 'one' });
    const two = await Router.start(stage, { at: b, name: 'two' });
    await introduce([one, '10.9.0.1:4242'], [two, '10.9.0.2:4242']);
    await established(one, two);
    await converged([one, two]);
    await until('1280 bytes pass', async () => {
      const { received } = await one.at.ping(two.address, 1, '-M', 'do', '-s', payloadOf(1280));
      return received === 1;
    });
    const { received, output } = await two.at.ping(one.address, 10, '-s', payloadOf(1280));
    expect(received, output).to.equal(10);
  });

  it('pass again when a hole appears in the path that swallows big datagrams', async () => {
    const routers = await line(stage, [{}, {}]);
    await converged(routers);
    const [one, two] = [nth(routers, 1), nth(routers, 2)];
    const big = async (): Promise<boolean> =>
      (await one.at.ping(two.address, 1, '-s', payloadOf(1280))).received === 1;
    await until('1280 bytes pass', big);
    await one.at.dropLeaving('to2', 'meta length > 1000');
    await two.at.dropLeaving('to1', 'meta length > 1000');
    expect(await big()).to.equal(false);
    await until('1280 bytes pass in spite of the hole', big, HEAL_MSEC_MAX);
    const { received, output } = await one.at.ping(two.address, 10, '-s', payloadOf(1280));
    expect(received, output).to.equal(10);
  });
});
