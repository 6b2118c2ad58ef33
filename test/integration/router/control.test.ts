import { expect } from 'chai';
import { toBase64Url } from '../../../src/base/bytes.js';
import { parsePeerLine } from '../../../src/identity/peer-line.js';
import { canRunRouters, type Namespace, Stage, type Started, until } from '../namespace.js';
import { ALAMESH, established, introduce, isEstablished, lineOf, Router } from '../routers.js';

interface Event {
  readonly schema: string;
  readonly kind: string;
}

const events = (monitor: Started): Event[] =>
  monitor
    .said()
    .split('\n')
    .slice(0, -1)
    .map((text) => JSON.parse(text) as Event);

const UNSEEN = '[discovery]\ninterfaces = []';

describe('a running router', function () {
  this.timeout(60_000);
  let stage: Stage;
  let hub: Router;
  let first: Router;
  let second: Router;

  beforeEach(async function () {
    if (!canRunRouters()) this.skip();
    stage = new Stage();
    const spaces = await Promise.all(['hub', 'a', 'b'].map((name) => stage.namespace(name)));
    const [h, a, b] = spaces as [Namespace, Namespace, Namespace];
    await stage.wire(
      { at: h, device: 'wire1', addresses: ['10.9.1.1/24'] },
      { at: a, device: 'wire', addresses: ['10.9.1.2/24'] },
    );
    await stage.wire(
      { at: h, device: 'wire2', addresses: ['10.9.2.1/24'] },
      { at: b, device: 'wire', addresses: ['10.9.2.2/24'] },
    );
    const start = (at: Namespace, name: string): Promise<Router> =>
      Router.start(stage, { at, name, config: UNSEEN });
    [hub, first, second] = await Promise.all([
      start(h, 'hub'),
      start(a, 'first'),
      start(b, 'second'),
    ]);
    await introduce([hub, '10.9.1.1:4242'], [first, '10.9.1.2:4242']);
    await established(hub, first);
  });
  afterEach(() => stage?.close());

  const keyOf = async (router: Router, endpoint: string): Promise<string> => {
    const parsed = parsePeerLine((await lineOf(router, endpoint)).trim());
    if (!parsed.ok) throw new Error(parsed.error);
    return toBase64Url(parsed.value.noiseKey);
  };

  const peerTable = (key: string, endpoint: string): string =>
    `${UNSEEN}\n[[peers]]\nkey = "${key}"\nendpoints = ["udp://${endpoint}"]\n`;

  it('tells of links, neighbors and routes as they come and go', async () => {
    const monitor = stage.start([ALAMESH, 'monitor', '--json'], { env: hub.env });
    // The stream is open once it shows something: peers are added until it does.
    await introduce([hub, '10.9.2.1:4242'], [second, '10.9.2.2:4242']);
    await established(hub, second);
    const seen = (kind: string): boolean => events(monitor).some((event) => event.kind === kind);
    for (const kind of ['link', 'neighbor', 'route']) {
      await until(`an event of kind ${kind}`, () => seen(kind));
    }
    const told = events(monitor).length;
    await second.end('SIGTERM');
    await until('events of the end', () => events(monitor).length > told);
    for (const event of events(monitor)) {
      expect(event.schema).to.match(/^alamesh\.[a-z.]+\/1$/);
      expect(event.kind).to.be.oneOf(['link', 'neighbor', 'route', 'service', 'registry', 'log']);
    }
    monitor.child.kill('SIGINT');
    await monitor.ended;
  });

  it('takes a peer from the configuration at reload and keeps the other link', async () => {
    const before = await hub.linkTo(first);
    await second.must('peer', 'add', (await lineOf(hub, '10.9.2.1:4242')).trim());
    hub.configure(peerTable(await keyOf(second, '10.9.2.2:4242'), '10.9.2.2:4242'));
    await hub.must('reload');
    await established(hub, second);
    const after = await hub.linkTo(first);
    expect(after?.upSinceAt).to.be.a('number').and.equal(before?.upSinceAt);
    hub.configure(UNSEEN);
    await hub.must('reload');
    expect(await hub.linkTo(second)).to.equal(undefined);
    expect((await hub.linkTo(first))?.upSinceAt).to.equal(before?.upSinceAt);
  });

  it('keeps what it has when the configuration is bad at reload, and says where', async () => {
    const before = await hub.linkTo(first);
    hub.configure('transit = 7');
    const { status, stderr } = await hub.run('reload');
    expect(status, stderr).to.equal(4);
    expect(stderr).to.match(/alamesh\.toml:3/);
    expect((await hub.linkTo(first))?.upSinceAt).to.equal(before?.upSinceAt);
    expect(await isEstablished(hub, first)).to.equal(true);
  });

  it('is known by name, by address and by a unique part of it', async () => {
    for (const who of ['first', first.address, first.address.slice(0, 9)]) {
      const { links } = await hub.ask<{ links: { peer: string }[] }>('links', who);
      expect(
        links.map(({ peer }) => peer),
        who,
      ).to.deep.equal([first.address]);
    }
    const { status, stderr } = await hub.run('bgp', 'received', 'nobody');
    expect(status).to.be.oneOf([1, 2]);
    expect(stderr).to.contain('nobody').and.contain('first');
  });

  it('shows tables of at most 120 columns without escape codes', async () => {
    for (const words of [
      ['status'],
      ['links'],
      ['peer', 'list'],
      ['bgp', 'summary'],
      ['bgp', 'routes'],
    ]) {
      const text = await hub.must(...words);
      expect(Math.max(...text.split('\n').map((one) => one.length)), text).to.be.at.most(120);
      expect(text).to.not.contain('\u001b').and.not.equal('');
    }
    expect(await hub.must('bgp', 'summary')).to.match(/Neighbor .*State\/PfxRcd/);
  });
});
