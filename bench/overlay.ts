/** TCP and ping through both planes and through wireguard-go, in turns: only their ratios are figures. */
import { setTimeout as sleep } from 'node:timers/promises';
import { loadNative } from '../src/platform/native.js';
import { Stage, until } from '../test/integration/namespace.js';
import { cpuSeconds, othersPercent } from './machine.js';
import type { Measure, Plan, Target } from './measure.js';
import {
  type MakePair,
  nativePair,
  type Pair,
  portablePair,
  wireguardPair,
  wireguardProgram,
} from './pairs.js';

const ROUNDS = 3;
const TCP_SECONDS = 8;
const TCP_SECONDS_QUICK = 3;
const PINGS = 200;
const PING_INTERVAL_S = '0.02';
/** The first packets of a pair make sessions; a router that just started stays cold for long after that. */
const WARM_PINGS = 50;
const SETTLE_MSEC = 500;

interface Carried {
  readonly gigabitsPerSecond: number;
  /** Mean of all pings. */
  readonly rttMsec: number;
  /** The same next to a TCP stream. */
  readonly loadedRttMsec: number;
  readonly gigabitsOfFour: number;
  /** Both routers', for a gigabyte of TCP payload. */
  readonly cpuSecondsPerGigabyte: number;
}

type Contender = 'wireguard-go' | 'portable' | 'native';

const CONTENDERS: readonly (readonly [name: Contender, make: MakePair])[] = [
  ['wireguard-go', wireguardPair],
  ['portable', portablePair],
  ...(loadNative().ok ? [['native', nativePair] as const] : []),
];

export async function overlay(plan: Plan): Promise<readonly Measure[]> {
  const seen = new Map<Contender, Carried[]>(CONTENDERS.map(([name]) => [name, []]));
  const others: number[] = [];
  const rounds = plan.quick ? 1 : ROUNDS;
  for (let round = 1; round <= rounds; round += 1) {
    others.push(await othersPercent());
    const turns = round % 2 === 1 ? CONTENDERS : CONTENDERS.toReversed();
    for (const [name, make] of turns) {
      const carried = await carry(make, plan.quick ? TCP_SECONDS_QUICK : TCP_SECONDS);
      seen.get(name)?.push(carried);
      const { gigabitsPerSecond, rttMsec, loadedRttMsec } = carried;
      const pings = `ping ${rttMsec.toFixed(3)} ms, under TCP ${loadedRttMsec.toFixed(2)} ms`;
      plan.say(
        `round ${round} of ${rounds}: ${name}: ${gigabitsPerSecond.toFixed(2)} Gbit/s, ${pings}`,
      );
    }
  }
  return [...measures(seen), { part, name: 'others’ CPU before', unit: '%', values: others }];
}

const part = 'overlay';

interface Kind {
  readonly name: string;
  readonly unit: string;
  readonly of: (one: Carried) => number;
}

const KINDS: readonly Kind[] = [
  { name: 'TCP, 1 stream', unit: 'Gbit/s', of: (one) => one.gigabitsPerSecond },
  { name: 'TCP, 4 streams', unit: 'Gbit/s', of: (one) => one.gigabitsOfFour },
  { name: 'ping', unit: 'ms', of: (one) => one.rttMsec },
  { name: 'ping under TCP', unit: 'ms', of: (one) => one.loadedRttMsec },
  { name: 'routers’ CPU', unit: 's/GB', of: (one) => one.cpuSecondsPerGigabyte },
];

/** What the issues ask for, against wireguard-go in the same run. */
const TARGETS: Readonly<Record<string, Target>> = {
  'portable TCP, 1 stream': { kind: 'least', bound: 0.3 },
  'portable ping': { kind: 'most', bound: 2 },
  'native TCP, 1 stream': { kind: 'least', bound: 2 },
  'native TCP, 4 streams': { kind: 'least', bound: 2 },
  'native ping': { kind: 'most', bound: 0.7 },
  'native routers’ CPU': { kind: 'most', bound: 0.4 },
};

function measures(seen: ReadonlyMap<Contender, readonly Carried[]>): Measure[] {
  const theirs = seen.get('wireguard-go') ?? [];
  const note = wireguardProgram();
  return KINDS.flatMap((kind) => {
    const { name, unit, of } = kind;
    const own = [...seen].map(([who, all]) => ({
      ...{ part, name: `${name}, ${who}`, unit, values: all.map(of) },
    }));
    const ratios = [...seen].flatMap(([who, all]) => {
      if (who === 'wireguard-go') return [];
      const values = all.map((one, i) => of(one) / of(theirs[i] ?? one));
      const target = TARGETS[`${who} ${name}`];
      const ratio = { part, name: `${name}, ${who} to wireguard-go`, unit: '×', values };
      return [target === undefined ? ratio : { ...ratio, target, note }];
    });
    return [...own, ...ratios];
  });
}

async function carry(make: MakePair, seconds: number): Promise<Carried> {
  const stage = new Stage();
  try {
    const pair = await make(stage);
    await pair.from.ping(pair.address, WARM_PINGS, '-i', PING_INTERVAL_S);
    await sleep(SETTLE_MSEC);
    const rttMsec = await roundTrip(pair);
    const one = await stream(pair, seconds);
    const four = await stream(pair, seconds, '-P', '4');
    const loadedRttMsec = await loadedRoundTrip(pair);
    return { rttMsec, loadedRttMsec, gigabitsOfFour: four.gigabitsPerSecond, ...one };
  } finally {
    await stage.close();
  }
}

async function roundTrip({ from, address }: Pair): Promise<number> {
  const { output } = await from.ping(address, PINGS, '-i', PING_INTERVAL_S);
  const mean = /= [\d.]+\/([\d.]+)\//.exec(output)?.[1];
  if (mean === undefined) throw new Error(`no ping came back: ${output}`);
  return Number(mean);
}

/** Pings while a TCP stream runs: as many as before, so the stream lasts a little longer than they do. */
async function loadedRoundTrip(pair: Pair): Promise<number> {
  const seconds = PINGS * Number(PING_INTERVAL_S) + 2;
  const running = stream(pair, seconds);
  await sleep(SETTLE_MSEC);
  const rttMsec = await roundTrip(pair);
  await running;
  return rttMsec;
}

/** TCP streams of iperf3 as it is, in the direction of `from` to `to`. */
async function stream(
  { from, to, address, pids }: Pair,
  seconds: number,
  ...more: readonly string[]
): Promise<Pick<Carried, 'gigabitsPerSecond' | 'cpuSecondsPerGigabyte'>> {
  const server = to.start(['iperf3', '-s', '-1', '--forceflush']);
  await until('iperf3 listens', () => server.said().includes('listening'));
  const spent = (): number => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  const before = spent();
  const said = await from.must(['iperf3', '-J', '-t', String(seconds), '-c', address, ...more]);
  const cpu = spent() - before;
  const { end } = JSON.parse(said) as {
    end: { sum_received: { bits_per_second: number; bytes: number } };
  };
  return {
    gigabitsPerSecond: end.sum_received.bits_per_second / 1e9,
    cpuSecondsPerGigabyte: cpu / (end.sum_received.bytes / 1e9),
  };
}
