/** The commands that talk to a running router: what they are called and what they ask. What they print is loaded late. */
import { type Command, InvalidArgumentError } from 'commander';
import type { Ask, Where } from './client.js';
import type {
  InviteDocument,
  MessageDocument,
  PeerLineDocument,
  ReloadDocument,
} from './documents.js';
import type { InviteOptions } from './invite.js';
import type { JoinOptions } from './join.js';

type Options = Where & { readonly json?: boolean };

interface Leaf {
  /** As commander has it: `add <line-or-file>`. */
  readonly usage: string;
  readonly description: string;
  /** After `alamesh `. */
  readonly example: string;
}

/** A command at the end of the tree: `--json`, and an example at the end of its help. */
function leaf(parent: Command, { usage, description, example }: Leaf): Command {
  return parent
    .command(usage)
    .description(description)
    .option('--json', 'print a JSON document')
    .addHelpText('after', `\nExample:\n  $ alamesh ${example}`);
}

const write = (text: string): void => {
  process.stdout.write(text);
};

function print<T extends object>(options: Options, document: T, text: (document: T) => string) {
  write(options.json === true ? `${JSON.stringify(document)}\n` : text(document));
}

interface Show<T> extends Ask {
  readonly path: string;
  readonly text: (document: T) => string;
}

/** Asks once and prints the answer. */
async function show<T extends object>(command: Command, { path, text, ...request }: Show<T>) {
  const { ask } = await import('./client.js');
  const options = command.optsWithGlobals<Options>();
  print(options, await ask<T>(options, path, request), text);
}

export function registerApi(program: Command): void {
  registerRouter(program);
  registerPeers(program);
  registerBgp(program);
  registerInvites(program);
  registerDns(program);
  registerTools(program);
}

function registerRouter(program: Command): void {
  leaf(program, {
    usage: 'status',
    description: 'one screen about the router',
    example: 'status',
  }).action(async (_options, command: Command) => {
    const { statusText } = await import('./show-router.js');
    await show(command, { path: '/v1/status', text: statusText });
  });
  leaf(program, {
    usage: 'links [who]',
    description: 'links: state, path in use, RTT, loss, bytes; of one peer with all its paths',
    example: 'links berlin',
  }).action(async (who: string | undefined, _options, command: Command) => {
    const { linksText, pathsText } = await import('./show-router.js');
    const text = who === undefined ? linksText : pathsText;
    await show(command, { path: '/v1/links', query: { who }, text });
  });
  leaf(program, {
    usage: 'down',
    description: 'stop the router: withdraw routes, close sessions, remove TUN and routes',
    example: 'down',
  }).action((_options, command: Command) =>
    show(command, { path: '/v1/down', method: 'POST', text: () => 'the router is stopping\n' }),
  );
  leaf(program, {
    usage: 'reload',
    description: 're-read the config; what did not change stays up',
    example: 'reload',
  }).action((_options, command: Command) =>
    show(command, { path: '/v1/reload', method: 'POST', text: reloadText }),
  );
}

const reloadText = ({ changes }: ReloadDocument): string =>
  changes.length === 0 ? 'nothing changed\n' : changes.map((change) => `${change}\n`).join('');

const messageText = ({ message }: MessageDocument): string => `${message}\n`;

function registerPeers(program: Command): void {
  const peer = program
    .command('peer')
    .description('peering by hand')
    .addHelpText('after', '\nExample:\n  $ alamesh peer add alamesh1:alanet:berlin:…');
  leaf(peer, {
    usage: 'line',
    description: 'print the line that a friend gives to `peer add`',
    example: 'peer line --endpoint berlin.example.org:4242',
  })
    .option(
      '--endpoint <host:port...>',
      "where others reach this router; default: the host's addresses",
    )
    .action(async (_options, command: Command) => {
      const { peerLine } = await import('./peers.js');
      const options = command.optsWithGlobals<Options & { endpoint?: string[] }>();
      const document = await peerLine(options, options.endpoint ?? []);
      print(options, document, ({ line }: PeerLineDocument): string => `${line}\n`);
      if (document.endpoints.length === 0) process.stderr.write(NO_ENDPOINT);
    });
  leaf(peer, {
    usage: 'add <line-or-file>',
    description: 'add a peer by its line or its signed node file; a known one is updated',
    example: 'peer add alamesh1:alanet:berlin:…',
  }).action(async (what: string, _options, command: Command) => {
    const { addPeer } = await import('./peers.js');
    const options = command.optsWithGlobals<Options>();
    print(options, await addPeer(options, what), messageText);
  });
  leaf(peer, {
    usage: 'list',
    description: 'peers that were added, and those found on the LAN',
    example: 'peer list',
  }).action(async (_options, command: Command) => {
    const { listPeers } = await import('./peers.js');
    const { peersText } = await import('./show-router.js');
    const options = command.optsWithGlobals<Options>();
    print(options, await listPeers(options), peersText);
  });
  leaf(peer, {
    usage: 'remove <who>',
    description: 'forget a peer; its link goes down',
    example: 'peer remove berlin',
  }).action(async (who: string, _options, command: Command) => {
    const { removePeer } = await import('./peers.js');
    const options = command.optsWithGlobals<Options>();
    print(options, await removePeer(options, who), messageText);
  });
}

const NO_ENDPOINT =
  'note: this host has no address that others may reach; name one with --endpoint\n';

const VIEWS = {
  received: 'what a neighbor sent, before policy',
  accepted: 'what a neighbor sent and we accepted',
  advertised: 'what we sent to a neighbor',
} as const;

function registerBgp(program: Command): void {
  const bgp = program
    .command('bgp')
    .description('routing: neighbors, routes, decisions')
    .addHelpText('after', '\nExample:\n  $ alamesh bgp summary');
  registerSessions(bgp);
  leaf(bgp, {
    usage: 'routes [prefix]',
    description: 'every path that there is, the best marked',
    example: 'bgp routes fd1e:7c20:a11a:77c2::/64',
  }).action(async (prefix: string | undefined, _options, command: Command) => {
    const { routesText } = await import('./show-bgp.js');
    await show(command, { path: '/v1/bgp/routes', query: { prefix }, text: routesText });
  });
  for (const [view, description] of Object.entries(VIEWS)) {
    const words = { usage: `${view} <who>`, description, example: `bgp ${view} berlin` };
    leaf(bgp, words).action(async (who: string, _options, command: Command) => {
      const { routesText } = await import('./show-bgp.js');
      await show(command, { path: `/v1/bgp/${view}`, query: { who }, text: routesText });
    });
  }
  leaf(bgp, {
    usage: 'explain <prefix-or-address>',
    description: 'the winner, and for every loser the step at which it lost',
    example: 'bgp explain fd1e:7c20:a11a:77c2::1',
  }).action(async (what: string, _options, command: Command) => {
    const { explainText } = await import('./show-bgp.js');
    await show(command, { path: '/v1/bgp/explain', query: { what }, text: explainText });
  });
}

function registerSessions(bgp: Command): void {
  leaf(bgp, {
    usage: 'summary',
    description: 'one line for each neighbor',
    example: 'bgp summary',
  }).action(async (_options, command: Command) => {
    const { summaryText } = await import('./show-bgp.js');
    await show(command, { path: '/v1/bgp/summary', text: summaryText });
  });
  leaf(bgp, {
    usage: 'neighbors [who]',
    description: 'sessions in detail',
    example: 'bgp neighbors berlin',
  }).action(async (who: string | undefined, _options, command: Command) => {
    const { neighborsText } = await import('./show-bgp.js');
    await show(command, { path: '/v1/bgp/neighbors', query: { who }, text: neighborsText });
  });
  leaf(bgp, {
    usage: 'clear <who>',
    description: 'ask a neighbor for its routes again (soft), or start its session anew (hard)',
    example: 'bgp clear berlin hard',
  })
    .argument('[how]', 'soft or hard', softOrHard, 'soft')
    .action((who: string, how: string, _options, command: Command) =>
      show(command, {
        ...{ path: '/v1/bgp/clear', method: 'POST', query: { who, how }, text: messageText },
      }),
    );
}

function softOrHard(text: string): string {
  if (text === 'soft' || text === 'hard') return text;
  throw new InvalidArgumentError('It is soft or hard.');
}

function registerInvites(program: Command): void {
  const invite = leaf(program, {
    usage: 'invite',
    description: 'print one line that lets a friend in; the friend gives it to `join`',
    example: 'invite --name carol --expires 24h',
  })
    .option('--expires <time>', 'how long it serves: 30m, 24h, 7d', '24h')
    .option('--uses <n>', 'how many may come with it', '1')
    .option('--name <name>', 'who it is for; proposed as the name of their node')
    .option(
      '--endpoint <host:port...>',
      "where others reach this router; default: the host's addresses",
    )
    .action(async (_options, command: Command) => {
      const { invite } = await import('./invite.js');
      const options = command.optsWithGlobals<Options & InviteOptions>();
      const document = await invite(options);
      print(options, document, ({ line }: InviteDocument): string => `${line}\n`);
      if (process.stderr.isTTY && options.json !== true) {
        const { qrText } = await import('./qr.js');
        process.stderr.write(qrText(document.line, !process.env.NO_COLOR));
      }
      if (document.endpoints.length === 0) process.stderr.write(NO_ENDPOINT);
    });
  leaf(invite, {
    usage: 'list',
    description: 'invitations: open, used, expired, revoked, and who came with them',
    example: 'invite list',
  }).action(async (_options, command: Command) => {
    const { invitesText, listInvites } = await import('./invite.js');
    const options = command.optsWithGlobals<Options>();
    print(options, await listInvites(options), invitesText);
  });
  leaf(invite, {
    usage: 'revoke <id>',
    description: 'let nobody in with it any more; who came stays a peer',
    example: 'invite revoke 5f1c',
  }).action(async (id: string, _options, command: Command) => {
    const { revokeInvite } = await import('./invite.js');
    const options = command.optsWithGlobals<Options>();
    print(options, await revokeInvite(options, id), messageText);
  });
  registerJoin(program);
}

function registerJoin(program: Command): void {
  leaf(program, {
    usage: 'join <line>',
    description: 'come in with an invitation: makes keys and config, peers, and runs the router',
    example: 'join alamesh-invite:AUqN…',
  })
    .option('--name <name>', 'what people call this node; default: as the invitation says')
    .option('--service', 'install and start a systemd service instead of running here')
    .option('--no-start', 'only make keys, config and the peer')
    .action(async (line: string, _options, command: Command) => {
      const { join } = await import('./join.js');
      process.exitCode = await join(line, command.optsWithGlobals<JoinOptions>(), write);
    });
}

function registerDns(program: Command): void {
  const dns = program
    .command('dns')
    .description('names that end in .ala')
    .addHelpText('after', '\nExample:\n  $ alamesh dns lookup web.bob.ala');
  leaf(dns, {
    usage: 'hosts',
    description: 'lines for /etc/hosts: every node that is known, with its names',
    example: 'dns hosts | sudo tee -a /etc/hosts',
  }).action(async (_options, command: Command) => {
    const { hostsText } = await import('./show-dns.js');
    await show(command, { path: '/v1/dns/hosts', text: hostsText });
  });
  leaf(dns, {
    usage: 'lookup <name>',
    description: 'what the router answers for a name; works without [dns] in the config',
    example: 'dns lookup web.bob.ala',
  })
    .option('--type <type>', 'AAAA, PTR, SRV, TXT, NS, SOA or ANY', 'AAAA')
    .action(async (name: string, _options, command: Command) => {
      const { lookup } = await import('./show-dns.js');
      process.exitCode = await lookup(name, command.optsWithGlobals(), write);
    });
}

function registerTools(program: Command): void {
  leaf(program, {
    usage: 'ping <address>',
    description: 'which way packets go to an address, and how fast',
    example: 'ping --trace fd1e:7c20:a11a:77c2::1',
  })
    .option('--trace', 'hop by hop first')
    .option('--count <n>', 'how many', '3')
    .action(async (target: string, _options, command: Command) => {
      const { ping } = await import('./ping.js');
      process.exitCode = await ping(target, command.optsWithGlobals(), write);
    });
  leaf(program, {
    usage: 'monitor',
    description:
      'events as they happen: link, neighbor, route, registry, log; with --json a document a line',
    example: 'monitor --json',
  }).action(async (_options, command: Command) => {
    const { monitor } = await import('./monitor.js');
    await monitor(command.optsWithGlobals<Options>(), write);
  });
  leaf(program, {
    usage: 'version',
    description: 'versions of this command and of the router',
    example: 'version --json',
  }).action(async (_options, command: Command) => {
    const { versionDocument, versionText } = await import('./version.js');
    const options = command.optsWithGlobals<Options>();
    print(options, await versionDocument(options), versionText);
  });
}
