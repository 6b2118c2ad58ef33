import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { hasTools, interfaces, isRoot, TestLab } from './helpers.js';

const HOSTS = `
  defaults: { kind: linux, image: debian }
  nodes:
    a: { exec: ["echo it is a"], env: { WORD: hello } }
    b:
  links:
    - endpoints: ["a:eth1", "b:eth1"]
      ipv4: [10.77.0.1/24, 10.77.0.2/24]
`;

describe('labs in namespaces', function () {
  this.timeout(60_000);
  let lab: TestLab;
  const make = (topology: string): TestLab => {
    lab = new TestLab(topology);
    return lab;
  };
  before(function () {
    if (!isRoot || !hasTools('ip', 'nft', 'ping')) this.skip();
  });
  afterEach(() => lab.end());

  interface Inspected {
    schema: string;
    nodes: { name: string; container: string; state: string; ports: string[] }[];
    links: { a: string; b: string | null; state: string }[];
  }
  const inspect = (): Inspected => JSON.parse(lab.must('inspect', '--json'));
  const ping = (...options: string[]): number =>
    lab.run('exec', 'a', '--', 'ping', '-c', '3', '-i', '0.1', '-W', '1', ...options, '10.77.0.2')
      .status ?? -1;

  it('joins plain hosts, says what exec printed, and leaves nothing when destroyed', () => {
    const before = interfaces();
    make(HOSTS);
    const { stderr, status } = lab.run('deploy');
    expect(status).to.equal(0);
    expect(stderr).to.contain('it is a');
    expect(ping()).to.equal(0);
    const { schema, nodes, links } = inspect();
    expect(schema).to.equal('alamesh.lab.inspect/1');
    expect(nodes[0]).to.include({ name: 'a', container: lab.ns('a'), state: 'running' });
    expect(nodes[0]?.ports).to.deep.equal(['eth1']);
    expect(links).to.have.length(1);
    expect(links[0]).to.include({ a: 'a:eth1', b: 'b:eth1', state: 'up' });
    lab.must('destroy');
    expect(lab.left()).to.deep.equal([]);
    expect(interfaces()).to.deep.equal(before);
    expect(lab.must('destroy')).to.equal('');
  });

  it('gives exec the node’s environment and returns the command’s status', () => {
    make(HOSTS).must('deploy');
    expect(lab.must('exec', 'a', '--', 'sh', '-c', 'echo $WORD').trim()).to.equal('hello');
    expect(lab.run('exec', 'a', '--', 'sh', '-c', 'exit 7').status).to.equal(7);
    expect(lab.run('exec', 'a', '--', 'sh', '-c', 'kill -9 $$').status).to.equal(137);
    expect(lab.run('exec', 'c', '--', 'true').stderr).to.contain('no node c');
    expect(lab.run('exec', 'a', '--', 'no-such-program').stderr).to.contain('no-such-program');
  });

  it('refuses to deploy twice, and under a name that another file has', () => {
    make(HOSTS).must('deploy');
    const again = lab.run('deploy');
    expect(again.status).to.equal(1);
    expect(again.stderr).to.contain('deployed already').and.contain('--reconfigure');
    const other = path.join(lab.folder, 'other.clab.yml');
    writeFileSync(other, readFileSync(lab.file));
    const first = lab.file;
    Object.assign(lab, { file: other });
    expect(lab.run('deploy').stderr).to.contain('another lab').and.contain(first);
    Object.assign(lab, { file: first });
    lab.must('deploy', '--reconfigure');
    expect(ping()).to.equal(0);
  });

  it('loses, delays, slows and cuts a link, shows it, and makes it well again', () => {
    make(HOSTS).must('deploy');
    lab.must('impair', 'a', 'b', '--loss', '100');
    expect(inspect().links[0]).to.deep.include({ state: 'up', impairment: { lossPercent: 100 } });
    expect(ping()).to.equal(1);
    lab.must('impair', 'a', 'b', '--loss', '0', '--delay', '30', '--rate', '5');
    const slow = lab.must('exec', 'a', '--', 'ping', '-c', '3', '-i', '0.2', '10.77.0.2');
    const least = Number(/= ([\d.]+)\//.exec(slow)?.[1]);
    expect(least).to.be.within(59, 120);
    expect(lab.must('graph')).to.contain('up delay 30ms rate 5Mbit');
    lab.must('impair', 'b', 'a', '--down');
    expect(inspect().links[0]?.state).to.equal('down');
    lab.must('impair', 'a', 'b', '--clear');
    expect(inspect().links[0]).to.deep.include({ state: 'up', impairment: {} });
    expect(ping()).to.equal(0);
    expect(lab.run('impair', 'a', 'b', '--loss', '101').status).to.equal(2);
    expect(lab.run('impair', 'a', 'b').status).to.equal(2);
    expect(lab.run('impair', 'a', 'x', '--loss', '1').stderr).to.contain('no link between');
  });

  it('draws the lab before, during and after', () => {
    make(HOSTS);
    expect(lab.must('graph')).to.contain('undeployed').and.contain('unknown');
    lab.must('deploy');
    const svg = path.join(lab.folder, 'lab.svg');
    lab.must('graph', '--svg', svg);
    expect(readFileSync(svg, 'utf8')).to.match(/^<svg[\s\S]*class="link up"[\s\S]*<\/svg>\s*$/);
  });

  it('joins hosts by a bridge of the lab, and to the machine by a host link', () => {
    const port = `h${process.pid}`.slice(0, 15);
    make(`
  defaults: { kind: linux, image: debian }
  nodes: { a: , b: , sw: { kind: bridge } }
  links:
    - { type: veth, endpoints: [{ node: a, interface: eth1, ipv4: 10.77.0.1/24 }, { node: sw, interface: pa }] }
    - { type: veth, endpoints: [{ node: b, interface: eth1, ipv4: 10.77.0.2/24 }, { node: sw, interface: pb }] }
    - endpoints: ["a:eth2", "host:${port}"]
`).must('deploy');
    expect(ping()).to.equal(0);
    expect(interfaces()).to.include(port);
    expect(interfaces()).not.to.include('sw');
    lab.must('destroy');
    expect(interfaces()).not.to.include(port);
  });

  it('shows bound files in the node alone, also where the machine has no such folder', () => {
    make(`
  nodes:
    a: { kind: linux, image: debian, binds: ["one:/etc/lab-test/one", "one:/lab-test-two:ro"] }
`);
    writeFileSync(path.join(lab.folder, 'one'), 'bound\n');
    lab.must('deploy');
    expect(lab.must('exec', 'a', '--', 'cat', '/etc/lab-test/one', '/lab-test-two')).to.equal(
      'bound\nbound\n',
    );
    expect(lab.run('exec', 'a', '--', 'sh', '-c', 'echo x > /lab-test-two').status).not.to.equal(0);
    expect(existsSync('/etc/lab-test')).to.equal(false);
    expect(existsSync('/lab-test-two')).to.equal(false);
  });

  describe('when something goes wrong', () => {
    const ROUTERS = `
  defaults: { kind: linux, image: alamesh }
  nodes: { a: , b: , c: }
  links: [{ endpoints: ["a:eth1", "b:eth1"] }]
`;
    const netns = (): boolean => existsSync(`/run/netns/${lab.ns('a')}`);
    const started = (): boolean =>
      existsSync(path.join('/run/alamesh/labs', lab.name, 'nodes/a/router.log'));

    it('takes all down again when a router does not start, and shows its log', () => {
      make(ROUTERS).routerScript('echo no TUN for me; exit 3');
      const { status, stderr } = lab.run('deploy');
      expect(status).to.equal(1);
      expect(stderr).to.contain('its router ended').and.contain('no TUN for me');
      expect(lab.left()).to.deep.equal([]);
    });

    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      it(`takes all down again on ${signal} during deploy`, async () => {
        make(ROUTERS).routerScript('exec sleep 300');
        const status = await lab.interrupt('deploy', started, signal);
        expect(status).to.equal(signal === 'SIGINT' ? 130 : 143);
        expect(lab.left()).to.deep.equal([]);
      });
    }

    it('takes down what a killed deploy left, by destroy or by the next deploy', async () => {
      make(ROUTERS).routerScript('exec sleep 300');
      await lab.interrupt('deploy', started, 'SIGKILL');
      expect(netns()).to.equal(true);
      lab.must('destroy');
      expect(lab.left()).to.deep.equal([]);
      await lab.interrupt('deploy', started, 'SIGKILL');
      lab.routerScript('exit 1');
      expect(lab.run('deploy').stderr).to.contain('its router ended');
      expect(lab.left()).to.deep.equal([]);
    });

    it('destroys a lab whose state is lost', () => {
      make(HOSTS).must('deploy');
      rmSync(path.join('/run/alamesh/labs', lab.name), { recursive: true });
      expect(lab.run('deploy').stderr).to.contain('exists').and.contain('lab destroy');
      lab.must('destroy');
      expect(lab.left()).to.deep.equal([]);
    });

    it('leaves a namespace alone that is only called as a node', () => {
      const name = `x${process.pid}`;
      make(`
  nodes: { ${name}: { kind: linux, image: debian } }
prefix: ""
`);
      spawnSync('ip', ['netns', 'add', name]);
      try {
        expect(lab.run('deploy').stderr).to.contain('exists').and.contain('prefix');
        lab.must('destroy');
        expect(readdirSync('/run/netns')).to.include(name);
      } finally {
        spawnSync('ip', ['netns', 'del', name]);
      }
    });

    it('leaves namespaces of containers alone', () => {
      make(HOSTS);
      mkdirSync('/run/netns', { recursive: true });
      const link = `/run/netns/${lab.ns('a')}`;
      spawnSync('ln', ['-s', `/proc/${process.pid}/ns/net`, link]);
      try {
        expect(lab.run('deploy').stderr).to.contain('containerlab');
        lab.must('destroy');
        expect(readdirSync('/run/netns')).to.include(lab.ns('a'));
      } finally {
        rmSync(link);
      }
    });
  });

  it('runs as an ordinary user, in a user namespace', function () {
    make(HOSTS);
    lab.uid = 65534;
    const probe = ['--reuid=65534', '--regid=65534', '--clear-groups'];
    const able = spawnSync('setpriv', [
      ...probe,
      'unshare',
      '-Urnm',
      '--map-root-user',
      'test',
      '-r',
      path.resolve('dist/test/integration/lab/cli.js'),
    ]);
    if (able.status !== 0) this.skip();
    lab.must('deploy');
    expect(ping()).to.equal(0);
    expect(existsSync(`/run/netns/${lab.ns('a')}`)).to.equal(false);
    lab.must('impair', 'a', 'b', '--loss', '100');
    expect(ping()).to.equal(1);
    expect(lab.run('exec', 'a', '--', 'sh', '-c', 'exit 7').status).to.equal(7);
    lab.must('destroy');
    expect(existsSync('/tmp/alamesh-65534')).to.equal(false);
  });
});
