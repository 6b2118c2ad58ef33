/**
 * Binds: files of the topology's folder at places in one node. A process holds a mount namespace
 * for the node; everything that runs in the node enters it. The machine's own files stay as they are:
 * where a mount point is missing, an overlay of its folder (below `/`: a new root) has it instead.
 */
import { spawn } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UserError } from '../base/errors.js';
import type { Bind } from './model.js';
import { inNamespace } from './namespace.js';
import { cannotStart, childEnv, type Proc, procOf } from './run.js';
import { type NodeState, nodeDir } from './state.js';

export type Holder = Proc & { readonly root: boolean };

/** Ours: mounting takes milliseconds; a minute is a hang. */
const READY_MSEC_MAX = 60_000;

/** Makes the node's mount namespace. @throws UserError where the kernel refuses a mount. */
export async function holdMounts(lab: string, node: NodeState): Promise<Holder> {
  const work = join(nodeDir(lab, node.name), 'mounts');
  mkdirSync(work, { recursive: true, mode: 0o755 });
  const plan = planMounts(node.binds, work);
  const script = ['set -e', ...plan.lines, 'echo ready', plan.last].join('\n');
  const own = node.namespace === null ? ['unshare', '-m', '--propagation', 'slave'] : [];
  const proc = await startHolder(
    [...own, ...inNamespace(node.namespace, ['sh', '-c', script])],
    node,
  );
  return { ...proc, root: plan.root !== '' };
}

interface Plan {
  readonly lines: string[];
  /** What the holder becomes. */
  readonly last: string;
  /** The node's root directory; empty: the machine's. */
  readonly root: string;
}

function planMounts(binds: readonly Bind[], work: string): Plan {
  const needsRoot = binds.some(({ target }) => deepestDirectory(target) === '/' && !fits(target));
  const root = needsRoot ? join(work, 'root') : '';
  const lines = needsRoot ? newRoot(root, work) : [];
  const overlaid = new Set<string>();
  if (binds.some(({ target }) => !fits(target) && deepestDirectory(target) !== '/')) {
    const layers = quote(join(work, 'layers'));
    lines.push(`mkdir -p ${layers}`, `mount -t tmpfs tmpfs ${layers}`);
  }
  for (const bind of binds) lines.push(...bindLines(bind, { root, work, overlaid }));
  const hold = 'sleep 2147483647';
  return { lines, last: root === '' ? `exec ${hold}` : `exec chroot ${quote(root)} ${hold}`, root };
}

interface BindContext {
  readonly root: string;
  readonly work: string;
  /** Folders that have their overlay already. */
  readonly overlaid: Set<string>;
}

function bindLines(
  { source, target, readOnly }: Bind,
  { root, work, overlaid }: BindContext,
): string[] {
  const lines: string[] = [];
  const place = quote(root + target);
  const folder = deepestDirectory(target);
  const covered = [...overlaid].some((one) => target.startsWith(`${one}/`));
  if (!fits(target) && folder !== '/' && !covered) {
    const layer = join(work, 'layers', String(overlaid.size));
    overlaid.add(folder);
    const at = quote(root + folder);
    const option = quote(`lowerdir=${root}${folder},upperdir=${layer}/u,workdir=${layer}/w`);
    lines.push(
      `mkdir -p ${quote(layer)}/u ${quote(layer)}/w`,
      `mount -t overlay overlay -o ${option} ${at}`,
    );
  }
  lines.push(`mkdir -p ${quote(dirname(root + target))}`);
  lines.push(
    statSync(source).isDirectory() ? `mkdir -p ${place}` : `[ -e ${place} ] || : > ${place}`,
  );
  lines.push(`mount --bind ${quote(source)} ${place}`);
  if (readOnly) lines.push(`mount -o remount,bind,ro ${place}`);
  return lines;
}

/** A root on tmpfs whose entries are the machine's. */
function newRoot(root: string, work: string): string[] {
  const lines = [`mkdir -p ${quote(root)}`, `mount -t tmpfs -o mode=755 tmpfs ${quote(root)}`];
  for (const name of readdirSync('/')) {
    const from = join('/', name);
    const to = quote(join(root, name));
    const entry = lstatSync(from);
    if (entry.isSymbolicLink()) lines.push(`ln -s ${quote(readlinkSync(from))} ${to}`);
    else if (!work.startsWith(`${from}/`)) lines.push(...bindEntry(from, to, entry.isDirectory()));
  }
  // The folder that has this root in it comes last: its copy must hold what is mounted already.
  const top = `/${work.split('/')[1]}`;
  return [...lines, ...bindEntry(top, quote(root + top), true)];
}

const bindEntry = (from: string, to: string, directory: boolean): string[] => [
  directory ? `mkdir ${to}` : `: > ${to}`,
  `mount --rbind ${quote(from)} ${to}`,
];

/** Whether the machine has something at the target that can be mounted over. */
const fits = (target: string): boolean => existsSync(target);

function deepestDirectory(target: string): string {
  let at = dirname(target);
  while (!existsSync(at)) at = dirname(at);
  return at;
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

function startHolder(argv: readonly string[], node: NodeState): Promise<Proc> {
  const [program = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const stdio = ['ignore', 'pipe', 'pipe'] as const;
    const child = spawn(program, args, { env: childEnv(), detached: true, stdio: [...stdio] });
    let said = '';
    const timer = setTimeout(() => child.kill('SIGKILL'), READY_MSEC_MAX);
    child.on('error', (cause) => reject(cannotStart(program, cause)));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    child.on('exit', () => {
      clearTimeout(timer);
      const hint = 'The kernel or this container does not allow the mount; run without "binds".';
      const message = `${node.name}: its binds cannot be mounted: ${said.trim().slice(0, 300)}`;
      reject(new UserError(message, { code: 'no-mount', hint }));
    });
    child.stdout.setEncoding('utf8').once('data', () => {
      clearTimeout(timer);
      const proc = procOf(child.pid ?? -1);
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
      if (proc !== undefined) resolve(proc);
    });
  });
}
