/** What the kernel counts: processor time and memory of a process, bytes on a wire, how busy the machine is. */
import { readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Namespace } from '../test/integration/namespace.js';

/** Linux gives processor times in these to every program: sysconf(_SC_CLK_TCK). */
const TICKS_PER_SECOND = 100;
const LOOK_MSEC = 1_000;

/** Processor seconds of a process so far, in the kernel and outside of it. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // its name may hold spaces
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Resident memory now, in MB (10^6 bytes). */
export function rssMegabytes(pid: number): number {
  const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kib) * 1024) / 1e6;
}

/** Bytes of frames that an interface has received and sent so far. */
export async function wireBytes(at: Namespace, device: string): Promise<number> {
  const [link] = JSON.parse(await at.ip(`-j -s link show ${device}`)) as {
    stats64: { rx: { bytes: number }; tx: { bytes: number } };
  }[];
  if (link === undefined) throw new Error(`${at.name} has no ${device}`);
  return link.stats64.rx.bytes + link.stats64.tx.bytes;
}

/** How much of the machine others use, in percent of one core, looked at for a second while we do nothing. */
export async function othersPercent(): Promise<number> {
  const before = busyTicks();
  await sleep(LOOK_MSEC);
  return ((busyTicks() - before) / TICKS_PER_SECOND / (LOOK_MSEC / 1000)) * 100;
}

function busyTicks(): number {
  const [, user, nice, system, , , irq, softirq] = readFileSync('/proc/stat', 'utf8')
    .split('\n', 1)
    .join()
    .split(/\s+/)
    .map(Number);
  return (user ?? 0) + (nice ?? 0) + (system ?? 0) + (irq ?? 0) + (softirq ?? 0);
}

export function machineText(): string {
  const [cpu] = cpus();
  const kernel = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim();
  const model = cpu?.model.trim() || 'unknown processor';
  return `${cpus().length} × ${model}, Linux ${kernel}, Node ${process.versions.node}`;
}

export const loadText = (): string =>
  loadavg()
    .map((load) => load.toFixed(2))
    .join(' ');
