/** What each kind of NAT box does, seen by UDP sockets on both its sides: RFC 4787 §4 and §5. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { NatKind } from '../../../src/lab/nat.js';
import { hasTools, isRoot, TestLab } from '../lab/helpers.js';
import type { Place } from './probe.js';
import { Prober } from './prober.js';

type Dependence = 'endpoint-independent' | 'address-dependent' | 'address and port-dependent';
interface Behaviour {
  readonly mapping: Dependence;
  readonly filtering: Dependence;
}

const KINDS: Readonly<Record<Exclude<NatKind, 'udp-blocked' | 'public'>, Behaviour>> = {
  'full-cone': { mapping: 'endpoint-independent', filtering: 'endpoint-independent' },
  'address-restricted': { mapping: 'endpoint-independent', filtering: 'address-dependent' },
  'port-restricted': { mapping: 'endpoint-independent', filtering: 'address and port-dependent' },
  cgnat: { mapping: 'endpoint-independent', filtering: 'address and port-dependent' },
  symmetric: { mapping: 'address and port-dependent', filtering: 'address and port-dependent' },
};
const ALL = [...Object.keys(KINDS), 'udp-blocked', 'public'];
const MAPPING_SEC = 2;

/** Two addresses with two ports each, outside. */
const OUTER = [
  ['a1', '203.0.113.1', 3478],
  ['a2', '203.0.113.1', 3479],
  ['b1', '203.0.113.200', 3478],
  ['b2', '203.0.113.200', 3479],
] as const;

const TOPOLOGY = `
  defaults: { kind: linux, image: debian }
  nodes:
    net: { kind: bridge }
    outer: { exec: ["ip addr add 203.0.113.200/24 dev eth1"] }
    short: { labels: { alamesh.nat: port-restricted, alamesh.nat-mapping-s: ${MAPPING_SEC} } }
    in-short:
${ALL.map((kind) => `    ${kind}: { labels: { alamesh.nat: ${kind} } }\n    in-${kind}:`).join('\n')}
  links:
    - endpoints: ["outer:eth1", "net:outer"]
${['short', ...ALL]
  .map(
    (kind, i) => `    - endpoints: ["in-${kind}:eth1", "${kind}:lan"]
    - endpoints: ["${kind}:wan", "net:box${i}"]`,
  )
  .join('\n')}
`;

describe('NAT boxes', function () {
  this.timeout(60_000);
  let lab: TestLab;
  let outer: Prober;
  const probers = new Map<string, Prober>();
  const addresses = new Map<string, readonly string[]>();

  before(async function () {
    if (!isRoot || !hasTools('ip', 'nft')) return this.skip();
    lab = new TestLab(TOPOLOGY);
    lab.must('deploy');
    const view = JSON.parse(lab.must('inspect', '--json')) as {
      nodes: { name: string; underlay: string[]; nat: string | null }[];
    };
    for (const { name, underlay } of view.nodes) {
      addresses.set(
        name,
        underlay.map((text) => text.split('/')[0] ?? ''),
      );
    }
    outer = new Prober(lab.ns('outer'));
    for (const [id, address, port] of OUTER) await outer.bind(id, address, port);
  });
  after(() => {
    outer?.end();
    for (const prober of probers.values()) prober.end();
    lab?.end();
  });

  function inside(kind: string): Prober {
    const prober = probers.get(kind) ?? new Prober(lab.ns(`in-${kind}`));
    probers.set(kind, prober);
    return prober;
  }
  const outside = (kind: string): string => addresses.get(kind)?.[1] ?? '';
  const place = (id: string): Place => {
    const [, address = '', port = 0] = OUTER.find((one) => one[0] === id) ?? [];
    return { address, port };
  };
  let texts = 0;
  /** Where a datagram from a socket inside comes from, as an outer socket sees it. */
  async function mapped(kind: string, id: string, to: string): Promise<Place> {
    const text = `${kind} ${++texts}`;
    inside(kind).send(id, place(to), text);
    return (await outer.got(to, text)).from;
  }
  /** Sends from outside; when it is over the datagram is with the box. */
  async function sent(from: string, to: Place, text: string): Promise<void> {
    const after = `sent ${++texts}`;
    outer.send(from, to, text);
    outer.send(from, place('a2'), after);
    await outer.got('a2', after);
  }
  /** Which of these outer sockets a mapping lets in; the last one must get through. */
  async function letIn(
    kind: string,
    id: string,
    at: Place,
    from: readonly string[],
  ): Promise<string[]> {
    const sent = from.map((socket) => ({ socket, text: `${kind} ${socket} ${++texts}` }));
    for (const { socket, text } of sent) outer.send(socket, at, text);
    await inside(kind).got(id, sent.at(-1)?.text ?? '');
    return sent.filter(({ text }) => inside(kind).has(id, text)).map(({ socket }) => socket);
  }

  for (const [kind, { mapping, filtering }] of Object.entries(KINDS)) {
    it(`${kind}: ${mapping} mapping, ${filtering} filtering`, async () => {
      const inner = inside(kind);
      await inner.bind('m', '0.0.0.0', 5000);
      const seen = [];
      for (const to of ['a1', 'a2', 'b1']) seen.push(await mapped(kind, 'm', to));
      const ports = new Set(seen.map(({ port }) => port));
      expect(ports.size).to.equal(mapping === 'endpoint-independent' ? 1 : 3);
      for (const { address } of seen) expect(address).to.equal(outside(kind));
      expect(ports.has(5000)).to.equal(kind !== 'symmetric' && kind !== 'cgnat');

      await inner.bind('f', '0.0.0.0', 5001);
      const at = await mapped(kind, 'f', 'a1');
      const expected = {
        'endpoint-independent': ['b2', 'a2', 'a1'],
        'address-dependent': ['a2', 'a1'],
        'address and port-dependent': ['a1'],
      }[filtering];
      expect(await letIn(kind, 'f', at, ['b2', 'a2', 'a1'])).to.deep.equal(expected);
    });

    it(`${kind}: a packet that comes too early changes no mapping`, async () => {
      await inside(kind).bind('e', '0.0.0.0', 5002);
      await sent('b1', { address: outside(kind), port: 5002 }, 'early');
      const first = await mapped(kind, 'e', 'a1');
      const second = await mapped(kind, 'e', 'b1');
      expect(first.port === second.port).to.equal(mapping === 'endpoint-independent');
      expect(inside(kind).has('e', 'early')).to.equal(false);
      expect(await letIn(kind, 'e', second, ['b1'])).to.deep.equal(['b1']);
    });

    it(`${kind}: forgets its mappings when it reboots`, async () => {
      await inside(kind).bind('r', '0.0.0.0', 5003);
      const old = await mapped(kind, 'r', 'a1');
      expect(await letIn(kind, 'r', old, ['a1'])).to.deep.equal(['a1']);
      lab.must('nat', kind, 'reboot');
      await sent('a1', old, `lost by ${kind}`);
      const fresh = await mapped(kind, 'r', 'b1');
      expect(await letIn(kind, 'r', fresh, ['b1'])).to.deep.equal(['b1']);
      expect(inside(kind).has('r', `lost by ${kind}`)).to.equal(false);
    });
  }

  it('udp-blocked: no UDP goes out, TCP to web ports alone', async () => {
    const inner = inside('udp-blocked');
    await inner.bind('u', '0.0.0.0', 5000);
    for (const port of [443, 8443]) await outer.listen(`t${port}`, '203.0.113.1', port);
    inner.send('u', place('a1'), 'blocked');
    const to = (port: number): Place => ({ address: '203.0.113.1', port });
    expect(await inner.connect('web', to(443))).to.equal(null);
    expect(await inner.connect('other', to(8443))).to.equal('ECONNREFUSED');
    expect(outer.has('a1', 'blocked')).to.equal(false);
  });

  it('public: hosts are seen with their own address, and reached by anyone', async () => {
    const inner = inside('public');
    await inner.bind('p', '0.0.0.0', 5000);
    const at = { address: addresses.get('in-public')?.[0] ?? '', port: 5000 };
    expect(await letIn('public', 'p', at, ['b2', 'a1'])).to.deep.equal(['b2', 'a1']);
    expect(await mapped('public', 'p', 'a1')).to.deep.equal(at);
  });

  it('forgets a mapping that nothing used for as long as its label says', async () => {
    await inside('short').bind('s', '0.0.0.0', 5000);
    const at = await mapped('short', 's', 'a1');
    expect(await letIn('short', 's', at, ['a1'])).to.deep.equal(['a1']);
    await sleep(MAPPING_SEC * 1000 + 1500);
    await sent('a1', at, 'too late');
    const again = await mapped('short', 's', 'b1');
    expect(await letIn('short', 's', again, ['b1'])).to.deep.equal(['b1']);
    expect(inside('short').has('s', 'too late')).to.equal(false);
  });

  it('are shown with their kind, made another, and refuse what they are not', () => {
    expect(lab.must('inspect')).to.contain('nat full-cone');
    expect(lab.must('nat', 'short', '--kind', 'full-cone')).to.contain('short: full-cone');
    expect(lab.must('inspect', '--json')).to.match(/"name":"short"[^}]*"nat":"full-cone"/);
    expect(lab.must('nat', 'short', '--rules')).to.contain('dnat');
    expect(lab.run('nat', 'outer').stderr).to.contain('no NAT box');
    expect(lab.run('nat', 'short', '--kind', 'full-cnoe').stderr).to.contain('"full-cone"');
    expect(lab.run('nat', 'short', 'explode').status).to.equal(2);
  });
});
