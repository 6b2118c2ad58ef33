/** `alamesh init` and `alamesh up`. */
import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import type { Command } from 'commander';
import { EXIT, UserError } from '../base/errors.js';
import { formatNodeId } from '../base/ip6.js';
import { defaultWork } from '../identity/address.js';
import { writeFileAtomic } from '../platform/files.js';
import { createIdentity, type Identity, saveIdentity } from '../platform/keystore.js';
import { CONFIG_FILE, newConfig } from './config/config.js';
import { defaultStateDir } from './place.js';

interface InitOptions {
  readonly dir?: string;
  readonly name?: string;
  readonly realm: string;
  readonly work?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

export function registerInit(program: Command): void {
  program
    .command('init')
    .description('make identity and config; prints the address')
    .option('--name <name>', 'what people call this node; default: the host name')
    .option('--realm <realm>', 'peers must be of the same realm', 'alanet')
    .option('--work <bits>', 'leading zero bits to find; default: 20 for alanet, else 0')
    .option('--force', 'give up the address that is there for a new one')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  $ alamesh init --name berlin')
    .action((_o, command: Command) => init(command.optsWithGlobals<InitOptions>()));
}

/** A host name as a node's name: letters, digits, - and _, the ends no - or _. */
export function nameFromHost(): string {
  const label = hostname().split('.')[0] ?? '';
  const name = label.replace(/[^A-Za-z0-9_-]/g, '-').slice(0, 63);
  return name.replace(/^[-_]+|[-_]+$/g, '') || 'node';
}

async function init(options: InitOptions): Promise<void> {
  const { realm, force = false } = options;
  const dir = defaultStateDir(options.dir);
  const name = options.name ?? nameFromHost();
  const work = options.work === undefined ? defaultWork(realm) : Number(options.work);
  refuseToOverwrite(dir, force);
  const identity = await makeNode(dir, { realm, name, work, force });
  const address = formatNodeId(identity.id);
  const document = { schema: 'alamesh.init/1', address, name, realm, work, dir };
  const text = options.json ? JSON.stringify(document) : address;
  process.stdout.write(`${text}\n`);
  if (!options.json && process.stderr.isTTY) {
    process.stderr.write(`keys and config are in ${dir}; next: alamesh up\n`);
  }
}

export interface NewNode {
  readonly realm: string;
  readonly name: string;
  readonly work: number;
  readonly force?: boolean;
}

/** Makes keys and a config. @throws UserError */
export async function makeNode(
  dir: string,
  { realm, name, work, force = false }: NewNode,
): Promise<Identity> {
  const identity = await createIdentity({ realm, name, work, onProgress: progressBar() });
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  await saveIdentity(dir, identity, { force });
  await writeConfig(dir, newConfig(name, realm));
  return identity;
}

/** A config that is there was written for the old address: it is kept beside the new one. */
async function writeConfig(dir: string, text: string): Promise<void> {
  const file = path.join(dir, CONFIG_FILE);
  if (existsSync(file)) await rename(file, `${file}.old`);
  await writeFileAtomic(file, text, 0o600);
}

function refuseToOverwrite(dir: string, force: boolean): void {
  if (force || !existsSync(path.join(dir, 'identity.key'))) return;
  throw new UserError(`${dir} has an identity already`, {
    code: 'identity-exists',
    hint: 'To give its address up for a new one, use --force.',
    exit: EXIT.failed,
  });
}

/** On a terminal only. The search has no end that is known: the bar shows the expected one. */
function progressBar(): ((progress: { done: number; expected: number }) => void) | undefined {
  if (!process.stderr.isTTY) return undefined;
  return ({ done, expected }) => {
    const share = Math.min(done / expected, 1);
    const bar = '#'.repeat(Math.floor(share * 30)).padEnd(30);
    process.stderr.write(`\rlooking for an address [${bar}] ${(done / 1e6).toFixed(1)} M hashes`);
  };
}

interface UpOptions {
  readonly dir?: string;
  readonly socket?: string;
  readonly plane?: string;
}

export function registerUp(program: Command): void {
  program
    .command('up')
    .description('run the router in the foreground')
    .option('--plane <plane>', 'auto, native or portable')
    .addHelpText('after', '\nExample:\n  $ sudo alamesh up')
    .action(async (_o, command: Command) => {
      const { runRouter } = await import('./up.js');
      await runRouter(command.optsWithGlobals<UpOptions>());
    });
}
