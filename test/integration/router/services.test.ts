/** Addresses of services: made, reached, moved to another host with their key, given up. */
import { statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { canRunRouters, hasTools, must, run, Stage, until } from '../namespace.js';
import { ALAMESH, converged, line, nth, type Router } from '../routers.js';

interface Services {
  readonly services: readonly {
    readonly name: string;
    readonly address: string;
    ports: string[];
  }[];
}

describe('services', function () {
  this.timeout(120_000);
  let stage: Stage;
  before(function () {
    if (!canRunRouters()) this.skip();
  });
  beforeEach(() => {
    stage = new Stage();
  });
  afterEach(() => stage.close());

  const reaches = (from: Router, address: string): Promise<true | undefined> =>
    until(`${from.name} reaches ${address}`, async () => {
      return (await from.at.ping(address, 1)).received === 1 || undefined;
    });

  for (const plane of ['native', 'portable']) {
    it(`have addresses that move with their keys (${plane})`, async () => {
      const config = `plane = "${plane}"`;
      const routers = await line(stage, [{ config }, { config }, { config }]);
      await converged(routers);
      const [first, middle, last] = [nth(routers, 1), nth(routers, 2), nth(routers, 3)];
      const address = (await last.must('service', 'create', 'web', '--port', '80')).trim();
      expect(address).to.match(/^fc/);
      await reaches(first, address);
      const { services } = await last.ask<Services>('service', 'list');
      expect(services).to.have.length(1);
      expect(services[0]).to.deep.include({ name: 'web', address, ports: ['http:80/tcp'] });

      const key = await last.must('service', 'export', 'web');
      await last.must('service', 'remove', 'web');
      await until('nobody answers', async () => (await first.at.ping(address, 1)).received === 0);
      const file = path.join(stage.folder, 'web.key');
      writeFileSync(file, key, { mode: 0o600 });
      expect((await middle.must('service', 'import', file)).trim()).to.equal(address);
      await reaches(first, address);
      await reaches(last, address);
    });
  }

  it('are refused where name, port or file is wrong, and their keys are their owner’s', async () => {
    const dir = path.join(stage.folder, 'state');
    const does = (...words: string[]) => must([ALAMESH, '--dir', dir, ...words]);
    await does('init', '--realm', 'lab', '--work', '0', '--name', 'n');
    const address = (await does('service', 'create', 'wiki', '--port', 'http:8080/tcp')).trim();
    expect(statSync(path.join(dir, 'services', 'wiki.key')).mode & 0o777).to.equal(0o600);
    const fails = async (pattern: RegExp, ...words: string[]): Promise<void> => {
      const { stderr, status } = await run([ALAMESH, '--dir', dir, ...words]);
      expect(status, stderr).to.be.above(0);
      expect(stderr).to.match(pattern);
    };
    await fails(/a service called wiki already/, 'service', 'create', 'wiki', '--port', '1');
    await fails(/no port/, 'service', 'create', 'x', '--port', '70000');
    await fails(/letters, digits/, 'service', 'create', '../x', '--port', '1');
    await fails(/no service called y/, 'service', 'export', 'y');
    await fails(/no service called y/, 'service', 'remove', 'y');
    const bad = path.join(stage.folder, 'bad.key');
    writeFileSync(
      bad,
      'version = 1\nseq = 0\nname = "z"\nrealm = "lab"\nseed = "c2VjcmV0"\nports = []\n',
    );
    await fails(/bad.key has no key of 32 bytes/, 'service', 'import', bad);
    if (!hasTools('git')) return;
    const clone = path.join(stage.folder, 'realm');
    await does('registry', 'init', clone, '--realm', 'lab', '--work', '0');
    const add = ['registry', 'add', '--handle', 'ada', '--dir', clone];
    await does(...add, '--endpoint', '198.51.100.1:4242', '--tag', 'eu');
    await does('registry', 'check', '--dir', clone, 'main..HEAD');
    const file = await must(['cat', path.join(clone, 'members', 'ada', 'svc-wiki.toml')]);
    expect(file).to.contain('ports = ["http:8080/tcp"]').and.to.contain(address.slice(0, 9));
    await does('service', 'remove', 'wiki');
    await does(...add);
    expect(await must(['ls', path.join(clone, 'members', 'ada')])).to.equal('node-n.toml\n');
    await does('registry', 'check', '--dir', clone);
  });
});
