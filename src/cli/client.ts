/** Asks a router's control API: HTTP on a unix socket. */
import { closeSync, openSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import path from 'node:path';
import { EXIT, UserError } from '../base/errors.js';
import { defaultSocket } from '../router/place.js';

export interface Where {
  readonly dir?: string | undefined;
  readonly socket?: string | undefined;
}

export interface Ask {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly query?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body?: string;
  /** Default PATIENCE_MSEC; 0 waits for ever. */
  readonly patienceMsec?: number;
}

/** Linux: sun_path holds 107 characters; a longer one is reached through its open directory. */
const SOCKET_PATH_MAX = 107;
/** Ours: a router that says nothing for so long hangs. */
const PATIENCE_MSEC = 15_000;
/** Ours: 100,000 routes are about 40 MB. */
const ANSWER_CHARS_MAX = 1 << 28;

/**
 * @param T What this request is answered with; the router is trusted, not checked.
 * @throws UserError: exit 3 when nobody answers, else what the router says.
 */
export async function ask<T>(where: Where, what: string, options: Ask = {}): Promise<T> {
  const answer = await send(where, what, options);
  return JSON.parse(await textOf(answer)) as T;
}

/** True when a router answers there. */
export async function isRunning(where: Where): Promise<boolean> {
  try {
    await ask(where, '/v1/status');
    return true;
  } catch (error) {
    if (error instanceof UserError && error.code === 'no-router') return false;
    throw error;
  }
}

/** One document for each line that comes, until the router ends. */
export async function follow<T>(
  where: Where,
  what: string,
  each: (document: T) => void,
): Promise<void> {
  const answer = await send(where, what, { patienceMsec: 0 });
  let rest = '';
  for await (const part of parts(answer)) {
    const lines = (rest + part).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') each(JSON.parse(line) as T);
  }
}

async function* parts(answer: IncomingMessage): AsyncGenerator<string> {
  answer.setEncoding('utf8');
  try {
    for await (const part of answer) yield part as string;
  } catch (cause) {
    throw new UserError('the router ended the connection', {
      ...{ code: 'router-gone', hint: 'its log says why; `alamesh status` asks again', cause },
    });
  }
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const all: string[] = [];
  let length = 0;
  for await (const part of parts(answer)) {
    length += part.length;
    if (length > ANSWER_CHARS_MAX) throw foreign('its answer has no end');
    all.push(part);
  }
  return all.join('');
}

/** Resolves at the head of a good answer; what follows is read by the caller. */
async function send(where: Where, what: string, options: Ask): Promise<IncomingMessage> {
  const answer = await begin(defaultSocket(where), what, options);
  if (answer.statusCode === 200) return answer;
  throw refusal(await textOf(answer), answer.statusCode ?? 0);
}

function begin(socket: string, what: string, options: Ask): Promise<IncomingMessage> {
  const fd = openParent(socket);
  const release = (): void => {
    if (fd !== undefined) closeSync(fd);
  };
  const { method = 'GET', query = {}, body, patienceMsec = PATIENCE_MSEC } = options;
  return new Promise<IncomingMessage>((resolve, reject) => {
    const socketPath = fd === undefined ? socket : `/proc/self/fd/${fd}/${path.basename(socket)}`;
    const asked = request({ socketPath, path: what + queryText(query), method, agent: false });
    asked.setTimeout(patienceMsec, () => asked.destroy(new Error('timeout')));
    asked.once('response', resolve);
    asked.on('error', (error) => reject(noRouter(socket, error)));
    asked.end(body);
  }).finally(release);
}

function openParent(socket: string): number | undefined {
  if (Buffer.byteLength(socket) <= SOCKET_PATH_MAX) return undefined;
  try {
    return openSync(path.dirname(socket), 'r');
  } catch {
    return undefined; // then connecting says what is wrong
  }
}

function queryText(query: NonNullable<Ask['query']>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const one of typeof value === 'string' ? [value] : value) parameters.append(name, one);
  }
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}

/** The router's error document, as the error that it stands for. */
function refusal(text: string, status: number): UserError {
  try {
    const { code, message, hint, exit } = JSON.parse(text) as Record<string, unknown>;
    if (typeof code !== 'string' || typeof message !== 'string') throw new SyntaxError();
    const known = Object.values(EXIT).find((one) => one === exit) ?? EXIT.failed;
    return new UserError(message, { code, hint: String(hint ?? ''), exit: known });
  } catch {
    return foreign(`it answers with status ${status}`);
  }
}

const foreign = (why: string): UserError =>
  new UserError(`what listens at the control socket is no alamesh router: ${why}`, {
    ...{ code: 'protocol', hint: 'name the right socket with --socket' },
  });

function noRouter(socket: string, error: NodeJS.ErrnoException): UserError {
  const exit = EXIT.noRouter;
  if (error.code === 'EACCES' || error.code === 'EPERM') {
    const hint = 'run this as the user that runs the router, often with sudo';
    return new UserError(`no permission to open the control socket ${socket}`, {
      ...{ code: 'no-permission', hint, exit },
    });
  }
  if (error.message === 'timeout') {
    const hint = 'it may be overloaded; its log says more';
    return new UserError(`the router at ${socket} does not answer`, {
      ...{ code: 'timeout', hint, exit },
    });
  }
  const hint = 'start one with `alamesh up`, or name another with --socket or --dir';
  return new UserError(`no router answers at ${socket}`, { code: 'no-router', hint, exit });
}
