/** Peers of a lab's routers that do not find each other: the label `alamesh.peers` on one of two. */
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../base/errors.js';
import { askRouter } from './control.js';
import type { Lab } from './model.js';
import { forAll, tryRun } from './run.js';
import type { LabState, NodeState } from './state.js';

/** Ours: the kernel's linkwatch takes a second at most; who is late then is told with what there is. */
const SETTLE_MSEC_MAX = 3000;
const POLL_MSEC = 50;
const RUNS = ['UP', 'UNKNOWN'];

/** Each gets the other's line, with all endpoints at which that listens. */
export async function introducePeers(lab: Lab, state: LabState): Promise<void> {
  const pairs = lab.nodes.flatMap(({ name, peers }) => peers.map((peer) => [name, peer].sort()));
  const once = new Map(pairs.map((pair) => [pair.join(' '), pair]));
  const names = new Set([...once.values()].flat());
  const routers = state.nodes.filter(({ name }) => names.has(name));
  await forAll(routers, settled);
  await forAll([...once.values()], async ([a = '', b = '']) => {
    const [one, other] = [a, b].map((name) => state.nodes.find((node) => node.name === name));
    if (one !== undefined && other !== undefined) await introduce(one, other);
  });
}

/** A router tells the addresses of what runs, and an interface runs up to a second after its carrier is there. */
async function settled({ namespace }: NodeState): Promise<void> {
  const end = Date.now() + SETTLE_MSEC_MAX;
  while (Date.now() < end) {
    const words = namespace === null ? [] : ['-n', namespace];
    const { stdout } = await tryRun(['ip', '-j', ...words, 'link', 'show', 'up']);
    const rows = JSON.parse(stdout || '[]') as { flags: string[]; operstate: string }[];
    const late = rows.some(
      ({ flags, operstate }) => flags.includes('LOWER_UP') && !RUNS.includes(operstate),
    );
    if (!late) return;
    await sleep(POLL_MSEC);
  }
}

async function introduce(one: NodeState, other: NodeState): Promise<void> {
  const [lineOfOne, lineOfOther] = [await lineOf(one), await lineOf(other)];
  await ask(one, 'POST', '/v1/peers', lineOfOther);
  await ask(other, 'POST', '/v1/peers', lineOfOne);
}

async function lineOf(node: NodeState): Promise<string> {
  const { line } = JSON.parse(await ask(node, 'GET', '/v1/peer-line')) as { line?: unknown };
  return typeof line === 'string' ? line : '';
}

async function ask(node: NodeState, method: string, path: string, body = ''): Promise<string> {
  const answer = await askRouter(node.socket ?? '', { method, path, body });
  if (answer?.status === 200) return answer.text;
  const said = answer === undefined ? 'no answer' : answer.text.slice(0, 200);
  const message = `${node.name}: its router cannot be peered: ${said}`;
  throw new UserError(message, { code: 'not-peered', hint: 'The lab was taken down again.' });
}
