import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { UserError } from '../../../src/base/errors.js';
import { nodeIdOf, type Prefix, parseAddress, parsePrefix } from '../../../src/base/ip6.js';
import {
  type BeaconSource,
  DISCOVERY_GROUP,
  DiscoverySocket,
} from '../../../src/platform/discovery-socket.js';
import {
  hostAddresses,
  InterfaceWatcher,
  type LanChange,
  lanInterfaces,
} from '../../../src/platform/interfaces.js';
import { KernelRoutes, type Overlap, ROUTE_PROTOCOL } from '../../../src/platform/kernel-routes.js';
import { listAddresses, listLinks, listRoutes } from '../../../src/platform/rtnetlink.js';
import { Tun } from '../../../src/platform/tun.js';
import { until } from '../../contract/transport/probe.js';
import { ip, runScenario } from '../udp/namespace.js';

const ADDRESS = address('fd00:1::1');
const ECHO_REQUEST = 128;
const ECHO_REPLY = 129;

function address(text: string): Uint8Array {
  const parsed = parseAddress(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

const makeTun = (name = 'ala0'): Tun => new Tun({ name, addresses: [ADDRESS], mtu: 1280 });

const ourRoutes = (): number =>
  listRoutes().filter(({ protocol }) => protocol === ROUTE_PROTOCOL).length;

/** Answers a ping to any address: swaps the ends, turns the request into a reply. */
function answerEcho(packet: Uint8Array): Uint8Array | undefined {
  if (packet[6] !== 58 || packet[40] !== ECHO_REQUEST) return undefined;
  const reply = packet.slice();
  reply.set(packet.subarray(8, 24), 24);
  reply.set(packet.subarray(24, 40), 8);
  reply[40] = ECHO_REPLY;
  // One byte of the checksum's sum rose by one: the checksum falls by 0x100, with end-around borrow.
  const sum = (((packet[42] ?? 0) << 8) | (packet[43] ?? 0)) - 0x100;
  const checksum = sum < 0 ? sum + 0xffff : sum;
  reply[42] = checksum >> 8;
  reply[43] = checksum & 0xff;
  return reply;
}

/** A ping of the host's own, over a learned route, answered by us. */
async function ping(): Promise<unknown> {
  ip('link set lo up');
  const tun = makeTun();
  const routes = new KernelRoutes({
    index: tun.index,
    source: ADDRESS,
    overlap: () => {},
    refused: () => {},
  });
  routes.add(prefix('fd00:2::/64'));
  routes.flush();
  tun.watch({
    readable: () => {
      for (const packet of tun.readBatch()) {
        const reply = answerEcho(packet);
        if (reply !== undefined) tun.write(reply);
      }
    },
    gone: () => {},
  });
  const child = spawn('ping', ['-c', '3', '-i', '0.01', '-W', '2', '-s', '1000', 'fd00:2::7']);
  const status = await new Promise((resolve) => child.on('close', resolve));
  const link = listLinks().find(({ name }) => name === 'ala0');
  const own = listAddresses().filter(({ index }) => index === tun.index);
  routes.close();
  const left = ourRoutes();
  tun.close();
  const gone = !listLinks().some(({ name }) => name === 'ala0');
  const { readPackets, writtenPackets } = tun.counters;
  const addresses = own.map((one) => nodeIdOf(one.address));
  return { status, mtu: link?.mtu, addresses, readPackets, writtenPackets, left, gone };
}

/** Made, and nobody but us has sent anything: the device must be silent. */
async function silence(): Promise<unknown> {
  const tun = makeTun();
  const seen: string[] = [];
  tun.watch({
    readable: () => {
      for (const packet of tun.readBatch()) seen.push(Buffer.from(packet).toString('hex'));
    },
    gone: () => {},
  });
  const before = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const { user, system } = process.cpuUsage(before);
  tun.close();
  return { seen, cpuMsec: (user + system) / 1000 };
}

async function deleted(): Promise<unknown> {
  const tun = makeTun();
  let reason = '';
  tun.watch({
    readable: () => void tun.readBatch(),
    gone: (why) => {
      reason = why;
    },
  });
  ip('link del ala0');
  await until(() => reason !== '');
  const result = { reason, written: tun.write(new Uint8Array(40)), read: tun.readBatch().length };
  tun.close();
  tun.close();
  return result;
}

async function down(): Promise<unknown> {
  const tun = makeTun();
  tun.watch({ readable: () => void tun.readBatch(), gone: () => {} });
  ip('link set ala0 down');
  const whileDown = tun.write(new Uint8Array(40).fill(0x60, 0, 1));
  ip('link set ala0 up');
  const afterwards = tun.write(new Uint8Array(40).fill(0x60, 0, 1));
  tun.close();
  return { whileDown, afterwards };
}

async function taken(): Promise<unknown> {
  const first = makeTun();
  const errors = [tryTun('ala0'), tryTun('lo'), tryTun('a/b'), tryTun('far-too-long-a-name')];
  const second = makeTun('ala%d');
  const name = second.name;
  second.close();
  first.close();
  return { errors, name, left: listLinks().map((link) => link.name) };
}

function tryTun(name: string): string {
  try {
    makeTun(name).close();
    return 'made';
  } catch (error) {
    return error instanceof UserError ? error.code : String(error);
  }
}

async function manyRoutes(): Promise<unknown> {
  const tun = makeTun();
  const make = (refused: string[]): KernelRoutes =>
    new KernelRoutes({
      index: tun.index,
      source: ADDRESS,
      overlap: () => {},
      refused: (message) => refused.push(message),
    });
  const refused: string[] = [];
  const routes = make(refused);
  const all = Array.from({ length: 2000 }, (_, i) => prefix(`fd01:${i.toString(16)}::/64`));
  for (const one of all) routes.add(one);
  await until(() => routes.installed === 2000);
  const installed = ourRoutes();
  for (const one of all) routes.add(one);
  for (const one of all.slice(500)) routes.delete(one);
  routes.add(prefix('fc01::5/128'));
  await until(() => routes.installed === 501);
  const kept = ourRoutes();
  // A run that crashed leaves its routes for as long as its device lives.
  const next = make(refused);
  const afterCrash = ourRoutes();
  next.close();
  routes.close();
  tun.close();
  return { installed, kept, afterCrash, refused };
}

async function overlaps(): Promise<unknown> {
  ip('link add v0 type veth peer name v1');
  for (const name of ['v0', 'v1']) ip(`link set ${name} up`);
  ip('addr add fd00:a::1/64 dev v0 nodad');
  ip('route add fd00:b::/48 dev v0');
  const tun = makeTun();
  const told: Overlap[] = [];
  const routes = new KernelRoutes({
    index: tun.index,
    source: ADDRESS,
    overlap: (overlap) => told.push(overlap),
    refused: () => {},
  });
  for (const text of ['fd00:a::/64', 'fd00:b:0:7::/64', 'fd00:c::/64']) routes.add(prefix(text));
  routes.flush();
  const first = told.splice(0).map(({ theirs, wins }) => `${theirs} ${wins}`);
  ip('addr add fd00:c::9/64 dev v1 nodad');
  routes.recheck();
  routes.recheck();
  const carries = ['fd00:a::77', 'fd00:b:0:7::77', 'fd00:c::77'].map(deviceFor);
  const second = told.map(({ theirs, wins }) => `${theirs} ${wins}`);
  routes.close();
  const kept = listRoutes().filter((route) => route.index !== tun.index && route.metric === 256);
  tun.close();
  const mine = kept.filter(({ destination }) => destination[0] === 0xfd);
  return { first, second, carries, kept: mine.map((route) => nodeIdOf(route.destination)) };
}

/** The interface that the kernel would send by. */
function deviceFor(destination: string): string | undefined {
  const text = execFileSync('ip', ['-6', 'route', 'get', destination], { encoding: 'utf8' });
  return / dev (\S+)/.exec(text)?.[1];
}

function lanPair(): void {
  ip('link set lo up');
  ip('link add v0 type veth peer name v1');
  for (const [i, name] of ['v0', 'v1'].entries()) {
    ip(`link set ${name} addrgenmode none`);
    ip(`link set ${name} up`);
    ip(`addr add fe80::${i + 1}/64 dev ${name} nodad`);
  }
}

async function interfaces(): Promise<unknown> {
  lanPair();
  const tun = makeTun();
  const filter = { names: ['v*', 'w[0-9]', 'ala*', 'lo'], except: undefined };
  const changes: LanChange[] = [];
  const watcher = new InterfaceWatcher(filter, (change) => changes.push(change));
  const names = (list: readonly { readonly name: string }[]): string =>
    list.map(({ name }) => name).join(' ');
  const atFirst = names(watcher.present);
  const only = names(lanInterfaces({ names: ['v[1-9]'] }));
  const none = names(lanInterfaces({ names: [] }));
  const except = names(lanInterfaces({ names: ['*'], except: 'v0' }));
  ip('link add w0 type veth peer name x0');
  for (const name of ['w0', 'x0']) ip(`link set ${name} addrgenmode none`);
  for (const name of ['w0', 'x0']) ip(`link set ${name} up`);
  ip('addr add fe80::3/64 dev w0 nodad');
  ip('addr add fd00:d::1/64 dev w0 nodad');
  await until(() => changes.some(({ added }) => names(added) === 'w0'));
  const host = hostAddresses('ala0').map((one) => `${one.interface} ${nodeIdOf(one.address)}`);
  ip('link del v0');
  await until(() => changes.some(({ removed }) => names(removed) === 'v0 v1'));
  const present = names(watcher.present);
  watcher.close();
  tun.close();
  return { atFirst, only, none, except, host, present };
}

async function discovery(): Promise<unknown> {
  lanPair();
  const heard: string[] = [];
  const logged: string[] = [];
  const make = (tag: string): DiscoverySocket =>
    new DiscoverySocket({
      received: (from: BeaconSource, bytes) =>
        heard.push(`${tag} ${from.address} ${from.interface} ${Buffer.from(bytes).toString()}`),
      log: (_level, message) => logged.push(message),
    });
  const socket = make('a');
  const lans = lanInterfaces({ names: ['*'] });
  socket.setInterfaces(lans);
  socket.setInterfaces([...lans, { name: 'ghost', index: 999 }]);
  const sent = [socket.sendTo('v0', Buffer.from('one')), socket.sendTo('nope', Buffer.from('x'))];
  await until(() => heard.length === 1);
  sent.push(socket.sendUnicast('fe80::2%v0', Buffer.from('two')));
  sent.push(socket.sendUnicast('2001:db8::1', Buffer.from('x')));
  sent.push(socket.sendTo('v0', new Uint8Array(2000)));
  await until(() => heard.length === 2);
  await strangers(socket);
  socket.setInterfaces([]);
  const afterLeaving = socket.sendTo('v0', Buffer.from('x'));
  socket.setInterfaces(lanInterfaces({ names: ['*'] }));
  ip('link del v0');
  const afterRemoval = socket.sendTo('v0', Buffer.from('x'));
  const dropped = socket.counters.receiveDropped;
  socket.close();
  socket.close();
  return { sent, heard, logged, dropped, afterLeaving, afterRemoval };
}

/** What a router could have forwarded, and what does not come from the link: two datagrams that must not count. */
async function strangers(socket: DiscoverySocket): Promise<void> {
  const low = createSocket({ type: 'udp6', reuseAddr: true });
  await new Promise<void>((resolve) => low.bind(0, '::', resolve));
  low.setMulticastTTL(1);
  low.setMulticastLoopback(false);
  low.send(Buffer.from('hops'), 4243, `${DISCOVERY_GROUP}%v0`);
  low.send(Buffer.from('host'), 4243, '::1');
  await until(() => socket.counters.receiveDropped === 2);
  low.close();
}

await runScenario({
  ping,
  silence,
  deleted,
  down,
  taken,
  manyRoutes,
  overlaps,
  interfaces,
  discovery,
});
