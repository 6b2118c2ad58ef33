/** The labs of `labs/` that are about NAT, as they are: what their pages promise. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { TestLab } from '../lab/helpers.js';
import { canRunRouters, until } from '../namespace.js';
import { LANDED } from './landed.js';
import { ECHO_PORT, Member, type Seen } from './pairs.js';
import type { Stream } from './probe.js';

const EVERY_MSEC = 20;
/** The issue has two seconds, on a machine that does nothing else. */
const BACK_MSEC_MAX = 5_000;

class RunningLab {
  readonly lab: TestLab;
  readonly #members = new Map<string, Member>();

  constructor(name: string) {
    const text = readFileSync(path.resolve('labs', `${name}.clab.yml`), 'utf8');
    this.lab = new TestLab(text.slice(text.indexOf('\ntopology:\n') + '\ntopology:\n'.length));
  }

  async deploy(): Promise<void> {
    this.lab.must('deploy');
    const { nodes } = JSON.parse(this.lab.must('inspect', '--json')) as { nodes: Seen[] };
    for (const node of nodes.filter(({ role }) => role === 'router'))
      this.#members.set(node.name, await Member.of(node));
  }

  member(name: string): Member {
    const member = this.#members.get(name);
    if (member === undefined) throw new Error(`the lab has no router ${name}`);
    return member;
  }

  /** Until both ends of a link use this transport. */
  async linked(a: string, b: string, transport?: string): Promise<void> {
    const what = `${a} and ${b} have a ${transport ?? ''} link`;
    const [one, other] = [this.member(a), this.member(b)];
    await until(
      what,
      async () => {
        const ends = [await one.linkTo(other), await other.linkTo(one)];
        return ends.every(
          (end) =>
            end.state === 'up' &&
            (end.path?.transport ?? '') === (transport ?? end.path?.transport),
        );
      },
      60_000,
    );
  }

  /** What became of packets from one to the other while something was done. */
  async during(a: string, b: string, work: () => Promise<void> | void): Promise<Stream> {
    const [one, other] = [this.member(a), this.member(b)];
    const id = `${a} ${b} ${Date.now()}`;
    one.prober.stream(id, { address: other.address, port: ECHO_PORT }, EVERY_MSEC);
    await work();
    await one.prober.arrives(id);
    return await one.prober.stop(id);
  }

  end(): void {
    for (const { prober } of this.#members.values()) prober.end();
    this.lab.end();
  }
}

describe('the labs about NAT', function () {
  this.timeout(180_000);
  let running: RunningLab;
  before(function () {
    if (!canRunRouters()) this.skip();
  });
  afterEach(() => running?.end());

  it('blocked-udp: a TCP link to port 443, at once, and all that is behind the hub', async () => {
    running = new RunningLab('blocked-udp');
    await running.deploy();
    await running.linked('laptop', 'hub', 'tcp');
    const { path: used } = await running.member('laptop').linkTo(running.member('hub'));
    expect(used?.remote).to.equal('tcp://203.0.113.1:443');
    const through = await running.during('laptop', 'home', () => {});
    expect(through.firstAt, 'home is reached through the hub').not.to.equal(null);
  });

  it('blocked-udp: UDP when the network lets it through, TCP again when not', async function () {
    if (!LANDED.punching) return this.skip();
    running = new RunningLab('blocked-udp');
    await running.deploy();
    await running.linked('laptop', 'hub', 'tcp');
    const upgrade = await running.during('laptop', 'hub', async () => {
      running.lab.must('nat', 'office', '--kind', 'port-restricted');
      await running.linked('laptop', 'hub', 'udp');
    });
    expect(upgrade.lost, 'packets lost by the upgrade').to.equal(0);
    const back = await running.during('laptop', 'hub', async () => {
      running.lab.must('nat', 'office', '--kind', 'udp-blocked');
      await running.linked('laptop', 'hub', 'tcp');
    });
    expect(back.gapMsec).to.be.below(BACK_MSEC_MAX + 2_000); // three probe intervals and some
  });

  it('roaming: the phone is back at once in each network that it comes to', async () => {
    running = new RunningLab('roaming');
    await running.deploy();
    await running.linked('phone', 'hub');
    const { lab } = running;
    const gaps: [string, number][] = [];
    const step = async (what: string, ...words: string[]): Promise<void> => {
      const [command = '', ...args] = words;
      const { gapMsec } = await running.during(
        'phone',
        'hub',
        () => void lab.must(command, ...args),
      );
      gaps.push([what, gapMsec]);
    };
    await step('box rebooted', 'nat', 'home', 'reboot');
    await step('on the road', 'impair', 'home', 'phone', '--down');
    if (LANDED.roaming) await step('home again', 'impair', 'home', 'phone', '--up');
    const said = gaps.map(([what, gapMsec]) => `${what} ${gapMsec} ms`).join(', ');
    process.stdout.write(`      longest gaps: ${said}\n`);
    for (const [, gapMsec] of gaps) expect(gapMsec, said).to.be.below(BACK_MSEC_MAX);
  });
});
