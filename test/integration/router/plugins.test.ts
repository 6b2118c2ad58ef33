/** Transports of third parties under real routers: a link over the example's Unix sockets, and plugins that go wrong. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { pluginText } from '../../contract/transport/misbehaviour.js';
import { canRunRouters, type Namespace, Stage, tail, until } from '../namespace.js';
import { converged, established, introduce, Router } from '../routers.js';

const EXAMPLE = path.resolve('examples/transport-unix/index.js');
const NO_DISCOVERY = '[discovery]\ninterfaces = []\n';

interface TransportDocument {
  readonly scheme: string | null;
  readonly module: string | null;
  readonly state: string;
  readonly lastError: string | null;
}

async function transportsOf(router: Router): Promise<readonly TransportDocument[]> {
  const status = (await router.status()) as unknown as { transports: TransportDocument[] };
  return status.transports;
}

const pluginOf = async (router: Router): Promise<TransportDocument | undefined> =>
  (await transportsOf(router)).find(({ module }) => module !== null);

describe('transports of third parties', function () {
  this.timeout(180_000);
  let stage: Stage;
  before(function () {
    if (!canRunRouters()) this.skip();
  });
  beforeEach(() => {
    stage = new Stage();
  });
  afterEach(() => stage.close());

  for (const plane of ['native', 'portable']) {
    it(`carry a link where there is no network at all: ${plane}`, async () => {
      const env = { ALAMESH_PLANE: plane };
      const routers: Router[] = [];
      for (const name of ['one', 'two']) {
        const at = await stage.namespace(name);
        const config = `listen = ["udp://[::]:4242", "unix://${name}:1"]
          ${NO_DISCOVERY}
          [[transports]]
          module = "${EXAMPLE}"
          directory = "${path.join(stage.folder, 'links')}"`;
        routers.push(await Router.start(stage, { at, name, config, env }));
      }
      const [one, two] = routers as [Router, Router];
      await introduce([one, 'unix://one:1'], [two, 'unix://two:1']);
      await established(one, two, 40_000);
      await converged([one, two]);
      expect((await one.linkTo(two))?.path?.transport).to.equal('unix');
      expect((await one.at.ping(two.address, 20, '-i', '0.05', '-s', '1300')).received).to.equal(
        20,
      );
      expect(await pluginOf(one)).to.deep.include({
        scheme: 'unix',
        module: EXAMPLE,
        state: 'running',
        lastError: null,
      });
      expect(await one.must('status')).to.match(/transport {2}unix \(.*\) running/);

      const [killed] = await pluginPids(two);
      process.kill(killed as number, 'SIGKILL');
      await until('it runs again', async () =>
        (await pluginPids(two)).some((pid) => pid !== killed),
      );
      await until(
        'packets pass',
        async () => (await one.at.ping(two.address, 1)).received === 1,
        60_000,
      );
      expect((await pluginOf(two))?.lastError).to.match(/killed by SIGKILL/);
    });
  }

  describe('that go wrong cost only their own links:', () => {
    /** Two routers on a wire, with a UDP link; the first has the plugin too. */
    async function pair(text: string, more = ''): Promise<[Router, Router]> {
      const [a, b] = [await stage.namespace('a'), await stage.namespace('b')];
      await stage.wire(
        { at: a, device: 'wire', addresses: ['10.9.0.1/24'] },
        { at: b, device: 'wire', addresses: ['10.9.0.2/24'] },
      );
      const two = await Router.start(stage, { at: b, name: 'two', config: NO_DISCOVERY });
      const config = `listen = ["udp://[::]:4242", "bad://one:1"]\n${NO_DISCOVERY}
        [[transports]]\nmodule = "plugins/bad.mjs"\n${more}`;
      const one = await Router.init(stage, { at: a, name: 'one', config });
      mkdirSync(path.join(one.dir, 'plugins'));
      writeFileSync(path.join(one.dir, 'plugins', 'bad.mjs'), text);
      await one.up();
      await introduce([one, '10.9.0.1:4242'], [two, '10.9.0.2:4242']);
      await established(one, two, 40_000);
      return [one, two];
    }

    async function unharmed(from: Namespace, to: Router, seconds: number): Promise<void> {
      const count = seconds * 10;
      const pinged = await from.ping(to.address, count);
      expect(pinged.received, pinged.output).to.be.at.least(count - 1);
    }

    for (const [what, text, lastError] of [
      [
        'throws when it is loaded',
        pluginText({ before: 'throw new Error("no luck");' }),
        /no luck/,
      ],
      [
        'never is ready',
        pluginText({ before: 'await new Promise(() => {});' }),
        /not ready within/,
      ],
      ['hangs in listen', pluginText({ listen: 'async () => { for (;;); }' }), /no sign of life/],
      [
        'ends its process',
        pluginText({ inside: 'setTimeout(() => process.exit(3), 500);' }),
        /status 3/,
      ],
      [
        'lies about its capabilities',
        pluginText({
          capabilities: '{ reliable: 1, relayed: 0, maxDatagramBytes: -1, batchMax: 0 }',
        }),
        /capabilities\.reliable/,
      ],
    ] as const) {
      it(what, async () => {
        const [one, two] = await pair(text);
        await until('the failure is told', async () =>
          lastError.test((await pluginOf(one))?.lastError ?? ''),
        );
        await unharmed(one.at, two, 4);
        expect(one.process?.child.exitCode).to.equal(null);
      });
    }

    it('floods', async () => {
      const inside = `setInterval(() => {
        const end = performance.now() + 20;
        const garbage = (kind) => { const b = new Uint8Array(148).fill(7); b[0] = kind; b[1] = b[2] = b[3] = 0; return b; };
        const train = [1, 2, 3, 4, 9].flatMap((kind) => Array.from({ length: 50 }, () => garbage(kind)));
        let n = 0;
        while (performance.now() < end) host.received(stranger(n++), train);
      }, 25);`;
      const [one, two] = await pair(pluginText({ inside }));
      await unharmed(one.at, two, 5);
      expect((await pluginOf(one))?.state).to.equal('running');
    });
  });

  it('that are configured wrongly are told at the start', async () => {
    const at = await stage.namespace('a');
    const one = await Router.init(stage, { at, name: 'one' });
    writeFileSync(path.join(one.dir, 'wrong.mjs'), 'export const nothing = 1;');
    writeFileSync(path.join(one.dir, 'udp.mjs'), pluginText({ scheme: "'udp'" }));
    writeFileSync(path.join(one.dir, 'bad.mjs'), pluginText({}));
    for (const [modules, words] of [
      [['./nowhere.mjs'], /there is no file .*nowhere\.mjs/],
      [['no-such-package-at-all'], /Cannot find package 'no-such-package-at-all'/],
      [['./wrong.mjs'], /it exports nothing, not a function createTransport/],
      [['./udp.mjs'], /its scheme is udp, which is alamesh's own/],
      [['./bad.mjs', 'bad.mjs'], /its scheme is bad, which .*bad\.mjs has already/],
    ] as const) {
      one.configure(modules.map((module) => `[[transports]]\nmodule = "${module}"`).join('\n'));
      const { ended } = one.launch();
      expect(await ended, tail(one.log, 5)).to.equal(4);
      expect(one.said()).to.match(words);
    }
  });
});

/** Processes of the plugins of a router. */
async function pluginPids(router: Router): Promise<number[]> {
  const status = await router.status();
  const { stdout } = await router.at.run(['pgrep', '-P', String(status.pid), '-f', 'src/plugin']);
  return stdout.split('\n').filter(Boolean).map(Number);
}
