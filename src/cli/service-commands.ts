/** `alamesh service …`: keys of services. They work with the router up (at once) or down (at the next `up`). */
import type { Command } from 'commander';
import { utf8Text } from '../base/bytes.js';
import { table } from '../base/table.js';
import { readBounded } from '../platform/files.js';
import { loadIdentity } from '../platform/keystore.js';
import {
  loadService,
  loadServices,
  makeService,
  nextServiceSeq,
  parseService,
  removeService,
  type ServiceKey,
  saveService,
  serviceText,
} from '../platform/service-keys.js';
import { defaultStateDir } from '../router/place.js';
import { servicesDocument } from '../router/services.js';
import { ask, isRunning, type Where } from './client.js';

type Options = Where & { readonly json?: boolean };

interface Leaf {
  readonly usage: string;
  readonly description: string;
  readonly example: string;
}

const KEY_FILE_BYTES_MAX = 4_096;

function leaf(parent: Command, { usage, description, example }: Leaf): Command {
  return parent
    .command(usage)
    .description(description)
    .option('--json', 'print a JSON document')
    .addHelpText('after', `\nExample:\n  $ alamesh ${example}`);
}

const globals = (command: Command): Options => command.optsWithGlobals<Options>();
const dirOf = (command: Command): string => defaultStateDir(globals(command).dir);

export function registerService(program: Command): void {
  const service = program
    .command('service')
    .description('addresses of services, which move with their keys')
    .addHelpText('after', '\nExample:\n  $ alamesh service create web --port 80');
  registerKeys(service);
  registerMoves(service);
}

function registerKeys(service: Command): void {
  leaf(service, {
    usage: 'create <name>',
    description: 'make a key, and with it an address in fc00::/8 that this host answers to',
    example: 'service create web --port 80 --port 443',
  })
    .option('--port <port...>', 'what it offers: 80, 53/udp or http:8080/tcp', [])
    .action(async (name: string, { port }: { readonly port: string[] }, command: Command) => {
      const { realm } = await loadIdentity(dirOf(command));
      const key = makeService(name, realm, port);
      await saveService(dirOf(command), key);
      await changed(command, key, 'created');
    });
  leaf(service, {
    usage: 'list',
    description: 'the services of this host',
    example: 'service list',
  }).action(async (_options, command: Command) => {
    const document = servicesDocument(await loadServices(dirOf(command)));
    const rows = document.services.map(({ name, address, ports }) => [
      name,
      address,
      ports.join(' '),
    ]);
    const text =
      rows.length === 0
        ? 'no services: alamesh service create NAME --port PORT\n'
        : table(['Name', 'Address', 'Ports'], rows, { align: ['left', 'left', 'left'] });
    process.stdout.write(globals(command).json === true ? `${JSON.stringify(document)}\n` : text);
  });
  leaf(service, {
    usage: 'remove <name>',
    description: 'forget the key: the address is given up unless it was exported',
    example: 'service remove web',
  }).action(async (name: string, _options, command: Command) => {
    await changed(command, await removeService(dirOf(command), name), 'removed');
  });
}

function registerMoves(service: Command): void {
  leaf(service, {
    usage: 'export <name>',
    description: 'print the key, secret and all, to move the service to another host',
    example: 'service export web > web.key',
  }).action(async (name: string, _options, command: Command) => {
    const own = await loadService(dirOf(command), name);
    const key = { ...own, seq: nextServiceSeq(own) };
    const { services } = servicesDocument([key]);
    const document = { schema: 'alamesh.service/1', ...services[0], key: serviceText(key) };
    const isJson = globals(command).json === true;
    process.stdout.write(isJson ? `${JSON.stringify(document)}\n` : serviceText(key));
  });
  leaf(service, {
    usage: 'import <file>',
    description: 'take over a service that another host exported; remove it there',
    example: 'service import web.key',
  }).action(async (file: string, _options, command: Command) => {
    const text = utf8Text(await readBounded(file, KEY_FILE_BYTES_MAX)) ?? '';
    const key = parseService(text, file);
    await saveService(dirOf(command), key);
    await changed(command, key, 'imported');
  });
}

/** Tells a router that runs, and the person. */
async function changed(command: Command, key: ServiceKey, verb: string): Promise<void> {
  const where = globals(command);
  const isUp = await isRunning(where);
  if (isUp) await ask(where, '/v1/services', { method: 'POST' });
  const [shown] = servicesDocument([key]).services;
  const document = { schema: 'alamesh.service/1', ...shown, outcome: verb, applied: isUp };
  const note = isUp || verb === 'removed' ? '' : '; announced at the next `alamesh up`';
  process.stderr.write(where.json === true ? '' : `${verb} ${key.name}${note}\n`);
  const isQuiet = verb === 'removed';
  const text = isQuiet ? '' : `${shown?.address ?? ''}\n`;
  process.stdout.write(where.json === true ? `${JSON.stringify(document)}\n` : text);
}
