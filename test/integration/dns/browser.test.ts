/** A page by its name in a real Chromium, on a host that has no IPv6 but ours. Debian: chromium. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { canRunRouters, hasTools, type Namespace, Stage } from '../namespace.js';
import { converged, introduce, Router } from '../routers.js';

const UNSEEN = '[discovery]\ninterfaces = []';
const PAGE = `require('node:http').createServer((q, r) => r.end('<p>the page of ' + q.headers.host)).listen(80, '::')`;

describe('a page by its name in Chromium', function () {
  this.timeout(90_000);
  let stage: Stage;
  let a: Router;
  let b: Router;
  let name = '';
  before(async function () {
    if (!canRunRouters() || !hasTools('chromium', 'dig')) return this.skip();
    stage = new Stage();
    const [web, home] = [await stage.namespace('web'), await stage.namespace('home')];
    await stage.wire(
      { at: web, device: 'wire', addresses: ['192.0.2.1/24'] },
      { at: home, device: 'wire', addresses: ['192.0.2.2/24'] },
    );
    for (const at of [web, home])
      await at.must(['sysctl', '-qw', 'net.ipv6.conf.wire.disable_ipv6=1']);
    a = await Router.start(stage, { at: web, name: 'web', config: UNSEEN });
    b = await Router.start(stage, { at: home, name: 'home', config: dns('') });
    await introduce([a, '192.0.2.1:4242'], [b, '192.0.2.2:4242']);
    await converged([a, b]);
    web.start([process.execPath, '-e', PAGE]);
    const hosts = await b.must('dns', 'hosts');
    name = new RegExp(`^${a.address} (\\S+)$`, 'm').exec(hosts)?.[1] ?? '';
  });
  after(() => stage?.close());

  const dns = (more: string): string => `${UNSEEN}\n[dns]\nlisten = "127.0.0.1:53"\n${more}`;

  /** Chromium with the router as its only resolver. @returns The document as text. */
  async function visit(at: Namespace, url: string): Promise<string> {
    const folder = path.join(stage.folder, 'browser');
    mkdirSync(folder, { recursive: true });
    const resolv = path.join(folder, 'resolv.conf');
    writeFileSync(resolv, 'nameserver 127.0.0.1\n');
    const words = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'];
    const quiet = ['--disable-background-networking', `--user-data-dir=${folder}/profile`];
    const browser = ['chromium', ...words, ...quiet, '--dump-dom', url];
    const script = `mount --bind ${resolv} /etc/resolv.conf && exec timeout 30 "$@"`;
    const { stdout } = await at.run(['unshare', '-m', 'sh', '-c', script, 'sh', ...browser]);
    return stdout;
  }

  it('does not open without the route that browsers look for', async () => {
    expect(await visit(b.at, `http://${name}/`)).not.to.include('the page of');
  });

  it('opens with browser_route', async () => {
    await b.end('SIGTERM');
    b.configure(dns('browser_route = true'));
    await b.up();
    await converged([a, b]);
    expect(await b.at.must(['ip', '-6', 'route', 'get', '2001:4860:4860::8888'])).to.include(
      'ala0',
    );
    expect(await visit(b.at, `http://${name}/`)).to.include(`the page of ${name}`);
  });

  it('has the route no longer when the host gets IPv6 of its own', async () => {
    await b.at.must(['sysctl', '-qw', 'net.ipv6.conf.wire.disable_ipv6=0']);
    await b.at.ip('addr add 2001:db8::2/64 dev wire');
    await b.at.ip('-6 route add default via 2001:db8::1 dev wire');
    await b.end('SIGTERM');
    await b.up();
    expect(await b.at.must(['ip', '-6', 'route', 'get', '2001:4860:4860::8888'])).to.include(
      'wire',
    );
  });
});
