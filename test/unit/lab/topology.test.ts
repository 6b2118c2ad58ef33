// biome-ignore-all lint/suspicious/noTemplateCurlyInString: topology files have variables in them.
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { UserError } from '../../../src/base/errors.js';
import type { Lab, LabNode } from '../../../src/lab/model.js';
import { readLab, repositoryName } from '../../../src/lab/topology.js';

describe('containerlab topologies', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'lab-test-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const read = (text: string, variables: Record<string, string> = {}): Promise<Lab> => {
    const file = path.join(folder, 't.clab.yml');
    writeFileSync(file, text);
    return readLab(file, variables);
  };
  const fault = async (text: string): Promise<UserError> => {
    try {
      await read(text);
    } catch (error) {
      if (error instanceof UserError) return error;
      throw error;
    }
    throw new Error('the file was accepted');
  };
  const nodeOf = (lab: Lab, name: string): LabNode => {
    const node = lab.nodes.find((one) => one.name === name);
    if (node === undefined) throw new Error(`no node ${name}`);
    return node;
  };

  it('inherits from defaults, kinds, groups and the node, the later the stronger', async () => {
    const lab = await read(`
name: inherit
topology:
  defaults: { kind: linux, image: d:1, env: { A: d, B: d, C: d, D: d }, exec: [d] }
  kinds:
    linux: { env: { B: k, C: k, D: k }, exec: [k] }
  groups:
    far: { image: g:1, env: { C: g, D: g }, exec: [g], labels: { x: 1 } }
  nodes:
    n: { group: far, env: { D: n }, exec: [n], labels: { y: true } }
    m:
`);
    const node = nodeOf(lab, 'n');
    expect(node.env).to.deep.equal({ A: 'd', B: 'k', C: 'g', D: 'n' });
    expect(node.exec).to.deep.equal(['d', 'k', 'g', 'n']);
    expect(node.image).to.equal('g:1');
    expect(node.labels).to.deep.equal({ x: '1', y: 'true' });
    expect(nodeOf(lab, 'm').image).to.equal('d:1');
  });

  it('takes a kind from the group before that of the defaults', async () => {
    const lab = await read(`
name: kinds
topology:
  defaults: { kind: linux, image: x }
  groups: { switches: { kind: bridge } }
  nodes: { s: { group: switches }, h: }
`);
    expect(nodeOf(lab, 's').role).to.equal('bridge');
    expect(nodeOf(lab, 'h').role).to.equal('host');
  });

  it('runs a router for the repository alamesh of any registry and tag, a plain host for others', async () => {
    const images = [
      'alamesh',
      'alamesh:latest',
      'ghcr.io/x/alamesh:1.2',
      'r:5000/alamesh@sha256:0a',
    ];
    for (const image of images) expect(repositoryName(image), image).to.equal('alamesh');
    for (const image of ['alamesh/frr', 'notalamesh:1', 'alamesh-ui', 'r:5000/x'])
      expect(repositoryName(image), image).not.to.equal('alamesh');
    const lab = await read(
      'name: a\ntopology: { nodes: { r: { kind: linux, image: "x/alamesh:1" } } }',
    );
    expect(nodeOf(lab, 'r').role).to.equal('router');
  });

  it('names namespaces as containerlab names containers, for every form of prefix', async () => {
    const body = 'name: lab\ntopology: { nodes: { n: { kind: linux, image: x } } }';
    const container = async (prefix: string): Promise<string> =>
      nodeOf(await read(`${prefix}\n${body}`), 'n').container;
    expect(await container('')).to.equal('clab-lab-n');
    expect(await container('prefix: ""')).to.equal('n');
    expect(await container('prefix: my')).to.equal('my-lab-n');
    expect(await container('prefix: __lab-name')).to.equal('lab-n');
  });

  it('reads brief and extended links with MTU, MAC and addresses', async () => {
    const { links, notes } = await read(`
name: links
topology:
  defaults: { kind: linux, image: x }
  nodes: { a: , b: , s: { kind: bridge } }
  links:
    - endpoints: ["a:eth1", "b:eth1"]
      mtu: 9000
      ipv4: [10.0.0.1/24, 10.0.0.2/24]
    - type: veth
      endpoints:
        - { node: a, interface: eth2, mac: "02:00:00:00:00:01", ipv6: "fd00::1/64" }
        - { node: s, interface: a-eth2 }
    - { type: host, host-interface: out0, endpoint: { node: b, interface: eth2 } }
    - endpoints: ["host:out1", "b:eth3"]
    - { type: dummy, endpoint: { node: a, interface: d0 } }
    - { type: mgmt-net, host-interface: m0, endpoint: { node: a, interface: eth9 } }
`);
    const ends = links.map(({ a, b }) => `${a.node}:${a.iface} ${b ? `${b.node}:${b.iface}` : ''}`);
    expect(ends).to.deep.equal([
      'a:eth1 b:eth1',
      'a:eth2 s:a-eth2',
      'b:eth2 undefined:out0',
      'b:eth3 undefined:out1',
      'a:d0 ',
    ]);
    expect(links.map((link) => link.mtu)).to.deep.equal([9000, 1500, 1500, 1500, 1500]);
    expect(links[0]?.b?.addresses).to.deep.equal(['10.0.0.2/24']);
    expect(links[1]?.a).to.deep.include({ mac: '02:00:00:00:00:01', addresses: ['fd00::1/64'] });
    expect(notes.join()).to.contain('management network');
  });

  it('puts variables in as containerlab does, and leaves unknown ones to the node', async () => {
    const lab = await read(
      'name: ${LAB}\ntopology: { nodes: { n: { kind: linux, image: "${IMG:-x:1}", cmd: "sh -c $MINE" } } }',
      { LAB: 'vars' },
    );
    expect(lab.name).to.equal('vars');
    expect(nodeOf(lab, 'n')).to.include({ image: 'x:1', cmd: 'sh -c $MINE' });
  });

  it('takes later binds of one target, and refuses a router’s bind without a source', async () => {
    writeFileSync(path.join(folder, 'one'), '');
    writeFileSync(path.join(folder, 'two'), '');
    const text = (image: string, source: string): string => `
name: binds
topology:
  defaults: { kind: linux, binds: ["one:/etc/x"] }
  nodes: { n: { image: ${image}, binds: ["${source}:/etc/x:ro"] } }`;
    const { binds } = nodeOf(await read(text('alamesh', 'two')), 'n');
    expect(binds).to.deep.equal([
      { source: path.join(folder, 'two'), target: '/etc/x', readOnly: true },
    ]);
    expect((await fault(text('alamesh', 'none'))).message).to.contain('there is no');
    expect((await read(text('frr', 'none'))).notes.join()).to.contain('not bound');
  });

  describe('errors', () => {
    const nodes = (text: string): string => `name: bad\ntopology:\n  nodes:\n    a: ${text}\n`;

    it('say the place and suggest the key that was meant', async () => {
      const error = await fault(nodes('{ kind: linux, imagee: x }'));
      expect(error).to.include({ exit: 4, line: 4, column: 23, hint: 'Did you mean "image"?' });
      expect(error.message).to.equal('unknown key "imagee"');
      expect(error.file).to.match(/t\.clab\.yml$/);
    });

    it('name what was expected and what was found', async () => {
      const error = await fault(nodes('{ kind: linux, exec: [1] }'));
      expect(error.message).to.equal('topology.nodes.a.exec.0: expected text, got 1');
      expect(error).to.include({ line: 4, column: 30 });
    });

    it('refuse a kind that cannot run here by its name, with those that can', async () => {
      const error = await fault(nodes('{ kind: nokia_srlinux }'));
      expect(error.message).to.contain('nokia_srlinux').and.contain('"a"');
      expect(error.hint).to.contain('linux, bridge, host');
    });

    for (const [what, text, words] of [
      ['broken YAML', 'name: [', 'not YAML'],
      ['a missing name', 'topology: { nodes: { a: { kind: linux } } }', '"name" is missing'],
      ['an unknown kind', nodes('{ kind: linus }'), 'no kind that containerlab knows'],
      ['a node without kind', nodes('{ image: x }'), 'has no kind'],
      ['no nodes', 'name: x\ntopology: {}', 'no nodes'],
      [
        'a router in the machine’s network',
        nodes('{ kind: linux, image: alamesh, network-mode: host }'),
        'network-mode host',
      ],
      [
        'a link to nobody',
        `${nodes('{ kind: linux, image: x }')}  links: [{ endpoints: ["a:eth1", "b:eth1"] }]`,
        'unknown node "b"',
      ],
      [
        'an interface in two links',
        `${nodes('{ kind: linux, image: x }')}  links: [{ endpoints: ["a:eth1", "host:o1"] }, { endpoints: ["a:eth1", "host:o2"] }]`,
        'a:eth1 is used by two links',
      ],
      [
        'a vxlan link',
        `${nodes('{ kind: linux, image: x }')}  links: [{ type: vxlan }]`,
        'vxlan link cannot',
      ],
      [
        'a macvlan end',
        `${nodes('{ kind: linux, image: x }')}  links: [{ endpoints: ["a:eth1", "macvlan:eth0"] }]`,
        'macvlan link cannot',
      ],
      [
        'too long an interface',
        `${nodes('{ kind: linux, image: x }')}  links: [{ endpoints: ["a:eth12345678901234", "host:o"] }]`,
        '15 bytes',
      ],
      [
        'an MTU of nothing',
        `${nodes('{ kind: linux, image: x }')}  links: [{ endpoints: ["a:eth1", "host:o"], mtu: 0 }]`,
        'MTU from 68',
      ],
    ] as const) {
      it(`refuse ${what}`, async () => {
        const error = await fault(text);
        expect(error.message).to.contain(words);
        expect(error.exit).to.equal(4);
        expect(error.line).to.be.at.least(1);
      });
    }
  });

  it('accepts every lab of the project, each for NET_ADMIN and /dev/net/tun alone', async () => {
    const labs = readdirSync('labs').filter((name) => name.endsWith('.clab.yml'));
    expect(labs).to.include.members(['two-node.clab.yml', 'ring-5.clab.yml', 'mesh-30.clab.yml']);
    for (const name of labs) {
      const lab = await readLab(path.join('labs', name), {});
      const routers = lab.nodes.filter((node) => node.role === 'router');
      expect(routers.length, name).to.be.at.least(2);
      const discovery = lab.nodes.some(({ nat }) => nat !== undefined)
        ? /^$/
        : /^eth(1|\[1-9\]\*)$/;
      for (const router of routers) expect(router.env.ALAMESH_DISCOVERY, name).to.match(discovery);
    }
    expect((await readLab('labs/mesh-30.clab.yml', {})).nodes).to.have.length(30);
  });

  it('accepts containerlab’s own examples, but for kinds that cannot run', async function () {
    const data = path.resolve(process.cwd(), '../shared/data/containerlab');
    if (!existsSync(data)) return this.skip();
    for (const name of readdirSync(data).filter((one) => one.endsWith('.yml'))) {
      const lab = await readLab(path.join(data, name), {}).catch((error: unknown) => error);
      if (name.includes('clos01')) expect(lab).to.be.instanceOf(UserError);
      else expect(lab, name).not.to.be.instanceOf(Error);
    }
  });
});
