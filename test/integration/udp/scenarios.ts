import { spawnSync } from 'node:child_process';
import type { UdpTransport } from '../../../transports/udp/index.js';
import { UdpTransport as Udp } from '../../../transports/udp/index.js';
import { Probe, until } from '../../contract/transport/probe.js';
import { ip, runScenario } from './namespace.js';

const HELLO = Uint8Array.of(1, 2, 3);

async function node(url: string): Promise<Probe & { readonly transport: UdpTransport }> {
  const probe = new Probe((host) => new Udp(host));
  probe.bound = await probe.transport.listen(url);
  return probe as Probe & { readonly transport: UdpTransport };
}

const portOf = (url: string): string => url.slice(url.lastIndexOf(':') + 1);

function twoAddresses(): void {
  ip('link set lo up');
  ip('link add d0 type veth peer name d1');
  ip('link set d0 up mtu 1400');
  ip('link set d1 up');
  for (const last of [1, 2]) {
    ip(`addr add 192.0.2.${last}/24 dev d0`);
    ip(`addr add 2001:db8::${last}/64 dev d0 nodad`);
  }
}

/** Each address of a wildcard listener is asked; the answer must come from it. */
async function replySource(): Promise<unknown> {
  twoAddresses();
  const answers: Record<string, boolean> = {};
  for (const [listen, from, hosts] of [
    ['udp://[::]:0', 'udp://192.0.2.1:0', ['192.0.2.1', '192.0.2.2']],
    ['udp://[::]:0', 'udp://[2001:db8::1]:0', ['[2001:db8::1]', '[2001:db8::2]']],
    ['udp://0.0.0.0:0', 'udp://192.0.2.1:0', ['192.0.2.1', '192.0.2.2']],
  ] as const) {
    const server = await node(listen);
    const client = await node(from);
    for (const host of hosts) {
      const path = client.transport.open(`udp://${host}:${portOf(server.bound)}`);
      client.transport.send(path, [HELLO]);
      const [got] = await server.take(1);
      server.transport.send(server.pathOf(got), [HELLO, HELLO]);
      const [answer] = await client.take(2);
      answers[`${listen} ${host}`] = answer?.path === path && got?.path.local === path.remote;
    }
    await server.transport.close();
    await client.transport.close();
  }
  return answers;
}

async function vanishedAddress(): Promise<unknown> {
  twoAddresses();
  const server = await node('udp://[::]:0');
  const client = await node('udp://192.0.2.1:0');
  client.transport.send(client.transport.open(`udp://192.0.2.2:${portOf(server.bound)}`), [HELLO]);
  const [got] = await server.take(1);
  ip('addr del 192.0.2.2/24 dev d0');
  const taken = server.transport.send(server.pathOf(got), [HELLO]);
  const [answer] = await client.take(1);
  const result = { taken, from: answer?.path.remote.split(':')[1], local: got?.path.local };
  await server.transport.close();
  await client.transport.close();
  return result;
}

async function tooBig(): Promise<unknown> {
  twoAddresses();
  ip('route add 198.51.100.0/24 dev d0');
  const a = await node('udp://[::]:0');
  const path = a.transport.open('udp://198.51.100.1:4242');
  const fits = new Uint8Array(1400 - 28);
  const taken = a.transport.send(path, [fits, new Uint8Array(1400), fits, fits]);
  await until(() => a.failures.length > 0);
  const failures = a.failures.map(({ path: p, failure }) => ({ ...failure, same: p === path }));
  const after = a.transport.send(path, [fits, fits, fits]);
  await a.transport.close();
  return { taken, failures, after };
}

/** Trains of segments larger than the interface carries: none fits, each is told. */
async function tooBigTrain(): Promise<unknown> {
  twoAddresses();
  ip('route add 198.51.100.0/24 dev d0');
  const a = await node('udp://[::]:0');
  const path = a.transport.open('udp://198.51.100.1:4242');
  const train = Array.from({ length: 5 }, () => new Uint8Array(1390));
  const taken = a.transport.send(path, train);
  await until(() => a.failures.length > 0);
  const result = { taken, failures: a.failures.length, bytes: a.failures[0]?.failure.bytes };
  await a.transport.close();
  return result;
}

async function unreachable(): Promise<unknown> {
  ip('link set lo up');
  const a = await node('udp://[::]:0');
  const path = a.transport.open('udp://203.0.113.1:4242');
  let taken = 0;
  const started = performance.now();
  for (let i = 0; i < 20; i++) taken += a.transport.send(path, [HELLO, HELLO]);
  const fast = performance.now() - started < 50;
  await until(() => a.failures.length > 0);
  const first = { taken, fast, kinds: a.failures.map(({ failure }) => failure.kind) };
  const only4 = await node('udp://127.0.0.1:0');
  only4.transport.send(only4.transport.open('udp://[::1]:9'), [HELLO]);
  await until(() => only4.failures.length > 0);
  await a.transport.close();
  await only4.transport.close();
  return { ...first, noFamily: only4.failures[0]?.failure };
}

async function linkLocal(): Promise<unknown> {
  ip('link set lo up');
  ip('link add v0 type veth peer name v1');
  for (const [i, name] of ['v0', 'v1'].entries()) {
    ip(`link set ${name} addrgenmode none`);
    ip(`addr add fe80::${i + 1}/64 dev ${name} nodad`);
    ip(`link set ${name} up`);
  }
  const a = await node('udp://[::]:0');
  const b = await node('udp://[fe80::2%v1]:0');
  const path = a.transport.open(`udp://[fe80::2%v0]:${portOf(b.bound)}`);
  a.transport.send(path, [HELLO]);
  const [got] = await b.take(1);
  b.transport.send(b.pathOf(got), [HELLO]);
  const [answer] = await a.take(1);
  const hide = (url: string | null | undefined): string | undefined => url?.replace(/:\d+$/, '');
  const result = {
    bound: hide(b.bound),
    remote: hide(got?.path.remote),
    local: hide(answer?.path.local),
    same: answer?.path === path,
  };
  await a.transport.close();
  await b.transport.close();
  return result;
}

/** A firewall that refuses our sends; null where there is no nft. */
async function firewall(): Promise<unknown> {
  ip('link set lo up');
  const hook = 'type filter hook output priority 0;';
  const input = `table inet t { chain c { ${hook} udp dport 9999 drop; }; }`;
  const nft = spawnSync('nft', ['-f', '-'], { input });
  if (nft.error !== undefined) return null;
  if (nft.status !== 0) throw new Error(nft.stderr.toString());
  const a = await node('udp://[::]:0');
  const path = a.transport.open('udp://127.0.0.1:9999');
  const taken = a.transport.send(path, [HELLO, new Uint8Array(100), HELLO]);
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
  const result = { taken, failures: a.failures.length, dropped: a.transport.counters.sendDropped };
  await a.transport.close();
  return result;
}

/** Datagrams from more remotes than are remembered: 127.a.b.c is all ours to send from. */
async function flood(): Promise<unknown> {
  ip('link set lo up');
  const b = await node('udp://127.0.0.1:0');
  const pinned = b.transport.open('udp://127.9.9.9:9');
  let calls = 0;
  b.onReceived = () => {
    calls++;
  };
  for (let i = 0; i < 6000; i++) {
    const one = new Udp({ received() {}, failed() {}, log() {} });
    await one.listen(`udp://127.1.${i >> 8}.${i & 255}:4242`);
    one.send(one.open(b.bound), [HELLO]);
    await one.close();
    if (i % 100 === 99) await until(() => calls >= i);
  }
  await until(() => calls === 6000);
  const result = {
    paths: b.transport.paths,
    pinned: b.transport.open('udp://127.9.9.9:9') === pinned,
  };
  await b.transport.close();
  return result;
}

await runScenario({
  replySource,
  vanishedAddress,
  tooBig,
  tooBigTrain,
  unreachable,
  linkLocal,
  firewall,
  flood,
});
