/** Running programs: to the end, many at a time but few at once, or left running on their own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../base/errors.js';

/** Ours: programs started at once; more only wait for the same few cores. */
const AT_ONCE = 4;
/** Ours: what a failed program said, as far as an error shows it. */
const SAID_CHARS_MAX = 400;

export interface RunOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The environment of our children: `ip`, `tc` and `nft` live in sbin, which users often lack. */
export function childEnv(more: RunOptions['env'] = {}): NodeJS.ProcessEnv {
  const path = more.PATH ?? process.env.PATH ?? '';
  return { ...process.env, ...more, PATH: `${path}:/usr/local/sbin:/usr/sbin:/sbin` };
}

/**
 * Runs a program to its end.
 * @throws UserError `no-program` where it is not installed.
 */
export function tryRun(argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const [program = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: childEnv(options.env), stdio: 'pipe' });
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        said[name] += text;
      });
    }
    child.stdin.on('error', () => {}); // it may end before it reads
    child.stdin.end(options.input ?? '');
    child.on('error', (cause) => reject(cannotStart(program, cause)));
    child.on('close', (code, signal) => resolve({ status: code ?? statusOf(signal), ...said }));
  });
}

/** As `tryRun`. @throws UserError `command-failed` with the program's words unless it exits 0. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const ran = await tryRun(argv, options);
  if (ran.status === 0) return ran.stdout;
  const said = (ran.stderr.trim() || ran.stdout.trim()).slice(0, SAID_CHARS_MAX);
  throw new UserError(`${argv.join(' ').slice(0, 120)}: ${said || `exit ${ran.status}`}`, {
    code: 'command-failed',
    hint: '',
  });
}

/** 128 + the signal's number, as shells say it. */
export function statusOf(signal: NodeJS.Signals | null): number {
  const numbers: Partial<Record<NodeJS.Signals, number>> = {
    SIGHUP: 1,
    SIGINT: 2,
    SIGQUIT: 3,
    SIGABRT: 6,
    SIGKILL: 9,
    SIGSEGV: 11,
    SIGPIPE: 13,
    SIGTERM: 15,
  };
  return 128 + (signal === null ? 0 : (numbers[signal] ?? 0));
}

const PACKAGES: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  tc: 'iproute2',
  nft: 'nftables',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  ping: 'iputils-ping',
  iperf3: 'iperf3',
};

export function cannotStart(program: string, cause: unknown): UserError {
  const absent = (cause as NodeJS.ErrnoException).code === 'ENOENT';
  const message = absent
    ? `no such program: ${program}`
    : `cannot start ${program}: ${String(cause)}`;
  const name = PACKAGES[program];
  const hint = name === undefined ? '' : `On Debian: apt-get install ${name}`;
  return new UserError(message, { code: 'no-program', hint: absent ? hint : '', cause });
}

/** Does work on every item, a few at a time; the first failure stops what has not begun. */
export async function forAll<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      if (failures.length > 0) return;
      await work(item).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  if (failures.length > 0) throw failures[0];
}

/** A process for good: ids are used again, a start time with them is not. */
export interface Proc {
  readonly pid: number;
  /** Clock ticks since boot. */
  readonly startedAt: string;
}

/** @returns Undefined when there is no such process, or only its zombie. */
export function procOf(pid: number): Proc | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return { pid, startedAt: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

export const isAlive = (proc: Proc | null | undefined): boolean =>
  proc !== null && proc !== undefined && procOf(proc.pid)?.startedAt === proc.startedAt;

/** SIGTERM, `graceMsec` to end, SIGKILL, and the end of all of them. */
export async function endAll(procs: readonly Proc[], graceMsec: number): Promise<void> {
  for (const [signal, waitMsec] of [
    ['SIGTERM', graceMsec],
    ['SIGKILL', 2000],
  ] as const) {
    const left = procs.filter(isAlive);
    if (left.length === 0) return;
    for (const { pid } of left) {
      try {
        process.kill(pid, signal);
      } catch {} // it ended by itself meanwhile
    }
    const end = Date.now() + waitMsec;
    while (procs.some(isAlive) && Date.now() < end) await sleep(20);
  }
}

export interface Left {
  readonly child: ChildProcess;
  readonly proc: Proc | undefined;
}

/**
 * Starts a process that outlives us, its output appended to `log`.
 * @param env The whole environment.
 */
export function leaveRunning(argv: readonly string[], env: NodeJS.ProcessEnv, log: string): Left {
  const [program = '', ...args] = argv;
  const fd = openSync(log, 'a', 0o600);
  try {
    const child = spawn(program, args, {
      env,
      detached: true,
      stdio: ['ignore', fd, fd],
      cwd: '/',
    });
    child.on('error', () => {}); // an exit without a pid: the caller sees no process
    child.unref();
    return { child, proc: child.pid === undefined ? undefined : procOf(child.pid) };
  } finally {
    closeSync(fd);
  }
}

/** The last lines of a log, for an error. */
export function tail(log: string, lines: number): string {
  try {
    return readFileSync(log, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '';
  }
}
