import { statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { toBase64Url } from '../../../src/base/bytes.js';
import { parsePeerLine } from '../../../src/identity/peer-line.js';
import {
  canRunRouters,
  hasTools,
  type Namespace,
  Stage,
  type Started,
  until,
} from '../namespace.js';
import { converged, lineOf, Router } from '../routers.js';
import { readPcap } from './pcap.js';

const ATTACKER = path.resolve('dist/test/integration/router/attacker.js');
const VICTIM = '10.9.0.1';

interface Told {
  readonly sent: number;
  readonly sentBytes: number;
  readonly received: number;
  readonly receivedBytes: number;
}

describe('a router under attack from its LAN', function () {
  this.timeout(60_000);
  let stage: Stage;
  let victim: Router;
  let friend: Router;
  let enemy: Namespace;
  let capture: Started;
  let captured: string;

  before(async function () {
    if (!canRunRouters() || !hasTools('tcpdump')) this.skip();
    stage = new Stage();
    captured = path.join(stage.folder, 'handshake.pcap');
    const spaces = await Promise.all(
      ['victim', 'friend', 'enemy'].map((one) => stage.namespace(one)),
    );
    const [v, f, e] = spaces as [Namespace, Namespace, Namespace];
    enemy = e;
    await stage.lan([v, f, e]);
    await v.ip(`addr add ${VICTIM}/24 dev lan0`);
    await e.ip('addr add 10.9.0.3/24 dev lan0');
    const filter = ['udp', 'and', 'port', '4242'];
    capture = v.start(['tcpdump', '-i', 'lan0', '-U', '-w', captured, ...filter]);
    await until('tcpdump listens', () => capture.said().includes('listening'));
    victim = await Router.start(stage, { at: v, name: 'victim' });
    friend = await Router.start(stage, { at: f, name: 'friend' });
    await converged([victim, friend]);
    await friend.at.ping(victim.address, 10);
    await until('the handshake is captured', () => statSync(captured).size > 1000);
    capture.child.kill('SIGINT');
    await capture.ended;
  });
  after(() => stage?.close());

  const attack = async (mode: string, ...more: string[]): Promise<Told> =>
    JSON.parse(await enemy.must([process.execPath, ATTACKER, mode, VICTIM, '4242', ...more]));

  const drops = async (): Promise<number> =>
    Object.values((await victim.status()).drops).reduce((sum, count) => sum + count, 0);

  const expectUnharmed = async (upSinceAt: number | null | undefined): Promise<void> => {
    const { received, output } = await friend.at.ping(victim.address, 5);
    expect(received, output).to.equal(5);
    expect((await victim.linkTo(friend))?.upSinceAt).to.equal(upSinceAt);
    expect((await victim.links()).length).to.equal(1);
  };

  it('drops random datagrams, counts them and answers none', async () => {
    const since = (await victim.linkTo(friend))?.upSinceAt;
    const before = await drops();
    const told = await attack('random');
    expect(told.received).to.equal(0);
    expect((await drops()) - before).to.be.at.least(told.sent * 0.8);
    await expectUnharmed(since);
  });

  it('drops replayed, truncated and altered datagrams of a real session, and keeps its path', async () => {
    const types = new Set(readPcap(captured).map((datagram) => datagram[0]));
    expect([...types]).to.include.members([1, 4]);
    const link = await victim.linkTo(friend);
    const before = await drops();
    const told = await attack('replay', captured);
    expect(told.received).to.equal(0);
    expect((await drops()) - before).to.be.at.least(told.sent * 0.8);
    await expectUnharmed(link?.upSinceAt);
    expect((await victim.linkTo(friend))?.path?.remote).to.equal(link?.path?.remote);
  });

  it('keeps carrying packets under a flood of handshakes that fail late', async () => {
    const parsed = parsePeerLine((await lineOf(victim, `${VICTIM}:4242`)).trim());
    if (!parsed.ok) throw new Error(parsed.error);
    const since = (await victim.linkTo(friend))?.upSinceAt;
    const flood = attack('flood', toBase64Url(parsed.value.noiseKey));
    await sleep(500); // in the middle of it
    const { received, output } = await friend.at.ping(victim.address, 20);
    expect(received, output).to.be.at.least(18);
    const told = await flood;
    expect(told.sent).to.be.greaterThan(1_000);
    // A cookie reply is 64 bytes for an initiation of 148.
    expect(told.receivedBytes).to.be.lessThan(told.sentBytes / 2);
    await expectUnharmed(since);
    const memory = await victim.ask<{ rssBytes: number }>('status');
    expect(memory.rssBytes).to.be.lessThan(200e6);
  });

  it('opens nothing for beacons of nonsense', async () => {
    const since = (await victim.linkTo(friend))?.upSinceAt;
    const script = `
      const s = require('node:dgram').createSocket('udp6');
      s.bind(0, '::', () => {
        s.setMulticastInterface('::%lan0');
        let left = 300;
        const send = () => {
          if (left-- === 0) return s.close();
          s.send(require('node:crypto').randomBytes(1 + (left * 7) % 600), 4243, 'ff02::a1a%lan0', send);
        };
        send();
      });`;
    await enemy.must([process.execPath, '-e', script]);
    await expectUnharmed(since);
  });
});
