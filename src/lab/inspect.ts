/** What a lab is right now: nodes, processes, addresses, and every link's state from both its ends. */
import { UserError } from '../base/errors.js';
import { nearest } from '../base/suggest.js';
import { askStatus } from './control.js';
import { addressesOf, endName, type Lab, type LinkEnd } from './model.js';
import { namespaceKind } from './namespace.js';
import type { NatKind } from './nat.js';
import { namespaceOf } from './network.js';
import { forAll, isAlive, tryRun } from './run.js';
import { type Impairment, type LabState, loadState, type NodeState } from './state.js';

export type LinkCondition = 'up' | 'down' | 'unknown';

export interface NodeView {
  readonly name: string;
  /** The namespace's name. */
  readonly container: string;
  readonly kind: string;
  readonly role: string;
  /** stopped: its router or command ended; missing: its namespace is gone; undeployed: never made. */
  readonly state: 'running' | 'stopped' | 'missing' | 'undeployed';
  readonly pid: number | null;
  readonly socket: string | null;
  readonly address: string | null;
  readonly prefix: string | null;
  /** Of a plain host on a router's LAN. */
  readonly lanAddress: string | null;
  /** Of a NAT box: its kind. */
  readonly nat: NatKind | null;
  /** Addresses that its links have, in the order of the interfaces. */
  readonly underlay: readonly string[];
  /** Interfaces that links of the file end in. */
  readonly ports: readonly string[];
}

export interface LinkView {
  /** `node:interface` */
  readonly a: string;
  /** Null: a dummy interface. */
  readonly b: string | null;
  readonly state: LinkCondition;
  readonly impairment: Impairment;
}

export interface LabView {
  readonly name: string;
  readonly file: string;
  readonly nodes: readonly NodeView[];
  readonly links: readonly LinkView[];
}

/** @throws UserError where the lab is not deployed. */
export function deployedState(lab: Lab): LabState {
  const state = loadState(lab.name);
  if (state?.phase === 'running') return state;
  const half = state === undefined ? 'is not deployed' : 'is half deployed';
  throw new UserError(`lab ${lab.name} ${half}`, {
    code: 'lab-not-deployed',
    hint: `Deploy it: alamesh lab deploy -t ${lab.file}`,
  });
}

/** @throws UserError where the lab has no such node. */
export function deployedNode(state: LabState, name: string): NodeState {
  const node = state.nodes.find((one) => one.name === name);
  if (node !== undefined) return node;
  const names = state.nodes.map((one) => one.name);
  const meant = nearest(name, names);
  const hint = meant === undefined ? `Nodes: ${names.join(', ')}.` : `Did you mean "${meant}"?`;
  throw new UserError(`lab ${state.name} has no node ${name}`, { code: 'no-such-node', hint });
}

export async function viewLab(state: LabState): Promise<LabView> {
  const ends = state.links.flatMap(({ a, b }) => [a, ...(b ? [b] : [])]);
  const carriers = await carriersOf([...new Set(ends.map((end) => namespaceOf(state, end)))]);
  const isUp = (end: LinkEnd): boolean => {
    const interfaces = carriers.get(namespaceOf(state, end));
    return interfaces?.get(end.iface) === true;
  };
  const nodes: NodeView[] = await Promise.all(
    state.nodes.map((node) =>
      viewNode(
        node,
        ends.filter((end) => end.node === node.name),
      ),
    ),
  );
  const links = state.links.map(({ a, b, impairment }): LinkView => {
    const up = isUp(a) && (b === undefined || isUp(b));
    const name = b === undefined ? null : endName(b);
    return { a: endName(a), b: name, state: up ? 'up' : 'down', impairment };
  });
  return { name: state.name, file: state.file, nodes, links };
}

async function viewNode(node: NodeState, ends: readonly LinkEnd[]): Promise<NodeView> {
  const status = node.socket === null ? undefined : await askStatus(node.socket);
  const alive = isAlive(node.main) ? (node.main?.pid ?? null) : null;
  return {
    name: node.name,
    container: node.container,
    kind: node.kind,
    role: node.role,
    state: nodeCondition(node, status !== undefined || alive !== null),
    pid: status?.pid ?? alive,
    socket: node.socket,
    address: status?.nodeId ?? node.address,
    prefix: status?.prefix ?? node.prefix,
    lanAddress: node.lanAddress,
    nat: node.nat?.kind ?? null,
    underlay: ends.flatMap(addressesOf),
    ports: ends.map((end) => end.iface),
  };
}

function nodeCondition(node: NodeState, runs: boolean): NodeView['state'] {
  if (node.namespace !== null && namespaceKind(node.namespace) === undefined) return 'missing';
  return node.role === 'router' && !runs ? 'stopped' : 'running';
}

/** Per namespace: interface → whether it is set up and has a carrier. */
async function carriersOf(
  namespaces: readonly (string | null)[],
): Promise<Map<string | null, Map<string, boolean>>> {
  const found = new Map<string | null, Map<string, boolean>>();
  await forAll([...namespaces], async (namespace) => {
    const where = namespace === null ? [] : ['-n', namespace];
    const { status, stdout } = await tryRun(['ip', '-j', ...where, 'link', 'show']);
    const rows = status === 0 ? (JSON.parse(stdout || '[]') as IpLink[]) : [];
    found.set(namespace, new Map(rows.map((row) => [row.ifname, hasCarrier(row)])));
  });
  return found;
}

interface IpLink {
  readonly ifname: string;
  readonly flags: readonly string[];
}

/** LOWER_UP is the carrier itself; the operational state follows it up to a second later. */
const hasCarrier = ({ flags }: IpLink): boolean =>
  flags.includes('UP') && flags.includes('LOWER_UP');

/** A lab as its file has it: nothing of it is known to exist. */
export function viewFile(lab: Lab): LabView {
  const ends = lab.links.flatMap(({ a, b }) => [a, ...(b ? [b] : [])]);
  const nodes = lab.nodes.map(({ name, container, kind, role, nat }): NodeView => {
    const mine = ends.filter((end) => end.node === name);
    const ports = mine.map((end) => end.iface);
    const underlay = mine.flatMap(addressesOf);
    const nothing = { pid: null, socket: null, address: null, prefix: null, lanAddress: null };
    const known = { name, container, kind, role, nat: nat?.kind ?? null, underlay, ports };
    return { ...known, state: 'undeployed', ...nothing };
  });
  const links = lab.links.map(({ a, b }): LinkView => {
    const name = b === undefined ? null : endName(b);
    return { a: endName(a), b: name, state: 'unknown', impairment: {} };
  });
  return { name: lab.name, file: lab.file, nodes, links };
}

/** `up loss 5% delay 20ms ±5ms rate 4Mbit` */
export function conditionText({ state, impairment }: LinkView): string {
  const { lossPercent, delayMsec, jitterMsec, rateMbit } = impairment;
  const words: string[] = [state];
  if (lossPercent !== undefined) words.push(`loss ${lossPercent}%`);
  if (delayMsec !== undefined || jitterMsec !== undefined) words.push(`delay ${delayMsec ?? 0}ms`);
  if (jitterMsec !== undefined) words.push(`±${jitterMsec}ms`);
  if (rateMbit !== undefined) words.push(`rate ${rateMbit}Mbit`);
  return words.join(' ');
}
