import { expect } from 'chai';
import type { Instant } from '../../../src/base/time.js';
import type { LinkId } from '../../../src/link/types.js';
import {
  RELAY_TYPE,
  Relay,
  type RelayLink,
  type RelayMessage,
  type RelayPolicy,
} from '../../../src/mesh/relay.js';

const at = (msec: number): Instant => msec as Instant;
const keyOf = (number: number): Uint8Array => new Uint8Array(32).fill(number);

/** A relay with links 1, 2 and 3 to peers of the keys 1, 2 and 3; what it does is written down. */
class Bench {
  policy: RelayPolicy = 'peers';
  readonly links = new Map<number, RelayLink>();
  readonly told: { link: number; message: RelayMessage }[] = [];
  readonly carried: { link: number; payload: Uint8Array }[] = [];
  readonly opened: string[] = [];
  readonly closed: string[] = [];
  readonly received: string[] = [];
  wanted = true;
  readonly relay: Relay;

  constructor() {
    for (const number of [1, 2, 3]) {
      const link = { link: number as LinkId, key: keyOf(number), node: undefined };
      this.links.set(number, { ...link, isUp: true, isRelayed: false, isPeer: true });
    }
    this.relay = new Relay({
      policy: () => this.policy,
      links: () => this.links.values(),
      byLink: (link) => this.links.get(link),
      isOdd: () => true,
      tell: (link, message) => void this.told.push({ link, message }),
      carry: (link, payload) => void this.carried.push({ link, payload }),
      opened: (_now, _key, endpoint) => {
        if (this.wanted) this.opened.push(endpoint);
        return this.wanted;
      },
      closed: (endpoint, reason) => void this.closed.push(`${endpoint} ${reason}`),
      received: (endpoint, datagram) => void this.received.push(`${endpoint} ${datagram.length}`),
    });
  }

  set(number: number, change: Partial<RelayLink>): void {
    this.links.set(number, { ...(this.links.get(number) as RelayLink), ...change });
  }

  /** Link 1 asks for the peer of link `to`. @returns The channel that it is offered there, or why not. */
  ask(channel: number, to: number, now = 0): number | string {
    this.told.length = 0;
    this.relay.handleMessage(at(now), 1 as LinkId, { kind: 'relay-open', channel, key: keyOf(to) });
    const [answer] = this.told;
    if (answer?.message.kind === 'relay-offer') return answer.message.channel;
    return answer?.message.kind === 'relay-close' ? answer.message.reason : 'nothing';
  }

  frame(link: number, channel: number, bytes: number, now = 0): void {
    const payload = new Uint8Array(5 + bytes);
    payload[0] = RELAY_TYPE;
    new DataView(payload.buffer).setUint32(1, channel);
    this.relay.handleFrame(at(now), link as LinkId, payload);
  }
}

describe('a relay', () => {
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
  });

  it('joins two peers, and carries both ways', () => {
    const outward = bench.ask(2, 2);
    expect(outward).to.be.a('number');
    bench.frame(1, 2, 100);
    bench.frame(2, outward as number, 50);
    expect(bench.carried.map(({ link, payload }) => [link, payload.length])).to.deep.equal([
      [2, 105],
      [1, 55],
    ]);
    expect(bench.relay.counters()).to.deep.equal({ pairs: 1, packets: 2, bytes: 160, drops: 0 });
  });

  it('says why it does not', () => {
    expect(bench.ask(2, 9)).to.equal('that node is not here');
    expect(bench.ask(2, 1)).to.equal('that node is not here');
    expect(bench.ask(3, 2)).to.equal('this channel is not yours to open');
    bench.set(2, { isUp: false });
    expect(bench.ask(2, 2)).to.equal('that node is not here');
    bench.set(2, { isUp: true, isRelayed: true });
    expect(bench.ask(2, 2)).to.equal('no relay over a relay');
    bench.set(2, { isRelayed: false, isPeer: false });
    expect(bench.ask(2, 2)).to.equal('relaying for peers only');
    bench.policy = 'anyone';
    expect(bench.ask(2, 2)).to.be.a('number');
    bench.policy = 'off';
    expect(bench.ask(4, 3)).to.equal('no relaying here');
  });

  it('bounds requests, pairs and what they carry', () => {
    const answers = Array.from({ length: 100 }, (_, i) => bench.ask(2 + 2 * i, 2, i * 1_000));
    expect(answers.filter((one) => one === 'too many pairs').length).to.be.at.least(36);
    const burst = Array.from({ length: 50 }, (_, i) => bench.ask(1_000 + 2 * i, 9, 200_000));
    expect(burst.filter((one) => one === 'too many requests').length).to.be.at.least(29);
    for (let i = 0; i < 5_000; i++) bench.frame(1, 2, 1_395, 300_000);
    expect(bench.carried.length).to.be.within(2_500, 3_000);
    expect(bench.relay.counters().drops).to.equal(5_000 - bench.carried.length);
  });

  it('drops what belongs to nobody', () => {
    bench.frame(1, 77, 100);
    bench.relay.handleFrame(at(0), 1 as LinkId, Uint8Array.of(RELAY_TYPE, 0));
    expect(bench.carried).to.deep.equal([]);
    expect(bench.relay.counters().drops).to.equal(2);
  });

  it('tells both ends when it stops: by word, by a lost link, and when nothing is carried', () => {
    const first = bench.ask(2, 2) as number;
    bench.told.length = 0;
    bench.relay.handleMessage(at(1), 2 as LinkId, {
      ...{ kind: 'relay-close', channel: first, reason: 'enough' },
    });
    expect(
      bench.told.map(({ link, message }) => [link, message.kind, message.channel]),
    ).to.deep.equal([[1, 'relay-close', 2]]);
    bench.ask(4, 3);
    bench.told.length = 0;
    bench.relay.handleDown(3 as LinkId);
    expect(bench.told.map(({ link, message }) => [link, message.channel])).to.deep.equal([[1, 4]]);
    bench.ask(6, 2, 10);
    bench.told.length = 0;
    bench.relay.handleTimeout(at(40_000));
    expect(bench.told).to.deep.equal([]);
    bench.relay.handleTimeout(at(310_020));
    expect(bench.told.map(({ link }) => link).sort()).to.deep.equal([1, 2]);
    expect(bench.relay.counters().pairs).to.equal(0);
  });

  it('is an end too: asks its neighbors, takes offers that are wanted, and hears of the end', () => {
    bench.relay.want(at(0), keyOf(9));
    expect(bench.told.map(({ message }) => message.kind)).to.deep.equal(
      Array(3).fill('relay-open'),
    );
    expect(bench.opened).to.have.length(3);
    const channel = bench.told[0]?.message.channel ?? 0;
    bench.relay.send(bench.opened[0] ?? '', [new Uint8Array(100)]);
    expect(bench.carried[0]?.payload.length).to.equal(105);
    bench.frame(1, channel, 60);
    expect(bench.received[0]).to.match(/ 60$/);
    bench.relay.handleMessage(at(1), 1 as LinkId, { kind: 'relay-close', channel, reason: 'no' });
    expect(bench.closed[0]).to.match(/ no$/);

    bench.wanted = false;
    bench.told.length = 0;
    bench.relay.handleMessage(at(2), 2 as LinkId, {
      ...{ kind: 'relay-offer', channel: 2, key: keyOf(8) },
    });
    expect(bench.told[0]?.message).to.include({ kind: 'relay-close', reason: 'not wanted' });
  });
});
