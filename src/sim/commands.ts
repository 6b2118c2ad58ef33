/** `sim run`: what it is called, what it prints. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { EXIT, UserError } from '../base/errors.js';
import { table } from '../base/table.js';
import { readLab } from '../lab/topology.js';
import { Violation } from './invariants.js';
import { topologyOfLab } from './lab.js';
import { SeededEntropy } from './random.js';
import { runScenario, type SimRun } from './scenario.js';
import { type Topology, topologyNamed } from './topology.js';

/** Ours: a larger mesh takes hours and all memory. */
const NODES_MAX = 1_000;
const NAMES =
  'line-N, ring-N, grid-SIDE, mesh-N, mesh-N-DEGREE and nats-N, for example ring-5 or mesh-30';
const TOPOLOGY_SALT = 5;
const EXAMPLES = `
Names: ${NAMES}.

Examples:
  $ alamesh sim run ring-5
  $ alamesh sim run mesh-300 --seed 7 --json
  $ alamesh sim run nats-8            # behind NAT boxes of any kind
  $ alamesh sim run labs/ring-5.clab.yml`;

interface RunOptions {
  readonly seed: string;
  readonly json?: boolean;
}

/** Adds `sim` and its commands. Errors are thrown as UserError; the entry shows them. */
export function registerSim(program: Command): void {
  const sim = program.command('sim').description('the simulator, from the same topologies');
  sim.addHelpText('after', EXAMPLES);
  sim
    .command('run <topology>')
    .description(
      'run a mesh on virtual time: start, lose a router, a link, packets, be parted; check after each',
    )
    .option('--seed <n>', 'everything random follows from it, 0 to 2^53-1', '1')
    .option('--json', 'print one document')
    .addHelpText('after', EXAMPLES)
    .action(async (name: string, options: RunOptions) => {
      const seed = seedOf(options.seed);
      const topology = await topologyOf(name, seed);
      const run = simulate({ name, topology, seed });
      const document = { schema: 'alamesh.sim.run/1', ...run };
      const text = options.json === true ? `${JSON.stringify(document)}\n` : runText(run);
      process.stdout.write(text);
    });
}

function seedOf(text: string): number {
  const seed = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(seed)) return seed;
  throw new UserError(`seed "${text}" is not a whole number from 0 to 2^53-1`, {
    code: 'bad-option',
    exit: EXIT.usage,
  });
}

async function topologyOf(name: string, seed: number): Promise<Topology> {
  const named = topologyNamed(name, new SeededEntropy(seed, TOPOLOGY_SALT));
  if (named !== undefined) return checkedSize(named, EXIT.usage);
  const isFile = /\.ya?ml$/.test(name) || name.includes('/') || existsSync(name);
  if (isFile) return checkedSize(topologyOfLab(await readLab(name, process.env)), EXIT.badFile);
  throw new UserError(`no topology is called "${name}"`, {
    code: 'no-such-topology',
    hint: `Names: ${NAMES}. Or a lab file, for example labs/ring-5.clab.yml.`,
    exit: EXIT.usage,
  });
}

function checkedSize(topology: Topology, exit: 2 | 4): Topology {
  const { length } = topology.nodes;
  if (length >= 2 && length <= NODES_MAX) return topology;
  throw new UserError(`${topology.name} has ${length} routers`, {
    code: 'bad-topology',
    hint: `A simulation takes 2 to ${NODES_MAX}.`,
    exit,
  });
}

interface Simulation {
  readonly name: string;
  readonly topology: Topology;
  readonly seed: number;
}

function simulate({ name, topology, seed }: Simulation): SimRun {
  const progress = (step: string): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${topology.name}: ${step}`);
  };
  try {
    return runScenario({ topology, seed, progress, wallClock: () => performance.now() });
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    throw new UserError(`an invariant does not hold: ${error.message}`, {
      code: 'invariant',
      hint: `Replay: alamesh sim run ${name} --seed ${seed}`,
      cause: error,
    });
  } finally {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  }
}

function runText(run: SimRun): string {
  const seconds = (msec: number): string => (msec / 1000).toFixed(3);
  const rows = run.steps.map((step) => [
    step.name,
    step.target,
    seconds(step.atMsec),
    seconds(step.settledMsec),
    String(step.messages),
    step.messagesPerNode.toFixed(1),
  ]);
  const heads = ['Step', 'What', 'At s', 'Settled s', 'Updates', 'Per node'];
  const steps = table(heads, rows, { align: ['left', 'left', 'right', 'right', 'right', 'right'] });
  const withdrawal = run.messagesPerNode === null ? '–' : run.messagesPerNode.toFixed(1);
  return (
    `${run.name}: ${run.nodes} nodes, ${run.links} links, seed ${run.seed}\n\n${steps}\n` +
    `converged after ${seconds(run.convergedMsec)} s; ${withdrawal} updates per node for a withdrawal; ` +
    `${run.loops} loops, ${run.unreachable} unreachable\n` +
    `${run.events} events, ${run.datagrams} datagrams in ${seconds(run.wallMsec)} s of real time\n`
  );
}
