/** A plugin that throws, hangs, floods, lies, leaks or dies: the router is told, loses its paths, and goes on. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { type PluginOptions, PluginTransport } from '../../../src/plugin/transport.js';
import type { Path, PathFailure } from '../../../src/transport/types.js';
import { pluginText } from './misbehaviour.js';

const POLL_MSEC = 10;
const PATIENCE_MSEC = 40_000;

async function until(what: string, done: () => boolean): Promise<void> {
  const end = Date.now() + PATIENCE_MSEC;
  while (!done()) {
    if (Date.now() > end) throw new Error(`${what}: not within ${PATIENCE_MSEC / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MSEC));
  }
}

describe('a transport plugin that misbehaves', function () {
  this.timeout(120_000);
  let dir: string;
  const running: PluginTransport[] = [];
  const failures: { path: Path; failure: PathFailure }[] = [];
  const logged: string[] = [];
  let received: { remote: string; bytes: number }[] = [];
  let datagrams = 0;

  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'alamesh-plugin-'));
    failures.length = 0;
    logged.length = 0;
    received = [];
    datagrams = 0;
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((plugin) => plugin.close()));
    rmSync(dir, { recursive: true, force: true });
  });

  function start(module: string, options: Partial<PluginOptions> = {}): PluginTransport {
    const plugin = new PluginTransport(
      {
        received: (from, list) => {
          datagrams += list.length;
          if (received.length > 100) return;
          for (const { length: bytes } of list) received.push({ remote: from.remote, bytes });
        },
        failed: (from, failure) => void failures.push({ path: from, failure }),
        log: (_level, message) => void logged.push(message),
      },
      { module, dir, options: {}, ...options },
    );
    running.push(plugin);
    return plugin;
  }

  function written(changes: Parameters<typeof pluginText>[0]): PluginTransport {
    writeFileSync(path.join(dir, 'bad.mjs'), pluginText(changes));
    return start('bad.mjs');
  }

  /** @returns The code and words of why it does not run. */
  async function refusal(plugin: PluginTransport): Promise<string> {
    const error = await plugin.started;
    expect(plugin.state).to.equal('failed');
    expect(plugin.lastError).to.be.a('string');
    return `${error?.code}: ${error?.message}`;
  }

  describe('is refused, in words, when', () => {
    it('its file is not there', async () => {
      expect(await refusal(start('./nowhere.mjs'))).to.match(
        /^missing-module: transport \.\/nowhere\.mjs: there is no file \/.*\/nowhere\.mjs$/,
      );
    });

    it('its package is not installed', async () => {
      expect(await refusal(start('alamesh-no-such-package'))).to.match(
        /^missing-module: .*Cannot find package 'alamesh-no-such-package'/,
      );
    });

    it('it exports something else', async () => {
      writeFileSync(path.join(dir, 'other.mjs'), 'export const transport = 1;');
      expect(await refusal(start('other.mjs'))).to.match(
        /^wrong-export: .*it exports transport, not a function createTransport$/,
      );
    });

    it('its scheme is taken', async () => {
      writeFileSync(path.join(dir, 'bad.mjs'), pluginText({}));
      const schemeFault = (scheme: string): string => `${scheme} is taken`;
      expect(await refusal(start('bad.mjs', { schemeFault }))).to.match(
        /^bad-scheme: .*bad is taken$/,
      );
    });

    for (const [what, changes, words] of [
      ['its scheme is none', { scheme: '"Not one!"' }, /its scheme is "Not one!"/],
      ['it has no capabilities', { capabilities: 'null' }, /it has no capabilities/],
      [
        'its datagrams are larger than any',
        { capabilities: '{ reliable: true, relayed: false, maxDatagramBytes: 1e9, batchMax: 1 }' },
        /maxDatagramBytes is 1000000000, not 256 to 65535/,
      ],
      [
        'its trains are empty',
        { capabilities: '{ reliable: true, relayed: false, maxDatagramBytes: 2000, batchMax: 0 }' },
        /batchMax is 0/,
      ],
    ] as const) {
      it(what, async () => {
        expect(await refusal(written(changes)))
          .to.match(words)
          .and.match(/^bad-capabilities: /);
      });
    }

    it('it throws where it is loaded, or made', async () => {
      expect(await refusal(written({ before: 'throw new Error("no luck");' }))).to.match(
        /^crashed: .*no luck$/,
      );
      expect(await refusal(written({ inside: 'throw new Error("no luck");' }))).to.match(
        /^crashed: .*createTransport: no luck$/,
      );
      expect(await refusal(written({ before: 'import "no-such-import";' }))).to.match(/^crashed: /);
    });

    it('it ends its process', async () => {
      expect(await refusal(written({ before: 'process.exit(7);' }))).to.match(
        /^crashed: .*its process ended with status 7$/,
      );
    });

    it('it is never ready', async () => {
      expect(await refusal(written({ before: 'for (;;);' }))).to.match(
        /^hung: .*it was not ready within 10 s$/,
      );
    });
  });

  it('finds a package from the state directory', async () => {
    const folder = path.join(dir, 'node_modules', 'a-transport');
    mkdirSync(folder, { recursive: true });
    const about = { name: 'a-transport', type: 'module', exports: { import: './it.js' } };
    writeFileSync(path.join(folder, 'package.json'), JSON.stringify(about));
    writeFileSync(path.join(folder, 'it.js'), pluginText({}));
    expect(await start('a-transport').started).to.equal(undefined);
  });

  it('hands its options over', async () => {
    const listen = 'async () => "bad://" + options.host + ":" + options.list[1]';
    writeFileSync(path.join(dir, 'bad.mjs'), pluginText({ listen }));
    const plugin = start('bad.mjs', { options: { host: 'h', list: [1, 2] } });
    expect(await plugin.listen('bad://x:0')).to.equal('bad://h:2');
  });

  /** One that runs. */
  async function up(changes: Parameters<typeof pluginText>[0]): Promise<PluginTransport> {
    const plugin = written(changes);
    expect(await plugin.started).to.equal(undefined);
    return plugin;
  }

  it('that hangs in send loses its paths, is killed, and runs again', async () => {
    const plugin = await up({ send: '() => { for (;;); }' });
    const { pid } = plugin;
    const way = plugin.open('bad://far:1');
    let taken = 0;
    for (let i = 0; i < 2_000; i++) taken += plugin.send(way, [new Uint8Array(1_000)]);
    expect(taken, 'what waits for it is bounded').to.be.within(1, 1_000);
    await until('it is given up', () => failures.length === 1);
    expect(failures[0]).to.deep.include({ path: way });
    expect(failures[0]?.failure.kind).to.equal('closed');
    expect(plugin.lastError).to.match(/no sign of life for 5 s/);
    expect(plugin.send(way, [new Uint8Array(9)])).to.equal(0);
    expect(() => plugin.open('bad://far:1')).to.throw(/does not run: no sign of life/);
    await until('it runs again', () => plugin.state === 'running');
    expect(plugin.pid).to.not.equal(pid);
    expect(plugin.open('bad://far:1')).to.not.equal(way);
  });

  it('that never answers listen is started again, and asked again', async () => {
    const listen =
      'async (url) => options.hang && globalThis.process.env.NEVER === undefined ? new Promise(() => {}) : url';
    writeFileSync(path.join(dir, 'bad.mjs'), pluginText({ listen }));
    const plugin = start('bad.mjs', { options: { hang: true } });
    const error: unknown = await plugin.listen('bad://x:1').catch((reason: unknown) => reason);
    expect(String(error)).to.match(/listen did not end within 10 s/);
    await until('it runs again', () => plugin.state === 'running');
  });

  it('listens again after it died, where it listened', async () => {
    const plugin = await up({
      listen: 'async (url) => { setTimeout(() => process.exit(3), 300); return url; }',
    });
    plugin.keepListening('bad://x:1');
    await until('it listens', () => plugin.listening.length === 1);
    const { pid } = plugin;
    await until('it ended', () => plugin.state === 'failed');
    expect(plugin.listening).to.deep.equal([]);
    await until('it listens again', () => plugin.listening.length === 1);
    expect(plugin.pid).to.not.equal(pid);
  });

  it('that throws in send, release and open costs those calls', async () => {
    const plugin = await up({
      send: '() => { throw new Error("cannot send"); }',
      release: '() => { throw new Error("cannot release"); }',
      open: '(remote) => { if (remote.includes("wrong")) throw new Error("cannot open"); return stranger(1); }',
    });
    const way = plugin.open('bad://far:1');
    plugin.send(way, [new Uint8Array(9)]);
    plugin.release(way);
    plugin.open('bad://wrong:1');
    await until('the open path is closed', () => failures.length === 1);
    expect(failures[0]?.failure).to.deep.equal({ kind: 'closed', reason: 'cannot open' });
    await until('it counts', () => plugin.dropped.refused === 2);
    expect(logged.some((line) => line.includes('it threw: cannot send'))).to.equal(true);
    expect(plugin.state).to.equal('running');
  });

  it('that throws where nobody catches it is started again', async () => {
    const plugin = await up({ inside: 'setTimeout(() => { throw new Error("oops"); }, 200);' });
    await until('it failed', () => plugin.state === 'failed');
    expect(plugin.lastError).to.equal('oops');
    const other = await up({
      inside: 'setTimeout(() => { Promise.reject(new Error("ah")); }, 200);',
    });
    await until('it failed', () => other.lastError === 'ah');
  });

  it('that floods is held to a rate, and the loop turns on', async () => {
    const plugin = await up({
      inside: `setInterval(() => {
        const end = performance.now() + 50;
        const train = Array.from({ length: 500 }, () => new Uint8Array(100));
        while (performance.now() < end) host.received(stranger(1), train);
      }, 1);`,
    });
    await until('it floods', () => datagrams > 1_000);
    const [began, before] = [performance.now(), datagrams];
    let turns = 0;
    while (performance.now() - began < 3_000) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      turns++;
    }
    const seconds = (performance.now() - began) / 1_000;
    expect((datagrams - before) / seconds).to.be.within(1_000, 70_000);
    expect(turns, 'turns of the loop').to.be.above(100);
    await until('it tells what was dropped', () => plugin.dropped.receivedDropped > 0);
  });

  it('that floods without a pause is killed', async () => {
    const plugin = await up({
      inside: `setTimeout(() => { for (;;) host.received(stranger(1), [new Uint8Array(100)]); }, 100);`,
    });
    await until('it failed', () => plugin.state === 'failed');
    expect(plugin.lastError).to.match(/no sign of life/);
  });

  it('that makes remotes without end keeps the newest', async () => {
    const plugin = await up({
      inside: `let n = 0;
      setTimeout(() => { for (; n < 20_000; n++) host.received(stranger(n), [new Uint8Array(10)]); }, 100);`,
    });
    await until('it has come', () => received.length > 100 && plugin.dropped.receivedDropped >= 0);
    await until('all came', () => datagrams + plugin.dropped.receivedDropped === 20_000);
    expect(plugin.state).to.equal('running');
  });

  it('that lies about paths and datagrams is not believed', async () => {
    const plugin = await up({
      send: '() => 1e9',
      listen: 'async () => "udp://[::]:4242"',
      inside: `setTimeout(() => {
        const one = [new Uint8Array(10)];
        host.received({ ...stranger(1), transport: 'udp' }, one);
        host.received({ ...stranger(1), remote: 'udp://192.0.2.1:1' }, one);
        host.received({ ...stranger(1), remote: 'bad://x\\u001b[2J:1' }, one);
        host.received({ ...stranger(1), local: 7 }, one);
        host.received(undefined, one);
        host.received(stranger(1), [new Uint8Array(2000), 'text', null]);
        host.received(stranger(1), 'text');
        host.failed(stranger(2), { kind: 'closed', reason: 'x' });
        host.failed(undefined, undefined);
        host.log('shout', 'a\\u001b[2Jb'.repeat(1000));
        host.received(stranger(3), one);
      }, 100);`,
    });
    await until('the good one came', () => received.length > 0);
    await until('it counts', () => plugin.dropped.refused === 10);
    expect(received).to.deep.equal([{ remote: 'bad://host3:1', bytes: 10 }]);
    expect(failures).to.deep.equal([]);
    expect(logged.every((line) => line.length < 400 && !/\p{Cc}/u.test(line))).to.equal(true);
    const way = plugin.open('bad://far:1');
    expect(plugin.send(way, [new Uint8Array(2_000), new Uint8Array(5)])).to.equal(1);
    const error: unknown = await plugin.listen('bad://x:1').catch((reason: unknown) => reason);
    expect(String(error)).to.match(/told no URL of its scheme/);
    expect(plugin.listening).to.deep.equal([]);
  });

  it('that writes nonsense to the stream is killed', async () => {
    const plugin = await up({
      before: "import { writeSync } from 'node:fs';",
      inside: 'setTimeout(() => writeSync(3, Buffer.alloc(64, 0xff)), 100);',
    });
    await until('it failed', () => plugin.state === 'failed');
    expect(plugin.lastError).to.match(/it broke the protocol: a frame of 4294967295 bytes/);
  });

  it('that eats memory is ended, in or outside of the heap', async () => {
    const heap = await up({
      inside:
        'setTimeout(() => { const all = []; for (;;) all.push(new Array(1e5).fill(1)); }, 100);',
    });
    await until('it failed', () => heap.state === 'failed');
    expect(heap.lastError).to.match(/heap|memory|sign of life/i);
    const outside = await up({
      inside: `const all = []; let mbytes = 0;
      setInterval(() => { if (mbytes++ < 700) all.push(Buffer.alloc(1 << 20, 1)); }, 2);`,
    });
    await until('it failed', () => outside.state === 'failed');
    expect(outside.lastError).to.match(/it used \d+ MiB of memory/);
  });

  it('that will not close is killed, and calls nothing afterwards', async () => {
    const plugin = await up({
      close: '() => new Promise(() => {})',
      inside: 'setInterval(() => host.received(stranger(1), [new Uint8Array(10)]), 1);',
    });
    await until('it speaks', () => datagrams > 0);
    const closing = plugin.close();
    const before = datagrams;
    const { pid } = plugin;
    await closing;
    expect(datagrams).to.equal(before);
    expect(() => process.kill(pid ?? 0, 0)).to.throw(/ESRCH/);
    expect(plugin.state).to.equal('stopped');
  });

  it('that hangs does not outlive a router that is killed', async () => {
    writeFileSync(
      path.join(dir, 'bad.mjs'),
      pluginText({ inside: 'setTimeout(() => { for (;;); }, 200);' }),
    );
    const module = new URL('../../../src/plugin/transport.js', import.meta.url).href;
    const text = `import { PluginTransport } from ${JSON.stringify(module)};
      const host = { received() {}, failed() {}, log() {} };
      const plugin = new PluginTransport(host, { module: 'bad.mjs', dir: ${JSON.stringify(dir)}, options: {} });
      await plugin.started;
      setTimeout(() => console.log(plugin.pid), 500);`;
    const router = spawn(process.execPath, ['--input-type=module', '--eval', text]);
    let said = '';
    router.stdout.setEncoding('utf8').on('data', (part: string) => {
      said += part;
    });
    await until('it hangs', () => said.endsWith('\n'));
    expect(isAlive(Number(said))).to.equal(true);
    router.kill('SIGKILL');
    await until('it is gone', () => !isAlive(Number(said)));
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
