/** The commands that talk to a running router: what they are called, what they ask, what they print. */
import type { Command } from 'commander';
import { type Ask, ask, type Document, follow, type Where } from './client.js';
import * as present from './present.js';

interface Show extends Ask {
  readonly path: string;
  readonly text: (document: Document) => string;
}

type Options = Where & { readonly json?: boolean; readonly [name: string]: unknown };

export function write(text: string): void {
  process.stdout.write(text);
}

/** A leaf command with an example at the end of its help; `--json` where it shows something. */
export function leaf(
  parent: Command,
  usage: string,
  description: string,
  example: string,
): Command {
  return parent
    .command(usage)
    .description(description)
    .addHelpText('after', `\nExample:\n  $ alamesh ${example}`);
}

async function show(command: Command, { path, text, ...request }: Show): Promise<void> {
  const options = command.optsWithGlobals<Options>();
  const document = await ask(options, path, request);
  write(options.json ? `${JSON.stringify(document)}\n` : text(document));
}

function shown(parent: Command, usage: string, description: string, example: string): Command {
  return leaf(parent, usage, description, example).option('--json', 'print one JSON document');
}

export function registerApi(program: Command): void {
  registerRouterState(program);
  registerPeers(program);
  registerBgp(program);
  registerTools(program);
}

function registerRouterState(program: Command): void {
  shown(program, 'status', 'one screen about the router', 'status').action((_o, command: Command) =>
    show(command, { path: '/v1/status', text: present.statusText }),
  );
  shown(
    program,
    'links [who]',
    'links: state, path in use, RTT, loss, bytes',
    'links berlin',
  ).action((who: string | undefined, _o, command: Command) =>
    show(command, {
      path: '/v1/links',
      query: { who },
      text: who === undefined ? present.linksText : present.linkText,
    }),
  );
  shown(
    program,
    'down',
    'stop the router: withdraw, close sessions, remove TUN and routes',
    'down',
  ).action((_o, command: Command) =>
    show(command, { path: '/v1/down', method: 'POST', text: () => 'the router is stopping\n' }),
  );
  shown(program, 'reload', 're-read the config; what did not change stays up', 'reload').action(
    (_o, command: Command) =>
      show(command, {
        path: '/v1/reload',
        method: 'POST',
        text: (d) => `${(d.changes as string[]).join('\n') || 'nothing changed'}\n`,
      }),
  );
}

function registerPeers(program: Command): void {
  const peer = program.command('peer').description('peering by hand');
  peer.addHelpText('after', "\nExample:\n  $ alamesh peer add 'alamesh1:alanet:berlin:…'");
  leaf(
    peer,
    'line',
    'print the line that a friend pastes into `peer add`',
    'peer line --endpoint berlin.example.org:4242',
  )
    .option(
      '--endpoint <host:port...>',
      'where others reach this router; default: its own addresses',
    )
    .option('--json', 'print one JSON document')
    .action(async (_o, command: Command) => {
      const { peerLine } = await import('./peers.js');
      const options = command.optsWithGlobals<Options & { endpoint?: string[] }>();
      const document = await peerLine(options, options.endpoint ?? []);
      write(options.json ? `${JSON.stringify(document)}\n` : `${document.line}\n`);
    });
  shown(
    peer,
    'add <line-or-file>',
    'add a peer from its line or its signed file',
    "peer add 'alamesh1:alanet:berlin:…'",
  ).action(async (what: string, _o, command: Command) => {
    const { addPeer } = await import('./peers.js');
    const options = command.optsWithGlobals<Options>();
    const document = await addPeer(options, what);
    write(options.json ? `${JSON.stringify(document)}\n` : `${document.message}\n`);
  });
  shown(peer, 'list', 'peers that were added, and those found on the LAN', 'peer list').action(
    async (_o, command: Command) => {
      const { listPeers } = await import('./peers.js');
      const options = command.optsWithGlobals<Options>();
      const document = await listPeers(options);
      write(options.json ? `${JSON.stringify(document)}\n` : present.peersText(document));
    },
  );
  shown(peer, 'remove <who>', 'forget a peer; its link goes down', 'peer remove berlin').action(
    async (who: string, _o, command: Command) => {
      const { removePeer } = await import('./peers.js');
      const options = command.optsWithGlobals<Options>();
      const document = await removePeer(options, who);
      write(options.json ? `${JSON.stringify(document)}\n` : `${document.message}\n`);
    },
  );
}

function registerBgp(program: Command): void {
  const bgp = program.command('bgp').description('routing: neighbors, routes, decisions');
  bgp.addHelpText('after', '\nExample:\n  $ alamesh bgp summary');
  shown(bgp, 'summary', 'one line for each neighbor', 'bgp summary').action(
    (_o, command: Command) => show(command, { path: '/v1/bgp/summary', text: present.summaryText }),
  );
  shown(bgp, 'neighbors [who]', 'sessions in detail', 'bgp neighbors berlin').action(
    (who: string | undefined, _o, command: Command) =>
      show(command, { path: '/v1/bgp/neighbors', query: { who }, text: neighborsText }),
  );
  shown(bgp, 'routes [prefix]', 'the Loc-RIB: every path, the best marked', 'bgp routes').action(
    (prefix: string | undefined, _o, command: Command) =>
      show(command, { path: '/v1/bgp/routes', query: { prefix }, text: present.routesText }),
  );
  for (const [view, description] of [
    ['received', 'what a neighbor sent, before policy'],
    ['accepted', 'what a neighbor sent and we accepted'],
    ['advertised', 'what we sent to a neighbor'],
  ] as const) {
    shown(bgp, `${view} <who>`, description, `bgp ${view} berlin`).action(
      (who: string, _o, command: Command) =>
        show(command, { path: `/v1/bgp/${view}`, query: { who }, text: present.routesText }),
    );
  }
  shown(
    bgp,
    'explain <prefix-or-address>',
    'the winner, and why each other route lost',
    'bgp explain fd1e::1',
  ).action((what: string, _o, command: Command) =>
    show(command, { path: '/v1/bgp/explain', query: { what }, text: present.explainText }),
  );
  shown(
    bgp,
    'clear <who> [how]',
    'soft: route refresh; hard: a new session',
    'bgp clear berlin soft',
  ).action((who: string, how: string | undefined, _o, command: Command) =>
    show(command, {
      path: '/v1/bgp/clear',
      method: 'POST',
      query: { who, how: how ?? 'soft' },
      text: (d) => `${d.message}\n`,
    }),
  );
}

/** Nested facts, indented: `key: value`. */
function neighborsText(document: Document): string {
  const lines: string[] = [];
  const tell = (value: Document, indent: string): void => {
    for (const [key, one] of Object.entries(value)) {
      if (one === null || one === undefined) continue;
      if (typeof one !== 'object') lines.push(`${indent}${key}: ${String(one)}`);
      else if (Array.isArray(one) && one.every((part) => typeof part !== 'object')) {
        lines.push(`${indent}${key}: ${one.join(', ')}`);
      } else {
        lines.push(`${indent}${key}`);
        tell(one, `${indent}  `);
      }
    }
  };
  for (const neighbor of document.neighbors) {
    lines.push(`${neighbor.hostname || '?'} ${neighbor.address}`);
    tell(neighbor, '  ');
  }
  return `${lines.join('\n') || 'no neighbors'}\n`;
}

function registerTools(program: Command): void {
  shown(
    program,
    'ping <address>',
    'which way packets go to an address, and how fast',
    'ping --trace fd1e::1',
  )
    .option('--trace', 'hop by hop')
    .option('--count <n>', 'how many', '3')
    .action(
      async (target: string, options: { trace?: boolean; count: string }, command: Command) => {
        const globals = command.optsWithGlobals<Options>();
        const query = { target, count: options.count, trace: options.trace ? '1' : undefined };
        const document = await ask(globals, '/v1/ping', { method: 'POST', query });
        write(globals.json ? `${JSON.stringify(document)}\n` : present.pingText(document));
        if (document.received === 0) process.exitCode = 1;
      },
    );
  shown(
    program,
    'monitor',
    'events as they happen: link, neighbor, route, log',
    'monitor --json',
  ).action(async (_o, command: Command) => {
    const options = command.optsWithGlobals<Options>();
    await follow(options, '/v1/monitor', (event) => {
      write(options.json ? `${JSON.stringify(event)}\n` : present.monitorText(event));
    });
  });
  shown(program, 'version', 'versions of this command and of the router', 'version').action(
    async (_o, command: Command) => {
      const { versionDocument, versionText } = await import('./version.js');
      const options = command.optsWithGlobals<Options>();
      const document = await versionDocument(options);
      write(options.json ? `${JSON.stringify(document)}\n` : versionText(document));
    },
  );
}
