import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { canRunRouters, type Namespace, Stage } from '../namespace.js';
import { converged, established, introduce, line, lineOf, Router } from '../routers.js';

/** Beacons of a new router leave at once; a LAN that has heard none for this long hears none. */
const SILENCE_MSEC = 4_000;

describe('routers that meet', function () {
  this.timeout(60_000);
  let stage: Stage;
  before(function () {
    if (!canRunRouters()) this.skip();
  });
  beforeEach(() => {
    stage = new Stage();
  });
  afterEach(() => stage.close());

  /** Two namespaces on one wire without IPv6 on it, so that nothing is discovered. */
  async function quietWire(subnets: readonly (readonly [string, string])[]): Promise<Namespace[]> {
    const a = await stage.namespace('a');
    const b = await stage.namespace('b');
    const addresses = (end: 0 | 1): string[] => subnets.map((pair) => pair[end]);
    await stage.wire(
      { at: a, device: 'wire', addresses: addresses(0) },
      { at: b, device: 'wire', addresses: addresses(1) },
    );
    return [a, b];
  }

  const start = (at: Namespace | undefined, name: string, config = ''): Promise<Router> => {
    if (at === undefined) throw new Error('no such namespace');
    return Router.start(stage, { at, name, config });
  };

  const UNSEEN = '[discovery]\ninterfaces = []';

  it('find each other on a LAN without configuration, but for those with discovery off', async () => {
    const names = ['open1', 'open2', 'noenv', 'noconf'] as const;
    const spaces = await Promise.all(names.map((name) => stage.namespace(name)));
    await stage.lan(spaces);
    const at = (i: number): Namespace => spaces[i] as Namespace;
    const noenv = await Router.start(stage, {
      ...{ at: at(2), name: 'noenv', env: { ALAMESH_DISCOVERY: '' } },
    });
    const noconf = await start(at(3), 'noconf', UNSEEN);
    const open1 = await Router.start(stage, { at: at(0), name: 'open1' });
    const open2 = await Router.start(stage, { at: at(1), name: 'open2' });
    await established(open1, open2);
    await converged([open1, open2]);
    expect((await open1.at.ping(open2.address, 3)).received).to.equal(3);
    await sleep(SILENCE_MSEC);
    for (const off of [noenv, noconf]) {
      expect((await off.status()).links.total, off.name).to.equal(0);
    }
    expect((await open1.links()).map(({ peer }) => peer)).to.deep.equal([open2.address]);
  });

  for (const [family, a, b] of [
    ['IPv4', '10.9.0.1', '10.9.0.2'],
    ['IPv6', '2001:db8:9::1', '2001:db8:9::2'],
  ] as const) {
    it(`are joined over ${family} by their peer lines`, async () => {
      const bits = family === 'IPv4' ? 24 : 64;
      const [left, right] = await quietWire([[`${a}/${bits}`, `${b}/${bits}`]]);
      const one = await start(left, 'one', UNSEEN);
      const two = await start(right, 'two', UNSEEN);
      const at = (host: string): string => (family === 'IPv4' ? `${host}:4242` : `[${host}]:4242`);
      await introduce([one, at(a)], [two, at(b)]);
      await established(one, two);
      await converged([one, two]);
      expect((await one.at.ping(two.address, 3)).received).to.equal(3);
      expect((await one.linkTo(two))?.path?.remote).to.contain(b);
    });
  }

  it('keep their other links untouched when a peer is added', async () => {
    const spaces = await Promise.all(['a', 'hub', 'b'].map((name) => stage.namespace(name)));
    const [a, hub, b] = spaces as [Namespace, Namespace, Namespace];
    await stage.wire(
      { at: a, device: 'wire', addresses: ['10.9.1.1/24'] },
      { at: hub, device: 'wire1', addresses: ['10.9.1.2/24'] },
    );
    await stage.wire(
      { at: b, device: 'wire', addresses: ['10.9.2.1/24'] },
      { at: hub, device: 'wire2', addresses: ['10.9.2.2/24'] },
    );
    const [first, middle, second] = await Promise.all([
      start(a, 'first', UNSEEN),
      start(hub, 'middle', UNSEEN),
      start(b, 'second', UNSEEN),
    ]);
    await introduce([first, '10.9.1.1:4242'], [middle, '10.9.1.2:4242']);
    await established(first, middle);
    const before = await middle.linkTo(first);
    expect(before?.upSinceAt).to.be.a('number');
    await introduce([second, '10.9.2.1:4242'], [middle, '10.9.2.2:4242']);
    await established(second, middle);
    const after = await middle.linkTo(first);
    expect(after?.upSinceAt).to.equal(before?.upSinceAt);
    expect(after?.lastHandshakeAt).to.equal(before?.lastHandshakeAt);
    await converged([first, middle, second]);
    expect((await first.at.ping(second.address, 3)).received).to.equal(3);
  });

  it('peer at the next start when the line was added while the router was down', async () => {
    const [left, right] = await quietWire([['10.9.0.1/24', '10.9.0.2/24']]);
    const one = await start(left, 'one', UNSEEN);
    const two = await Router.init(stage, { at: right as Namespace, name: 'two', config: UNSEEN });
    await two.must('peer', 'add', (await lineOf(one, '10.9.0.1:4242')).trim());
    await one.must('peer', 'add', (await lineOf(two, '10.9.0.2:4242')).trim());
    await two.up();
    await established(one, two);
    expect((await two.at.ping(one.address, 3)).received).to.equal(3);
  });

  it('prints one peer line and nothing else, and refuses a damaged one', async () => {
    const [one] = await line(stage, [{ config: UNSEEN }]);
    const text = await (one as Router).must('peer', 'line', '--endpoint', '10.9.0.1:4242');
    expect(text).to.match(/^\S+\n$/);
    const damaged = `${text.trim().slice(0, -3)}AAA`;
    const { status, stderr } = await (one as Router).run('peer', 'add', damaged);
    expect(status).to.be.oneOf([1, 2, 4]);
    expect(stderr).to.not.equal('');
  });

  it('forget a peer that was removed, at once and after a restart', async () => {
    const [left, right] = await quietWire([['10.9.0.1/24', '10.9.0.2/24']]);
    const one = await start(left, 'one', UNSEEN);
    const two = await start(right, 'two', UNSEEN);
    await introduce([one, '10.9.0.1:4242'], [two, '10.9.0.2:4242']);
    await established(one, two);
    await one.must('peer', 'remove', 'two');
    expect((await one.links()).map(({ peer }) => peer)).to.deep.equal([]);
    expect(await one.bestTo(two)).to.equal(undefined);
    await one.end('SIGTERM');
    await one.up();
    expect((await one.status()).links.total).to.equal(0);
  });
});
