/**
 * Hosts behind a node's /64. The prefix is known only once the router runs, so it cannot be in the
 * file: `ALAMESH_LAN: eth2` in a router's env names its LAN interface, the label
 * `alamesh.lan-of: r1` on a host names its router. The router gets prefix::1, hosts ::2, ::3, …
 */
import { UserError } from '../base/errors.js';
import type { Lab, LabNode } from './model.js';
import { ipBatch } from './namespace.js';
import type { LabState, NodeState } from './state.js';

const LAN_VARIABLE = 'ALAMESH_LAN';
const LAN_LABEL = 'alamesh.lan-of';
/** All of ALANET: nodes under fd00::/8, services under fc00::/8. */
const ALANET = 'fc00::/7';

export async function addressLans(lab: Lab, state: LabState): Promise<void> {
  for (const router of lab.nodes) {
    const iface = router.env[LAN_VARIABLE];
    const made = state.nodes.find((node) => node.name === router.name);
    if (router.role !== 'router' || iface === undefined || made === undefined) continue;
    await addressLan(lab, state, made, iface);
  }
  for (const host of lab.nodes) {
    const name = host.labels[LAN_LABEL];
    const router = lab.nodes.find((node) => node.name === name);
    if (name !== undefined && router?.env[LAN_VARIABLE] === undefined) throw noLan(host, name);
  }
}

async function addressLan(
  lab: Lab,
  state: LabState,
  router: NodeState,
  iface: string,
): Promise<void> {
  const address = (host: number): string => lanAddress(router.prefix ?? '', host);
  await ipBatch(
    [`addr replace ${address(1)}/64 dev ${iface} nodad`],
    router.namespace ?? undefined,
  );
  const hosts = lab.nodes.filter((node) => node.labels[LAN_LABEL] === router.name);
  for (const [i, host] of hosts.entries()) {
    const made = state.nodes.find((node) => node.name === host.name);
    const ends = state.links.flatMap(({ a, b }) => [a, ...(b ? [b] : [])]);
    const port = ends.find((end) => end.node === host.name)?.iface;
    if (made === undefined || port === undefined) throw noLan(host, router.name);
    made.lanAddress = address(i + 2);
    const lines = [
      `addr replace ${made.lanAddress}/64 dev ${port} nodad`,
      `route replace ${ALANET} via ${address(1)} dev ${port}`,
    ];
    await ipBatch(lines, made.namespace ?? undefined);
  }
}

/** `fd00:1:2:3::/64`, 2 → `fd00:1:2:3::2` */
export function lanAddress(prefix: string, host: number): string {
  const base = (prefix.split('/')[0] ?? '').replace(/::$/, '');
  return `${base}::${host.toString(16)}`;
}

function noLan(host: LabNode, router: string): UserError {
  const message = `${host.name} is to be on the LAN of ${router}, which has none`;
  const hint = `Give ${router} the env "${LAN_VARIABLE}: ethN" and ${host.name} a link to that LAN.`;
  return new UserError(message, { code: 'no-lan', hint });
}
