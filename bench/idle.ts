/** What a mesh costs that nobody uses: two routers that found each other on one wire, and nothing to carry. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Namespace, Stage } from '../test/integration/namespace.js';
import { established, Router } from '../test/integration/routers.js';
import { cpuSeconds, rssMegabytes, wireBytes } from './machine.js';
import type { Measure, Plan } from './measure.js';
import { PORTABLE } from './pairs.js';

/** Link classes, agreements and beacons of the start are over by then. */
const SETTLE_SECONDS = 60;
const SETTLE_SECONDS_QUICK = 20;
const MINUTES = 3;
const MINUTES_QUICK = 1;

export async function idle(plan: Plan): Promise<readonly Measure[]> {
  const stage = new Stage();
  try {
    return await watch(stage, plan);
  } finally {
    await stage.close();
  }
}

async function wired(
  stage: Stage,
  names: readonly [string, string],
): Promise<readonly Namespace[]> {
  const [a, b] = [await stage.namespace(names[0]), await stage.namespace(names[1])];
  await stage.wire({ at: a, device: 'wire' }, { at: b, device: 'wire' });
  return [a, b];
}

async function watch(stage: Stage, plan: Plan): Promise<readonly Measure[]> {
  const [silent] = await wired(stage, ['silent', 'mute']);
  const spaces = await wired(stage, ['a', 'b']);
  const start = (at: Namespace, i: number): Promise<Router> =>
    Router.start(stage, { at, name: `r${i}`, env: PORTABLE });
  const [a, b] = await Promise.all(spaces.map(start));
  if (a === undefined || b === undefined || silent === undefined) throw new Error('no two ends');
  await established(a, b);
  const pids = [(await a.status()).pid, (await b.status()).pid];
  const minutes = plan.quick ? MINUTES_QUICK : MINUTES;
  plan.say(`two routers at rest: settling, then ${minutes} min`);
  await sleep((plan.quick ? SETTLE_SECONDS_QUICK : SETTLE_SECONDS) * 1000);

  const started = performance.now();
  const before = pids.map(cpuSeconds);
  const silentBefore = await wireBytes(silent, 'wire');
  const counts = [await wireBytes(a.at, 'wire')];
  for (let minute = 1; minute <= minutes; minute += 1) {
    await sleep(60_000);
    counts.push(await wireBytes(a.at, 'wire'));
    plan.say(`minute ${minute} of ${minutes}: ${last(counts) - first(counts)} bytes so far`);
  }
  const passed = (performance.now() - started) / 60_000;
  const cpu = pids.map((pid, i) => ((cpuSeconds(pid) - (before[i] ?? 0)) / (passed * 60)) * 100);
  return measures({
    ...{ cpu, rss: pids.map(rssMegabytes) },
    bytes: (last(counts) - first(counts)) / passed,
    minutes: counts.slice(1).map((count, i) => count - (counts[i] ?? 0)),
    kernel: ((await wireBytes(silent, 'wire')) - silentBefore) / passed,
  });
}

const first = (numbers: readonly number[]): number => numbers[0] ?? 0;
const last = (numbers: readonly number[]): number => numbers.at(-1) ?? 0;

function measures(seen: {
  /** Of each router. */
  readonly cpu: readonly number[];
  readonly rss: readonly number[];
  /** A minute, over the whole time: probes every 25 s make single minutes differ. */
  readonly bytes: number;
  readonly minutes: readonly number[];
  /** The same on a wire without routers. */
  readonly kernel: number;
}): readonly Measure[] {
  const part = 'idle';
  return [
    {
      ...{ part, name: 'CPU of a router at rest', unit: '% of a core', values: seen.cpu },
      target: { kind: 'below', bound: 0.3 },
    },
    {
      ...{ part, name: 'resident memory', unit: 'MB', values: seen.rss },
      target: { kind: 'below', bound: 100 },
    },
    {
      ...{ part, name: 'idle link, both directions', unit: 'bytes/min', values: [seen.bytes] },
      target: { kind: 'below', bound: 1500 },
      note: `frames, the kernel’s own too; by the minute ${seen.minutes.join(', ')}`,
    },
    { part, name: 'a wire without routers', unit: 'bytes/min', values: [seen.kernel] },
  ];
}
