/** A triangle of routers: how long pings stay away when the link in use dies without a word. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Namespace, Stage, until } from '../test/integration/namespace.js';
import { converged, isEstablished, Router } from '../test/integration/routers.js';
import type { Measure, Plan } from './measure.js';
import { PORTABLE } from './pairs.js';

const ROUNDS = 3;
const PING_INTERVAL_S = '0.01';
const PROBES = 3;
/** Issue 3: three probe intervals and this. */
const GRACE_MSEC = 50;
/** Pings before the cut, and after the silence ended. */
const CALM_MSEC = 1_500;
/** DOWN to UP is damped. */
const RECOVERY_MSEC_MAX = 90_000;
const EVERYTHING = 'meta length > 0';

export async function failover(plan: Plan): Promise<readonly Measure[]> {
  const measures: Measure[] = [];
  for (const probeMsec of [1000, 50]) {
    const values = await gaps(plan, probeMsec);
    measures.push({
      ...{ part: 'failover', name: `link cut, probes of ${probeMsec} ms`, unit: 'ms', values },
      target: { kind: 'most', bound: PROBES * probeMsec + GRACE_MSEC },
      note: 'longest time without an answer, pings every 10 ms',
    });
  }
  return measures;
}

async function gaps(plan: Plan, probeMsec: number): Promise<number[]> {
  const stage = new Stage();
  try {
    const triangle = await build(stage, probeMsec);
    const rounds = plan.quick ? 1 : ROUNDS;
    const found: number[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      await direct(triangle);
      found.push(await cut(triangle, probeMsec));
      plan.say(
        `probes of ${probeMsec} ms, cut ${round} of ${rounds}: ${found.at(-1)?.toFixed(0)} ms`,
      );
    }
    return found;
  } finally {
    await stage.close();
  }
}

type Triangle = readonly [r1: Router, r2: Router, r3: Router];

async function build(stage: Stage, probeMsec: number): Promise<Triangle> {
  const names = ['r1', 'r2', 'r3'] as const;
  const [a, b, c] = (await Promise.all(names.map((name) => stage.namespace(name)))) as [
    Namespace,
    Namespace,
    Namespace,
  ];
  await stage.wire({ at: a, device: 'to2' }, { at: b, device: 'to1' });
  await stage.wire({ at: b, device: 'to3' }, { at: c, device: 'to2' });
  await stage.wire({ at: a, device: 'to3' }, { at: c, device: 'to1' });
  const config = `probe_interval_ms = ${probeMsec}`;
  const start = (at: Namespace, i: number): Promise<Router> =>
    Router.start(stage, { at, name: names[i] ?? 'r', config, env: PORTABLE });
  const triangle = (await Promise.all([a, b, c].map(start))) as [Router, Router, Router];
  await converged(triangle);
  return triangle;
}

/** Until r1 and r3 route to each other over their own link, and every session is there. */
async function direct([r1, r2, r3]: Triangle): Promise<void> {
  const isDirect = async (): Promise<boolean> =>
    (await r1.bestTo(r3)) === r3.address &&
    (await r3.bestTo(r1)) === r1.address &&
    (await isEstablished(r1, r2)) &&
    (await isEstablished(r2, r3));
  await until('r1 and r3 route to each other directly', isDirect, RECOVERY_MSEC_MAX);
}

/** @returns Milliseconds without an answer, at the sender. */
async function cut([r1, , r3]: Triangle, probeMsec: number): Promise<number> {
  const options = ['-6', '-n', '-D', '-O', '-i', PING_INTERVAL_S];
  const ping = r1.at.start(['ping', ...options, r3.address]);
  let endMsec = 0;
  try {
    await until('pings pass', () => answersAt(ping.said()).length > 0);
    await sleep(CALM_MSEC);
    await r1.at.dropArriving('to3', EVERYTHING);
    await r3.at.dropArriving('to1', EVERYTHING);
    await sleep(PROBES * probeMsec + CALM_MSEC);
    endMsec = Date.now();
  } finally {
    ping.child.kill('SIGINT');
    await ping.ended;
    await r1.at.restore('to3').catch(() => {});
    await r3.at.restore('to1').catch(() => {});
  }
  return longestGap(answersAt(ping.said()), endMsec);
}

/** When answers came, in ms since 1970 (`ping -D`). */
function answersAt(output: string): number[] {
  const found = output.matchAll(/^\[(\d+\.\d+)\] \d+ bytes from /gm);
  return [...found].map((line) => Number(line[1]) * 1000);
}

/** Up to `endMsec`, so that a silence that never ended counts too. */
function longestGap(times: readonly number[], endMsec: number): number {
  const gapsMsec = [...times.slice(1), endMsec].map((at, i) => at - (times[i] ?? at));
  return Math.max(...gapsMsec);
}
