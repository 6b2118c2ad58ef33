import { expect } from 'chai';
import { addressBytes, formatNodeId, type NodeId } from '../../../src/base/ip6.js';
import type { Engine } from '../../../src/engine/engine.js';
import { Names } from '../../../src/router/names.js';

const id = (last: string): NodeId => `fd${'0'.repeat(29)}${last}` as NodeId;
const OWN = id('1');
const BOB = id('2');
const EVE = id('3');
const FAR = id('4');

const node = (one: NodeId, name: string, handle: string) =>
  [one, { id: one, body: { name, handle } }] as const;

/** What `Names` asks of an engine, and no more. */
function engineOf(...nodes: ReturnType<typeof node>[]): Engine {
  const peer = (one: NodeId, source: string) => ({ address: formatNodeId(one), source });
  const peers = [peer(BOB, 'configured'), peer(EVE, 'configured'), peer(FAR, 'discovered')];
  return {
    mesh: { peers: () => peers },
    alanet: { subjects: { nodes: new Map(nodes) } },
  } as unknown as Engine;
}

function namesOf(engine: Engine) {
  const clock = { at: 0 };
  const names = new Names({ own: OWN, engine, now: () => clock.at, seconds: 1_000 });
  const answer = (name: string): string[] => names.lookup(name, 'aaaa').answers.map((a) => a.data);
  return { names, answer, clock };
}

describe('names that the router answers for', () => {
  it('come from the records of configured peers, not of strangers', () => {
    const { answer } = namesOf(engineOf(node(BOB, 'Web', 'bob'), node(FAR, 'bank', 'bob')));
    expect(answer('web.bob.ala')).to.deep.equal([formatNodeId(BOB)]);
    expect(answer('bank.bob.ala')).to.deep.equal([]);
  });

  it('are nobody’s when two peers claim them, and the registry’s when it has them', () => {
    const { names, answer } = namesOf(engineOf(node(BOB, 'web', 'bob'), node(EVE, 'WEB', 'bob')));
    expect(answer('web.bob.ala')).to.deep.equal([]);
    const claim = { name: 'web', handle: 'bob', addresses: [addressBytes(FAR)] };
    names.setRegistry([{ ...claim, ports: [], texts: [] }]);
    expect(answer('web.bob.ala')).to.deep.equal([formatNodeId(FAR)]);
  });

  it('have a serial that rises with each change and not otherwise', () => {
    const { names, clock } = namesOf(engineOf(node(BOB, 'web', 'bob')));
    const first = names.table().serial;
    clock.at += 5_000;
    expect(names.table().serial).to.equal(first);
    names.setRegistry([]);
    expect(names.table().serial).to.equal(first);
    names.setRegistry([
      { name: 'x', handle: 'y', addresses: [addressBytes(FAR)], ports: [], texts: [] },
    ]);
    expect(names.table().serial).to.equal(first + 1);
  });

  it('are listed for /etc/hosts with every node that is known', () => {
    const { names } = namesOf(engineOf(node(BOB, 'web', 'bob'), node(FAR, 'x', 'y')));
    const { hosts } = names.hosts();
    expect(hosts.map(({ address }) => address)).to.have.members([OWN, BOB, FAR].map(formatNodeId));
    expect(hosts.find(({ address }) => address === formatNodeId(BOB))?.names[0]).to.equal(
      'web.bob.ala',
    );
  });

  it('refuse what is no name or type', () => {
    const { names } = namesOf(engineOf());
    expect(() => names.lookup('a..b', 'AAAA')).to.throw('not a domain name');
    expect(() => names.lookup('a.ala', 'MX')).to.throw('no type');
  });
});
