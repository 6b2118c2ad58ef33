import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { hasTools, interfaces, isRoot, TestLab } from './helpers.js';

const LAN = `
  groups:
    routers: { kind: linux, image: alamesh:latest, env: { ALAMESH_DISCOVERY: eth1, ALAMESH_LAN: eth2 } }
  nodes:
    r1: { group: routers }
    r2: { group: routers }
    h1: { kind: linux, image: debian, labels: { alamesh.lan-of: r1 } }
    h2: { kind: linux, image: debian, labels: { alamesh.lan-of: r2 } }
  links:
    - endpoints: ["r1:eth1", "r2:eth1"]
    - endpoints: ["r1:eth2", "h1:eth1"]
    - endpoints: ["r2:eth2", "h2:eth1"]
`;

interface Node {
  readonly name: string;
  readonly state: string;
  readonly pid: number | null;
  readonly address: string | null;
  readonly prefix: string | null;
  readonly lanAddress: string | null;
}

describe('labs with routers', function () {
  this.timeout(60_000);
  const lab = new TestLab(LAN);
  let earlier: string[] = [];
  before(function () {
    if (!isRoot || !hasTools('ip', 'ping')) return this.skip();
    accessSync(path.resolve('bin/alamesh'), constants.X_OK);
    earlier = interfaces();
  });
  after(() => lab.end());

  const nodes = (): Map<string, Node> => {
    const { nodes } = JSON.parse(lab.must('inspect', '--json')) as { nodes: Node[] };
    return new Map(nodes.map((node) => [node.name, node]));
  };
  const answers = async (from: string, to: string): Promise<boolean> => {
    const end = Date.now() + 20_000;
    while (Date.now() < end) {
      const ping = ['ping', '-6', '-n', '-c', '1', '-W', '1', to];
      if (lab.run('exec', from, '--', ...ping).status === 0) return true;
      await sleep(200);
    }
    return false;
  };

  it('start in under a second each, with addresses of their own', () => {
    const startedAt = Date.now();
    lab.must('deploy');
    expect(Date.now() - startedAt).to.be.below(4000);
    const found = nodes();
    for (const name of ['r1', 'r2']) {
      expect(found.get(name)).to.include({ state: 'running' });
      expect(found.get(name)?.address).to.match(/^fd[0-9a-f:]+$/);
    }
    expect(found.get('h1')?.address).to.equal(null);
    expect(found.get('r1')?.address).not.to.equal(found.get('r2')?.address);
  });

  it('carry packets between each other, and between hosts on their LANs', async () => {
    const found = nodes();
    expect(await answers('r1', found.get('r2')?.address ?? '')).to.equal(true);
    expect(await answers('h1', found.get('h2')?.lanAddress ?? '')).to.equal(true);
  });

  it('answer commands in their node', () => {
    const text = lab.must('exec', 'r1', '--', 'alamesh', 'status', '--json');
    expect(JSON.parse(text)).to.include({ name: 'r1', nodeId: nodes().get('r1')?.address });
  });

  it('are shown stopped when killed, and destroyed without a trace all the same', async () => {
    process.kill(nodes().get('r2')?.pid ?? 0, 'SIGKILL');
    await sleep(100);
    expect(nodes().get('r2')).to.include({ state: 'stopped', pid: null });
    lab.must('destroy');
    expect(lab.left()).to.deep.equal([]);
    expect(interfaces()).to.deep.equal(earlier);
  });
});
