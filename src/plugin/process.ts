/**
 * The process of one transport plugin: loads the module, drives its transport as the router asks over descriptor 3, and
 * tells the router what the transport tells its host, as far as the contract allows. Nothing here is kept for long: a
 * router that falls behind loses datagrams.
 */
import { writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { koffiModule } from '../posix/libc.js';
import type { CreateTransport, Path, PathFailure, Transport } from '../transport/types.js';
import { descriptionFault, failureOf, isPath, textOf } from './check.js';
import {
  datagramFrames,
  type FaultKind,
  FRAME,
  type Frame,
  FrameReader,
  jsonFrame,
  readDatagrams,
  readJson,
  STRANGERS_FROM,
  type StartBody,
} from './frames.js';

/** Ours: bytes that the router did not read yet. Beyond it what arrives is dropped. */
const UNREAD_BYTES_MAX = 1 << 20;
/** Ours: paths that remotes made; the oldest are forgotten. */
const STRANGERS_MAX = 1024;
/** Ours: lines of a plugin in the router's log. */
const LOG_LINES_PER_SECOND = 10;
/** Ours: the router reads the last word of a process in this time. */
const LAST_WORD_MSEC = 1_000;
const ROUTER_SOCKET = 3;

export type Load = (specifier: string) => Promise<unknown>;

/** Runs until the router ends it. @param load Imports as from the state directory. */
export function serve(load: Load): void {
  dieWithRouter();
  const socket = new Socket({ fd: ROUTER_SOCKET, readable: true, writable: true });
  const server = new PluginServer(socket, load);
  const reader = new FrameReader();
  socket.on('data', (part: Buffer) => {
    for (const frame of reader.take(part)) server.handle(frame);
  });
  for (const event of ['end', 'close', 'error']) socket.on(event, () => process.exit(0));
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    process.on(event, (error: unknown) => server.fault('crashed', textOf(error)));
  }
  // Signals of a terminal go to all of its processes: the router says when it is over.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
}

/** A plugin that hangs would outlive a router that was killed; and where memory runs out, it goes first. */
function dieWithRouter(): void {
  const [PR_SET_PDEATHSIG, SIGKILL] = [1, 9];
  try {
    const prctl = koffiModule().load(null).func('int prctl(int option, unsigned long argument)');
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    writeFileSync('/proc/self/oom_score_adj', '1000');
  } catch {} // then only the end of the stream ends us
}

class PluginServer {
  readonly #socket: Socket;
  readonly #load: Load;
  readonly #paths = new Map<number, Path>();
  readonly #ids = new Map<Path, number>();
  /** The own end of each path as the router knows it. */
  readonly #locals = new Map<number, string | null>();
  readonly #strangers = new Set<number>();
  readonly #dropped = { receivedDropped: 0, sendDropped: 0, refused: 0 };
  #transport: Transport | undefined;
  #lastStranger = STRANGERS_FROM;
  #logSecond = 0;
  #logLines = 0;
  #isOver = false;

  constructor(socket: Socket, load: Load) {
    this.#socket = socket;
    this.#load = load;
  }

  /** The last word: then the process ends. */
  fault(kind: FaultKind, reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    setTimeout(() => process.exit(1), LAST_WORD_MSEC);
    this.#socket.write(jsonFrame(FRAME.fault, { kind, reason }), () => process.exit(1));
  }

  /** Of the router, which is to be believed. */
  handle({ kind, body }: Frame): void {
    if (this.#isOver) return;
    if (kind === FRAME.send) {
      this.#send(body);
      return;
    }
    const json = readJson(body) ?? {};
    switch (kind) {
      case FRAME.start:
        void this.#start(json as unknown as StartBody);
        return;
      case FRAME.listen:
        void this.#listen(Number(json.request), String(json.url));
        return;
      case FRAME.open:
        this.#open(Number(json.path), String(json.url));
        return;
      case FRAME.release:
        this.#release(Number(json.path));
        return;
      case FRAME.ping:
        this.#socket.write(jsonFrame(FRAME.pong, this.#dropped));
        return;
      case FRAME.close:
        void this.#close();
    }
  }

  async #start({ module, options }: StartBody): Promise<void> {
    let exported: unknown;
    try {
      exported = await this.#import(module);
    } catch (error) {
      const isMissing = isNotFound(error, module);
      this.fault(isMissing ? 'missing-module' : 'crashed', textOf(error));
      return;
    }
    const create = (exported as { createTransport?: unknown } | null)?.createTransport;
    if (typeof create !== 'function') {
      const names = Object.keys((exported as object | null) ?? {}).join(', ') || 'nothing';
      this.fault('wrong-export', `it exports ${textOf(names)}, not a function createTransport`);
      return;
    }
    this.#create(create as CreateTransport, options);
  }

  /** From the state directory; a package also from beside alamesh. */
  async #import(module: string): Promise<unknown> {
    try {
      return await this.#load(module);
    } catch (error) {
      if (module.startsWith('file:') || !isNotFound(error, module)) throw error;
      return await import(module).catch(() => {
        throw error;
      });
    }
  }

  #create(create: CreateTransport, options: StartBody['options']): void {
    try {
      const transport = create(
        {
          received: (path, datagrams) => this.#received(path, datagrams),
          failed: (path, failure) => this.#failed(path, failure),
          log: (level, message) => this.#log(level, message),
        },
        options,
      );
      const wrong = descriptionFault(transport?.scheme, transport?.capabilities);
      if (wrong !== undefined) {
        this.fault('bad-capabilities', wrong);
        return;
      }
      this.#transport = transport;
      const { scheme, capabilities } = transport;
      const { reliable, relayed, maxDatagramBytes } = capabilities;
      this.#socket.write(jsonFrame(FRAME.ready, { scheme, reliable, relayed, maxDatagramBytes }));
    } catch (error) {
      this.fault('crashed', `createTransport: ${textOf(error)}`);
    }
  }

  async #listen(request: number, url: string): Promise<void> {
    const answer = (said: { url: string; error?: string; code?: string }): void => {
      if (!this.#isOver) this.#socket.write(jsonFrame(FRAME.listening, { request, ...said }));
    };
    try {
      const bound: unknown = await this.#transport?.listen(url);
      answer({ url: String(bound) });
    } catch (error) {
      const { code } = Object(error) as { code?: unknown };
      answer({ url, error: textOf(error), ...(typeof code === 'string' && { code }) });
    }
  }

  // Paths

  #open(id: number, url: string): void {
    try {
      const path: unknown = this.#transport?.open(url);
      if (!this.#isOwn(path)) throw new Error('open gave no path of this transport');
      this.#know(id, path);
      this.#tellLocal(id, path);
    } catch (error) {
      this.#socket.write(
        jsonFrame(FRAME.failed, { path: id, kind: 'closed', reason: textOf(error) }),
      );
    }
  }

  #release(id: number): void {
    const path = this.#paths.get(id);
    if (path === undefined) return;
    this.#forget(id);
    this.#guard(() => this.#transport?.release(path));
  }

  #isOwn(path: unknown): path is Path {
    const scheme = this.#transport?.scheme ?? '';
    return isPath(path, { scheme }) && (path as Path).transport === scheme;
  }

  #know(id: number, path: Path): void {
    this.#paths.set(id, path);
    this.#ids.set(path, id);
    this.#locals.set(id, null);
  }

  #forget(id: number): void {
    const path = this.#paths.get(id);
    if (path !== undefined && this.#ids.get(path) === id) this.#ids.delete(path);
    this.#paths.delete(id);
    this.#locals.delete(id);
    this.#strangers.delete(id);
  }

  /** @returns The path's number; undefined when it is none of this transport. */
  #idOf(path: Path): number | undefined {
    const known = this.#ids.get(path);
    if (!this.#isOwn(path)) return undefined;
    if (known !== undefined) {
      this.#tellLocal(known, path);
      return known;
    }
    const id = this.#lastStranger++;
    this.#know(id, path);
    this.#strangers.add(id);
    if (this.#strangers.size > STRANGERS_MAX) {
      for (const oldest of this.#strangers) {
        this.#forget(oldest);
        break;
      }
    }
    this.#tellPath(id, path);
    return id;
  }

  #tellLocal(id: number, path: Path): void {
    if (this.#locals.get(id) !== path.local) this.#tellPath(id, path);
  }

  #tellPath(id: number, { remote, local, relayed, via }: Path): void {
    this.#locals.set(id, local);
    this.#socket.write(jsonFrame(FRAME.path, { path: id, remote, local, relayed, via }));
  }

  // Datagrams

  #send(body: Buffer): void {
    const read = readDatagrams(body);
    const path = read === undefined ? undefined : this.#paths.get(read.path);
    const transport = this.#transport;
    if (read === undefined || path === undefined || transport === undefined) return;
    const { maxDatagramBytes, batchMax } = transport.capabilities;
    const fitting = read.datagrams.filter(({ length }) => length <= maxDatagramBytes);
    this.#dropped.sendDropped += read.datagrams.length - fitting.length;
    for (let at = 0; at < fitting.length; at += batchMax) {
      const train = fitting.slice(at, at + batchMax);
      const taken = this.#guard(() => transport.send(path, train));
      if (!(Number(taken) >= train.length)) {
        this.#dropped.sendDropped += train.length - Math.max(0, Math.trunc(Number(taken) || 0));
      }
    }
  }

  /** What a plugin throws where it may not is counted, and told in its name. */
  #guard<T>(call: () => T): T | undefined {
    try {
      return call();
    } catch (error) {
      this.#dropped.refused++;
      this.#log('error', `it threw: ${textOf(error)}`);
      return undefined;
    }
  }

  #received(path: Path, datagrams: readonly Uint8Array[]): void {
    if (this.#isOver || this.#transport === undefined || !Array.isArray(datagrams)) return;
    const most = this.#transport.capabilities.maxDatagramBytes;
    const good = datagrams.filter((one) => one instanceof Uint8Array && one.length <= most);
    this.#dropped.refused += datagrams.length - good.length;
    if (this.#socket.writableLength > UNREAD_BYTES_MAX) {
      this.#dropped.receivedDropped += good.length;
      return;
    }
    const id = this.#idOf(path);
    if (id === undefined) {
      this.#dropped.refused += good.length;
      return;
    }
    for (const frame of datagramFrames(FRAME.received, id, good)) this.#socket.write(frame);
  }

  #failed(path: Path, failure: PathFailure): void {
    const id = this.#ids.get(path);
    const said = failureOf(failure);
    if (id === undefined || said === undefined) {
      this.#dropped.refused++;
      return;
    }
    if (said.kind === 'closed') this.#forget(id);
    if (this.#socket.writableLength > UNREAD_BYTES_MAX) return;
    this.#socket.write(jsonFrame(FRAME.failed, { path: id, ...said }));
  }

  #log(level: unknown, message: unknown): void {
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.#logSecond) this.#logLines = 0;
    this.#logSecond = second;
    if (++this.#logLines > LOG_LINES_PER_SECOND) return;
    const known = level === 'info' || level === 'error' ? level : 'warn';
    this.#socket.write(jsonFrame(FRAME.log, { level: known, message: textOf(message) }));
  }

  async #close(): Promise<void> {
    this.#isOver = true;
    try {
      await this.#transport?.close();
    } catch {} // it ends anyway
    process.exit(0);
  }
}

/** Is it the plugin's own module that is not there, and not one that it imports? */
function isNotFound(error: unknown, module: string): boolean {
  const { code, message } = Object(error) as { code?: unknown; message?: unknown };
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return false;
  const name = module.startsWith('file:') ? decodeURI(module.slice('file://'.length)) : module;
  return String(message).slice(0, String(message).indexOf(' imported ')).includes(name);
}
