/**
 * What exists of a deployed lab, written before anything of it is made: with it a lab can be
 * taken down completely, whatever happened on the way.
 */
import { randomUUID } from 'node:crypto';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { UserError } from '../base/errors.js';
import type { Bind, Lab, LabLink, NodeRole } from './model.js';
import type { NatBox } from './nat.js';
import type { Proc } from './run.js';

/** Wrong conditions on a link; absent members are as the kernel has them. */
export interface Impairment {
  readonly lossPercent?: number;
  readonly delayMsec?: number;
  readonly jitterMsec?: number;
  readonly rateMbit?: number;
}

export interface NodeState {
  readonly name: string;
  readonly container: string;
  readonly kind: string;
  readonly role: NodeRole;
  /** Null: the machine's own. */
  readonly namespace: string | null;
  readonly env: Readonly<Record<string, string>>;
  readonly binds: readonly Bind[];
  /** What a NAT box does; `lab nat` may change it. */
  nat: NatBox | null;
  readonly routes: readonly string[];
  readonly socket: string | null;
  /** The router, or a host's `cmd`. */
  main: Proc | null;
  /** Holds the node's mounts, where it has binds. */
  holder: (Proc & { readonly root: boolean }) | null;
  address: string | null;
  prefix: string | null;
  /** Of a plain host on a router's LAN. */
  lanAddress: string | null;
}

export interface LinkState extends LabLink {
  impairment: Impairment;
  /** Processes that delay packets, one an end. */
  delays: Proc[];
}

export interface LabState {
  readonly schema: 'alamesh.lab.state/1';
  readonly name: string;
  readonly file: string;
  phase: 'deploying' | 'running';
  /** Who deploys: when it is gone in that phase, the lab is half made. */
  readonly deployer: Proc;
  readonly nodes: NodeState[];
  readonly links: LinkState[];
}

/** Run directory of all labs; in a rootless lab's namespaces it is given by who made them. */
export const runRoot = (): string => process.env.ALAMESH_LAB_RUN ?? '/run/alamesh/labs';
export const labDir = (name: string): string => join(runRoot(), name);
export const nodeDir = (lab: string, node: string): string => join(labDir(lab), 'nodes', node);
const stateFile = (name: string): string => join(labDir(name), 'lab.json');

/** Linux keeps socket paths in 108 bytes, the last of them zero. */
const SOCKET_PATH_BYTES_MAX = 107;

export function socketPath(lab: string, node: string): string {
  const path = join(nodeDir(lab, node), 'control.sock');
  if (path.length <= SOCKET_PATH_BYTES_MAX) return path;
  throw new UserError(`${path} is longer than a socket's path may be`, {
    code: 'name-too-long',
    hint: 'Give the lab or the node a shorter name.',
  });
}

export function newState(lab: Lab, deployer: Proc, hostBridges: ReadonlySet<string>): LabState {
  return {
    schema: 'alamesh.lab.state/1',
    name: lab.name,
    file: lab.file,
    phase: 'deploying',
    deployer,
    nodes: lab.nodes.map((node) => ({
      name: node.name,
      container: node.container,
      kind: node.kind,
      role: node.role,
      namespace: node.role === 'machine' || hostBridges.has(node.name) ? null : node.container,
      env: node.env,
      binds: node.binds,
      nat: node.nat ?? null,
      routes: node.routes,
      socket: node.role === 'router' ? socketPath(lab.name, node.name) : null,
      main: null,
      holder: null,
      address: null,
      prefix: null,
      lanAddress: null,
    })),
    links: lab.links.map((link) => ({ ...link, impairment: {}, delays: [] })),
  };
}

/** Makes the lab's directory with its state in it, in one step. @returns False when it is there. */
export function claimState(state: LabState): boolean {
  mkdirSync(runRoot(), { recursive: true, mode: 0o700 });
  const fresh = join(runRoot(), `.${state.name}.${randomUUID()}`);
  mkdirSync(fresh, { mode: 0o700 });
  writeFileSync(join(fresh, 'lab.json'), JSON.stringify(state, null, 1), { mode: 0o600 });
  try {
    renameSync(fresh, labDir(state.name));
    return true;
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    if (['EEXIST', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

export function saveState(state: LabState): void {
  const fresh = `${stateFile(state.name)}.${randomUUID()}`;
  writeFileSync(fresh, JSON.stringify(state, null, 1), { mode: 0o600 });
  renameSync(fresh, stateFile(state.name));
}

/** @returns Undefined when there is no such lab, or its state cannot be read. */
export function loadState(name: string): LabState | undefined {
  try {
    const state = JSON.parse(readFileSync(stateFile(name), 'utf8')) as LabState;
    return state.schema === 'alamesh.lab.state/1' ? state : undefined;
  } catch {
    return undefined;
  }
}

export function allStates(): LabState[] {
  try {
    const names = readdirSync(runRoot())
      .filter((name) => !name.startsWith('.'))
      .sort();
    return names.map(loadState).filter((state) => state !== undefined);
  } catch {
    return [];
  }
}

/** Removes the lab's files, and the directories above while they are empty and ours. */
export function removeState(name: string): void {
  rmSync(labDir(name), { recursive: true, force: true });
  for (const leftover of half(name)) rmSync(leftover, { recursive: true, force: true });
  for (const directory of [runRoot(), dirname(runRoot())]) {
    try {
      rmdirSync(directory);
    } catch {
      return; // not empty: another lab's, or gone already
    }
  }
}

/** What a deployer that was killed in the middle of `claimState` left. */
function half(name: string): string[] {
  try {
    const found = readdirSync(runRoot()).filter((one) => one.startsWith(`.${name}.`));
    return found.map((one) => join(runRoot(), one));
  } catch {
    return [];
  }
}
