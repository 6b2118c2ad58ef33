/** What runs in nodes: routers, the `cmd` of plain hosts, `exec` lines, and commands by hand. */
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { UserError } from '../base/errors.js';
import { askStatus } from './control.js';
import { splitWords } from './expand.js';
import { inNode } from './namespace.js';
import { childEnv, leaveRunning, procOf, tail, tryRun } from './run.js';
import { type NodeState, nodeDir } from './state.js';

/** Ours: a router is up in well under a second; a slow machine with 30 of them needs more. */
const ROUTER_READY_MSEC_MAX = 30_000;
const POLL_MSEC = 25;

/** The clone or package that we are part of: dist/src/lab is three levels below. */
export const PROJECT_ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
export const ALAMESH = process.env.ALAMESH_LAB_BIN ?? join(PROJECT_ROOT, 'bin', 'alamesh');

/** Outer settings that name one router, not all. */
const NOT_INHERITED = ['DIR', 'SOCKET', 'NAME', 'LAB_RUN', 'LAB_INSIDE', 'LAB_BIN'].map(
  (name) => `ALAMESH_${name}`,
);

/** The environment of everything in a node: the caller's, the node's own, and the way to its router. */
export function nodeEnv(lab: string, node: NodeState): NodeJS.ProcessEnv {
  const outer = Object.entries(process.env).filter(([name]) => !NOT_INHERITED.includes(name));
  const inherited: Record<string, string | undefined> = Object.fromEntries(outer);
  const path = `${dirname(ALAMESH)}${delimiter}${inherited.PATH ?? ''}`;
  const router =
    node.socket === null
      ? {}
      : { ALAMESH_DIR: nodeDir(lab, node.name), ALAMESH_SOCKET: node.socket };
  const env = childEnv({ ...inherited, ...node.env, PATH: node.env.PATH ?? path, ...router });
  for (const name of NOT_INHERITED) if (!(name in router) && !(name in node.env)) delete env[name];
  return env;
}

/** Starts a router; it makes its identity itself when it has none. Fills in `node.main`. */
export function startRouter(
  lab: string,
  node: NodeState,
): { ready: (signal: AbortSignal) => Promise<void> } {
  const directory = nodeDir(lab, node.name);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const defaults = { ALAMESH_AUTO_INIT: '1', ALAMESH_NAME: node.name, ALAMESH_WORK: '0' };
  const base = nodeEnv(lab, node);
  const env = { ALAMESH_REALM: 'lab', ...base, ...defaults, ...node.env };
  const log = join(directory, 'router.log');
  const { child, proc } = leaveRunning(inNode(node, [ALAMESH, 'up']), env, log);
  node.main = proc ?? null;
  let ended = proc === undefined;
  child.on('exit', () => {
    ended = true;
  });
  return { ready: (signal) => routerReady(node, log, () => ended, signal) };
}

async function routerReady(
  node: NodeState,
  log: string,
  ended: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  const end = Date.now() + ROUTER_READY_MSEC_MAX;
  for (;;) {
    signal.throwIfAborted();
    const status = node.socket === null ? undefined : await askStatus(node.socket);
    if (status !== undefined) {
      node.address = status.nodeId;
      node.prefix = status.prefix;
      node.main = procOf(status.pid) ?? node.main;
      return;
    }
    if (ended()) throw routerFailed(node, 'its router ended', log);
    if (Date.now() > end) throw routerFailed(node, 'its router does not answer', log);
    await sleep(POLL_MSEC);
  }
}

function routerFailed(node: NodeState, what: string, log: string): UserError {
  const said = tail(log, 8);
  const words = said === '' ? 'it said nothing' : `its log ends:\n${said}`;
  const hint = 'The lab was taken down again.';
  return new UserError(`${node.name}: ${what}; ${words}`, { code: 'router-failed', hint });
}

/** Shells that an image may have and this machine may not. */
const SHELLS = new Set(['ash', 'bash', 'dash', 'busybox']);

/**
 * Starts a plain host's `entrypoint` and `cmd`, where the machine has the program.
 * @returns A note for people when it has not.
 */
export function startCommand(lab: string, node: NodeState, line: string): string | undefined {
  const words = splitWords(line);
  const [program = ''] = words ?? [];
  if (words === undefined || program === '')
    return `${node.name}: cmd ${line}: a quote is not closed`;
  const found = findProgram(program) ?? (SHELLS.has(program) ? 'sh' : undefined);
  if (found === undefined)
    return `${node.name}: cmd: there is no ${program} on this machine, not run`;
  const directory = nodeDir(lab, node.name);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const argv = inNode(node, [found, ...words.slice(1)]);
  node.main = leaveRunning(argv, nodeEnv(lab, node), join(directory, 'cmd.log')).proc ?? null;
  return undefined;
}

function findProgram(name: string): string | undefined {
  if (name.includes('/')) return existsSync(name) ? name : undefined;
  for (const folder of (childEnv().PATH ?? '').split(delimiter)) {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return name;
    } catch {} // not in this folder
  }
  return undefined;
}

export interface Said {
  readonly node: string;
  readonly line: string;
  readonly status: number;
  readonly output: string;
}

/** Runs one `exec` line of the file in its node; a failure is told, as containerlab does, not fatal. */
export async function runExecLine(lab: string, node: NodeState, line: string): Promise<Said> {
  const words = splitWords(line) ?? ['sh', '-c', line];
  const argv = inNode(node, findProgram(words[0] ?? '') === undefined ? ['sh', '-c', line] : words);
  const { status, stdout, stderr } = await tryRun(argv, { env: nodeEnv(lab, node) });
  return { node: node.name, line, status, output: `${stdout}${stderr}`.trimEnd() };
}
