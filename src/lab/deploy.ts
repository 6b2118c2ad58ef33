/**
 * Deploys a lab. In order: refuse what cannot work, write down what will be made, namespaces and
 * cables, mounts, routers (until each answers), plain hosts, LAN addresses, peers, `exec` lines. A failure or
 * an interruption on the way takes everything down again.
 */
import { accessSync, closeSync, constants, existsSync, openSync } from 'node:fs';
import { UserError } from '../base/errors.js';
import { bearsName, destroyLab } from './destroy.js';
import { addressLans } from './lan.js';
import type { Lab, LabNode } from './model.js';
import { holdMounts } from './mounts.js';
import { namespaceKind } from './namespace.js';
import { hostBridges, hostEnds, makeNetwork } from './network.js';
import { ALAMESH, runExecLine, type Said, startCommand, startRouter } from './node.js';
import { introducePeers } from './peering.js';
import { forAll, isAlive, procOf } from './run.js';
import {
  claimState,
  type LabState,
  loadState,
  type NodeState,
  newState,
  saveState,
} from './state.js';

export interface DeployOptions {
  readonly signal: AbortSignal;
  /** Take a running lab of this name and file down first. */
  readonly reconfigure: boolean;
  readonly onStep: (what: string, done: number, of: number) => void;
}

export interface Deployed {
  readonly state: LabState;
  /** What was left out, for people. */
  readonly notes: readonly string[];
  readonly said: readonly Said[];
}

export async function deployLab(lab: Lab, options: DeployOptions): Promise<Deployed> {
  await clearEarlier(lab, options.reconfigure);
  const state = prepare(lab);
  if (!claimState(state)) throw alreadyThere(lab, lab.file);
  try {
    return await build(lab, state, options);
  } catch (error) {
    await destroyLab(lab);
    if (options.signal.aborted) throw interrupted(lab.name, error);
    throw error;
  }
}

function interrupted(name: string, cause: unknown): UserError {
  const message = `interrupted: lab ${name} was taken down again`;
  return new UserError(message, { code: 'interrupted', cause });
}

async function clearEarlier(lab: Lab, reconfigure: boolean): Promise<void> {
  const earlier = loadState(lab.name);
  if (earlier === undefined) return;
  const halfMade = earlier.phase === 'deploying' && !isAlive(earlier.deployer);
  if (earlier.file !== lab.file && !halfMade) throw alreadyThere(lab, earlier.file);
  if (!halfMade && !reconfigure) throw alreadyThere(lab, earlier.file);
  await destroyLab(lab);
}

function alreadyThere(lab: Lab, file: string): UserError {
  const same = file === lab.file;
  const message = same
    ? `lab ${lab.name} is deployed already`
    : `another lab named ${lab.name} is deployed, from ${file}`;
  const hint = same
    ? `Use --reconfigure to deploy it anew, or: alamesh lab destroy -t ${lab.file}`
    : `Rename one of them, or: alamesh lab destroy -t ${file}`;
  return new UserError(message, { code: 'lab-exists', hint });
}

/** Everything that can be refused before anything is made. */
function prepare(lab: Lab): LabState {
  const bridges = lab.nodes.filter((node) => node.role === 'bridge').map((node) => node.name);
  const self = procOf(process.pid) ?? { pid: process.pid, startedAt: '' };
  const state = newState(lab, self, hostBridges(bridges));
  for (const node of state.nodes) checkFree(lab, node);
  for (const { end } of hostEnds(state)) {
    if (!existsSync(`/sys/class/net/${end.iface}`)) continue;
    const hint = 'Another lab or the machine uses it: name another interface in the file.';
    throw new UserError(`interface ${end.iface} exists`, { code: 'interface-exists', hint });
  }
  if (lab.nodes.some((node) => node.role === 'router')) checkRouterNeeds();
  return state;
}

function checkFree(lab: Lab, { name, container, namespace }: NodeState): void {
  const kind = namespace === null ? undefined : namespaceKind(namespace);
  if (kind === undefined) return;
  const hints = {
    container: 'containerlab runs a lab of this name: destroy it there first.',
    ours: bearsName(lab.name, { name, container })
      ? `Left from a lab whose state is lost: alamesh lab destroy -t ${lab.file}`
      : 'It may be someone else’s: give the lab a prefix, or remove it with ip netns del.',
  };
  const message = `namespace ${namespace} exists`;
  throw new UserError(message, { code: 'namespace-exists', hint: hints[kind] });
}

function checkRouterNeeds(): void {
  try {
    accessSync(ALAMESH, constants.X_OK);
  } catch (cause) {
    const message = `the routers’ program is not there: ${ALAMESH}`;
    throw new UserError(message, { code: 'not-built', hint: 'Run npm ci in the clone.', cause });
  }
  try {
    closeSync(openSync('/dev/net/tun', 'r+'));
  } catch (cause) {
    const absent = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const hint = absent
      ? 'Load the kernel’s TUN module: sudo modprobe tun'
      : 'Allow it with "sudo chmod 666 /dev/net/tun" (udev: KERNEL=="tun", MODE="0666"), or run as root.';
    const message = `/dev/net/tun cannot be opened (${(cause as NodeJS.ErrnoException).code})`;
    throw new UserError(message, { code: 'no-tun', hint, cause });
  }
}

async function build(lab: Lab, state: LabState, options: DeployOptions): Promise<Deployed> {
  const { signal } = options;
  const notes = [...lab.notes];
  await makeNetwork(state, new Map(lab.nodes.map((node) => [node.name, node.sysctls])));
  signal.throwIfAborted();
  await forAll(
    state.nodes.filter((node) => node.binds.length > 0),
    async (node) => {
      node.holder = await holdMounts(state.name, node);
    },
  );
  saveState(state);
  await startRouters(state, options);
  for (const node of state.nodes) {
    const line = commandOf(lab.nodes.find(({ name }) => name === node.name));
    const note = line === '' ? undefined : startCommand(state.name, node, line);
    if (note !== undefined) notes.push(note);
  }
  saveState(state);
  signal.throwIfAborted();
  await addressLans(lab, state);
  await introducePeers(lab, state);
  const said = await execLines(lab, state, signal);
  state.phase = 'running';
  saveState(state);
  return { state, notes, said };
}

function commandOf(node: LabNode | undefined): string {
  if (node === undefined || (node.role !== 'host' && node.role !== 'machine')) return '';
  return [node.entrypoint, node.cmd].filter((part) => part !== undefined).join(' ');
}

async function startRouters(state: LabState, { signal, onStep }: DeployOptions): Promise<void> {
  const routers = state.nodes.filter((node) => node.role === 'router');
  const failed = new AbortController(); // one that does not start ends the wait for the others
  const stop = AbortSignal.any([signal, failed.signal]);
  let done = 0;
  await forAll(routers, async (node) => {
    stop.throwIfAborted();
    const { ready } = startRouter(state.name, node);
    saveState(state);
    await ready(stop).catch((error: unknown) => {
      failed.abort();
      throw error;
    });
    done += 1;
    onStep('routers', done, routers.length);
  });
}

async function execLines(lab: Lab, state: LabState, signal: AbortSignal): Promise<Said[]> {
  const said: Said[] = [];
  const made = new Map<string, NodeState>(state.nodes.map((node) => [node.name, node]));
  for (const { name, exec } of lab.nodes) {
    const node = made.get(name);
    if (node === undefined) continue;
    for (const line of exec) {
      signal.throwIfAborted();
      said.push(await runExecLine(lab.name, node, line));
    }
  }
  return said;
}
