/** Network namespaces by name, as `ip netns` keeps them, and what runs in them. */
import { lstatSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { type Proc, procOf, run } from './run.js';
import type { NodeState } from './state.js';

const FOLDER = '/run/netns';

/** container: the name leads to a container's namespace, which is not ours to touch. */
export function namespaceKind(name: string): 'ours' | 'container' | undefined {
  try {
    return lstatSync(`${FOLDER}/${name}`).isSymbolicLink() ? 'container' : 'ours';
  } catch {
    return undefined;
  }
}

/** Runs many `ip` commands in one process. */
export async function ipBatch(lines: readonly string[], namespace?: string): Promise<void> {
  if (lines.length === 0) return;
  const where = namespace === undefined ? [] : ['-n', namespace];
  await run(['ip', ...where, '-batch', '-'], { input: `${lines.join('\n')}\n` });
}

/** A command line that runs in a namespace; null is where we are. */
export const inNamespace = (namespace: string | null, argv: readonly string[]): string[] =>
  namespace === null ? [...argv] : ['ip', 'netns', 'exec', namespace, ...argv];

/** A command line that runs in a node: its namespace, and its mounts where it has some. */
export function inNode(node: NodeState, argv: readonly string[]): string[] {
  if (node.holder === null) return inNamespace(node.namespace, argv);
  const root = node.holder.root ? ['-r'] : [];
  const enter = ['nsenter', '-t', String(node.holder.pid), '-n', '-m', ...root, '--'];
  return [...enter, 'env', '-C', process.cwd(), ...argv]; // the way in leaves the folder outside
}

/** Every process in the namespaces, in one walk over /proc. */
export function processesIn(namespaces: readonly string[]): Proc[] {
  const inodes = new Set(namespaces.map(inodeOf).filter((inode) => inode !== undefined));
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const inside = pids.filter((pid) => Number(pid) !== process.pid && inodes.has(netInode(pid)));
  return inside.map((pid) => procOf(Number(pid))).filter((proc) => proc !== undefined);
}

function inodeOf(namespace: string): number | undefined {
  try {
    return statSync(`${FOLDER}/${namespace}`).ino;
  } catch {
    return undefined;
  }
}

function netInode(pid: string): number {
  try {
    return Number(/\d+/.exec(readlinkSync(`/proc/${pid}/ns/net`))?.[0] ?? -1);
  } catch {
    return -1; // it ended, or is not ours to look at
  }
}
