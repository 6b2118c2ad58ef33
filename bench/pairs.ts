/** Two routers of a kind on one wire (MTU 1500, IPv4 below), ready to carry IPv6. */
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  must,
  type Namespace,
  type Stage,
  type Started,
  until,
} from '../test/integration/namespace.js';
import { converged, introduce, Router } from '../test/integration/routers.js';

const HOSTS = ['10.77.0.1', '10.77.0.2'] as const;
const WIREGUARD_PORT = 51820;
/** wg-quick's for a wire of 1500. */
const WIREGUARD_MTU = 1420;
const ALAMESH_PORT = 4242;
/** What is measured, whatever this machine could run. */
export const PORTABLE = { ALAMESH_PLANE: 'portable' } as const;

export interface Pair {
  readonly from: Namespace;
  readonly to: Namespace;
  /** The far end's address inside. */
  readonly address: string;
  readonly mtu: number;
  readonly pids: readonly number[];
}

export type MakePair = (stage: Stage) => Promise<Pair>;

async function twoHosts(stage: Stage): Promise<readonly [Namespace, Namespace]> {
  const [a, b] = [await stage.namespace('a'), await stage.namespace('b')];
  await stage.wire(
    { at: a, device: 'wire', addresses: [`${HOSTS[0]}/24`] },
    { at: b, device: 'wire', addresses: [`${HOSTS[1]}/24`] },
  );
  return [a, b];
}

/** Made known to each other by hand; discovery is off, as the rival has none. */
const alameshPair = async (stage: Stage, plane: 'native' | 'portable'): Promise<Pair> => {
  const [from, to] = await twoHosts(stage);
  const config = '[discovery]\ninterfaces = []';
  const start = (at: Namespace, name: string): Promise<Router> =>
    Router.start(stage, { at, name, config, env: { ALAMESH_PLANE: plane } });
  const [a, b] = await Promise.all([start(from, 'a'), start(to, 'b')]);
  await introduce([a, `${HOSTS[0]}:${ALAMESH_PORT}`], [b, `${HOSTS[1]}:${ALAMESH_PORT}`]);
  await converged([a, b]);
  const [one, other] = await Promise.all([a.status(), b.status()]);
  if (one.plane !== plane) throw new Error(`the router runs the ${one.plane} plane`);
  return { from, to, address: b.address, mtu: one.tun.mtu, pids: [one.pid, other.pid] };
};

export const portablePair: MakePair = (stage) => alameshPair(stage, 'portable');
export const nativePair: MakePair = (stage) => alameshPair(stage, 'native');

export function wireguardProgram(): string {
  const newest = path.join(process.env.PEERS ?? '', 'bin', 'wireguard-go');
  return process.env.PEERS !== undefined && existsSync(newest) ? newest : 'wireguard-go';
}

let devices = 0;

/** Debian's wireguard-go, or a newer one in `$PEERS/bin`; set up by `wg`. */
export async function wireguardPair(stage: Stage): Promise<Pair> {
  const spaces = await twoHosts(stage);
  const keys: { readonly secret: string; readonly open: string }[] = [];
  for (const _ of spaces) {
    const secret = (await must(['wg', 'genkey'])).trim();
    keys.push({ secret, open: (await must(['wg', 'pubkey'], { input: secret })).trim() });
  }
  const programs: Started[] = [];
  for (const [i, at] of spaces.entries()) {
    // Its control sockets are in one folder for all namespaces.
    const device = `wb${process.pid % 1_000_000}x${++devices}`;
    programs.push(at.start([wireguardProgram(), '-f', device]));
    const shows = async (): Promise<boolean> => (await at.run(['wg', 'show', device])).status === 0;
    await until('wireguard-go answers', shows);
    const [own, peer] = i === 0 ? keys : keys.toReversed();
    if (own === undefined || peer === undefined) throw new Error('two ends have two keys');
    const file = path.join(stage.folder, device);
    writeFileSync(file, own.secret, { mode: 0o600 });
    const text = `private-key ${file} listen-port ${WIREGUARD_PORT} peer ${peer.open}`;
    const endpoint = `${HOSTS[1 - i]}:${WIREGUARD_PORT}`;
    const words = `${text} allowed-ips ::/0 endpoint ${endpoint}`.split(' ');
    await at.must(['wg', 'set', device, ...words]);
    await at.ip(`addr add fd77::${i + 1}/64 dev ${device} nodad`);
    await at.ip(`link set ${device} mtu ${WIREGUARD_MTU} up`);
  }
  const [from, to] = spaces;
  const pids = programs.map(({ child }) => child.pid ?? 0);
  const pair = { from, to, address: 'fd77::2', mtu: WIREGUARD_MTU, pids };
  await until('wireguard-go carries a ping', async () => (await from.ping('fd77::2', 1)).received);
  return pair;
}
