/** `npm run bench [-- PART…] [--quick] [--json FILE]`: measures what is promised, and says what held. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { table } from '../src/base/table.js';
import { canRunRouters, hasTools } from '../test/integration/namespace.js';
import { failover } from './failover.js';
import { idle } from './idle.js';
import { loadText, machineText } from './machine.js';
import { type Measure, median, type Part, targetText, valueText, verdictOf } from './measure.js';
import { overlay } from './overlay.js';
import { plane } from './plane.js';
import { registry } from './registry.js';
import { routes } from './routes.js';
import { start } from './start.js';

const USAGE = 'usage: npm run bench [-- PART…] [--quick] [--json FILE]';

interface Entry {
  readonly run: Part;
  /** Programs beyond Node: with any, it makes namespaces and runs routers. */
  readonly tools: readonly string[];
}

/** In this order: what makes noise comes before what must be quiet. */
const PARTS: ReadonlyMap<string, Entry> = new Map([
  ['start', { run: start, tools: [] }],
  ['plane', { run: plane, tools: [] }],
  ['routes', { run: routes, tools: [] }],
  ['registry', { run: registry, tools: ['git', 'taskset'] }],
  ['overlay', { run: overlay, tools: ['iperf3', 'wireguard-go', 'wg'] }],
  ['failover', { run: failover, tools: ['nft'] }],
  ['idle', { run: idle, tools: ['ip'] }],
]);

interface Wish {
  readonly parts: readonly string[];
  readonly quick: boolean;
  readonly json: string | undefined;
}

function wishOf(args: string[]): Wish {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { quick: { type: 'boolean', default: false }, json: { type: 'string' } },
  });
  for (const part of positionals) {
    if (!PARTS.has(part))
      throw new TypeError(`no part is called ${part}: ${[...PARTS.keys()].join(' ')}`);
  }
  const parts = positionals.length > 0 ? positionals : [...PARTS.keys()];
  return { parts, quick: values.quick, json: values.json };
}

/** Why a part cannot run here; undefined when it can. */
function obstacle({ tools }: Entry): string | undefined {
  if (tools.length === 0) return undefined;
  if (!canRunRouters()) return 'it needs root, /dev/net/tun, ip, ping, nft and sysctl';
  if (!hasTools(...tools)) return `it needs ${tools.join(', ')}`;
  return undefined;
}

interface Outcome {
  readonly measures: readonly Measure[];
  /** Parts that did not come to an end, and why. */
  readonly failures: ReadonlyMap<string, string>;
}

async function runAll({ parts, quick }: Wish): Promise<Outcome> {
  const measures: Measure[] = [];
  const failures = new Map<string, string>();
  for (const name of parts) {
    const entry = PARTS.get(name);
    if (entry === undefined) continue;
    const say = (text: string): void => void process.stderr.write(`${name}: ${text}\n`);
    try {
      const reason = obstacle(entry);
      if (reason !== undefined) throw new Error(reason);
      measures.push(...(await entry.run({ quick, say })));
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      failures.set(name, text);
      say(`failed: ${text}`);
    }
  }
  return { measures, failures };
}

function report({ measures, failures }: Outcome): string {
  const rows = measures.map((one) => {
    const { part, name, note = '' } = one;
    return [part, name, valueText(one), targetText(one), verdictOf(one), note];
  });
  const lines = [...failures].map(([part, why]) => `${part}: did not run: ${why}\n`);
  const width = process.stdout.isTTY ? process.stdout.columns : WIDTH_OF_FILES;
  const text = rows.length === 0 ? '' : table(HEADERS, rows, { width });
  return text + lines.join('');
}

const HEADERS = ['part', 'measure', 'median (range)', 'target', 'verdict', 'note'];
/** In a file or a pipe nothing is cut. */
const WIDTH_OF_FILES = 1_000;

function document(wish: Wish, head: Readonly<Record<string, unknown>>, outcome: Outcome): string {
  const measures = outcome.measures.map((one) => {
    return { ...one, median: median(one.values), verdict: verdictOf(one) };
  });
  const failures = Object.fromEntries(outcome.failures);
  const whole = { schema: 'alamesh.bench/1', ...head, quick: wish.quick, measures, failures };
  return `${JSON.stringify(whole, null, 2)}\n`;
}

async function main(args: string[]): Promise<number> {
  let wish: Wish;
  try {
    wish = wishOf(args);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n${USAGE}\n`);
    return 2;
  }
  const startedAt = Date.now();
  const loadBefore = loadText();
  const outcome = await runAll(wish);
  const seconds = Math.round((Date.now() - startedAt) / 1000);
  const head = { machine: machineText(), startedAt, seconds, loadBefore, loadAfter: loadText() };
  process.stdout.write(report(outcome));
  process.stdout.write(`${head.machine}; load ${loadBefore} before, ${head.loadAfter} after; `);
  process.stdout.write(`${seconds} s${wish.quick ? '; quick: not for quoting' : ''}\n`);
  if (wish.json !== undefined) writeFileSync(wish.json, document(wish, head, outcome));
  const missed = outcome.measures.filter((one) => verdictOf(one) === 'MISSED').length;
  process.stdout.write(`${missed} missed, ${outcome.failures.size} did not run\n`);
  return missed + outcome.failures.size === 0 ? 0 : 1;
}

// Stages take their namespaces and programs down on the way out of the process.
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
] as const) {
  process.once(signal, () => process.exit(128 + number));
}
process.exit(await main(process.argv.slice(2)));
