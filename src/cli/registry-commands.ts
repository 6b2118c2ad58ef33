/** `alamesh registry …`. `--dir` before the word registry is the state directory, after add, check … the clone. */
import { type Command, InvalidArgumentError } from 'commander';
import { defaultStateDir } from '../router/place.js';

interface Base {
  readonly dir?: string;
  readonly json?: boolean;
}

interface Globals {
  readonly dir?: string;
  readonly socket?: string;
}

const write = (text: string): void => {
  process.stdout.write(text);
};

function print(options: Base, document: { readonly message: string }): void {
  write(options.json === true ? `${JSON.stringify(document)}\n` : `${document.message}\n`);
}

interface Leaf {
  readonly usage: string;
  readonly description: string;
  readonly example: string;
}

function leaf(parent: Command, { usage, description, example }: Leaf): Command {
  return parent
    .command(usage)
    .description(description)
    .option('--json', 'print a JSON document')
    .addHelpText('after', `\nExample:\n  $ alamesh ${example}`);
}

const globals = (command: Command): Globals => command.parent?.parent?.opts<Globals>() ?? {};
const stateDir = (command: Command): string => defaultStateDir(globals(command).dir);

export function registerRegistry(program: Command): void {
  program.enablePositionalOptions();
  const registry = program
    .command('registry')
    .description('the git registry: members as signed files')
    .addHelpText('after', '\nExample:\n  $ alamesh registry add --handle ada --dir realm');
  registerInit(registry);
  registerAdd(registry);
  registerStatements(registry);
  registerCheck(registry);
  registerSync(registry);
}

function registerInit(registry: Command): void {
  leaf(registry, {
    usage: 'init <dir>',
    description: 'make a new realm’s repository, ready to push',
    example: 'registry init realm --realm friends',
  })
    .option('--realm <realm>', 'peers must be of the same realm', 'alanet')
    .option('--work <bits>', 'leading zero bits of a member’s proof', wholeNumber)
    .option('--private-endpoints', 'members may be reached at private addresses only')
    .action(async (dir: string, options: Base & Scaffold) => {
      const { initRegistry } = await import('../router/registry/scaffold.js');
      const { realm, work, privateEndpoints = false } = options;
      print(options, await initRegistry(dir, { realm, work, privateEndpoints }));
    });
}

interface Scaffold {
  readonly realm: string;
  readonly work?: number;
  readonly privateEndpoints?: boolean;
}

interface Add extends Base {
  readonly handle: string;
  readonly name?: string;
  readonly endpoint?: string[];
  readonly contact?: string;
  readonly relay?: boolean;
  readonly tag?: string[];
  readonly days: number;
  readonly commit: boolean;
}

function registerAdd(registry: Command): void {
  leaf(registry, {
    usage: 'add',
    description: 'write or renew this node’s signed file in a clone, on a branch of its own',
    example: 'registry add --handle ada --dir realm --endpoint berlin.example.org:4242',
  })
    .requiredOption('--handle <handle>', 'who you are: the folder of your nodes')
    .option('--dir <clone>', 'clone of the registry', '.')
    .option('--name <name>', 'of this node; default: its own')
    .option('--endpoint <host:port...>', 'where everybody reaches this node')
    .option('--contact <text>', 'how people reach you')
    .option('--relay', 'offer to relay datagrams')
    .option('--no-relay', 'do not offer it any more')
    .option('--tag <tag...>', 'what others may choose it by, like eu or fast')
    .option('--days <n>', 'how long the file is good', wholeNumber, 365)
    .option('--no-commit', 'only write the file')
    .action(async (options: Add, command: Command) => {
      const { addOwnFile } = await import('../router/registry/own-files.js');
      const { handle, name, contact, relay, days, commit, endpoint: endpoints } = options;
      const own = { handle, name, contact, relay, days, endpoints, tags: options.tag };
      const where = { stateDir: stateDir(command), clone: options.dir ?? '.' };
      print(options, await addOwnFile({ ...own, ...where, noCommit: !commit }));
    });
}

function registerStatements(registry: Command): void {
  leaf(registry, {
    usage: 'vouch <file>',
    description: 'say that another node file is of your handle: for your second node',
    example: 'registry vouch members/ada/node-laptop.toml',
  })
    .option('--dir <clone>', 'clone of the registry', '.')
    .option('--no-commit', 'only write the file')
    .action(async (file: string, options: Base & { commit: boolean }, command: Command) => {
      const { vouchFor } = await import('../router/registry/own-files.js');
      const where = { stateDir: stateDir(command), clone: options.dir ?? '.' };
      print(options, await vouchFor(file, { ...where, noCommit: !options.commit }));
    });
  leaf(registry, {
    usage: 'leave',
    description: 'end this node’s key with a tombstone, for good',
    example: 'registry leave --handle ada --dir realm',
  })
    .requiredOption('--handle <handle>', 'the folder of your nodes')
    .option('--dir <clone>', 'clone of the registry', '.')
    .option('--no-commit', 'only write the file')
    .action(async (options: Add, command: Command) => {
      const { leaveRegistry } = await import('../router/registry/own-files.js');
      const where = { stateDir: stateDir(command), clone: options.dir ?? '.' };
      const { handle, commit } = options;
      print(options, await leaveRegistry({ ...where, handle, noCommit: !commit }));
    });
}

function registerCheck(registry: Command): void {
  leaf(registry, {
    usage: 'check [range]',
    description: 'check a commit of a registry, or what BASE..HEAD changes: what its CI runs',
    example: 'registry check origin/main..HEAD',
  })
    .option('--dir <clone>', 'clone or bare repository', '.')
    .option('--any-author', 'a change may touch files of several handles')
    .action(async (range: string | undefined, options: Base & { anyAuthor?: boolean }) => {
      const { check } = await import('./registry-check.js');
      const { dir = '.', json = false, anyAuthor = false } = options;
      process.exitCode = await check({ dir, json, anyAuthor, range: range ?? '' }, write);
    });
}

const WHERE = 'state directory (or ALAMESH_DIR)';

type Synced = Base & Globals & { readonly url?: string };

/** These ask the router where one runs: `--dir` is the state directory here, as everywhere else. */
function registerSync(registry: Command): void {
  const asking = (words: Leaf): Command =>
    leaf(registry, words).option('--dir <dir>', WHERE).option('--socket <path>', 'control socket');
  const where = (options: Synced, command: Command): Globals => ({
    ...globals(command),
    ...options,
  });
  asking({
    usage: 'sync',
    description: 'fetch, check and apply the registry now',
    example: 'registry sync --url https://git.example/friends/realm.git',
  })
    .option('--url <url>', 'of the git repository; default: the configured one')
    .action(async (options: Synced, command: Command) => {
      const { sync } = await import('./registry-sync.js');
      print(options, await sync(where(options, command), options.url));
    });
  asking({
    usage: 'status',
    description: 'what is in force, what waits and why',
    example: 'registry status',
  }).action(async (options: Synced, command: Command) => {
    const { status, statusText } = await import('./registry-sync.js');
    const document = await status(where(options, command));
    write(options.json === true ? `${JSON.stringify(document)}\n` : statusText(document));
  });
  asking({
    usage: 'diff',
    description: 'what would change in what is in force',
    example: 'registry diff',
  }).action(async (options: Synced, command: Command) => {
    const { diff, diffText } = await import('./registry-sync.js');
    const document = await diff(where(options, command));
    write(options.json === true ? `${JSON.stringify(document)}\n` : diffText(document));
  });
  asking({
    usage: 'approve [head]',
    description: 'let the change that waits pass',
    example: 'registry approve 3f1c2ab',
  }).action(async (head: string | undefined, options: Synced, command: Command) => {
    const { approve } = await import('./registry-sync.js');
    print(options, await approve(where(options, command), head));
  });
}

function wholeNumber(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a whole number.');
}
