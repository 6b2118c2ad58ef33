/** Asks a router's control API: HTTP on a unix socket. */
import { closeSync, openSync } from 'node:fs';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import path from 'node:path';
import { EXIT, UserError } from '../base/errors.js';
import { defaultSocket } from '../router/place.js';

export interface Where {
  readonly dir?: string | undefined;
  readonly socket?: string | undefined;
}

export type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface Ask {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly query?: Query;
  readonly body?: string;
}

// biome-ignore lint/suspicious/noExplicitAny: documents are shown, not trusted; each command knows its own.
export type Document = any;

/** Linux: sun_path holds 107 characters; a longer one is reached through its open directory. */
const SOCKET_PATH_MAX = 107;

/** @throws UserError: exit 3 when nobody answers, else what the router says. */
export async function ask(where: Where, what: string, options: Ask = {}): Promise<Document> {
  const answer = await send(where, what, options);
  let text = '';
  answer.setEncoding('utf8');
  for await (const part of answer) text += part as string;
  return understand(answer.statusCode ?? 0, text);
}

/** True when a router answers there. */
export async function isRunning(where: Where): Promise<boolean> {
  try {
    await ask(where, '/v1/status');
    return true;
  } catch (error) {
    if (error instanceof UserError && error.exit === EXIT.noRouter) return false;
    throw error;
  }
}

/** One document for each line that comes, until the router ends. */
export async function follow(
  where: Where,
  what: string,
  each: (document: Document) => void,
): Promise<void> {
  const answer = await send(where, what, {});
  let rest = '';
  answer.setEncoding('utf8');
  for await (const part of answer) {
    const lines = (rest + (part as string)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') each(JSON.parse(line));
  }
}

function understand(status: number, text: string): Document {
  let document: Document;
  try {
    document = JSON.parse(text);
  } catch {
    throw new UserError(`what answers is no alamesh router (status ${status})`, {
      code: 'protocol',
    });
  }
  if (status === 200) return document;
  const { code = 'failed', message = text, hint = '', exit = 1 } = document;
  throw new UserError(message, { code, hint, exit });
}

function send(where: Where, what: string, options: Ask): Promise<IncomingMessage> {
  const socket = defaultSocket(where);
  return new Promise((resolve, reject) => {
    const fd = openParent(socket);
    const short = fd === undefined ? socket : `/proc/self/fd/${fd}/${path.basename(socket)}`;
    const asked: ClientRequest = request({
      socketPath: short,
      path: what + queryText(options.query ?? {}),
      method: options.method ?? 'GET',
    });
    const release = (): void => {
      if (fd !== undefined) closeSync(fd);
    };
    asked.once('response', (answer) => {
      release();
      resolve(answer);
    });
    asked.once('error', (error: NodeJS.ErrnoException) => {
      release();
      reject(noRouter(socket, error));
    });
    asked.end(options.body ?? '');
  });
}

function openParent(socket: string): number | undefined {
  if (Buffer.byteLength(socket) <= SOCKET_PATH_MAX) return undefined;
  try {
    return openSync(path.dirname(socket), 'r');
  } catch {
    return undefined;
  }
}

function queryText(query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const one of typeof value === 'string' ? [value] : value) parameters.append(name, one);
  }
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}

function noRouter(socket: string, error: NodeJS.ErrnoException): UserError {
  if (error.code === 'EACCES' || error.code === 'EPERM') {
    return new UserError(`no permission to open the control socket ${socket}`, {
      code: 'no-permission',
      hint: 'run this as the user that runs the router, often with sudo',
      exit: EXIT.noRouter,
    });
  }
  return new UserError(`no router answers at ${socket}`, {
    code: 'no-router',
    hint: 'start one with `alamesh up`, or name another with --socket or --dir',
    exit: EXIT.noRouter,
  });
}
