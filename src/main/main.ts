/** The entry: `alamesh …`. Only what the first word needs is loaded, so that help is quick. */
import { Command, CommanderError } from 'commander';
import { EXIT, UserError } from '../base/errors.js';
import { registerApi } from '../cli/commands.js';
import { packageVersion } from '../cli/version.js';

const HEAVY: Readonly<
  Record<string, { description: string; load: () => Promise<(program: Command) => void> }>
> = {
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
  sim: {
    description: 'the simulator, from the same topologies',
    load: async () => (await import('../sim/commands.js')).registerSim,
  },
};

/** Runs one command line. @returns The exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const json = argv.includes('--json') && !argv.slice(0, argv.indexOf('--json')).includes('--');
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  try {
    const program = await build(argv);
    await program.parseAsync([...argv], { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return tell(error, json);
  }
}

async function build(argv: readonly string[]): Promise<Command> {
  const program = new Command('alamesh');
  program
    .description('the router of ALANET, a private IPv6 internet among friends')
    .version(packageVersion())
    .option('--dir <dir>', 'state directory (ALAMESH_DIR)')
    .option('--socket <path>', 'control socket of the router (ALAMESH_SOCKET)')
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .addHelpText('after', '\nExample:\n  $ alamesh init --name berlin && alamesh up');
  const first = firstWord(argv);
  for (const [name, { description, load }] of Object.entries(HEAVY)) {
    if (name === first) (await load())(program);
    else program.command(name).description(description);
  }
  registerApi(program);
  overrideAll(program);
  return program;
}

/** The first word that is neither an option nor an option's value. */
function firstWord(argv: readonly string[]): string | undefined {
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (word === '--dir' || word === '--socket') i++;
    else if (word === 'help') continue;
    else if (!word.startsWith('-')) return word;
  }
  return undefined;
}

/** Sub-commands made before `exitOverride` do not inherit it. */
function overrideAll(command: Command): void {
  command.exitOverride().configureOutput({ outputError: () => {} });
  for (const child of command.commands) overrideAll(child as Command);
}

function tell(error: unknown, json: boolean): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    if (error.code === 'commander.help') return EXIT.usage;
    const message = error.message.replace(/^error: /, '');
    return report({ code: 'usage', message, hint: 'see `alamesh --help`' }, json, EXIT.usage);
  }
  if (error instanceof UserError) return report(error, json, error.exit);
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return report({ code: 'internal', message, hint: 'this is a bug of alamesh' }, json, EXIT.failed);
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
