/**
 * Labs of ordinary users: everything runs in a user namespace, with a network and mount namespace of
 * its own, that a process holds as long as the lab exists. Commands on the lab run themselves again
 * inside it. One holder a lab, so that labs cannot meet.
 */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../base/errors.js';
import { cannotStart, childEnv, endAll, isAlive, type Proc, procOf, statusOf } from './run.js';

/** Set for commands that run in a lab's namespaces already. */
const INSIDE = 'ALAMESH_LAB_INSIDE';

/** `ip netns` keeps names in /run, which is not ours to write outside. */
const HOLD =
  'mount -t tmpfs tmpfs /run && ip link set lo up && echo ready && exec sleep 2147483647';

const ownDir = (): string => join(tmpdir(), `alamesh-${process.getuid?.() ?? 0}`);
const labsDir = (): string => join(ownDir(), 'labs');
const holderFile = (lab: string): string => join(ownDir(), 'holders', `${lab}.json`);

/** Whether this process can make namespaces as it is. */
export const isPrivileged = (): boolean =>
  process.getuid?.() === 0 || process.env[INSIDE] !== undefined;

/** Where labs of this user keep their files; for `runRoot`. */
export function useOwnRunRoot(): void {
  if (!isPrivileged()) process.env.ALAMESH_LAB_RUN ??= labsDir();
}

/**
 * Runs this very command again in the lab's namespaces.
 * @param make Make them when there are none.
 * @returns Its exit status, or undefined when there are no such namespaces.
 */
export async function runInside(lab: string, make: boolean): Promise<number | undefined> {
  const holder = readHolder(lab) ?? (make ? await startHolder(lab) : undefined);
  if (holder === undefined) return undefined;
  const target = ['-t', String(holder.pid), '-U', '-n', '-m', '--preserve-credentials'];
  const self = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const argv = ['nsenter', ...target, '--', 'env', '-C', process.cwd(), ...self];
  const env = childEnv({ [INSIDE]: lab, ALAMESH_LAB_RUN: labsDir() });
  return await followed(argv, env);
}

/** Runs a program with our terminal, passing signals on. */
export function followed(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const [program = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: 'inherit' });
    const pass = (signal: NodeJS.Signals): void => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal); // a terminal tells both
    };
    const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, pass);
    child.on('error', (cause) => reject(cannotStart(program, cause)));
    child.on('close', (code, signal) => {
      for (const name of signals) process.off(name, pass);
      resolve(code ?? statusOf(signal));
    });
  });
}

/** Ends a lab's namespaces once nothing of the lab is left. */
export async function releaseHolder(lab: string): Promise<void> {
  const holder = readHolder(lab);
  if (holder !== undefined) await endAll([holder], 1000);
  rmSync(holderFile(lab), { force: true });
  for (const directory of [join(ownDir(), 'holders'), labsDir(), ownDir()]) {
    try {
      rmdirSync(directory);
    } catch {} // other labs' files, or gone already
  }
}

/** Whether the lab's files are gone: then its namespaces serve nothing. */
export function hasFiles(lab: string): boolean {
  try {
    lstatSync(join(labsDir(), lab));
    return true;
  } catch {
    return false;
  }
}

function readHolder(lab: string): Proc | undefined {
  try {
    const proc = JSON.parse(readFileSync(holderFile(lab), 'utf8')) as Proc;
    return isAlive(proc) ? proc : undefined;
  } catch {
    return undefined;
  }
}

/** A folder below /tmp that nobody else may have made. */
function makeOwnDir(): void {
  mkdirSync(join(ownDir(), 'holders'), { recursive: true, mode: 0o700 });
  const { uid } = lstatSync(ownDir());
  if (!lstatSync(ownDir()).isDirectory() || uid !== process.getuid?.()) {
    const message = `${ownDir()} belongs to someone else`;
    throw new UserError(message, {
      code: 'foreign-directory',
      hint: 'Set TMPDIR to a folder of yours.',
    });
  }
  chmodSync(ownDir(), 0o700);
}

async function startHolder(lab: string): Promise<Proc> {
  makeOwnDir();
  const holder = await spawnHolder();
  writeFileSync(holderFile(lab), JSON.stringify(holder), { mode: 0o600 });
  return holder;
}

function spawnHolder(): Promise<Proc> {
  return new Promise((resolve, reject) => {
    const stdio = ['ignore', 'pipe', 'pipe'] as const;
    const args = ['-Urnm', '--map-root-user', 'sh', '-c', HOLD];
    const child = spawn('unshare', args, {
      env: childEnv(),
      detached: true,
      stdio: [...stdio],
      cwd: '/',
    });
    let said = '';
    child.on('error', (cause) => reject(cannotStart('unshare', cause)));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    child.on('exit', () => reject(noUserNamespaces(said)));
    child.stdout.once('data', () => {
      const proc = procOf(child.pid ?? -1);
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
      if (proc !== undefined) resolve(proc);
    });
  });
}

export function noUserNamespaces(said: string): UserError {
  const message = `no user namespace can be made: ${said.trim().split('\n').at(-1) ?? ''}`;
  const hint =
    'Run as root, or allow them: sysctl kernel.unprivileged_userns_clone=1 (Debian), ' +
    'kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu).';
  return new UserError(message, { code: 'no-user-namespace', hint });
}
