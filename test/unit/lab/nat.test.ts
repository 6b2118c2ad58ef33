import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { UserError } from '../../../src/base/errors.js';
import { addressesOf, endName, type Lab } from '../../../src/lab/model.js';
import { NAT_KINDS, natRules } from '../../../src/lab/nat.js';
import { readLab } from '../../../src/lab/topology.js';

const BOX = 'kind: linux, image: alpine';
const ROUTER = 'kind: linux, image: alamesh';

describe('NAT boxes in topologies', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'lab-nat-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const read = (topology: string): Promise<Lab> => {
    const file = path.join(folder, 't.clab.yml');
    writeFileSync(file, `name: t\ntopology:\n${topology}`);
    return readLab(file, {});
  };
  const refused = async (labels: string, node = BOX): Promise<UserError> => {
    const links = '[{ endpoints: ["b:eth1", "x:lan"] }, { endpoints: ["x:wan", "a:eth1"] }]';
    try {
      await read(
        `  nodes: { a: { ${ROUTER} }, b: { ${ROUTER} }, x: { ${node}, labels: { ${labels} } } }\n  links: ${links}\n`,
      );
    } catch (error) {
      if (error instanceof UserError) return error;
      throw error;
    }
    throw new Error('the file was accepted');
  };
  const addresses = (lab: Lab): Record<string, string> =>
    Object.fromEntries(
      lab.links
        .flatMap(({ a, b }) => [a, ...(b ? [b] : [])])
        .filter((end) => addressesOf(end).length > 0)
        .map((end) => [endName(end), addressesOf(end).join(' ')]),
    );
  const routes = (lab: Lab, name: string): readonly string[] =>
    lab.nodes.find((node) => node.name === name)?.routes ?? [];

  it('get addresses and routes of their own, and keep those of the file', async () => {
    const lab = await read(`
  nodes:
    net: { kind: bridge }
    hub: { ${ROUTER} }
    a: { ${ROUTER} }
    b: { ${ROUTER} }
    home: { ${BOX}, labels: { alamesh.nat: port-restricted } }
    open: { ${BOX}, labels: { alamesh.nat: public } }
  links:
    - endpoints: ["hub:eth1", "net:hub"]
    - { endpoints: ["a:eth1", "home:lan"], ipv4: ["", 192.168.7.9/24] }
    - endpoints: ["home:wan", "net:home"]
    - endpoints: ["b:eth1", "open:lan"]
    - endpoints: ["open:wan", "net:open"]
`);
    expect(addresses(lab)).to.deep.equal({
      'hub:eth1': '203.0.113.1/24',
      'a:eth1': '192.168.7.1/24',
      'home:lan': '192.168.7.9/24',
      'home:wan': '203.0.113.2/24',
      'b:eth1': '198.51.100.2/28',
      'open:lan': '198.51.100.1/28',
      'open:wan': '203.0.113.3/24',
    });
    const way = 'via 203.0.113.3 dev';
    expect(routes(lab, 'a')).to.deep.equal(['default via 192.168.7.9 dev eth1 metric 100']);
    expect(routes(lab, 'hub')).to.deep.equal([`198.51.100.0/28 ${way} eth1`]);
    expect(routes(lab, 'home')).to.deep.equal([`198.51.100.0/28 ${way} wan`]);
  });

  it('stand behind one another, as behind a carrier', async () => {
    const lab = await read(`
  nodes:
    hub: { ${ROUTER} }
    a: { ${ROUTER} }
    home: { ${BOX}, labels: { alamesh.nat: port-restricted } }
    carrier: { ${BOX}, labels: { alamesh.nat: cgnat } }
  links:
    - endpoints: ["a:eth1", "home:lan"]
    - endpoints: ["home:wan", "carrier:lan"]
    - endpoints: ["carrier:wan", "hub:eth1"]
`);
    expect(addresses(lab)).to.include({
      'a:eth1': '10.1.0.2/24',
      'home:wan': '100.64.2.2/24',
      'carrier:lan': '100.64.2.1/24',
    });
    expect(routes(lab, 'home')).to.deep.equal(['default via 100.64.2.1 dev wan metric 100']);
  });

  it('leave labs without them as they are', async () => {
    const lab = await read(
      `  nodes: { a: { ${ROUTER} }, b: { ${ROUTER} } }\n  links: [{ endpoints: ["a:eth1", "b:eth1"] }]\n`,
    );
    expect(addresses(lab)).to.deep.equal({});
    expect(lab.nodes.flatMap((node) => node.routes)).to.deep.equal([]);
  });

  it('have an outside: the interface named so, the one that a label names, or the last', async () => {
    const outside = async (ends: string, label = ''): Promise<unknown> => {
      const [one = '', other = ''] = ends.split(' ');
      const lab = await read(`
  nodes: { a: { ${ROUTER} }, b: { ${ROUTER} }, x: { ${BOX}, labels: { alamesh.nat: symmetric${label} } } }
  links: [{ endpoints: ["x:${one}", "a:eth1"] }, { endpoints: ["x:${other}", "b:eth1"] }]
`);
      return lab.nodes.find(({ name }) => name === 'x')?.nat;
    };
    expect(await outside('wan lan')).to.include({ outside: 'wan' });
    expect(await outside('eth1 eth2')).to.deep.include({ outside: 'eth2', inside: ['eth1'] });
    expect(await outside('eth1 eth2', ', alamesh.nat-outside: eth1')).to.include({
      outside: 'eth1',
    });
  });

  for (const [labels, words, hint] of [
    ['alamesh.nat: full-cnoe', 'no kind of NAT', '"full-cone"'],
    ['alamesh.nat: home', 'no kind of NAT', NAT_KINDS.join(', ')],
    ['alamesh.nta: symmetric', 'unknown label', '"alamesh.nat"'],
    ['alamesh.nat: symmetric, alamesh.nat-outside: eth9', 'no interface "eth9"', 'lan, wan'],
    ['alamesh.nat: symmetric, alamesh.nat-mapping-s: 0', 'expected 1 to 3600 seconds', ''],
    ['alamesh.nat-outside: wan', 'is no NAT box', 'alamesh.nat: KIND'],
    ['alamesh.peers: a', 'is no router', ''],
  ] as const) {
    it(`refuse ${labels}`, async () => {
      const error = await refused(labels);
      expect(error.message).to.contain(words);
      expect(error.hint).to.contain(hint);
      expect(error.exit).to.equal(4);
      expect(error.line).to.equal(3);
    });
  }

  it('are no routers, and peers are routers of the lab', async () => {
    expect((await refused('alamesh.nat: symmetric', ROUTER)).message).to.contain(
      'cannot be a NAT box',
    );
    const error = await refused('alamesh.peers: "a, bb"', ROUTER);
    expect(error.message).to.contain('no other router is called "bb"');
    expect(error.hint).to.contain('"b"');
  });

  it('have rules that replace earlier ones, whatever kind those were', () => {
    for (const kind of NAT_KINDS) {
      const rules = natRules({ kind, outside: 'wan', inside: ['lan'], mappingSec: 120 });
      expect(rules).to.match(/^table ip alamesh_nat \{\}\ndelete table ip alamesh_nat\n/);
      expect(rules.includes('masquerade'), kind).to.equal(kind !== 'public');
    }
  });
});
