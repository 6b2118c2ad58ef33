/**
 * The webhook: a push to the registry's host is a hint to look at once, and no more. HTTP, bounded in every way; what
 * comes after the headers is only hashed. docs/run-a-realm.md.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { UserError } from '../../base/errors.js';
import type { Instant } from '../../base/time.js';
import type { WebhookConfig } from '../config/config.js';
import type { Log } from '../log.js';
import { type Place, parsePlace } from '../socket-place.js';
import { SourceLimit } from '../source-limit.js';
import { deliveryOf, eventOf, HookCheck, proofOf } from './hook-auth.js';

/** Ours: a push of some thousand commits. */
const BODY_BYTES_MAX = 1 << 20;
const HEADER_BYTES_MAX = 16 * 1024;
const CONNECTIONS_MAX = 32;
const HEADERS_MSEC_MAX = 5_000;
const REQUEST_MSEC_MAX = 10_000;
/** Ours: a host sends one for each push. */
const SOURCE_RATE = { perSecond: 1, burst: 20 };
const TOTAL_RATE = { perSecond: 10, burst: 100 };
/** Ours: deliveries that are known when they come again. */
const SEEN_MAX = 1_024;
/** Ours: a person who has it delivered again later means it. */
const SEEN_MSEC = 600_000;

export interface WebhookOptions {
  readonly config: WebhookConfig;
  /** Of `config`, wherever it was kept. */
  readonly secret: string;
  readonly log: Log;
  readonly now: () => Instant;
  /** A push was told of. */
  readonly pushed: () => void;
}

/** Since the start; times in epoch ms, null for never. */
export interface WebhookStatus {
  readonly listening: string;
  readonly accepted: number;
  readonly refused: number;
  readonly acceptedAt: number | null;
  readonly refusedAt: number | null;
  /** Why the last one was refused; null when none was. */
  readonly lastRefusal: string | null;
}

interface Answer {
  readonly status: number;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const refusals = {
  path: { status: 404, message: 'there is nothing here' },
  method: { status: 405, message: 'only POST', headers: { Allow: 'POST' } },
  rate: { status: 429, message: 'too many requests', headers: { 'Retry-After': '10' } },
  size: { status: 413, message: `the body is over ${BODY_BYTES_MAX} bytes` },
  secret: { status: 401, message: 'the signature or token is missing or wrong' },
  cut: { status: 400, message: 'the body was cut off' },
} satisfies Record<string, Answer>;

export class Webhook {
  readonly #options: WebhookOptions;
  readonly #server: Server;
  readonly #limit: SourceLimit;
  /** Deliveries, and when each came. */
  readonly #seen = new Map<string, number>();
  #status: WebhookStatus;

  private constructor(options: WebhookOptions) {
    this.#options = options;
    this.#limit = new SourceLimit({ each: SOURCE_RATE, total: TOTAL_RATE, now: options.now });
    this.#status = {
      ...{ listening: '', accepted: 0, refused: 0 },
      ...{ acceptedAt: null, refusedAt: null, lastRefusal: null },
    };
    this.#server = createServer(
      {
        ...{ maxHeaderSize: HEADER_BYTES_MAX, headersTimeout: HEADERS_MSEC_MAX },
        ...{ requestTimeout: REQUEST_MSEC_MAX, connectionsCheckingInterval: 1_000 },
        ...{ keepAliveTimeout: HEADERS_MSEC_MAX, noDelay: true },
      },
      (request, response) => this.#handle(request, response),
    );
    this.#server.maxConnections = CONNECTIONS_MAX;
    this.#server.on('clientError', (_error, socket) => socket.destroy());
  }

  /** @throws UserError when the address cannot be had. */
  static async open(options: WebhookOptions): Promise<Webhook> {
    const place = parsePlace(options.config.listen);
    if (place === undefined) throw cannotListen(options.config.listen, 'it is not ADDRESS:PORT');
    const webhook = new Webhook(options);
    await webhook.#listen(place);
    return webhook;
  }

  async #listen({ host, port }: Place): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) =>
        reject(cannotListen(this.#options.config.listen, error.message, error)),
      );
      this.#server.listen(port, host, resolve);
    });
    this.#server.removeAllListeners('error').on('error', () => {});
    const at = this.#server.address();
    const bound = typeof at === 'object' && at !== null ? at.port : port;
    const shown = host.includes(':') ? `[${host}]` : host;
    this.#status = {
      ...this.#status,
      listening: `http://${shown}:${bound}${this.#options.config.path}`,
    };
  }

  get status(): WebhookStatus {
    return this.#status;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    response.on('error', () => {});
    const refusal = this.#refusalOf(request);
    if (refusal !== undefined) this.#refuse(request, response, refusal);
    else this.#read(request, response);
  }

  #refusalOf(request: IncomingMessage): Answer | undefined {
    const { config } = this.#options;
    if (!this.#limit.takes(sourceOf(request))) return refusals.rate;
    if ((request.url ?? '').split('?')[0] !== config.path) return refusals.path;
    if (request.method !== 'POST') return refusals.method;
    if (Number(request.headers['content-length'] ?? 0) > BODY_BYTES_MAX) return refusals.size;
    return undefined;
  }

  #read(request: IncomingMessage, response: ServerResponse): void {
    const check = new HookCheck(this.#options.secret, proofOf(request.headers));
    let bytes = 0;
    request.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes <= BODY_BYTES_MAX) check.update(part);
      else if (!response.headersSent) this.#refuse(request, response, refusals.size);
    });
    request.on('error', () => {
      if (!response.headersSent) this.#refuse(request, response, refusals.cut);
    });
    request.on('end', () => {
      if (response.headersSent) return;
      const digest = check.end();
      if (digest === undefined) this.#refuse(request, response, refusals.secret);
      else this.#accept(request, response, digest);
    });
  }

  /** @param digest Names the body: with the host's name for the delivery it tells one that comes again. */
  #accept(request: IncomingMessage, response: ServerResponse, digest: string): void {
    const event = eventOf(request.headers);
    const delivery = deliveryOf(request.headers);
    const isKnown = delivery !== undefined && !this.#isNew(`${delivery} ${digest}`);
    const { accepted } = this.#status;
    this.#status = { ...this.#status, accepted: accepted + 1, acceptedAt: Date.now() };
    if (event === 'ping') {
      answer(response, { status: 200, message: 'pong' });
    } else if (event === 'other') {
      answer(response, { status: 202, message: 'nothing to do: not a push' });
    } else if (isKnown) {
      answer(response, { status: 200, message: 'nothing to do: this delivery came before' });
    } else {
      answer(response, { status: 202, message: 'the registry is looked at' });
      this.#options.log.info('webhook', 'push', { from: sourceOf(request) });
      this.#options.pushed();
    }
  }

  #isNew(name: string): boolean {
    const at = this.#options.now();
    const before = this.#seen.get(name);
    if (before !== undefined && at - before < SEEN_MSEC) return false;
    this.#seen.delete(name);
    this.#seen.set(name, at);
    if (this.#seen.size > SEEN_MAX) {
      for (const oldest of this.#seen.keys()) {
        this.#seen.delete(oldest);
        break;
      }
    }
    return true;
  }

  /** The rest of the request is not read. */
  #refuse(request: IncomingMessage, response: ServerResponse, refusal: Answer): void {
    const { refused } = this.#status;
    this.#status = {
      ...this.#status,
      ...{ refused: refused + 1, refusedAt: Date.now(), lastRefusal: refusal.message },
    };
    const from = sourceOf(request);
    if (refusal !== refusals.rate) {
      this.#options.log.warn('webhook', `refused: ${refusal.message}`, { from });
    }
    request.removeAllListeners('data').resume();
    answer(response, { ...refusal, headers: { ...refusal.headers, Connection: 'close' } });
    response.once('finish', () => request.socket.destroySoon());
  }
}

function answer(response: ServerResponse, { status, message, headers }: Answer): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', ...headers });
  response.end(`${message}\n`);
}

/** Behind a proxy on this host: whom it names. Nobody else is believed. */
function sourceOf(request: IncomingMessage): string {
  const remote = request.socket.remoteAddress ?? '';
  const isLoopback = /^(?:::ffff:)?127\.|^::1$/.test(remote);
  const forwarded = request.headers['x-forwarded-for'];
  if (!isLoopback || typeof forwarded !== 'string') return remote;
  return forwarded.split(',').at(-1)?.trim().slice(0, 64) || remote;
}

const cannotListen = (listen: string, reason: string, cause?: unknown): UserError =>
  new UserError(`cannot listen for webhooks at ${listen}: ${reason}`, {
    ...{ code: 'webhook-socket', hint: 'choose another address or port for [webhook] listen' },
    ...(cause !== undefined && { cause }),
  });
