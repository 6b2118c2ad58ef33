/** Makes a lab's namespaces, bridges and cables: one `ip -batch` for all, one shell a namespace. */
import { existsSync } from 'node:fs';
import { addressesOf, type LinkEnd } from './model.js';
import { inNamespace, ipBatch } from './namespace.js';
import { setBox } from './natbox.js';
import { forAll, run, tryRun } from './run.js';
import type { LabState, LinkState, NodeState } from './state.js';

const namespacesOf = (state: LabState): NodeState[] =>
  state.nodes.filter((node) => node.namespace !== null);

/** Which `kind: bridge` nodes are bridges that the machine has already. */
export const hostBridges = (names: readonly string[]): Set<string> =>
  new Set(names.filter((name) => existsSync(`/sys/class/net/${name}/bridge`)));

export async function makeNetwork(
  state: LabState,
  sysctls: ReadonlyMap<string, Readonly<Record<string, string>>>,
): Promise<void> {
  const owned = namespacesOf(state);
  await ipBatch(owned.map((node) => `netns add ${node.namespace}`));
  const cables = state.links.filter((link) => link.b !== undefined);
  await ipBatch(cables.map((link) => cable(state, link)));
  await forAll(owned, (node) => furnish(state, node, sysctls.get(node.name) ?? {}));
  await forAll(hostEnds(state), async ({ end, mtu }) => {
    const master = end.node === undefined ? [] : [`link set dev ${end.iface} master ${end.node}`];
    await ipBatch([...master, ...dress(end, mtu), `link set dev ${end.iface} up`]);
  });
}

export const nodeOf = (state: LabState, end: LinkEnd): NodeState | undefined =>
  state.nodes.find((node) => node.name === end.node);

/** Null: the end is on the machine itself. */
export const namespaceOf = (state: LabState, end: LinkEnd): string | null =>
  nodeOf(state, end)?.namespace ?? null;

/** Ends that lie in the machine's namespace: `host:` ends, and ports of the machine's bridges. */
export function hostEnds(state: LabState): { end: LinkEnd; mtu: number }[] {
  const ends = state.links.flatMap(({ a, b, mtu }) =>
    [a, ...(b ? [b] : [])].map((end) => ({ end, mtu })),
  );
  return ends.filter(({ end }) => namespaceOf(state, end) === null);
}

function cable(state: LabState, { a, b, mtu }: LinkState): string {
  const at = (end: LinkEnd): string => {
    const namespace = namespaceOf(state, end);
    const mac = end.mac === undefined ? '' : ` address ${end.mac}`;
    const place = namespace === null ? '' : ` netns ${namespace}`;
    return `${end.iface} mtu ${mtu}${mac}${place}`;
  };
  return `link add name ${at(a)} type veth peer name ${b === undefined ? '' : at(b)}`;
}

const dress = (end: LinkEnd, mtu: number): string[] => [
  `link set dev ${end.iface} mtu ${mtu}`,
  ...addressesOf(end).map((text) => `addr add ${addressOn(end, text)}`),
];

const addressOn = ({ iface }: LinkEnd, text: string): string =>
  `${text} dev ${iface}${text.includes(':') ? ' nodad' : ''}`;

/** IPv6 at once and without chatter; `ping` for everyone; routers forward. */
function settings(role: NodeState['role']): [path: string, value: string][] {
  return [
    ['ipv6/conf/*/disable_ipv6', role === 'bridge' ? '1' : '0'],
    ['ipv6/conf/*/accept_dad', '0'],
    ['ipv6/conf/*/accept_ra', '0'],
    ['ipv6/conf/*/router_solicitations', '0'],
    ['ipv6/conf/all/forwarding', role === 'router' ? '1' : '0'],
    ['ipv4/ip_forward', role === 'router' || role === 'nat' ? '1' : '0'],
    ['ipv4/conf/*/ignore_routes_with_linkdown', '1'], // a node that changes networks leaves at once
    ['ipv4/ping_group_range', '0 2147483647'],
  ];
}

/** Each `path value` line to its files below /proc/sys/net; what a kernel lacks is left. */
const WRITE_SETTINGS = `
while read -r path value; do
  for file in /proc/sys/net/$path; do
    if [ -w "$file" ]; then echo "$value" > "$file" 2>/dev/null || true; fi
  done
done`;

async function furnish(
  state: LabState,
  node: NodeState,
  sysctls: Readonly<Record<string, string>>,
): Promise<void> {
  const namespace = node.namespace ?? '';
  const lines = settings(node.role).map(([path, value]) => `${path} ${value}`);
  const input = `${lines.join('\n')}\n`;
  const links = linkCommands(state, node);
  await makeDummies(state, node);
  await run(inNamespace(namespace, ['sh', '-c', WRITE_SETTINGS]), { input });
  await ipBatch(['link set lo up', ...links], namespace);
  await setRoutes(node);
  if (node.nat !== null) await setBox(namespace, node.nat);
  for (const [key, value] of Object.entries(sysctls)) await setSysctl(namespace, key, value);
}

/** Routes of the underlay, over one interface or all. */
async function setRoutes(node: NodeState, iface?: string): Promise<void> {
  const wanted = node.routes.filter(
    (one) => iface === undefined || `${one} `.includes(` dev ${iface} `),
  );
  const lines = wanted.map((route) => `route replace ${route}`);
  await ipBatch(lines, node.namespace ?? undefined);
}

/** What an end without a carrier loses: the address that it was leased. A box keeps its own. */
export async function dropLease(state: LabState, end: LinkEnd): Promise<void> {
  const node = nodeOf(state, end);
  if (end.lease === undefined || node === undefined || isInside(node, end)) return;
  await ipBatch([`addr flush dev ${end.iface} to ${end.lease}`], node.namespace ?? undefined);
}

/** What it gets when it is up again: its address, and the routes that the interface has lost. */
export async function renewLease(state: LabState, end: LinkEnd): Promise<void> {
  const node = nodeOf(state, end);
  if (node === undefined) return;
  const lines = end.lease === undefined ? [] : [`addr replace ${addressOn(end, end.lease)}`];
  await ipBatch(lines, node.namespace ?? undefined);
  await setRoutes(node, end.iface);
}

const isInside = ({ nat }: NodeState, { iface }: LinkEnd): boolean =>
  nat?.inside.includes(iface) === true;

async function setSysctl(namespace: string, key: string, value: string): Promise<void> {
  const path = `/proc/sys/${key.replaceAll('.', '/')}`;
  const script = '[ -e "$1" ] && echo "$2" > "$1"';
  if (!key.startsWith('net.')) return; // only the network is the node's own here
  await run(inNamespace(namespace, ['sh', '-c', script, 'sysctl', path, value]));
}

function linkCommands(state: LabState, node: NodeState): string[] {
  const lines: string[] = [];
  if (node.role === 'bridge') {
    lines.push(
      `link add name ${node.name} type bridge mcast_snooping 0`,
      `link set dev ${node.name} up`,
    );
  }
  for (const { a, b, mtu } of state.links) {
    for (const end of [a, b]) {
      if (end?.node !== node.name) continue;
      if (node.role === 'bridge') lines.push(`link set dev ${end.iface} master ${node.name}`);
      lines.push(...dress(end, mtu), `link set dev ${end.iface} up`);
    }
  }
  return lines;
}

/** A dummy interface, or a bridge without ports where the kernel has no dummies. */
async function makeDummies(state: LabState, node: NodeState): Promise<void> {
  for (const { a, b } of state.links) {
    if (b !== undefined || a.node !== node.name) continue;
    const add = ['ip', '-n', node.namespace ?? '', 'link', 'add', 'name', a.iface, 'type'];
    const made = await tryRun([...add, 'dummy']);
    if (made.status !== 0) await run([...add, 'bridge']);
  }
}
