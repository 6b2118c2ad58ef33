/** The `lab` commands: what they are called, what they print. */
import { readdirSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { UserError } from '../base/errors.js';
import {
  done,
  EXAMPLE,
  type JsonOption,
  onLab,
  readTopology,
  type TopologyOption,
} from './command.js';
import { type ConditionOptions, readImpairment, withoutZeros } from './condition.js';
import { deployLab } from './deploy.js';
import { destroyLab } from './destroy.js';
import { drawSvg, drawText } from './graph.js';
import { findLink, impairLink, switchLink } from './impair.js';
import { conditionText, deployedNode, deployedState, viewFile, viewLab } from './inspect.js';
import type { Lab } from './model.js';
import { inNode } from './namespace.js';
import { registerNat } from './natcommand.js';
import { nodeEnv } from './node.js';
import {
  document,
  inspectDocument,
  inspectText,
  list,
  out,
  progress,
  say,
  tellExec,
} from './present.js';
import { followed, isPrivileged, releaseHolder, runInside, useOwnRunRoot } from './rootless.js';
import { cannotStart, statusOf } from './run.js';
import { allStates, type Impairment, loadState, saveState } from './state.js';

/** Adds `lab` and its commands. Errors are thrown as UserError; the entry shows them. */
export function registerLab(program: Command): void {
  const lab = program.command('lab').description('labs of routers in network namespaces');
  lab.addHelpText('after', `\nExample:\n  $ alamesh lab deploy -t ${EXAMPLE}`);
  registerLife(lab);
  registerViews(lab);
  registerUse(lab);
  registerNat(lab);
}

function registerLife(lab: Command): void {
  onLab(lab, 'deploy', 'make a lab and start its routers', `deploy -t ${EXAMPLE}`)
    .option('--reconfigure', 'take it down first when it is deployed')
    .option('--json', 'print what inspect --json prints')
    .action(async (options: TopologyOption & JsonOption & { reconfigure?: boolean }) => {
      const topology = await readTopology(options);
      if (await done(topology, { make: true })) return;
      await deploy(topology, options);
    });
  onLab(lab, 'destroy', 'take a lab down, whatever is left of it', `destroy -t ${EXAMPLE}`).action(
    async (options: TopologyOption) => {
      const topology = await readTopology(options);
      if (!isPrivileged()) return await destroyRootless(topology);
      const there = await destroyLab(topology);
      say(there ? `lab ${topology.name} is gone` : `lab ${topology.name}: nothing to take down`);
    },
  );
  lab
    .command('list')
    .description('labs on this machine')
    .option('-t, --topo <file>', 'only the lab of this file')
    .option('--json', 'print a document')
    .addHelpText('after', '\nExample:\n  $ alamesh lab list --json')
    .action(async (options: Partial<TopologyOption> & JsonOption) => {
      useOwnRunRoot();
      const only =
        options.topo === undefined ? undefined : (await readTopology({ topo: options.topo })).name;
      const states = allStates().filter((state) => only === undefined || state.name === only);
      list(states, options.json === true);
    });
}

function registerViews(lab: Command): void {
  onLab(lab, 'inspect', 'nodes, addresses and the state of links', `inspect -t ${EXAMPLE} --json`)
    .option('--json', 'print a document')
    .action(async (options: TopologyOption & JsonOption) => {
      const topology = await readTopology(options);
      if (await done(topology)) return;
      const view = await viewLab(deployedState(topology));
      out(options.json === true ? inspectDocument(view) : inspectText(view));
    });
  onLab(
    lab,
    'graph',
    'draw a lab with the state of its links',
    `graph -t ${EXAMPLE} --svg ring.svg`,
  )
    .option('--svg <out>', 'write an SVG file, - for stdout')
    .option('--text', 'print it as text, which is the default')
    .action(async (options: TopologyOption & { svg?: string; text?: boolean }) => {
      const topology = await readTopology(options);
      if (await done(topology)) return;
      const state = loadState(topology.name);
      const view = state === undefined ? viewFile(topology) : await viewLab(state);
      if (options.svg === '-') out(drawSvg(view));
      else if (options.svg !== undefined) writeSvg(options.svg, drawSvg(view));
      if (options.svg === undefined || options.text === true) out(drawText(view));
    });
}

function registerUse(lab: Command): void {
  onLab(lab, 'exec', 'run a command in a node', `exec -t ${EXAMPLE} r1 -- alamesh bgp summary`)
    .argument('<node>', 'name of the node')
    .argument('<command...>', 'after --; its exit status is ours')
    .action(async (node: string, command: string[], options: TopologyOption) => {
      const topology = await readTopology(options);
      if (await done(topology)) return;
      process.exitCode = await exec(topology, node, command);
    });
  onLab(
    lab,
    'impair',
    'make a link worse, or well again',
    `impair -t ${EXAMPLE} r1 r2 --loss 5 --delay 20`,
  )
    .argument('<a>', 'one end: a node, or node:interface')
    .argument('<b>', 'the other end')
    .option('--loss <percent>', 'drop this share of packets in both directions')
    .option('--delay <ms>', 'hold packets back, each way')
    .option('--jitter <ms>', 'delay up to this much more or less')
    .option('--rate <mbit>', 'limit the rate, each way')
    .option('--down', 'take the link down, with its carrier')
    .option('--up', 'bring it up again')
    .option('--clear', 'up, and as good as new')
    .option('--json', 'print a document')
    .action(async (a: string, b: string, options: ImpairOptions) => {
      const topology = await readTopology(options);
      const change = readImpairment(options);
      if (await done(topology)) return;
      await impair(topology, [a, b], { ...options, change });
    });
}

async function destroyRootless(lab: Lab): Promise<void> {
  const status = await runInside(lab.name, false);
  if (status !== undefined && status !== 0) {
    process.exitCode = status;
    return;
  }
  if (status === undefined) {
    const there = await destroyLab({ name: lab.name, nodes: [] });
    say(there ? `lab ${lab.name} is gone` : `lab ${lab.name}: nothing to take down`);
  }
  await releaseHolder(lab.name);
}

async function deploy(lab: Lab, options: JsonOption & { reconfigure?: boolean }): Promise<void> {
  const abort = new AbortController();
  let by: NodeJS.Signals | undefined;
  const stop = (signal: NodeJS.Signals): void => {
    by ??= signal;
    abort.abort();
  };
  const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, stop);
  const startedAt = Date.now();
  try {
    const reconfigure = options.reconfigure === true;
    const made = await deployLab(lab, { signal: abort.signal, reconfigure, onStep: progress });
    for (const note of made.notes) say(`note: ${note}`);
    for (const said of made.said) tellExec(said);
    const view = await viewLab(made.state);
    out(options.json === true ? inspectDocument(view) : inspectText(view));
    const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
    say(`lab ${lab.name}: ${view.nodes.length} nodes in ${seconds} s`);
  } catch (error) {
    if (by === undefined) throw error;
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = statusOf(by);
  } finally {
    for (const signal of signals) process.off(signal, stop);
  }
}

function writeSvg(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (cause) {
    const message = `cannot write ${path}: ${(cause as Error).message}`;
    throw new UserError(message, { code: 'cannot-write', cause });
  }
}

async function exec(lab: Lab, name: string, command: readonly string[]): Promise<number> {
  const state = deployedState(lab);
  const node = deployedNode(state, name);
  const env = nodeEnv(state.name, node);
  const [program = ''] = command;
  if (!isProgram(program, env.PATH ?? '')) {
    throw cannotStart(program, { code: 'ENOENT' });
  }
  return await followed(inNode(node, command), env);
}

function isProgram(name: string, path: string): boolean {
  if (name.includes('/')) return true; // the kernel says what is wrong with it
  const folders = path.split(':');
  return folders.some((folder) => {
    try {
      return readdirSync(folder).includes(name);
    } catch {
      return false;
    }
  });
}

type ImpairOptions = TopologyOption & JsonOption & ConditionOptions;

async function impair(
  lab: Lab,
  ends: readonly [string, string],
  options: ImpairOptions & { change: Impairment },
): Promise<void> {
  const state = deployedState(lab);
  const link = findLink(state, ...ends);
  const { change, clear, down, up } = options;
  const kept = clear === true ? {} : link.impairment;
  const wanted = withoutZeros({ ...kept, ...change });
  try {
    if (clear === true || Object.keys(change).length > 0) await impairLink(state, link, wanted);
    if (down === true || up === true || clear === true)
      await switchLink(state, link, down !== true);
  } finally {
    saveState(state);
  }
  const shown = (await viewLab(state)).links[state.links.indexOf(link)];
  if (shown === undefined) return;
  if (options.json === true) out(document('lab.impair', shown));
  else out(`${shown.a} – ${shown.b}: ${conditionText(shown)}`);
}
