/** The entry: `alamesh …`. Only what the first word needs is loaded, so that help is quick. */
import { Command, CommanderError } from 'commander';
import { EXIT, UserError } from '../base/errors.js';
import { registerApi } from '../cli/commands.js';
import { packageVersion } from '../cli/package.js';

interface Group {
  readonly description: string;
  /** Gives what adds the command, with its options and examples. */
  readonly load: () => Promise<(program: Command) => void>;
}

/** Commands that do more than ask a router; known by name until one is wanted. */
const HEAVY: Readonly<Record<string, Group>> = {
  init: {
    description: 'make identity and config; prints the address',
    load: async () => (await import('../router/commands.js')).registerInit,
  },
  up: {
    description: 'run the router in the foreground',
    load: async () => (await import('../router/commands.js')).registerUp,
  },
  lab: {
    description: 'labs of routers in network namespaces',
    load: async () => (await import('../lab/commands.js')).registerLab,
  },
  registry: {
    description: 'the git registry: members as signed files',
    load: async () => (await import('../cli/registry-commands.js')).registerRegistry,
  },
  service: {
    description: 'addresses of services, which move with their keys',
    load: async () => (await import('../cli/service-commands.js')).registerService,
  },
  sim: {
    description: 'the simulator, from the same topologies',
    load: async () => (await import('../sim/commands.js')).registerSim,
  },
};

/** Runs one command line. @returns The exit code (CLI.md). Never throws: what went wrong is told on stderr. */
export async function main(argv: readonly string[]): Promise<number> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0); // `alamesh … | head` has read enough
    throw error;
  });
  try {
    const program = await build(argv);
    await program.parseAsync([...argv], { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return tell(error, wantsJson(argv));
  }
}

async function build(argv: readonly string[]): Promise<Command> {
  const program = new Command('alamesh')
    .description('the router of ALANET, a private IPv6 internet among friends')
    .version(packageVersion())
    .option('--dir <dir>', 'state directory (or ALAMESH_DIR)')
    .option('--socket <path>', 'control socket of the router (or ALAMESH_SOCKET)')
    .addHelpText('after', '\nExample:\n  $ sudo alamesh init --name berlin\n  $ sudo alamesh up');
  const first = firstWord(argv);
  for (const [name, { description, load }] of Object.entries(HEAVY)) {
    if (name === first) (await load())(program);
    else program.command(name).description(description);
  }
  registerApi(program);
  throwAll(program);
  return program;
}

/** The first word that is neither `help` nor an option nor an option's value. */
function firstWord(argv: readonly string[]): string | undefined {
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (word === '--dir' || word === '--socket') i++;
    else if (word !== 'help' && !word.startsWith('-')) return word;
  }
  return undefined;
}

/** `--json`, unless it belongs to the command after `--`. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).includes('--json');
}

/** Errors of the command line come here as exceptions and are told once, in our words. */
function throwAll(command: Command): void {
  command.exitOverride().configureOutput({ outputError: () => {} });
  for (const child of command.commands) throwAll(child);
}

function tell(error: unknown, json: boolean): number {
  if (error instanceof UserError) return report(error, json, error.exit);
  if (error instanceof CommanderError) return tellUsage(error, json);
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const hint = 'this is a bug of alamesh; please report it';
  return report({ code: 'internal', message, hint }, json, EXIT.failed);
}

function tellUsage(error: CommanderError, json: boolean): number {
  if (error.exitCode === 0) return 0; // help or version was asked for
  if (error.code === 'commander.help') return EXIT.usage; // a group without its command: help is on stderr
  const message = error.message
    .replace(/^error: /, '')
    .replace(/\s*\n\(Did you mean ([^?]*)\?\)$/, '; did you mean $1?');
  const hint = 'add --help to see what there is';
  return report({ code: 'usage', message, hint }, json, EXIT.usage);
}

interface Told {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

function report({ code, message, hint }: Told, json: boolean, exit: number): number {
  const text = json
    ? JSON.stringify({ schema: 'alamesh.error/1', code, message, hint })
    : `alamesh: ${message}${hint === '' ? '' : `\n  ${hint}`}`;
  process.stderr.write(`${text}\n`);
  return exit;
}
