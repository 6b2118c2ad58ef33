/** Peers of a lab's routers that do not find each other: the label `alamesh.peers` on one of two. */
import { UserError } from '../base/errors.js';
import { askRouter } from './control.js';
import type { Lab } from './model.js';
import { forAll } from './run.js';
import type { LabState, NodeState } from './state.js';

/** Each gets the other's line, with all endpoints at which that listens. */
export async function introducePeers(lab: Lab, state: LabState): Promise<void> {
  const pairs = lab.nodes.flatMap(({ name, peers }) => peers.map((peer) => [name, peer].sort()));
  const once = new Map(pairs.map((pair) => [pair.join(' '), pair]));
  await forAll([...once.values()], async ([a = '', b = '']) => {
    const [one, other] = [a, b].map((name) => state.nodes.find((node) => node.name === name));
    if (one !== undefined && other !== undefined) await introduce(one, other);
  });
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
