import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { hasTools, isRoot } from './helpers.js';

const tag = `alamesh-test-${process.pid}`;

function run(program: string, ...args: string[]): { status: number | null; text: string } {
  const done = spawnSync(program, args, { encoding: 'utf8', timeout: 300_000 });
  return { status: done.status, text: `${done.stdout}${done.stderr}`.trim() };
}

function must(program: string, ...args: string[]): string {
  const { status, text } = run(program, ...args);
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${text.slice(-800)}`);
  return text;
}

/** A Debian with this machine's node and without a network at build time. @returns False offline. */
function makeBase(folder: string): boolean {
  const root = path.join(folder, 'root');
  const packages = '--include=iproute2,iputils-ping,libstdc++6,libatomic1';
  if (run('debootstrap', '--variant=minbase', packages, 'bookworm', root).status !== 0)
    return false;
  const node = path.join(root, 'usr/local/bin/node');
  copyFileSync(process.execPath, node);
  chmodSync(node, 0o755);
  must('sh', '-c', `tar -C ${root} -c . | docker import - ${tag}-base`);
  return true;
}

describe('the Docker image', function () {
  this.timeout(600_000);
  const folder = mkdtempSync(path.join(tmpdir(), 'lab-docker-'));
  before(function () {
    if (!isRoot || !hasTools('docker', 'debootstrap')) return this.skip();
    if (run('docker', 'info').status !== 0) return this.skip();
    if (!makeBase(folder)) this.skip();
  });
  after(() => {
    if (hasTools('docker')) {
      run('docker', 'rm', '-f', `${tag}-a`, `${tag}-b`);
      run('docker', 'network', 'rm', tag);
      run('docker', 'image', 'rm', '-f', tag, `${tag}-base`);
    }
    rmSync(folder, { recursive: true, force: true });
  });

  it('builds without a network, and two containers of it peer and ping', async () => {
    must('docker', 'build', '--network=none', '-t', tag, '--build-arg', `BASE=${tag}-base`, '.');
    must('docker', 'network', 'create', tag);
    for (const name of ['a', 'b']) {
      const rights = ['--cap-add', 'NET_ADMIN', '--device', '/dev/net/tun'];
      const ipv6 = ['--sysctl', 'net.ipv6.conf.all.disable_ipv6=0'];
      const where = ['--network', tag, '--hostname', name, '-e', 'ALAMESH_DISCOVERY=eth0'];
      must('docker', 'run', '-d', '--name', `${tag}-${name}`, ...rights, ...ipv6, ...where, tag);
    }
    const status = JSON.parse(await eventually('b', 'status', '--json'));
    expect(status.name).to.equal('b');
    await eventually('a', 'ping', status.nodeId);
    must('docker', 'exec', `${tag}-a`, 'ping', '-6', '-c', '3', '-i', '0.2', status.nodeId);
  });

  /** What `alamesh …` prints in a container once it succeeds, within half a minute. */
  async function eventually(name: string, ...words: string[]): Promise<string> {
    const end = Date.now() + 30_000;
    for (;;) {
      const { status, text } = run('docker', 'exec', `${tag}-${name}`, 'alamesh', ...words);
      if (status === 0) return text;
      if (Date.now() > end) throw new Error(`${words.join(' ')}: ${text} ${logs(name)}`);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }

  const logs = (name: string): string => run('docker', 'logs', `${tag}-${name}`).text.slice(-800);
});
