/** What the world does to a router: its interface, its descriptors, its sockets, its clock. On both planes. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { loadNative } from '../../../src/platform/native.js';
import { canRunRouters, hasTools, must, Stage, until } from '../namespace.js';
import { converged, line, nth, type Router, type StatusDocument } from '../routers.js';

const FAKETIME = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1';
/** Keys live for 6 s, so that clocks and pauses meet rekeying. */
const QUICK = { ALAMESH_TEST_REKEY_MSEC: '6000' };

const pings = async (from: Router, to: Router): Promise<boolean> =>
  (await from.at.ping(to.address, 3, '-i', '0.1', '-W', '1')).received === 3;

const packetsPass = (from: Router, to: Router): Promise<boolean> =>
  until('packets pass', () => pings(from, to), 60_000) as Promise<boolean>;

const tunIs = (router: Router, state: string): Promise<StatusDocument> =>
  until(`the TUN is ${state}`, async () => {
    const status = await router.status();
    return status.tun.state === state && status;
  }) as Promise<StatusDocument>;

const pidOf = async (router: Router): Promise<number> => (await router.status()).pid;

for (const plane of ['native', 'portable']) {
  describe(`faults around the ${plane} plane`, function () {
    this.timeout(180_000);
    let stage: Stage;
    before(function () {
      if (!canRunRouters() || (plane === 'native' && !loadNative().ok)) this.skip();
    });
    beforeEach(() => {
      stage = new Stage();
    });
    afterEach(() => stage.close());

    const config = `plane = "${plane}"`;

    async function pair(env: Readonly<Record<string, string>> = {}): Promise<[Router, Router]> {
      const routers = await line(stage, [
        { config, env },
        { config, env: { ALAMESH_TEST_REKEY_MSEC: env.ALAMESH_TEST_REKEY_MSEC ?? '' } },
      ]);
      await converged(routers);
      return [nth(routers, 1), nth(routers, 2)];
    }

    it('the interface goes down and up: it gets its address and routes back', async () => {
      const [one, two] = await pair();
      await one.at.ip('link set ala0 down');
      const { tun, links } = await tunIs(one, 'down');
      expect(tun.problem).to.contain('ip link set ala0 up');
      expect(links.up).to.equal(1);
      await one.at.ip('link set ala0 up');
      await tunIs(one, 'up');
      await packetsPass(one, two);
    });

    it('the interface moves to another namespace and comes back', async () => {
      const [one, two] = await pair();
      await one.at.ip(`link set ala0 netns ${two.at.name} name away0`);
      const { tun, links } = await tunIs(one, 'elsewhere');
      expect(tun.problem).to.contain('not in this network namespace');
      expect(links.up).to.equal(1);
      await two.at.ip(`link set away0 netns ${one.at.name} name ala0`);
      await one.at.ip('link set ala0 up');
      await tunIs(one, 'up');
      await packetsPass(two, one);
    });

    it('the interface is deleted: links go on, and status says so', async () => {
      const [one, two] = await pair();
      await one.at.ip('link delete ala0');
      const { tun } = await tunIs(one, 'deleted');
      expect(tun.problem).to.contain('deleted');
      expect((await two.status()).links.up).to.equal(1);
    });

    it('somebody removes the address: it is given back', async () => {
      const [one, two] = await pair();
      await one.at.ip(`addr del ${one.address}/128 dev ala0`);
      await packetsPass(one, two);
    });

    it('no descriptor is left: links go on, and commands are answered again later', async () => {
      const [one, two] = await pair();
      const pid = await pidOf(one);
      const open = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
      const firstFree = Array.from({ length: 4096 }, (_, fd) => fd).find((fd) => !open.has(fd));
      await must(['prlimit', '--pid', String(pid), `--nofile=${firstFree}:`]);
      const asked = await Promise.all(Array.from({ length: 8 }, () => one.run('links', '--json')));
      expect(
        asked.some(({ status }) => status !== 0),
        'it is out of descriptors',
      ).to.equal(true);
      expect(await pings(two, one)).to.equal(true);
      await must(['prlimit', '--pid', String(pid), '--nofile=1024:']);
      await until('it answers', async () => (await one.run('status')).status === 0, 60_000);
      expect(await pidOf(one)).to.equal(pid);
      await packetsPass(one, two);
    });

    it('a firewall refuses its datagrams (EPERM) for a while', async () => {
      const [one, two] = await pair();
      const chain = 'type filter hook output priority 0; meta l4proto udp drop;';
      await one.at.nft(`table inet refuse { chain c { ${chain} }; }`);
      expect((await one.at.ping(two.address, 5, '-i', '0.1', '-W', '1')).received).to.equal(0);
      await until('it is counted', async () => (await one.dropped('send-failed')) > 0);
      await one.at.must(['nft', 'delete', 'table', 'inet', 'refuse']);
      await packetsPass(one, two);
    });

    it('its network goes away (ENETUNREACH) and comes back', async () => {
      const [one, two] = await pair();
      await one.at.ip('link set to2 down');
      await until('the link is down', async () => (await one.status()).links.up === 0, 60_000);
      await one.at.ip('link set to2 up');
      await packetsPass(one, two);
    });

    it('the way out is far too slow for a while', async function () {
      if (!hasTools('tc', 'iperf3')) this.skip();
      const [one, two] = await pair();
      const slow = 'root tbf rate 200kbit burst 3000 limit 6000'.split(' ');
      await one.at.must(['tc', 'qdisc', 'add', 'dev', 'to2', ...slow]);
      const server = two.at.start(['iperf3', '-s', '-1', '--forceflush', '-B', two.address]);
      await until('iperf3 listens', () => server.said().includes('listening'));
      const flood = ['iperf3', '-u', '-b', '20M', '-l', '1200', '-t', '6', '-c', two.address];
      await one.at.run(['timeout', '20', ...flood]);
      const { links, rssBytes } = (await one.status()) as StatusDocument & { rssBytes: number };
      expect(links.total).to.equal(1);
      expect(rssBytes).to.be.below(400e6);
      await one.at.must(['tc', 'qdisc', 'del', 'dev', 'to2', 'root']);
      await packetsPass(one, two);
    });

    it('it is stopped for longer than its keys live, as by a suspend', async () => {
      const [one, two] = await pair(QUICK);
      const pid = await pidOf(one);
      process.kill(pid, 'SIGSTOP');
      try {
        expect(await pings(two, one)).to.equal(false);
        await new Promise((resolve) => setTimeout(resolve, 10_000));
      } finally {
        process.kill(pid, 'SIGCONT');
      }
      await packetsPass(one, two);
      expect((await two.status()).drops.replayed ?? 0).to.be.below(10);
    });

    it('its clock jumps a day ahead, and two days back', async function () {
      if (!existsSync(FAKETIME)) this.skip();
      const file = path.join(stage.folder, 'time');
      writeFileSync(file, '+0');
      const [one, two] = await pair({
        ...QUICK,
        ...{ LD_PRELOAD: FAKETIME, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: '1' },
        ...{ FAKETIME_DONT_FAKE_MONOTONIC: '1' },
      });
      for (const jump of ['+1d', '-1d']) {
        writeFileSync(file, jump);
        const before = (await one.linkTo(two))?.lastHandshakeAt;
        await until(
          'keys were made after the jump',
          async () => {
            await pings(one, two);
            return (await one.linkTo(two))?.lastHandshakeAt !== before;
          },
          60_000,
        );
        await packetsPass(one, two);
      }
    });
  });
}
