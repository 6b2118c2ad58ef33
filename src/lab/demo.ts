/**
 * `npm run demo`: five routers in a ring, seen working from the outside, and what a cut link costs.
 * Each step measures; the last line is the verdict, and the exit status says the same.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../base/errors.js';
import { table } from '../base/table.js';
import { type DeployOptions, deployLab } from './deploy.js';
import { destroyLab } from './destroy.js';
import { drawText } from './graph.js';
import { findLink, impairLink } from './impair.js';
import { viewLab } from './inspect.js';
import type { Lab } from './model.js';
import { inNode } from './namespace.js';
import { ALAMESH, nodeEnv, PROJECT_ROOT } from './node.js';
import { type PingResult, parsePing } from './ping.js';
import { followed, noUserNamespaces } from './rootless.js';
import { childEnv, forAll, isAlive, type Ran, tryRun } from './run.js';
import { allStates, type LabState, type NodeState, saveState } from './state.js';
import { readLab } from './topology.js';

const PAIRS_MSEC_MAX = 40_000;
const REROUTE_MSEC_MAX = 15_000;
const PING_INTERVAL_MSEC = 50;
const PING_COUNT = 200;
/** The link is cut this long after the ping began. */
const CUT_AFTER_MSEC = 1500;
const IPERF_SECONDS = 3;
const FROM = 'r1';
const TO = 'r3';

const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};
const bold = (text: string): string =>
  process.stdout.isTTY && !process.env.NO_COLOR ? `\x1b[1m${text}\x1b[0m` : text;

/** One run of the demo: the lab, and what its steps found. */
class Demo {
  readonly #state: LabState;
  readonly #signal: AbortSignal;
  readonly #startedAt = Date.now();
  readonly #found: string[] = [];

  constructor(state: LabState, signal: AbortSignal) {
    this.#state = state;
    this.#signal = signal;
  }

  /** @returns What was measured, for the verdict. @throws UserError of the step that fell short. */
  async run(): Promise<string> {
    await this.#addresses();
    await this.#allPairs();
    await this.#pingAcross();
    await this.#throughput();
    await this.#summary();
    await this.#cut();
    return this.#found.join(', ');
  }

  #head(text: string): void {
    this.#signal.throwIfAborted();
    const seconds = ((Date.now() - this.#startedAt) / 1000).toFixed(1);
    print(`\n${bold(`== ${text}`)}  [${seconds} s]`);
  }

  #node(name: string): NodeState {
    const node = this.#state.nodes.find((one) => one.name === name);
    if (node === undefined) throw short(`the lab has no node ${name}`);
    return node;
  }

  #name(address: string): string {
    const plain = address.split('/')[0];
    return this.#state.nodes.find((node) => node.address === plain)?.name ?? address;
  }

  async #in(name: string, ...argv: string[]): Promise<Ran> {
    const node = this.#node(name);
    const ran = await tryRun(inNode(node, argv), { env: nodeEnv(this.#state.name, node) });
    this.#signal.throwIfAborted();
    return ran;
  }

  async #addresses(): Promise<void> {
    this.#head('five routers, no configuration: each address is made from the router’s key');
    const rows = this.#state.nodes.map((node) => [
      node.name,
      node.address ?? '',
      node.prefix ?? '',
    ]);
    print(table(['Router', 'Address', 'Its /64'], rows).trimEnd());
    print(`\n${drawText(await viewLab(this.#state)).trimEnd()}`);
  }

  async #allPairs(): Promise<void> {
    this.#head('all pairs ping each other');
    const names = this.#state.nodes.map((node) => node.name);
    const pairs = names.flatMap((a) => names.filter((b) => b !== a).map((b) => ({ a, b })));
    const startedAt = Date.now();
    let left = pairs;
    let said = '';
    while (left.length > 0) {
      const still: typeof pairs = [];
      await forAll(left, async (pair) => {
        const { status, stdout, stderr } = await this.#ping(pair.a, pair.b, ['-c', '1', '-W', '1']);
        if (status === 0 && parsePing(stdout).received === 1) return;
        said = stderr.trim() || said;
        still.push(pair);
      });
      left = still;
      if (left.length > 0 && Date.now() - startedAt > PAIRS_MSEC_MAX) {
        const names = left.slice(0, 4).map(({ a, b }) => `${a}→${b}`);
        throw short(
          `${left.length} of ${pairs.length} pairs do not answer: ${names.join(' ')} ${said}`,
        );
      }
      if (left.length > 0) await sleep(200);
    }
    const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
    print(
      `${pairs.length} of ${pairs.length} pairs answer, ${seconds} s after the last router started`,
    );
    this.#found.push(`${pairs.length} pairs answer`);
  }

  #ping(from: string, to: string, options: readonly string[]): Promise<Ran> {
    return this.#in(from, 'ping', '-6', '-n', ...options, this.#node(to).address ?? '');
  }

  async #pingAcross(): Promise<void> {
    this.#head(`ping across the ring, ${FROM} to ${TO}`);
    const { status, stdout, stderr } = await this.#ping(FROM, TO, ['-c', '5', '-i', '0.2']);
    print((stdout || stderr).trimEnd());
    const { received, averageMsec } = parsePing(stdout);
    if (status !== 0 || received === 0) throw short(`${TO} does not answer ${FROM}`);
    this.#found.push(`round trip ${averageMsec?.toFixed(2) ?? '?'} ms`);
  }

  async #throughput(): Promise<void> {
    this.#head(`TCP end to end: iperf3, ${FROM} to ${TO}, ${IPERF_SECONDS} s`);
    const address = this.#node(TO).address ?? '';
    const serving = this.#in(TO, 'iperf3', '-s', '-1', '-B', address);
    serving.catch(() => {}); // without a client it ends with the lab
    const client = await this.#iperfClient(address);
    if (client.status !== 0)
      throw short(`iperf3: ${(client.stderr || client.stdout).trim().split('\n').at(-1)}`);
    const lines = client.stdout.trimEnd().split('\n');
    print(lines.filter((line) => /sender|receiver/.test(line)).join('\n'));
    const rate = /([\d.]+ [KMG]bits\/sec)[^\n]*receiver/.exec(client.stdout)?.[1];
    if (rate === undefined) throw short('iperf3 says no rate');
    this.#found.push(`TCP ${rate}`);
  }

  /** The server needs a moment until it listens. */
  async #iperfClient(address: string): Promise<Ran> {
    const argv = [
      'iperf3',
      '-c',
      address,
      '-t',
      String(IPERF_SECONDS),
      '--connect-timeout',
      '3000',
    ];
    for (let tries = 1; ; tries += 1) {
      await sleep(100);
      const ran = await this.#in(FROM, ...argv);
      if (ran.status === 0 || tries === 20 || !/refused/i.test(ran.stderr + ran.stdout)) return ran;
    }
  }

  async #alamesh(name: string, ...words: string[]): Promise<string> {
    const env = childEnv({ ALAMESH_SOCKET: this.#node(name).socket ?? '', NO_COLOR: '1' });
    const { status, stdout, stderr } = await tryRun([ALAMESH, ...words], { env });
    this.#signal.throwIfAborted();
    if (status === 0) return stdout;
    throw short(`alamesh ${words.join(' ')}: ${stderr.trim() || `exit ${status}`}`);
  }

  async #summary(): Promise<void> {
    this.#head(`alamesh bgp summary, on ${FROM}`);
    print((await this.#alamesh(FROM, 'bgp', 'summary')).trimEnd());
  }

  /** Names of the routers on the way that `FROM` has chosen, itself first; empty without a route. */
  async #way(): Promise<string[]> {
    const prefix = this.#node(TO).prefix ?? '';
    const text = await this.#alamesh(FROM, 'bgp', 'routes', prefix, '--json');
    const { routes } = JSON.parse(text) as { routes: { best: boolean; asPath: unknown[] }[] };
    const best = routes.find((route) => route.best);
    if (best === undefined) return [];
    const names = [FROM, ...best.asPath.map((hop) => this.#name(String(hop)))];
    return names.filter((name, i) => name !== names[i - 1]);
  }

  async #cut(): Promise<void> {
    const before = await this.#way();
    const next = before[1];
    if (next === undefined) throw short(`${FROM} has no route to ${TO}`);
    this.#head(`cut ${FROM} – ${next}, the link in use, without a word, while a ping runs`);
    print(`path before: ${arrows(before)}`);
    const interval = String(PING_INTERVAL_MSEC / 1000);
    const pinging = this.#ping(FROM, TO, ['-i', interval, '-c', String(PING_COUNT), '-W', '1']);
    pinging.catch(() => {}); // awaited below; an interruption may come first
    await sleep(CUT_AFTER_MSEC, undefined, { signal: this.#signal });
    const link = findLink(this.#state, FROM, next);
    await impairLink(this.#state, link, { lossPercent: 100 });
    saveState(this.#state);
    const after = await this.#newWay(next);
    const result = parsePing((await pinging).stdout);
    print(`path now:    ${arrows(after)}`);
    this.#judge(result, before, after);
  }

  async #newWay(cut: string): Promise<string[]> {
    const end = Date.now() + REROUTE_MSEC_MAX;
    for (;;) {
      const way = await this.#way();
      if (way.length > 1 && way[1] !== cut) return way;
      if (Date.now() > end) throw short(`no other path in ${REROUTE_MSEC_MAX / 1000} s`);
      await sleep(100);
    }
  }

  #judge(result: PingResult, before: readonly string[], after: readonly string[]): void {
    const { sent, received, longestGap, lastAnswered } = result;
    const seconds = ((longestGap * PING_INTERVAL_MSEC) / 1000).toFixed(1);
    const lost = `lost ${sent - received} of ${sent} packets (${seconds} s)`;
    print(`the cut: ${lost}; path was ${arrows(before)}, now ${arrows(after)}`);
    if (received === 0 || sent - lastAnswered > 5)
      throw short(`after the cut ${TO} stays silent: ${lost}`);
    this.#found.push(`a cut ${lost}`, `new path ${arrows(after)}`);
  }
}

const arrows = (names: readonly string[]): string => names.join(' → ');

function short(message: string): UserError {
  return new UserError(message, { code: 'demo-failed' });
}

/** The ring under a name of this run, so that it meets no lab of that file. */
async function demoLab(): Promise<Lab> {
  const lab = await readLab(join(PROJECT_ROOT, 'labs', 'ring-5.clab.yml'), process.env);
  const name = `demo-${process.pid}`;
  const nodes = lab.nodes.map((node) => ({ ...node, container: `clab-${name}-${node.name}` }));
  return { ...lab, name, nodes };
}

/** Takes down demos that were killed outright. */
async function sweep(): Promise<void> {
  for (const state of allStates()) {
    if (/^demo-\d+$/.test(state.name) && !isAlive(state.deployer))
      await destroyLab({ name: state.name, nodes: [] });
  }
}

/** As an ordinary user: everything again, as root of a user namespace that ends with us. */
async function inUserNamespace(): Promise<number> {
  const probe = await tryRun(['unshare', '-Urnm', '--map-root-user', 'true']);
  if (probe.status !== 0) throw noUserNamespaces(probe.stderr);
  const script = 'mount -t tmpfs tmpfs /run && ip link set lo up && exec "$@"';
  const self = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const unshare = ['unshare', '-Urnm', '--map-root-user', 'sh', '-c', script, 'demo', ...self];
  return followed(unshare, childEnv());
}

async function runDemo(signal: AbortSignal): Promise<string> {
  await sweep();
  const lab = await demoLab();
  const options: DeployOptions = { signal, reconfigure: false, onStep: () => {} };
  const startedAt = Date.now();
  try {
    const { state } = await deployLab(lab, options);
    print(
      `${lab.nodes.length} routers run after ${((Date.now() - startedAt) / 1000).toFixed(1)} s`,
    );
    return await new Demo(state, signal).run();
  } finally {
    await destroyLab(lab);
    print('\nthe lab is taken down');
  }
}

/** @returns The exit status. */
export async function demo(): Promise<number> {
  const startedAt = Date.now();
  const abort = new AbortController();
  if (process.getuid?.() !== 0) {
    try {
      return await inUserNamespace();
    } catch (error) {
      return verdict(error, startedAt);
    }
  }
  const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, () => abort.abort());
  process.stdout.on('error', () => abort.abort()); // nobody reads any more
  try {
    const found = await runDemo(abort.signal);
    print(`PASS in ${((Date.now() - startedAt) / 1000).toFixed(0)} s: ${found}`);
    return 0;
  } catch (error) {
    return verdict(abort.signal.aborted ? new Error('interrupted') : error, startedAt);
  }
}

function verdict(error: unknown, startedAt: number): number {
  const hint = error instanceof UserError && error.hint !== '' ? ` (${error.hint})` : '';
  const message = error instanceof Error ? error.message : String(error);
  print(`FAIL in ${((Date.now() - startedAt) / 1000).toFixed(0)} s: ${message}${hint}`);
  return 1;
}
