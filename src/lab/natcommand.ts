/** `lab nat`: what a NAT box of a deployed lab does, another kind for it, and its loss of power. */
import type { Command } from 'commander';
import { EXIT, UserError } from '../base/errors.js';
import { nearest } from '../base/suggest.js';
import {
  done,
  EXAMPLE_NAT,
  type JsonOption,
  onLab,
  readTopology,
  type TopologyOption,
} from './command.js';
import { deployedNode, deployedState } from './inspect.js';
import { isNatKind, NAT_KINDS, type NatBox, natRules } from './nat.js';
import { rebootBox, setBox } from './natbox.js';
import { document, out } from './present.js';
import { type NodeState, saveState } from './state.js';

interface NatOptions extends TopologyOption, JsonOption {
  readonly kind?: string;
  readonly rules?: boolean;
}

export function registerNat(lab: Command): void {
  const example = `nat -t ${EXAMPLE_NAT} home reboot`;
  onLab(lab, 'nat', 'show a NAT box, have it forget its mappings, or change its kind', example)
    .argument('<node>', 'name of the NAT box')
    .argument('[action]', 'reboot: every mapping is lost')
    .option('--kind <kind>', `make it another kind: ${NAT_KINDS.join(', ')}`)
    .option('--rules', 'print its nftables rules')
    .option('--json', 'print a document')
    .action(async (name: string, action: string | undefined, options: NatOptions) => {
      checkUsage(action, options);
      const topology = await readTopology(options);
      if (await done(topology)) return;
      const state = deployedState(topology);
      const node = deployedNode(state, name);
      const box = boxOf(node);
      const { kind = box.kind } = options;
      if (isNatKind(kind) && kind !== box.kind) {
        node.nat = { ...box, kind };
        saveState(state);
        await setBox(node.namespace ?? '', node.nat);
      }
      if (action === 'reboot') await rebootBox(node.namespace ?? '', boxOf(node));
      show(node, options);
    });
}

function checkUsage(action: string | undefined, { kind, rules, json }: NatOptions): void {
  const usage = (message: string, hint: string): UserError =>
    new UserError(message, { code: 'usage', hint, exit: EXIT.usage });
  if (action !== undefined && action !== 'reboot')
    throw usage(`a NAT box cannot "${action}"`, 'It can: reboot.');
  if (rules === true && json === true) throw usage('either --rules or --json', '');
  if (kind === undefined || isNatKind(kind)) return;
  const meant = nearest(kind, NAT_KINDS);
  const hint = meant === undefined ? '' : `Did you mean "${meant}"? `;
  throw usage(`"${kind}" is no kind of NAT`, `${hint}Kinds: ${NAT_KINDS.join(', ')}.`);
}

function boxOf(node: NodeState): NatBox {
  if (node.nat !== null) return node.nat;
  const hint = 'The label "alamesh.nat: KIND" in the file makes a plain host one.';
  throw new UserError(`${node.name} is no NAT box`, { code: 'no-nat-box', hint });
}

function show(node: NodeState, { rules, json }: NatOptions): void {
  const box = boxOf(node);
  if (rules === true) out(natRules(box));
  else if (json === true) out(document('lab.nat', { node: node.name, ...box }));
  else
    out(
      `${node.name}: ${box.kind}, inside ${box.inside.join(' ')}, outside ${box.outside}, mappings live ${box.mappingSec} s`,
    );
}
