/** Issue 6: how long the check of a registry takes, and what a look without news costs a router. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { RegistrySync } from '../src/router/registry/sync.js';
import { nodeText, Repo } from '../test/integration/registry/repo.js';
import { ALAMESH } from '../test/integration/routers.js';
import { REALM } from '../test/unit/identity/nodes.js';
import type { Measure, Plan } from './measure.js';

const SIZES = [
  { members: 1_000, secondsMax: 2 },
  { members: 10_000, secondsMax: 15 },
] as const;
const LOOKS = 10;

export async function registry({ quick, say }: Plan): Promise<readonly Measure[]> {
  const measures: Measure[] = [];
  for (const { members, secondsMax } of SIZES) {
    const folder = mkdtempSync(path.join(tmpdir(), 'alamesh-bench-'));
    try {
      say(`${members} members are made`);
      const repo = await filled(path.join(folder, 'realm'), members);
      const runs: Run[] = [];
      for (let run = 0; run < (quick ? 1 : 3); run += 1) runs.push(await check(repo.dir));
      const part = 'registry';
      const name = `check of ${members} members, one core`;
      measures.push(
        {
          ...{ part, name, unit: 's', values: runs.map(({ seconds }) => seconds) },
          target: { kind: 'below', bound: secondsMax },
        },
        {
          part,
          name: `${name}: memory`,
          unit: 'MB',
          values: runs.map(({ megabytes }) => megabytes),
        },
      );
      say(`${members} members are followed`);
      measures.push(...(await looks(folder, repo.dir, members)));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return measures;
}

async function filled(dir: string, members: number): Promise<Repo> {
  const repo = await Repo.init(dir);
  for (let number = 1; number <= members; number += 1) {
    repo.write(`members/h${number}/node-n.toml`, nodeText(number));
  }
  repo.git('add', '--all');
  repo.git('commit', '--quiet', '--message', 'members');
  return repo;
}

interface Run {
  readonly seconds: number;
  readonly megabytes: number;
}

/** As a host's CI does it, on one core. */
async function check(dir: string): Promise<Run> {
  const started = performance.now();
  const words = ['-c', '0', ALAMESH, 'registry', 'check', '--dir', dir];
  const child = spawn('taskset', words, { stdio: 'ignore' });
  let megabytes = 0;
  const watch = setInterval(() => {
    megabytes = Math.max(megabytes, peakMegabytes(child.pid));
  }, 20);
  const status = await new Promise((resolve, reject) => {
    child.on('close', resolve).on('error', reject);
  });
  clearInterval(watch);
  if (status !== 0) throw new Error(`the check of ${dir} ended with ${status}`);
  return { seconds: (performance.now() - started) / 1000, megabytes };
}

/** So far; 0 when it is gone. */
function peakMegabytes(pid: number | undefined): number {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+)/.exec(text)?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/** A router's looks when nothing is new: processor time of its own process, and the longest time that its loop stood still. */
async function looks(folder: string, dir: string, members: number): Promise<Measure[]> {
  const url = `file://${dir}`;
  const sync = await RegistrySync.open({ dir: folder, realm: REALM, now: Date.now });
  const first = await timed(() => sync.sync([url]));
  const values: { cpu: number; stall: number }[] = [];
  for (let look = 0; look < LOOKS; look += 1) values.push(await timed(() => sync.sync([url])));
  const part = 'registry';
  return [
    {
      ...{ part, name: `a look without news, ${members} members: CPU`, unit: 'ms' },
      values: values.map(({ cpu }) => cpu),
      target: { kind: 'below', bound: 50 },
    },
    {
      ...{
        part,
        name: `the same: longest stall`,
        unit: 'ms',
        values: values.map((one) => one.stall),
      },
      target: { kind: 'most', bound: 20 },
    },
    {
      ...{
        part,
        name: `all ${members} members new: longest stall`,
        unit: 'ms',
        values: [first.stall],
      },
      note: 'once, when a registry is first followed',
    },
  ];
}

async function timed(action: () => Promise<unknown>): Promise<{ cpu: number; stall: number }> {
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  const before = process.cpuUsage();
  await action();
  const { user, system } = process.cpuUsage(before);
  delays.disable();
  return { cpu: (user + system) / 1000, stall: delays.max / 1e6 };
}
