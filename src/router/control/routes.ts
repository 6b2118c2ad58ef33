/** Which request asks what of the router. One table; docs/control-api.md says it in words. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { UserError } from '../../base/errors.js';
import type { NewInvite } from '../invite-store.js';
import type { Document, RouterControl } from './types.js';

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: string;
}

type Answer = Document | Promise<Document>;
type Route = (control: RouterControl, query: URLSearchParams, exchange: Exchange) => Answer;

const view =
  (name: 'received' | 'accepted' | 'advertised'): Route =>
  (control, query) =>
    control.bgpView(name, needed(query, 'who'));

const ROUTES: Readonly<Record<string, Route>> = {
  'GET /v1/status': (control) => control.status(),
  'GET /v1/links': (control, query) => control.links(query.get('who') ?? undefined),
  'GET /v1/peers': (control) => control.peers(),
  'POST /v1/peers': (control, _query, { body }) => control.addPeer({ text: body }),
  'DELETE /v1/peers': (control, query) => control.removePeer(needed(query, 'who')),
  'GET /v1/peer-line': (control, query) => control.peerLine(query.getAll('endpoint')),
  'GET /v1/invites': (control) => control.invites(),
  'POST /v1/invites': (control, query) =>
    control.invite(newInvite(query), query.getAll('endpoint')),
  'DELETE /v1/invites': (control, query) => control.revokeInvite(needed(query, 'id')),
  'GET /v1/bgp/summary': (control) => control.bgpSummary(),
  'GET /v1/bgp/neighbors': (control, query) => control.bgpNeighbors(query.get('who') ?? undefined),
  'GET /v1/bgp/routes': (control, query) => control.bgpRoutes(query.get('prefix') ?? undefined),
  'GET /v1/bgp/received': view('received'),
  'GET /v1/bgp/accepted': view('accepted'),
  'GET /v1/bgp/advertised': view('advertised'),
  'GET /v1/bgp/explain': (control, query) => control.bgpExplain(needed(query, 'what')),
  'POST /v1/bgp/clear': (control, query) => control.bgpClear(needed(query, 'who'), how(query)),
  'POST /v1/ping': (control, query, { response }) =>
    control.ping(
      {
        target: needed(query, 'target'),
        count: wholeNumber(query, 'count', 1, 1000),
        trace: query.get('trace') === '1',
      },
      gone(response),
    ),
  'GET /v1/services': (control) => control.services(),
  'POST /v1/services': (control) => control.rescanServices(),
  'GET /v1/dns/hosts': (control) => control.dnsHosts(),
  'GET /v1/dns/lookup': (control, query) =>
    control.dnsLookup(needed(query, 'name'), query.get('type') ?? 'AAAA'),
  'GET /v1/registry': (control) => control.registryStatus(),
  'GET /v1/registry/diff': (control) => control.registryDiff(),
  'POST /v1/registry/sync': (control, query) => control.registrySync(query.get('url') ?? undefined),
  'POST /v1/registry/approve': (control, query) =>
    control.registryApprove(query.get('head') ?? undefined),
  'POST /v1/reload': (control) => control.reload(),
  'POST /v1/down': (control) => control.down(),
};

/** A client that reads too slowly is dropped beyond this. */
const MONITOR_BUFFER_BYTES_MAX = 1 << 20;

/** Answers one request. @throws UserError for what the client can put right. */
export async function handle(control: RouterControl, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const url = urlOf(request);
  const name = `${request.method ?? 'GET'} ${url.pathname}`;
  if (name === 'GET /v1/monitor') return monitor(control, response);
  const route = ROUTES[name];
  if (route === undefined) {
    throw new UserError(`the control API has no ${name}`, {
      code: 'not-found',
      hint: 'is the router older than this command? compare `alamesh version`',
    });
  }
  const document = await route(control, url.searchParams, exchange);
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(document)}\n`);
}

function urlOf({ url }: IncomingMessage): URL {
  try {
    return new URL(`http://alamesh${url}`);
  } catch (cause) {
    throw new UserError('the request names no path', { code: 'bad-request', exit: 2, cause });
  }
}

function monitor(control: RouterControl, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.flushHeaders();
  control.monitor((event) => {
    response.write(`${JSON.stringify(event)}\n`);
    if (response.writableLength > MONITOR_BUFFER_BYTES_MAX) response.destroy();
  }, gone(response));
}

function gone(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => controller.abort());
  return controller.signal;
}

function needed(query: URLSearchParams, name: string): string {
  const value = query.get(name);
  if (value === null || value === '') {
    throw new UserError(`the request lacks '${name}'`, { code: 'bad-request', exit: 2 });
  }
  return value;
}

const newInvite = (query: URLSearchParams): NewInvite => ({
  lifeMsec: Number(needed(query, 'lifeMsec')),
  usesMax: Number(query.get('uses') ?? 1),
  name: query.get('name') ?? '',
});

function how(query: URLSearchParams): 'soft' | 'hard' {
  const value = query.get('how') ?? 'soft';
  if (value === 'soft' || value === 'hard') return value;
  throw new UserError(`'${value}' is neither soft nor hard`, { code: 'bad-request', exit: 2 });
}

function wholeNumber(query: URLSearchParams, name: string, least: number, most: number): number {
  const value = Number(query.get(name) ?? least);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new UserError(`'${name}' is not a whole number from ${least} to ${most}`, {
    code: 'bad-request',
    exit: 2,
  });
}
