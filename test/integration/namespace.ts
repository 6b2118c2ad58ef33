/**
 * Network namespaces of a test's own, the wires between them, and the programs in them. A `Stage` holds them all and
 * takes all of them down again: in `close()`, and when the test process ends before it came to that.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A command that takes longer is broken. */
const COMMAND_MSEC_MAX = 60_000;
const GRACE_MSEC = 8_000;
const POLL_MSEC = 150;

export interface Ran {
  /** Null when it was killed. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** It is killed after this. */
  readonly msecMax?: number;
}

export interface Pinged {
  readonly sent: number;
  readonly received: number;
  /** The longest run of lost ones. */
  readonly gap: number;
  readonly output: string;
}

/** The environment of everything here: nothing of the caller's own router, plain text, sbin in the path. */
export function cleanEnv(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('ALAMESH_'));
  const searchPath = `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`;
  return {
    ...Object.fromEntries(own),
    NO_COLOR: '1',
    LC_ALL: 'C.UTF-8',
    PATH: searchPath,
    ...more,
  };
}

/** Whether the machine has all of these programs. */
export const hasTools = (...names: readonly string[]): boolean =>
  names.every((name) =>
    (cleanEnv().PATH ?? '').split(':').some((folder) => existsSync(path.join(folder, name))),
  );

/** What every test of real routers needs. */
export const canRunRouters = (): boolean =>
  process.getuid?.() === 0 && existsSync('/dev/net/tun') && hasTools('ip', 'ping', 'nft', 'sysctl');

/** Runs a program to its end; never throws for what the program does. */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const [program = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: cleanEnv(options.env),
      cwd: options.cwd,
      stdio: 'pipe',
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), options.msecMax ?? COMMAND_MSEC_MAX);
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        said[name] += text;
      });
    }
    child.stdin.on('error', () => {}); // it may end before it reads
    child.stdin.end(options.input ?? '');
    child.on('error', reject);
    child.on('close', (status) => {
      clearTimeout(timer);
      resolve({ status, ...said });
    });
  });
}

/** As `run`. @returns What it printed. @throws Error with what it said unless it exits 0. */
export async function must(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const { status, stdout, stderr } = await run(argv, options);
  if (status !== 0) throw new Error(`${argv.join(' ')}: exit ${status}: ${stderr || stdout}`);
  return stdout;
}

/** What `until` need not wait for any longer. */
export class Hopeless extends Error {}

/**
 * Asks again and again for a value that is neither undefined nor false.
 * @throws Error with `what`, and the last error of `ask`, when the time is up or that error is `Hopeless`.
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  msecMax = 20_000,
): Promise<T> {
  const end = Date.now() + msecMax;
  let last = '';
  for (;;) {
    try {
      const value = await ask();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      if (error instanceof Hopeless) throw error;
      last = `: ${String(error)}`;
    }
    if (Date.now() > end) throw new Error(`${what}: not within ${msecMax / 1000} s${last}`);
    await sleep(POLL_MSEC);
  }
}

/** A network namespace of the test. */
export class Namespace {
  readonly name: string;
  readonly #stage: Stage;

  constructor(stage: Stage, name: string) {
    this.#stage = stage;
    this.name = name;
  }

  argv(argv: readonly string[]): string[] {
    return ['ip', 'netns', 'exec', this.name, ...argv];
  }

  run(argv: readonly string[], options?: RunOptions): Promise<Ran> {
    return run(this.argv(argv), options);
  }

  must(argv: readonly string[], options?: RunOptions): Promise<string> {
    return must(this.argv(argv), options);
  }

  /** Starts a program that ends with the stage at the latest. */
  start(argv: readonly string[], options?: StartOptions): Started {
    return this.#stage.start(this.argv(argv), options);
  }

  /** `ip` with words, as on a command line. */
  ip(words: string): Promise<string> {
    return must(['ip', '-n', this.name, ...words.split(' ')]);
  }

  nft(rules: string): Promise<string> {
    return this.must(['nft', '-f', '-'], { input: rules });
  }

  /** Drops what `match` (nftables) says of what leaves a device; its sender may be told ENOBUFS. */
  dropLeaving(device: string, match: string): Promise<string> {
    return this.#drop('egress', device, match);
  }

  /** Drops what `match` says of what arrives at a device: nobody is told. `restore` ends either. */
  dropArriving(device: string, match: string): Promise<string> {
    return this.#drop('ingress', device, match);
  }

  #drop(hook: string, device: string, match: string): Promise<string> {
    const chain = `type filter hook ${hook} device "${device}" priority 0; ${match} drop;`;
    return this.nft(`table netdev cut-${device} { chain c { ${chain} }; }`);
  }

  /** Idempotent. */
  async restore(device: string): Promise<void> {
    await this.run(['nft', 'delete', 'table', 'netdev', `cut-${device}`]);
  }

  /** Names of the TUN devices in here. */
  async tuns(): Promise<string[]> {
    const text = await this.ip('-d -o link show');
    return [...text.matchAll(/^\d+: ([^:@]+)[^\n]*\btun type tun\b/gm)].map(
      (found) => found[1] ?? '',
    );
  }

  /** Destinations of the IPv6 routes over a device, in the main table. */
  async routes(device: string): Promise<string[]> {
    const text = await this.ip('-6 route show table main');
    const lines = text.split('\n').filter((line) => line.includes(` dev ${device} `));
    return lines.map((line) => line.split(' ')[0] ?? '');
  }

  /** A stock ping: `count` packets, `more` options. */
  async ping(to: string, count: number, ...more: string[]): Promise<Pinged> {
    const options = ['-6', '-n', '-c', String(count), '-i', '0.1', '-W', '1', ...more];
    const { stdout, stderr } = await this.run(['ping', ...options, to]);
    return readPing(`${stdout}${stderr}`);
  }
}

export function readPing(output: string): Pinged {
  const seen = new Set(
    [...output.matchAll(/bytes from .*icmp_seq=(\d+)/g)].map((found) => Number(found[1])),
  );
  const sent = Number(/(\d+) packets transmitted/.exec(output)?.[1] ?? 0);
  let gap = 0;
  let longest = 0;
  for (let sequence = 1; sequence <= sent; sequence += 1) {
    gap = seen.has(sequence) ? 0 : gap + 1;
    longest = Math.max(longest, gap);
  }
  return { sent, received: seen.size, gap: longest, output };
}

export interface StartOptions extends RunOptions {
  /** Its output goes to this file's end; kept in memory without one. */
  readonly log?: string;
}

/** A program that runs on. */
export interface Started {
  readonly child: ChildProcess;
  /** What it has said so far; empty with a log file. */
  said(): string;
  readonly ended: Promise<number | null>;
}

/** An end of a wire: a device's name and addresses with their prefix length. */
export interface End {
  readonly at: Namespace;
  readonly device: string;
  readonly addresses?: readonly string[];
}

let stages = 0;

export class Stage {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'alamesh-it-'));
  readonly #prefix = `amt-${process.pid}-${++stages}-`;
  readonly #namespaces: Namespace[] = [];
  readonly #children: { readonly child: ChildProcess; readonly ended: Promise<unknown> }[] = [];
  readonly #atExit = (): void => this.#sweep();
  #closed = false;

  constructor() {
    chmodSync(this.folder, 0o755);
    process.once('exit', this.#atExit);
  }

  /** A new namespace, `lo` up, IPv6 addresses usable at once. */
  async namespace(name: string): Promise<Namespace> {
    const made = new Namespace(this, `${this.#prefix}${name}`);
    this.#namespaces.push(made);
    await must(['ip', 'netns', 'add', made.name]);
    await made.must(['sysctl', '-qw', 'net.ipv6.conf.default.accept_dad=0']);
    await made.ip('link set lo up');
    return made;
  }

  /** A wire between two namespaces. */
  async wire(a: End, b: End, mtu = 1500): Promise<void> {
    await must(
      ['ip', '-n', a.at.name, 'link', 'add', a.device].concat(
        ['mtu', String(mtu), 'type', 'veth', 'peer', 'name', b.device],
        ['mtu', String(mtu), 'netns', b.at.name],
      ),
    );
    for (const { at, device, addresses = [] } of [a, b]) {
      for (const address of addresses) await at.ip(`addr add ${address} dev ${device}`);
      await at.ip(`link set ${device} up`);
    }
  }

  /** A switch, and a wire from it to a `lan0` in each namespace. */
  async lan(members: readonly Namespace[]): Promise<Namespace> {
    const box = await this.namespace(`sw${this.#namespaces.length}`);
    await box.ip('link add br0 type bridge mcast_snooping 0');
    await box.ip('link set br0 up');
    for (const [i, at] of members.entries()) {
      await this.wire({ at, device: 'lan0' }, { at: box, device: `p${i}` });
      await box.ip(`link set p${i} master br0`);
    }
    return box;
  }

  start(argv: readonly string[], options: StartOptions = {}): Started {
    const [program = '', ...args] = argv;
    const fd = options.log === undefined ? undefined : openSync(options.log, 'a');
    const { cwd } = options;
    const child = spawn(program, args, {
      env: cleanEnv(options.env),
      stdio: ['ignore', fd ?? 'pipe', fd ?? 'pipe'],
      ...(cwd === undefined ? {} : { cwd }),
    });
    if (fd !== undefined) closeSync(fd);
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
    }
    const ended = new Promise<number | null>((resolve) => {
      child.on('close', resolve);
      child.on('error', () => resolve(null));
    });
    this.#children.push({ child, ended });
    return { child, said: () => text, ended };
  }

  /** Ends every program, removes every namespace and file. Idempotent. */
  async close(): Promise<void> {
    const ends = Promise.all(this.#children.map(({ ended }) => ended));
    for (const { child } of this.#children) if (isRunning(child)) child.kill('SIGTERM');
    const patience = new AbortController();
    await Promise.race([ends, sleep(GRACE_MSEC, undefined, { signal: patience.signal })]).finally(
      () => patience.abort(),
    );
    this.#sweep();
    process.removeListener('exit', this.#atExit);
  }

  /** Without waiting for anyone: also on the way out of the process. */
  #sweep(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { child } of this.#children) if (isRunning(child)) child.kill('SIGKILL');
    for (const { name } of this.#namespaces) {
      quietly(() => {
        const pids = execFileSync('ip', ['netns', 'pids', name], { encoding: 'utf8' });
        for (const pid of pids.split('\n').filter(Boolean))
          quietly(() => process.kill(Number(pid), 9));
      });
      quietly(() => execFileSync('ip', ['netns', 'del', name], { stdio: 'ignore' }));
    }
    if (process.env.ALAMESH_TEST_KEEP !== '1')
      rmSync(this.folder, { recursive: true, force: true });
  }
}

const isRunning = (child: ChildProcess): boolean =>
  child.exitCode === null && child.signalCode === null;

function quietly(work: () => void): void {
  try {
    work();
  } catch {} // it is gone already
}

/** The last lines of a file, for an error. */
export function tail(file: string, lines: number): string {
  if (!existsSync(file)) return '';
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
}
