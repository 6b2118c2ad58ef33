/** The control API: HTTP and JSON on a unix socket that only its owner may open. docs/control-api.md. */
import { chmodSync, closeSync, mkdirSync, openSync, unlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import path from 'node:path';
import { UserError } from '../../base/errors.js';
import { handle } from './routes.js';
import type { RouterControl } from './types.js';

/** Ours: a peer line or node file is the largest request. */
const BODY_BYTES_MAX = 65_536;
const CONNECTIONS_MAX = 32;
/** Linux: sun_path holds 107 characters. */
const SOCKET_PATH_MAX = 107;

export interface ControlServer {
  readonly path: string;
  close(): Promise<void>;
}

/**
 * Listens. A socket file that nobody answers at is from a crash, and is replaced.
 * @throws UserError when another router answers there, or the place cannot be written.
 */
export async function startControl(socket: string, control: RouterControl): Promise<ControlServer> {
  mkdirSync(path.dirname(socket), { recursive: true, mode: 0o700 });
  if (await answers(socket)) {
    throw new UserError(`a router answers at ${socket} already`, {
      code: 'in-use',
      hint: 'stop it with `alamesh down`, or choose another --socket',
    });
  }
  removeStale(socket);
  const server = createServer((request, response) => void answer(control, request, response));
  server.maxConnections = CONNECTIONS_MAX;
  server.requestTimeout = 10_000;
  server.headersTimeout = 5_000;
  await listen(server, socket);
  chmodSync(socket, 0o600);
  return { path: socket, close: () => close(server, socket) };
}

/** A path that is too long for a socket's address is reached through its open directory. */
export function shortSocketPath<T>(socket: string, use: (path: string) => T): T {
  if (Buffer.byteLength(socket) <= SOCKET_PATH_MAX) return use(socket);
  const fd = openSync(path.dirname(socket), 'r');
  try {
    return use(`/proc/self/fd/${fd}/${path.basename(socket)}`);
  } finally {
    setTimeout(() => closeSync(fd), 1000).unref();
  }
}

function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = shortSocketPath(socket, (short) => connect(short));
    const done = (answered: boolean): void => {
      probe.destroy();
      resolve(answered);
    };
    probe.once('connect', () => done(true));
    probe.once('error', () => done(false));
  });
}

function removeStale(socket: string): void {
  try {
    unlinkSync(socket);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw cannotListen(socket, error);
  }
}

function listen(server: Server, socket: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(cannotListen(socket, error)));
    const before = process.umask(0o077);
    shortSocketPath(socket, (short) => server.listen(short, resolve));
    process.umask(before);
  });
}

function cannotListen(socket: string, cause: unknown): UserError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new UserError(`cannot make the control socket ${socket}: ${reason}`, {
    code: 'control-socket',
    hint: 'choose another place with --socket or ALAMESH_SOCKET',
    cause,
  });
}

function close(server: Server, socket: string): Promise<void> {
  return new Promise((resolve) => {
    try {
      unlinkSync(socket);
    } catch {
      // Somebody else removed it.
    }
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function answer(
  control: RouterControl,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const body = await readBody(request);
    await handle(control, { request, response, body });
  } catch (error) {
    if (response.headersSent || response.destroyed) response.destroy();
    else sendError(response, error);
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    bytes += (part as Buffer).length;
    if (bytes > BODY_BYTES_MAX) {
      throw new UserError(`the request is over ${BODY_BYTES_MAX} bytes`, { code: 'too-large' });
    }
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts).toString('utf8');
}

function sendError(response: ServerResponse, error: unknown): void {
  const known = error instanceof UserError;
  const status = known ? (error.code === 'not-found' ? 404 : 400) : 500;
  const document = {
    schema: 'alamesh.error/1',
    code: known ? error.code : 'internal',
    message: error instanceof Error ? error.message : String(error),
    hint: known ? error.hint : 'this is a bug of alamesh',
    exit: known ? error.exit : 1,
  };
  // What is left of the request is not read.
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(`${JSON.stringify(document)}\n`);
}
