import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { canRunRouters, hasTools, Stage, until } from '../namespace.js';
import { converged, established, line, nth, type Router } from '../routers.js';

/** Nobody's address: the prefix of no router of the tests, whatever their keys. */
const UNKNOWN = 'fdff:ffff:ffff:ffff::1';

describe('a line of four routers', function () {
  this.timeout(60_000);
  let stage: Stage;
  let routers: readonly Router[] = [];
  const r = (n: number): Router => nth(routers, n);

  before(async function () {
    if (!canRunRouters()) this.skip();
    stage = new Stage();
    routers = await line(stage, [{}, {}, {}, {}]);
    await converged(routers);
  });
  after(() => stage?.close());

  it('carries pings from end to end, both ways', async () => {
    const [there, back] = await Promise.all([
      r(1).at.ping(r(4).address, 10),
      r(4).at.ping(r(1).address, 10),
    ]);
    expect([there.received, back.received], there.output + back.output).to.deep.equal([10, 10]);
  });

  it('shows every hop to a stock traceroute, by node address', async function () {
    if (!hasTools('traceroute')) this.skip();
    const options = ['-6', '-n', '-q', '1', '-w', '2', '-m', '8'];
    const text = await r(1).at.must(['traceroute', ...options, r(4).address]);
    const hops = [...text.matchAll(/^ *\d+ +(\S+)/gm)].map((found) => found[1]);
    expect(hops, text).to.deep.equal([r(2).address, r(3).address, r(4).address]);
  });

  it('shows every hop to its own ping --trace', async () => {
    const text = await r(1).must('ping', r(4).address, '--trace', '--json');
    const at = [2, 3, 4].map((n) => text.indexOf(`"${r(n).address}"`, text.indexOf('hops')));
    expect(Math.min(...at), text).to.be.greaterThan(0);
    expect(JSON.parse(text).schema).to.match(/^alamesh\./);
  });

  it('tells the sender when the hop limit ends on the way, and counts it there', async () => {
    const before = await r(2).dropped('hop-limit');
    const { received, output } = await r(1).at.ping(r(4).address, 2, '-t', '1');
    expect(received).to.equal(0);
    expect(output).to.match(/Time exceeded: Hop limit/);
    expect(output).to.contain(r(2).address);
    expect(await r(2).dropped('hop-limit')).to.equal(before + 2);
  });

  it('says at once that there is no route to an address that nobody has', async () => {
    const begun = Date.now();
    const { received, output } = await r(1).at.ping(UNKNOWN, 1);
    expect(received).to.equal(0);
    expect(output).to.match(/unreachable/i);
    expect(Date.now() - begun).to.be.lessThan(3_000);
  });

  it('answers for an address behind it that nobody has, from its own prefix', async () => {
    const nobody = `${r(4).prefix.replace('::/64', '')}:dead:dead:dead:dead`;
    const { received } = await r(1).at.ping(nobody, 1);
    expect(received).to.equal(0);
  });

  it('says no route from the router that lacks it', async () => {
    const { name } = (await r(1).status()).tun;
    await r(1).at.ip(`-6 route add ${UNKNOWN}/128 dev ${name} src ${r(1).address}`);
    const before = await r(1).dropped('no-route');
    const { received, output } = await r(1).at.ping(UNKNOWN, 1);
    await r(1).at.ip(`-6 route del ${UNKNOWN}/128 dev ${name}`);
    expect(received).to.equal(0);
    expect(output).to.match(/Destination unreachable: No route/);
    expect(await r(1).dropped('no-route')).to.be.greaterThan(before);
  });

  it('routes exactly the learned prefixes into the TUN, no whole address range', async () => {
    const { name } = (await r(2).status()).tun;
    const own = new Set([r(2).prefix, r(2).address, `${r(2).address}/128`, 'fe80::/64']);
    const learned = (await r(2).at.routes(name)).filter((route) => !own.has(route));
    const others = [1, 3, 4].map((n) => r(n).prefix);
    expect(learned.sort()).to.deep.equal(others.sort());
    const all = await r(2).at.ip('-6 route show table all');
    expect(all).to.not.match(/\bf[cd]00::\/[78]\b/);
  });

  it('drops and counts what enters with a source that is not its own', async () => {
    const foreign = 'fd99:9:9:9::1';
    const { name } = (await r(1).status()).tun;
    await r(1).at.ip(`addr add ${foreign}/128 dev lo nodad`);
    const before = await r(1).dropped('wrong-source');
    const { received } = await r(1).at.ping(r(2).address, 2, '-I', foreign);
    await r(1).at.ip(`addr del ${foreign}/128 dev lo`);
    expect(received).to.equal(0);
    expect(await r(1).dropped('wrong-source'), name).to.be.at.least(before + 2);
  });

  it('lists received, accepted and advertised routes by the neighbor’s name', async () => {
    const { routes } = await r(2).ask<{ routes: { prefix: string }[] }>('bgp', 'received', 'r3');
    const prefixes = routes.map(({ prefix }) => prefix);
    expect(prefixes).to.include.members([r(3).prefix, r(4).prefix]);
    for (const view of ['accepted', 'advertised']) {
      const document = await r(2).ask<{ schema: string; routes: unknown[] }>('bgp', view, 'r3');
      expect(document.schema, view).to.match(/^alamesh\.bgp\./);
      expect(document.routes).to.not.be.empty;
    }
  });

  it('resets a session on request and is whole again, other sessions untouched', async () => {
    const before = (await r(2).summary()).peers;
    await r(2).must('bgp', 'clear', 'r3', 'hard');
    await until('the session is counted anew', async () => {
      const peer = (await r(2).summary()).peers[r(3).address];
      const was = before[r(3).address]?.connectionsEstablished ?? 0;
      return peer?.state === 'Established' && peer.connectionsEstablished === was + 1;
    });
    await converged(routers);
    const other = (await r(2).summary()).peers[r(1).address];
    expect(other).to.include({ state: 'Established', connectionsDropped: 0 });
  });

  it('withdraws at once and leaves nothing when it is ended by SIGTERM', async () => {
    const { name } = (await r(4).status()).tun;
    expect(await r(4).at.tuns()).to.deep.equal([name]);
    expect(await r(4).end('SIGTERM')).to.equal(0);
    // Sooner than the probes of a dead link: r3 was told.
    const isGone = async (): Promise<boolean> => (await r(1).bestTo(r(4))) === undefined;
    await until('r1 lost the route', isGone, 2_000);
    expect(await r(4).at.tuns()).to.deep.equal([]);
    expect(await r(4).at.ip('-6 route show table main')).to.not.match(/^fd/m);
    expect(await r(3).at.ip('-6 route show table main')).to.not.contain(r(4).prefix);
    await r(4).up();
    await converged(routers);
  });

  it('carries packets again after a middle router was killed and started anew', async () => {
    const { nodeId } = await r(2).status();
    await r(2).end('SIGKILL');
    await sleep(500);
    await r(2).up();
    const begun = Date.now();
    await until(
      'pings pass again',
      async () => (await r(1).at.ping(r(4).address, 1)).received === 1,
      15_000,
    );
    expect(Date.now() - begun).to.be.lessThan(12_000);
    expect((await r(2).status()).nodeId).to.equal(nodeId);
    await established(r(1), r(2));
    await converged(routers);
    expect((await r(2).at.tuns()).length).to.equal(1);
  });
});
