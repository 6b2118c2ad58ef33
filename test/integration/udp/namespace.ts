/** Runs scenarios in network namespaces of their own, which vanish with them, whatever happens. */
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const SCENARIO_MSEC_MAX = 15_000;

let possible: boolean | undefined;

/** Whether this user may make network namespaces (as root, or in a user namespace). */
export function canUnshare(): boolean {
  possible ??= spawnSync('unshare', ['-rn', 'ip', 'link', 'set', 'lo', 'up']).status === 0;
  return possible;
}

/**
 * Runs one scenario of a compiled module, `node MODULE NAME`, in a fresh namespace.
 * @returns What it printed, as JSON.
 * @throws Error with what it wrote to stderr when it failed or took longer than 15 s.
 */
export async function inNamespace(module: URL, name: string): Promise<unknown> {
  const args = ['-rn', process.execPath, fileURLToPath(module), name];
  const done = await promisify(execFile)('unshare', args, { timeout: SCENARIO_MSEC_MAX });
  return JSON.parse(done.stdout);
}

/** In a scenario: `ip` with words, as on a command line. */
export function ip(words: string): void {
  execFileSync('ip', words.split(' '), { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** In a scenario module: runs the one that is named on the command line, and prints what it returns. */
export async function runScenario(
  scenarios: Readonly<Record<string, () => Promise<unknown>>>,
): Promise<void> {
  const scenario = scenarios[process.argv[2] ?? ''];
  if (scenario === undefined) throw new Error(`no scenario ${process.argv[2]}`);
  process.stdout.write(JSON.stringify(await scenario()));
}
