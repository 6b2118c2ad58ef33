/** TCP and ping through the portable plane and through wireguard-go, in turns: only their ratio is a figure. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Stage, until } from '../test/integration/namespace.js';
import { cpuSeconds, othersPercent } from './machine.js';
import type { Measure, Plan } from './measure.js';
import { alameshPair, type MakePair, type Pair, wireguardPair } from './pairs.js';

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
  /** Both routers', for a gigabyte of TCP payload. */
  readonly cpuSecondsPerGigabyte: number;
  readonly mtu: number;
}

const CONTENDERS: readonly (readonly [name: 'alamesh' | 'wireguard', make: MakePair])[] = [
  ['wireguard', wireguardPair],
  ['alamesh', alameshPair],
];

export async function overlay(plan: Plan): Promise<readonly Measure[]> {
  const seen = { alamesh: [] as Carried[], wireguard: [] as Carried[] };
  const others: number[] = [];
  const rounds = plan.quick ? 1 : ROUNDS;
  for (let round = 1; round <= rounds; round += 1) {
    others.push(await othersPercent());
    const turns = round % 2 === 1 ? CONTENDERS : CONTENDERS.toReversed();
    for (const [name, make] of turns) {
      const carried = await carry(make, plan.quick ? TCP_SECONDS_QUICK : TCP_SECONDS);
      seen[name].push(carried);
      const { gigabitsPerSecond, rttMsec } = carried;
      const figures = `${gigabitsPerSecond.toFixed(3)} Gbit/s, ping ${rttMsec.toFixed(3)} ms`;
      plan.say(`round ${round} of ${rounds}: ${name}: ${figures}`);
    }
  }
  return measures(seen.alamesh, seen.wireguard, others);
}

function measures(
  ours: readonly Carried[],
  theirs: readonly Carried[],
  others: readonly number[],
): readonly Measure[] {
  const ratio = (of: (one: Carried) => number): number[] =>
    ours.map((one, i) => of(one) / of(theirs[i] ?? one));
  const tcp = (one: Carried): number => one.gigabitsPerSecond;
  const rtt = (one: Carried): number => one.rttMsec;
  const cpu = (one: Carried): number => one.cpuSecondsPerGigabyte;
  const part = 'overlay';
  const note = `inner MTU ${ours[0]?.mtu} and ${theirs[0]?.mtu}`;
  return [
    {
      ...{ part, name: 'TCP, 1 stream, to wireguard-go', unit: '×', values: ratio(tcp), note },
      target: { kind: 'least', bound: 0.3 },
    },
    {
      ...{ part, name: 'ping RTT, to wireguard-go', unit: '×', values: ratio(rtt) },
      target: { kind: 'most', bound: 2 },
    },
    { part, name: 'TCP, alamesh', unit: 'Gbit/s', values: ours.map(tcp) },
    { part, name: 'TCP, wireguard-go', unit: 'Gbit/s', values: theirs.map(tcp) },
    { part, name: 'ping RTT, alamesh', unit: 'ms', values: ours.map(rtt) },
    { part, name: 'ping RTT, wireguard-go', unit: 'ms', values: theirs.map(rtt) },
    { part, name: 'routers’ CPU, alamesh', unit: 's/GB', values: ours.map(cpu) },
    { part, name: 'routers’ CPU, wireguard-go', unit: 's/GB', values: theirs.map(cpu) },
    { part, name: 'others’ CPU before a round', unit: '%', values: others },
  ];
}

async function carry(make: MakePair, seconds: number): Promise<Carried> {
  const stage = new Stage();
  try {
    const pair = await make(stage);
    await pair.from.ping(pair.address, WARM_PINGS, '-i', PING_INTERVAL_S);
    await sleep(SETTLE_MSEC);
    const rttMsec = await roundTrip(pair);
    return { rttMsec, mtu: pair.mtu, ...(await stream(pair, seconds)) };
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

/** One TCP stream of iperf3 as it is, in the direction of `from` to `to`. */
async function stream(
  { from, to, address, pids }: Pair,
  seconds: number,
): Promise<Pick<Carried, 'gigabitsPerSecond' | 'cpuSecondsPerGigabyte'>> {
  const server = to.start(['iperf3', '-s', '-1', '--forceflush']);
  await until('iperf3 listens', () => server.said().includes('listening'));
  const spent = (): number => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  const before = spent();
  const said = await from.must(['iperf3', '-J', '-t', String(seconds), '-c', address]);
  const cpu = spent() - before;
  const { end } = JSON.parse(said) as {
    end: { sum_received: { bits_per_second: number; bytes: number } };
  };
  return {
    gigabitsPerSecond: end.sum_received.bits_per_second / 1e9,
    cpuSecondsPerGigabyte: cpu / (end.sum_received.bytes / 1e9),
  };
}
