/** Takes a lab down: processes, namespaces, what lies on the machine, files. Parts may be gone. */
import { existsSync } from 'node:fs';
import type { Lab, LabNode } from './model.js';
import { ipBatch, namespaceKind, processesIn } from './namespace.js';
import { hostEnds } from './network.js';
import { endAll, isAlive, tryRun } from './run.js';
import { allStates, type LabState, labDir, loadState, removeState } from './state.js';

/** Ours: a router withdraws its routes and closes its sessions in well under this. */
const GRACE_MSEC = 5000;

/**
 * @param lab What the file says; serves where the state is lost.
 * @returns False when there was nothing to take down.
 */
export async function destroyLab(lab: Pick<Lab, 'name' | 'nodes'>): Promise<boolean> {
  const state = loadState(lab.name);
  const found = existsSync(labDir(lab.name));
  const names = state === undefined ? namedAfter(lab) : stateNamespaces(state);
  const namespaces = names.filter((name) => namespaceKind(name) === 'ours');
  if (!found && namespaces.length === 0) return false;
  await endProcesses(state, namespaces);
  if (state !== undefined) await removeHostEnds(state);
  await removeNamespaces(namespaces);
  removeState(lab.name);
  return true;
}

/** Without a state, names are all there is. */
function namedAfter(lab: Pick<Lab, 'name' | 'nodes'>): string[] {
  const others = new Set(allStates().flatMap(stateNamespaces));
  const mine = lab.nodes.filter((node) => bearsName(lab.name, node));
  return mine.map((node) => node.container).filter((name) => !others.has(name));
}

/** Whether a namespace's name says whose it is: with `prefix: ""` it is the node's name alone. */
export const bearsName = (lab: string, { name, container }: Pick<LabNode, 'name' | 'container'>) =>
  container !== name && `-${container}`.endsWith(`-${lab}-${name}`);

const stateNamespaces = (state: LabState): string[] =>
  state.nodes.map((node) => node.namespace).filter((name) => name !== null);

async function endProcesses(
  state: LabState | undefined,
  namespaces: readonly string[],
): Promise<void> {
  const nodes = state?.nodes ?? [];
  const holders = nodes.map((node) => node.holder).filter((proc) => proc !== null);
  const mains = nodes.map((node) => node.main).filter((proc) => proc !== null && isAlive(proc));
  const routers = mains.filter((proc) => proc !== null);
  await endAll(routers, GRACE_MSEC); // before what they stand on
  const delays = (state?.links ?? []).flatMap((link) => link.delays);
  await endAll([...holders, ...delays, ...processesIn(namespaces)], GRACE_MSEC);
}

async function removeHostEnds(state: LabState): Promise<void> {
  for (const { end } of hostEnds(state)) {
    if (existsSync(`/sys/class/net/${end.iface}`))
      await tryRun(['ip', 'link', 'del', 'dev', end.iface]);
  }
}

async function removeNamespaces(namespaces: readonly string[]): Promise<void> {
  try {
    await ipBatch(namespaces.map((name) => `netns del ${name}`));
  } catch (error) {
    const left = namespaces.filter((name) => namespaceKind(name) !== undefined);
    for (const name of left) await tryRun(['ip', 'netns', 'del', name]);
    if (left.some((name) => namespaceKind(name) !== undefined)) throw error;
  }
}
