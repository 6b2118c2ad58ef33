/**
 * Wrong conditions on a link, each way: loss by nftables where packets arrive; where they leave,
 * rate by tbf, delay and jitter by netem or, in kernels without it, a process of ours (`delay.ts`).
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { UserError } from '../base/errors.js';
import { endName, type LinkEnd } from './model.js';
import { inNamespace } from './namespace.js';
import { dropLease, namespaceOf, renewLease } from './network.js';
import { PROJECT_ROOT } from './node.js';
import { cannotStart, childEnv, endAll, type Proc, procOf, run, tryRun } from './run.js';
import type { Impairment, LabState, LinkState } from './state.js';

/** numgen's resolution: a hundredth of a percent. */
const LOSS_STEPS = 10_000;
/** tbf: bytes at once, and how long a packet may wait. */
const BURST_BYTES_MIN = 16_384;
const RATE_WAIT = '50ms';
/** Ours: packets that `delay.ts` has held back already. */
const DELAYED_MARK = 0xa1a7e;

/**
 * @param from A node, or `node:interface` where two links join the same nodes.
 * @throws UserError where no link, or more than one, joins them.
 */
export function findLink(state: LabState, from: string, to: string): LinkState {
  const is = (end: LinkEnd, text: string): boolean =>
    text === endName(end) || text === (end.node ?? 'host');
  const found = state.links.filter(
    ({ a, b }) => b !== undefined && ((is(a, from) && is(b, to)) || (is(a, to) && is(b, from))),
  );
  const [link] = found;
  if (link !== undefined && found.length === 1) return link;
  const cables = (link === undefined ? state.links : found).filter(({ b }) => b !== undefined);
  const names = cables.map(({ a, b }) => `${endName(a)} ${b === undefined ? '' : endName(b)}`);
  const message =
    link === undefined
      ? `no link between ${from} and ${to}`
      : `${found.length} links between ${from} and ${to}`;
  const hint = `Links: ${names.slice(0, 12).join(', ')}${names.length > 12 ? ', …' : ''}.`;
  throw new UserError(message, { code: 'no-such-link', hint });
}

/** Which device each end of a link is, in which namespace. */
interface Port {
  readonly namespace: string | null;
  readonly iface: string;
  readonly index: number;
}

function portsOf(state: LabState, link: LinkState): Port[] {
  const index = state.links.indexOf(link);
  const ends = [link.a, ...(link.b ? [link.b] : [])];
  return ends.map((end) => ({ namespace: namespaceOf(state, end), iface: end.iface, index }));
}

const inside = (port: Port, argv: readonly string[]): string[] => inNamespace(port.namespace, argv);

/** Sets a link's conditions to exactly these; fills in the link's state. */
export async function impairLink(
  state: LabState,
  link: LinkState,
  wanted: Impairment,
): Promise<void> {
  await endAll(link.delays, 1000);
  link.delays = [];
  link.impairment = {};
  const ports = portsOf(state, link);
  for (const port of ports) await clearPort(port);
  try {
    for (const port of ports) await impairPort(port, wanted, link);
  } catch (error) {
    await endAll(link.delays, 1000);
    link.delays = [];
    for (const port of ports) await clearPort(port);
    throw error;
  }
  link.impairment = wanted;
}

/** Silent unless told: `down` takes the carrier from both ends, `up` gives it back. */
export async function switchLink(state: LabState, link: LinkState, up: boolean): Promise<void> {
  const ports = portsOf(state, link);
  for (const port of up ? ports : ports.slice(0, 1)) {
    await run(inside(port, ['ip', 'link', 'set', 'dev', port.iface, up ? 'up' : 'down']));
  }
  for (const end of [link.a, ...(link.b ? [link.b] : [])]) {
    await (up ? renewLease(state, end) : dropLease(state, end));
  }
}

const tableOf = ({ index, iface }: Port): string =>
  `clab_${index}_${Buffer.from(iface).toString('hex')}`;

async function clearPort(port: Port): Promise<void> {
  const table = `table netdev ${tableOf(port)}`;
  await tryRun(inside(port, ['nft', `add ${table}; delete ${table}`]));
  await tryRun(inside(port, ['tc', 'qdisc', 'del', 'dev', port.iface, 'root']));
}

async function impairPort(port: Port, wanted: Impairment, link: LinkState): Promise<void> {
  const { lossPercent, delayMsec, jitterMsec, rateMbit } = wanted;
  const chains: string[] = [];
  if (lossPercent !== undefined && lossPercent > 0)
    chains.push(chain(port, 'ingress', lossRule(lossPercent)));
  const late = delayMsec !== undefined || jitterMsec !== undefined;
  const byKernel = late && (await tryNetem(port, wanted));
  if (late && !byKernel) {
    const { proc, device } = await startDelay(port, delayMsec ?? 0, jitterMsec ?? 0);
    link.delays.push(proc);
    chains.push(chain(port, 'egress', `meta mark != ${DELAYED_MARK} fwd to "${device}"`));
  }
  if (rateMbit !== undefined && !byKernel) await shape(port, rateMbit);
  if (chains.length === 0) return;
  const text = `table netdev ${tableOf(port)} {\n${chains.join('\n')}\n}\n`;
  await run(inside(port, ['nft', '-f', '-']), { input: text });
}

const chain = ({ iface }: Port, hook: 'ingress' | 'egress', rule: string): string =>
  `chain ${hook} { type filter hook ${hook} device "${iface}" priority 0; ${rule}; }`;

/** On what arrives: a drop on the way out would be an error to the sender, a loss is silent. */
function lossRule(lossPercent: number): string {
  const below = Math.round((lossPercent / 100) * LOSS_STEPS);
  return below >= LOSS_STEPS ? 'drop' : `numgen random mod ${LOSS_STEPS} < ${below} drop`;
}

/** @returns False where the kernel has no netem. */
async function tryNetem(port: Port, wanted: Impairment): Promise<boolean> {
  const { delayMsec = 0, jitterMsec = 0, rateMbit } = wanted;
  const rate = rateMbit === undefined ? [] : ['rate', `${rateMbit}mbit`];
  const times = ['delay', `${delayMsec}ms`, `${jitterMsec}ms`];
  const add = ['tc', 'qdisc', 'add', 'dev', port.iface, 'root', 'netem'];
  const made = await tryRun(inside(port, [...add, ...times, ...rate, 'limit', '20000']));
  return made.status === 0;
}

async function shape(port: Port, rateMbit: number): Promise<void> {
  const burst = Math.max(BURST_BYTES_MIN, Math.ceil((rateMbit * 1e6) / 8 / 250));
  const add = ['tc', 'qdisc', 'add', 'dev', port.iface, 'root', 'tbf'];
  const shape = ['rate', `${rateMbit}mbit`, 'burst', String(burst), 'latency', RATE_WAIT];
  await run(inside(port, [...add, ...shape]));
}

/** Starts the process that holds an end's packets back; its device stands in for the end. */
function startDelay(
  port: Port,
  delayMsec: number,
  jitterMsec: number,
): Promise<{ proc: Proc; device: string }> {
  const device = `late${port.index}_${port.iface}`.slice(0, 15);
  const program = join(PROJECT_ROOT, 'dist', 'src', 'lab', 'delay.js');
  const numbers = [DELAYED_MARK, delayMsec, jitterMsec].map(String);
  const [first = '', ...args] = inside(port, [
    process.execPath,
    program,
    port.iface,
    device,
    ...numbers,
  ]);
  return new Promise((resolve, reject) => {
    const stdio = ['ignore', 'pipe', 'pipe'] as const;
    const child = spawn(first, args, {
      env: childEnv(),
      detached: true,
      stdio: [...stdio],
      cwd: '/',
    });
    let said = '';
    child.on('error', (cause) => reject(cannotStart(first, cause)));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    child.on('exit', () => {
      const message = `delay on ${port.iface} cannot be made: ${said.trim().split('\n').at(-1) ?? ''}`;
      const hint = 'It needs /dev/net/tun, or a kernel with netem (sch_netem).';
      reject(new UserError(message, { code: 'no-delay', hint }));
    });
    child.stdout.once('data', () => {
      const proc = procOf(child.pid ?? -1);
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
      if (proc !== undefined) resolve({ proc, device });
    });
  });
}
