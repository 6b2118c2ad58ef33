import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { readLab } from '../../src/lab/topology.js';
import { topologyOfLab } from '../../src/sim/lab.js';
import { NAT_KINDS } from '../../src/sim/nat.js';
import type { Topology } from '../../src/sim/topology.js';
import { started } from './seeds.js';

const LAB = `
name: homes
topology:
  groups:
    routers: { kind: linux, image: "alamesh:latest", env: { ALAMESH_DISCOVERY: "" }, labels: { alamesh.peers: "hub" } }
    boxes: { kind: linux, image: "alpine:3" }
  nodes:
    internet: { kind: bridge }
    lan: { kind: bridge }
    hub: { group: routers, labels: { alamesh.peers: "*" } }
    ann: { group: routers }
    bob: { group: routers }
    cat: { group: routers }
    dan: { group: routers }
    home: { group: boxes, labels: { alamesh.nat: symmetric, alamesh.nat-mapping-s: "30" } }
    carrier: { group: boxes, labels: { alamesh.nat: cgnat } }
    inner: { group: boxes, labels: { alamesh.nat: port-restricted } }
    open: { group: boxes, labels: { alamesh.nat: public } }
  links:
    - endpoints: ["hub:eth1", "internet:hub"]
    - endpoints: ["ann:eth1", "lan:a"]
    - endpoints: ["bob:eth1", "lan:b"]
    - endpoints: ["home:lan", "lan:h"]
    - endpoints: ["home:wan", "internet:home"]
    - endpoints: ["carrier:lan", "inner:wan"]
    - endpoints: ["carrier:wan", "internet:carrier"]
    - endpoints: ["cat:eth1", "inner:lan"]
    - endpoints: ["dan:eth1", "open:lan"]
    - endpoints: ["open:wan", "internet:open"]
`;

describe('sim: NAT boxes of a lab file', () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'alamesh-lab-'));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  async function read(text: string): Promise<Topology> {
    const file = path.join(dir, 'homes.clab.yml');
    writeFileSync(file, text);
    return topologyOfLab(await readLab(file, {}));
  }

  it('are sites, one behind the other, and routers are where their cables end', async () => {
    const { internet, links } = await read(LAB);
    expect(links).to.deep.equal([]);
    expect(internet?.sites).to.deep.equal([
      { name: 'internet', nat: undefined, behind: undefined, nodes: ['hub'] },
      {
        name: 'home',
        nat: { ...NAT_KINDS.symmetric, mappingMsec: 30_000 },
        ...{ behind: undefined, nodes: ['ann', 'bob'] },
      },
      { name: 'carrier', nat: NAT_KINDS.cgnat, behind: undefined, nodes: [] },
      { name: 'inner', nat: NAT_KINDS['port-restricted'], behind: 'carrier', nodes: ['cat'] },
      { name: 'open', nat: undefined, behind: undefined, nodes: ['dan'] },
    ]);
    const peers = internet?.peers.map((pair) => pair.join(' ')).sort();
    expect(peers).to.deep.equal(['ann hub', 'bob hub', 'cat hub', 'dan hub']);
  });

  it('run: everybody reaches everybody through the hub', async () => {
    const topology = await read(LAB);
    const mesh = started('homes', 1, { topology });
    mesh.runUntilQuiet();
    for (const node of mesh.alive()) expect(node.engine.alanet.locRib.size).to.equal(5);
  });
});
