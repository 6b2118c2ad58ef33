/** How long a person waits for `alamesh --help`. */
import { must } from '../test/integration/namespace.js';
import { ALAMESH } from '../test/integration/routers.js';
import type { Measure, Plan } from './measure.js';

const RUNS = 10;

export async function start(plan: Plan): Promise<readonly Measure[]> {
  const ours: number[] = [];
  const node: number[] = [];
  await wallSeconds([ALAMESH, '--help']); // reads the files from the disk once
  for (let run = 0; run < RUNS; run += 1) {
    node.push(await wallSeconds([process.execPath, '-e', '0']));
    ours.push(await wallSeconds([ALAMESH, '--help']));
  }
  plan.say(`${RUNS} times`);
  const part = 'start';
  return [
    {
      ...{ part, name: 'alamesh --help', unit: 's', values: ours },
      target: { kind: 'below', bound: 0.2 },
    },
    { part, name: 'node that does nothing', unit: 's', values: node },
  ];
}

async function wallSeconds(argv: readonly string[]): Promise<number> {
  const started = performance.now();
  await must(argv);
  return (performance.now() - started) / 1000;
}
