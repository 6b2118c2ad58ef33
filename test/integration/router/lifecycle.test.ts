import { chmodSync, chownSync, existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import {
  canRunRouters,
  hasTools,
  type Namespace,
  type Ran,
  run,
  Stage,
  until,
} from '../namespace.js';
import { ALAMESH, Router } from '../routers.js';

const NOBODY = 65534;
const mode = (file: string): number => statSync(file).mode & 0o777;

describe('the life of a router', function () {
  this.timeout(60_000);
  let stage: Stage;
  let at: Namespace;
  before(function () {
    if (!canRunRouters()) this.skip();
  });
  beforeEach(async () => {
    stage = new Stage();
    at = await stage.namespace('r');
  });
  afterEach(() => stage.close());

  const make = (config = ''): Promise<Router> => Router.init(stage, { at, name: 'r', config });

  /** `up` that must fail: its end, in the namespace. */
  const tryUp = (router: Router, more: readonly string[] = []): Promise<Ran> =>
    at.run(['timeout', '15', ALAMESH, 'up', ...more], { env: router.env });

  /** Where the router's socket would be: any in its directory. */
  const sockets = (router: Router): string[] =>
    readdirSync(router.dir).filter((name) => statSync(path.join(router.dir, name)).isSocket());

  const expectNothingLeft = async (router: Router): Promise<void> => {
    expect(await at.tuns()).to.deep.equal([]);
    expect(sockets(router)).to.deep.equal([]);
  };

  it('keeps its directory, keys and socket to its owner', async () => {
    const router = await make();
    await router.up();
    expect(mode(router.dir)).to.equal(0o700);
    expect(sockets(router)).to.have.length(1);
    for (const name of readdirSync(router.dir)) {
      const file = path.join(router.dir, name);
      expect(mode(file) & 0o077, name).to.equal(0);
    }
    expect(mode(path.join(router.dir, sockets(router)[0] ?? ''))).to.equal(0o600);
    expect(mode(path.join(router.dir, 'identity.key'))).to.equal(0o600);
  });

  it('does not overwrite an identity unless forced', async () => {
    const router = await make();
    await router.up();
    const { address } = router;
    await router.end('SIGTERM');
    const refused = await router.run('init', '--realm', 'test', '--work', '0');
    expect(refused.status).to.equal(1);
    expect(refused.stderr).to.contain('--force');
    await router.must('init', '--force', '--name', 'r', '--realm', 'test', '--work', '0');
    await router.up();
    expect(router.address).to.not.equal(address);
  });

  it('prints the address that the router then has', async () => {
    const dir = path.join(stage.folder, 'made');
    const { stdout, status } = await run(
      [ALAMESH, 'init', '--dir', dir, '--name', 'm', '--realm', 'test', '--work', '8'],
      {},
    );
    expect(status).to.equal(0);
    const address = /fd[0-9a-f:]+/.exec(stdout)?.[0];
    const started = at.start([ALAMESH, 'up', '--dir', dir]);
    const nodeId = await until('it answers', async () => {
      const asked = await run([ALAMESH, 'status', '--json', '--dir', dir]);
      return asked.status === 0 && (JSON.parse(asked.stdout).nodeId as string);
    });
    expect(nodeId, started.said()).to.equal(address);
  });

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`ends with status 0 on ${signal} and leaves no TUN and no socket`, async () => {
      const router = await make();
      await router.up();
      expect(await at.tuns()).to.have.length(1);
      expect(await router.end(signal), router.said()).to.equal(0);
      await expectNothingLeft(router);
    });
  }

  it('ends when `down` asks it', async () => {
    const router = await make();
    await router.up();
    await router.must('down');
    expect(await router.process?.ended).to.equal(0);
    await expectNothingLeft(router);
    expect((await router.run('status')).status).to.equal(3);
    expect((await router.run('down')).status).to.equal(3);
  });

  it('starts again over what a killed one left', async () => {
    const router = await make();
    await router.up();
    await router.end('SIGKILL');
    await router.up();
    expect(await at.tuns()).to.have.length(1);
    expect((await router.status()).links.total).to.equal(0);
  });

  it('refuses a second router on the same state directory, and the first does not notice', async () => {
    const router = await make();
    await router.up();
    const { pid } = await router.status();
    const { status, stderr } = await tryUp(router);
    expect(status).to.equal(1);
    expect(stderr).to.match(/another router|already/);
    expect(stderr).to.contain(String(pid));
    expect((await router.status()).pid).to.equal(pid);
    expect(await at.tuns()).to.have.length(1);
  });

  it('says which port is taken, and leaves nothing half-made', async () => {
    const first = await make();
    await first.up();
    const config = '[tun]\nname = "ala1"';
    const second = await Router.init(stage, { at, name: 'second', config });
    const { status, stderr } = await tryUp(second);
    expect(status, stderr).to.equal(1);
    expect(stderr).to.contain('4242');
    expect(await at.tuns()).to.deep.equal(['ala0']);
    expect(sockets(second)).to.deep.equal([]);
  });

  it('says which TUN is taken', async () => {
    const first = await make();
    await first.up();
    const config = 'listen = ["udp://[::]:4299"]';
    const second = await Router.init(stage, { at, name: 'second', config });
    const { status, stderr } = await tryUp(second);
    expect(status, stderr).to.equal(1);
    expect(stderr).to.contain('ala0');
    expect(sockets(second)).to.deep.equal([]);
  });

  for (const [what, text, expected] of [
    ['an unknown key', 'transitt = "full"', [/alamesh\.toml:3/, /transitt/, /transit\b/]],
    [
      'a wrong type',
      'probe_interval_ms = "fast"',
      [/alamesh\.toml:3/, /whole number from 20 to 60000/, /fast/],
    ],
    [
      'a value out of range',
      'probe_interval_ms = -1',
      [/alamesh\.toml:3/, /whole number from 20 to 60000/, /-1/],
    ],
    ['a value of no meaning', 'transit = "some"', [/alamesh\.toml:3/, /full/, /stub/, /none/]],
    ['broken TOML', '[tun\nname = "x"', [/alamesh\.toml:\d/]],
    ['an unknown key in a table', '[tun]\nnmae = "x"', [/alamesh\.toml:4/, /nmae/, /name/]],
  ] as const) {
    it(`says where the configuration has ${what}`, async () => {
      const router = await make(text);
      const { status, stderr } = await tryUp(router);
      expect(status, stderr).to.equal(4);
      for (const words of expected) expect(stderr).to.match(words);
      await expectNothingLeft(router);
    });
  }

  it('refuses a key file that others can read', async () => {
    const router = await make();
    chmodSync(path.join(router.dir, 'identity.key'), 0o644);
    const { status, stderr } = await tryUp(router);
    expect(status, stderr).to.equal(4);
    expect(stderr).to.contain('identity.key');
    await expectNothingLeft(router);
  });

  it('refuses a damaged key file without showing it', async () => {
    const router = await make();
    const secret = 'c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0';
    writeFileSync(path.join(router.dir, 'identity.key'), `version = 1\nseed = "${secret}\n`);
    const { status, stderr, stdout } = await tryUp(router);
    expect(status, stderr).to.equal(4);
    expect(stderr + stdout)
      .to.contain('identity.key')
      .and.not.contain(secret);
    await expectNothingLeft(router);
  });

  it('says how to begin where there is no identity', async () => {
    const dir = path.join(stage.folder, 'empty');
    const { status, stderr } = await at.run([ALAMESH, 'up', '--dir', dir]);
    expect(status).to.be.oneOf([1, 4]);
    expect(stderr).to.contain('alamesh init');
    expect(await at.tuns()).to.deep.equal([]);
  });

  it('says what an ordinary user lacks for a TUN', async function () {
    if (!hasTools('setpriv')) this.skip();
    const router = await make();
    chownSync(router.dir, NOBODY, NOBODY);
    for (const name of readdirSync(router.dir))
      chownSync(path.join(router.dir, name), NOBODY, NOBODY);
    const user = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
    const { status, stderr } = await at.run([...user, ALAMESH, 'up'], {
      env: { ...router.env, HOME: '/nonexistent' },
      cwd: '/',
    });
    expect(status, stderr).to.equal(1);
    expect(stderr).to.contain('ala0');
    expect(stderr).to.match(/permission|allow|CAP_NET_ADMIN|root/i);
    expect(stderr).to.not.match(/^\s+at /m);
    await expectNothingLeft(router);
  });

  it('gives exit status 3 and an error document where no router answers', async () => {
    const router = await make();
    for (const words of [['status'], ['links'], ['bgp', 'summary'], ['peer', 'list', '--json']]) {
      const { status, stdout } = await router.run(...words);
      if (words[0] === 'peer') continue; // the state answers for a router that is down
      expect(status, words.join(' ')).to.equal(3);
      expect(stdout).to.equal('');
    }
    const { status, stderr } = await router.run('status', '--json');
    expect(status).to.equal(3);
    const document = JSON.parse(stderr.trim().split('\n').at(-1) ?? '');
    expect(document).to.include.keys('code', 'message', 'hint');
    expect(document.schema).to.equal('alamesh.error/1');
    expect(existsSync(path.join(router.dir, 'no'))).to.equal(false);
  });

  it('gives exit status 2 for words that it does not know', async () => {
    const router = await make();
    for (const words of [['frobnicate'], ['status', '--frobnicate'], ['peer', 'add']]) {
      expect((await router.run(...words)).status, words.join(' ')).to.equal(2);
    }
  });
});
