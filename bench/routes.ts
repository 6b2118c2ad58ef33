/**
 * Three routing machines in a row, joined in memory: the first announces thousands of members, the middle one verifies
 * and selects every route and passes it to the third; then all are withdrawn. What counts is the middle one's CPU.
 */
import { Alanet } from '../src/alanet/alanet.js';
import type { Crypto } from '../src/base/crypto.js';
import { after, type EpochMillis, earliest, type Instant, type Millis } from '../src/base/time.js';
import type { RouterIdentity } from '../src/engine/options.js';
import type { LinkId } from '../src/link/types.js';
import { nodeCrypto } from '../src/platform/crypto.js';
import { seededIdentity } from '../src/sim/identity.js';
import { SeededEntropy } from '../src/sim/random.js';
import type { Measure, Plan } from './measure.js';
import {
  announcements,
  makeOrigin,
  nodeRecord,
  REALM,
  type Signing,
  withdrawals,
} from './origins.js';

const ROUNDS = 3;
const ROUTES = 10_000;
const SEED = 7;
/** The machines' time: a realm in November 2026. */
const EPOCH_MSEC = 1_795_000_000_000;
const RTT_MSEC = 2 as Millis;
/** Virtual time without an end to the work: something is broken. */
const PATIENCE_MSEC = 120_000;

export async function routes(plan: Plan): Promise<readonly Measure[]> {
  const crypto = nodeCrypto();
  const entropy = new SeededEntropy(SEED);
  const signing: Signing = { crypto, entropy, nowSeconds: EPOCH_MSEC / 1000 };
  const speaker = seededIdentity(crypto, entropy, REALM);
  plan.say(`signing ${ROUTES} members and their links`);
  const origins = Array.from({ length: ROUTES }, (_, i) =>
    makeOrigin(signing, speaker, `member-${i}`),
  );
  const seen: RoundCost[] = [];
  const rounds = plan.quick ? 1 : ROUNDS;
  for (let round = 1; round <= rounds; round += 1) {
    const row = new Row(signing, speaker);
    const announced = row.spread(announcements(origins), ROUTES);
    const withdrawn = row.spread(withdrawals(ROUTES), 0);
    seen.push({ announced, withdrawn });
    const figures = `${announced.toFixed(2)} s, withdrawn in ${withdrawn.toFixed(2)} s`;
    plan.say(`round ${round} of ${rounds}: ${figures} of CPU`);
  }
  return measures(seen, verifySeconds(crypto, entropy));
}

interface RoundCost {
  /** CPU seconds of the middle machine. */
  readonly announced: number;
  readonly withdrawn: number;
}

function measures(seen: readonly RoundCost[], verify: number): readonly Measure[] {
  const part = 'routes';
  const unit = 's of CPU';
  return [
    {
      ...{ part, name: '10,000 routes verified and passed on', unit },
      values: seen.map(({ announced }) => announced),
      target: { kind: 'below', bound: 10 },
      note: 'each route: a node record and a link record, three signatures',
    },
    { part, name: 'and withdrawn', unit, values: seen.map(({ withdrawn }) => withdrawn) },
    { part, name: 'the 30,000 signatures alone', unit, values: [verify * 3 * ROUTES] },
  ];
}

/** CPU of one Ed25519 verification here and now. */
function verifySeconds(crypto: Crypto, entropy: SeededEntropy): number {
  const runs = 2_000;
  const seed = entropy.bytes(32);
  const message = entropy.bytes(200);
  const publicKey = crypto.ed25519Public(seed);
  const signature = crypto.ed25519Sign(seed, message);
  const before = process.cpuUsage();
  for (let run = 0; run < runs; run += 1) crypto.ed25519Verify(publicKey, message, signature);
  return seconds(process.cpuUsage(before)) / runs;
}

const seconds = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1e6;

interface Station {
  readonly alanet: Alanet;
  readonly who: RouterIdentity;
  readonly name: string;
  cpuSeconds: number;
}

interface Wire {
  readonly from: Station;
  readonly to: Station;
  readonly message: Uint8Array;
}

/** Link 1 joins speaker and middle, link 2 middle and end. */
class Row {
  readonly #speaker: Station;
  readonly #middle: Station;
  readonly #end: Station;
  readonly #wires: Wire[] = [];
  #now = 0 as Instant;

  constructor(signing: Signing, speaker: RouterIdentity) {
    const { crypto, entropy } = signing;
    this.#speaker = station(signing, speaker, 'speaker');
    this.#middle = station(signing, seededIdentity(crypto, entropy, REALM), 'middle');
    this.#end = station(signing, seededIdentity(crypto, entropy, REALM), 'end');
    for (const { alanet } of this.#all) alanet.start(this.#now);
    this.#link(1, this.#speaker, this.#middle);
    this.#link(2, this.#middle, this.#end);
    // Each of the three has the others' own prefixes.
    this.#until(() => this.#all.every(({ alanet }) => alanet.locRib.size === this.#all.length));
  }

  get #all(): readonly Station[] {
    return [this.#speaker, this.#middle, this.#end];
  }

  /**
   * Gives the middle machine these messages of the speaker, until the end one knows as many routes of others.
   * @returns CPU seconds that the middle machine used.
   */
  spread(messages: readonly Uint8Array[], routesLeft: number): number {
    const before = this.#middle.cpuSeconds;
    for (const message of messages) {
      this.#wires.push({ from: this.#speaker, to: this.#middle, message });
      this.#deliver();
    }
    const wanted = routesLeft + this.#all.length;
    this.#until(
      () => this.#middle.alanet.locRib.size === wanted && this.#end.alanet.locRib.size === wanted,
    );
    return this.#middle.cpuSeconds - before;
  }

  #link(id: number, a: Station, b: Station): void {
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      this.#on(one, (alanet) =>
        alanet.handleLink(this.#now, {
          ...{ kind: 'up', link: id as LinkId, peer: other.who.id, name: other.name },
          ...{ noiseKey: other.who.noisePublic, rttMsec: RTT_MSEC, mtu: 1420, transport: 'memory' },
        }),
      );
    }
  }

  /** Runs the machines on virtual time. @throws Error when it does not come to that. */
  #until(isDone: () => boolean): void {
    const end = after(this.#now, PATIENCE_MSEC);
    this.#deliver();
    while (!isDone()) {
      const next = earliest(...this.#all.map(({ alanet }) => alanet.nextTimeout()));
      if (next === undefined || next > end)
        throw new Error(`the routes got stuck: ${this.#state()}`);
      this.#now = Math.max(next, this.#now) as Instant;
      for (const one of this.#all) this.#on(one, (alanet) => alanet.handleTimeout(this.#now));
      this.#deliver();
    }
  }

  #state(): string {
    return this.#all.map(({ name, alanet }) => `${name} ${alanet.locRib.size}`).join(', ');
  }

  #deliver(): void {
    for (let wire = this.#wires.shift(); wire !== undefined; wire = this.#wires.shift()) {
      const { from, to, message } = wire;
      const link = (from === this.#end || to === this.#end ? 2 : 1) as LinkId;
      this.#on(to, (alanet) => alanet.handleLink(this.#now, { kind: 'received', link, message }));
    }
  }

  /** One turn of a machine, on its own account. */
  #on(one: Station, work: (alanet: Alanet) => void): void {
    const before = process.cpuUsage();
    work(one.alanet);
    this.#poll(one);
    one.cpuSeconds += seconds(process.cpuUsage(before));
  }

  #poll(from: Station): void {
    for (let out = from.alanet.poll(); out !== undefined; out = from.alanet.poll()) {
      if (out.kind !== 'link') continue;
      if (out.command.kind === 'reset') throw new Error(`${from.name}: ${out.command.reason}`);
      const { link, message } = out.command;
      const to = from !== this.#middle ? this.#middle : link === 1 ? this.#speaker : this.#end;
      this.#wires.push({ from, to, message });
      from.alanet.handleSendAnswer(this.#now, link, 'sent');
    }
  }
}

function station(signing: Signing, who: RouterIdentity, name: string): Station {
  const { crypto, entropy } = signing;
  const record = nodeRecord(signing, who, name);
  const alanet = new Alanet({
    ...{ crypto, entropy, realm: REALM, work: 0, name, transit: 'full' },
    wall: (now) => (EPOCH_MSEC + now) as EpochMillis,
    identity: { id: who.id, seed: who.seed, nodeRecord: () => record },
  });
  return { alanet, who, name, cpuSeconds: 0 };
}
