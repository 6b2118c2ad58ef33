/**
 * A third party's transport as the router sees it: a `Transport` like any other, whose module runs in a process of its
 * own (process.ts) that is started, watched and started again. Whatever the plugin does costs its own paths.
 */
import { UserError } from '../base/errors.js';
import type { Capabilities, Path, Transport, TransportHost } from '../transport/types.js';
import { failureOf, isBoundUrl, isPath, isReady, isWhole, textOf } from './check.js';
import { type ChildEnd, PluginChild } from './child.js';
import {
  DATAGRAM_BYTES_MAX,
  datagramFrames,
  FRAME,
  type Frame,
  jsonFrame,
  type PongBody,
  type ReadyBody,
  readDatagrams,
  readJson,
  STRANGERS_FROM,
} from './frames.js';
import { moduleOf } from './module.js';

/** Ours: the time to load the module and make the transport, and to answer `listen`. */
const START_MSEC = 10_000;
const LISTEN_MSEC = 10_000;
/** Ours: pause before it is started again, doubling; forgotten after it ran for a while. */
const RESTART_MSEC = 1_000;
const RESTART_MSEC_MAX = 60_000;
const STEADY_MSEC = 60_000;
/** Ours: an address that could not be listened at is tried again. */
const RELISTEN_MSEC = 15_000;
/** Ours: datagrams in one `send`. */
const BATCH_MAX = 1024;
/** Ours: paths that remotes made. */
const STRANGERS_MAX = 1024;
/** Ours: lines of the plugin in the log of a second. */
const LOG_LINES_PER_SECOND = 10;

export interface PluginOptions {
  /** As configured: a package's name, or a file, relative to `dir`. */
  readonly module: string;
  /** The state directory. */
  readonly dir: string;
  /** Handed to `createTransport`; JSON. */
  readonly options: Readonly<Record<string, unknown>>;
  /** @returns In words why this scheme cannot be had; undefined when it can. */
  readonly schemeFault?: (scheme: string) => string | undefined;
  /** It runs, or what it listens at is another now. */
  readonly changed?: () => void;
}

export type PluginState = 'starting' | 'running' | 'failed' | 'stopped';

class PluginPath implements Path {
  readonly transport: string;
  readonly remote: string;
  readonly relayed: boolean;
  readonly via: string | null;
  local: string | null = null;
  isReleased = false;
  readonly id: number;

  constructor(id: number, path: Omit<Path, 'local'>) {
    this.id = id;
    this.transport = path.transport;
    this.remote = path.remote;
    this.relayed = path.relayed;
    this.via = path.via;
  }
}

interface Pending {
  readonly timer: NodeJS.Timeout;
  answer(bound: string | Error): void;
}

export class PluginTransport implements Transport {
  readonly module: string;
  /** In words, of the last failure; null while there was none. */
  lastError: string | null = null;
  /** The first outcome: undefined when it runs, else why not. A mistake does not pass by itself. */
  readonly started: Promise<UserError | undefined>;
  readonly #options: PluginOptions;
  readonly #host: TransportHost;
  readonly #paths = new Map<number, PluginPath>();
  readonly #byRemote = new Map<string, PluginPath>();
  readonly #strangers = new Set<number>();
  readonly #pending = new Map<number, Pending>();
  /** To the URL really bound, undefined while it is not. */
  readonly #wanted = new Map<string, string | undefined>();
  #state: PluginState = 'starting';
  #ready: ReadyBody | undefined;
  #child: PluginChild | undefined;
  #dropped = { receivedDropped: 0, sendDropped: 0, refused: 0 };
  #lastPath = 0;
  #lastRequest = 0;
  #failures = 0;
  #readyAt = 0;
  #logSecond = 0;
  #logLines = 0;
  #tellStarted: (outcome: UserError | undefined) => void = () => {};
  #timer: NodeJS.Timeout | undefined;

  constructor(host: TransportHost, options: PluginOptions) {
    this.module = options.module;
    this.#host = host;
    this.#options = options;
    this.started = new Promise((resolve) => {
      this.#tellStarted = resolve;
    });
    this.#start();
  }

  /** Empty until the module has said it. */
  get scheme(): string {
    return this.#ready?.scheme ?? '';
  }

  get capabilities(): Capabilities {
    const { reliable = false, relayed = false, maxDatagramBytes = 0 } = this.#ready ?? {};
    return { reliable, relayed, maxDatagramBytes, batchMax: BATCH_MAX };
  }

  get state(): PluginState {
    return this.#state;
  }

  /** Datagrams dropped since the start, by whose fault. */
  get dropped(): PongBody {
    return this.#dropped;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** URLs really bound now. */
  get listening(): string[] {
    return [...this.#wanted.values()].filter((url) => url !== undefined);
  }

  // Its process

  #start(): void {
    this.#state = 'starting';
    const { dir, options } = this.#options;
    const found = moduleOf(this.module, dir);
    if (!found.ok) {
      this.#over({ kind: 'missing-module', reason: found.error });
      return;
    }
    const child = new PluginChild(
      dir,
      { module: found.value, options },
      {
        frame: (frame) => this.#handle(child, frame),
        ended: (end) => this.#over(end),
      },
    );
    this.#child = child;
    this.#timer = setTimeout(() => {
      child.kill({ kind: 'hung', reason: `it was not ready within ${START_MSEC / 1000} s` });
    }, START_MSEC);
  }

  #over(end: ChildEnd): void {
    clearTimeout(this.#timer);
    this.#child = undefined;
    const wasRunning = this.#state === 'running';
    if (this.#state === 'stopped') return;
    this.#state = 'failed';
    this.lastError = end.reason;
    if (wasRunning && performance.now() - this.#readyAt > STEADY_MSEC) this.#failures = 0;
    const pause = Math.min(RESTART_MSEC * 2 ** Math.min(this.#failures++, 16), RESTART_MSEC_MAX);
    this.#timer = setTimeout(() => this.#start(), pause);
    this.#timer.unref();
    const name = this.scheme === '' ? this.module : `${this.scheme} (${this.module})`;
    this.#host.log(
      'error',
      `the transport ${name} failed: ${end.reason}; again in ${pause / 1000} s`,
    );
    this.#tellStarted(this.#error(end));
    this.#loseAll(end.reason);
    this.#options.changed?.();
  }

  #error({ kind, reason }: ChildEnd): UserError {
    const hint = HINTS[kind] ?? 'docs/transports.md says what a plugin must do';
    return new UserError(`transport ${this.module}: ${reason}`, { code: kind, hint, exit: 4 });
  }

  #loseAll(reason: string): void {
    for (const [url] of this.#wanted) this.#wanted.set(url, undefined);
    for (const { answer } of this.#pending.values()) answer(new Error(reason));
    const paths = [...this.#paths.values()];
    this.#paths.clear();
    this.#byRemote.clear();
    this.#strangers.clear();
    for (const path of paths) {
      path.isReleased = true;
      this.#host.failed(path, { kind: 'closed', reason });
    }
  }

  // What it says

  #handle(child: PluginChild, { kind, body }: Frame): void {
    if (child !== this.#child || this.#state === 'stopped') return;
    if (kind === FRAME.received) {
      this.#received(child, body);
      return;
    }
    child.charge(1);
    const json = readJson(body);
    if (json === undefined) throw new Error('a body that is no JSON');
    switch (kind) {
      case FRAME.ready:
        this.#onReady(child, json);
        return;
      case FRAME.listening:
        this.#onListening(json);
        return;
      case FRAME.path:
        this.#onPath(json);
        return;
      case FRAME.failed:
        this.#onFailed(json);
        return;
      case FRAME.log:
        this.#onLog(json);
        return;
      case FRAME.pong:
        this.#onPong(json);
        return;
      default:
        throw new Error(`a frame of kind ${kind}`);
    }
  }

  #onReady(child: PluginChild, body: Readonly<Record<string, unknown>>): void {
    if (!isReady(body)) throw new Error('a description that was not checked');
    const ready = body as unknown as ReadyBody;
    const wrong = this.#schemeFault(ready.scheme);
    if (wrong !== undefined) {
      child.kill({ kind: 'bad-scheme', reason: wrong });
      return;
    }
    clearTimeout(this.#timer);
    this.#ready = ready;
    this.#state = 'running';
    this.#readyAt = performance.now();
    this.#tellStarted(undefined);
    this.#listenAgain();
    this.#options.changed?.();
  }

  #schemeFault(scheme: string): string | undefined {
    const before = this.#ready?.scheme;
    if (before !== undefined && before !== scheme) {
      return `its scheme was ${before} and is ${scheme} now`;
    }
    return this.#options.schemeFault?.(scheme);
  }

  #onPath(body: Readonly<Record<string, unknown>>): void {
    const { path: id } = body;
    if (!isWhole(id, 0, 2 ** 32 - 1) || !isPath(body, { scheme: this.scheme })) {
      throw new Error('a path that is none');
    }
    const known = this.#paths.get(id);
    if (known !== undefined) {
      known.local = body.local;
      return;
    }
    if (id < STRANGERS_FROM) return; // released meanwhile
    const { remote, relayed, via } = body;
    const path = new PluginPath(id, { transport: this.scheme, remote, relayed, via });
    path.local = body.local;
    this.#remember(path);
    this.#strangers.add(id);
    this.#forgetOldest();
  }

  #remember(path: PluginPath): void {
    this.#paths.set(path.id, path);
    if (!this.#byRemote.has(path.remote)) this.#byRemote.set(path.remote, path);
  }

  #forget(path: PluginPath): void {
    path.isReleased = true;
    this.#paths.delete(path.id);
    this.#strangers.delete(path.id);
    if (this.#byRemote.get(path.remote) === path) this.#byRemote.delete(path.remote);
  }

  #forgetOldest(): void {
    if (this.#strangers.size <= STRANGERS_MAX) return;
    for (const id of this.#strangers) {
      const path = this.#paths.get(id);
      if (path !== undefined) this.#forget(path);
      return;
    }
  }

  #received(child: PluginChild, body: Buffer): void {
    const read = readDatagrams(body);
    if (read === undefined) throw new Error('datagrams that are cut off');
    const { path: id, datagrams } = read;
    child.charge(datagrams.length);
    const path = this.#paths.get(id);
    if (path !== undefined && datagrams.length > 0) this.#host.received(path, datagrams);
  }

  #onFailed(body: Readonly<Record<string, unknown>>): void {
    const path = this.#paths.get(Number(body.path));
    const failure = failureOf(body);
    if (path === undefined || failure === undefined) return;
    if (failure.kind === 'closed') this.#forget(path);
    this.#host.failed(path, failure);
  }

  #onLog({ level, message }: Readonly<Record<string, unknown>>): void {
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.#logSecond) this.#logLines = 0;
    this.#logSecond = second;
    if (++this.#logLines > LOG_LINES_PER_SECOND) return;
    const known = level === 'info' || level === 'error' ? level : 'warn';
    this.#host.log(known, `${this.scheme || this.module}: ${textOf(message)}`);
  }

  #onPong(body: Readonly<Record<string, unknown>>): void {
    const count = (value: unknown): number =>
      isWhole(value, 0, Number.MAX_SAFE_INTEGER) ? value : 0;
    const { receivedDropped, sendDropped, refused } = body;
    this.#dropped = {
      receivedDropped: count(receivedDropped),
      sendDropped: count(sendDropped),
      refused: count(refused),
    };
  }

  // Listening

  async listen(url: string): Promise<string> {
    const failed = await this.started;
    if (failed !== undefined) throw failed;
    const bound = await this.#listen(url);
    this.#wanted.set(url, bound);
    return bound;
  }

  /** Listens there whenever it runs, and tries again where it cannot. `listening` tells how far it is. */
  keepListening(url: string): void {
    if (this.#wanted.has(url)) return;
    this.#wanted.set(url, undefined);
    if (this.#state === 'running') this.#listenAgain();
  }

  /** Every wanted URL that is not bound. @returns When each was tried. */
  #listenAgain(): void {
    for (const [url, bound] of this.#wanted) if (bound === undefined) void this.#tryListen(url);
  }

  async #tryListen(url: string): Promise<void> {
    try {
      const bound = await this.#listen(url);
      this.#wanted.set(url, bound);
      this.#host.log('info', `listening at ${bound}`);
    } catch (error) {
      if (this.#state !== 'running') return;
      this.lastError = `cannot listen at ${url}: ${textOf(error)}`;
      this.#host.log('error', `${this.scheme}: ${this.lastError}`);
      setTimeout(() => {
        if (this.#state === 'running' && this.#wanted.get(url) === undefined) {
          void this.#tryListen(url);
        }
      }, RELISTEN_MSEC).unref();
    }
    this.#options.changed?.();
  }

  #listen(url: string): Promise<string> {
    const child = this.#child;
    if (this.#state !== 'running' || child === undefined) {
      return Promise.reject(new Error(`the transport does not run: ${this.lastError ?? 'closed'}`));
    }
    const request = ++this.#lastRequest;
    child.tell(jsonFrame(FRAME.listen, { request, url }));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        child.kill({ kind: 'hung', reason: `listen did not end within ${LISTEN_MSEC / 1000} s` });
      }, LISTEN_MSEC);
      const answer = (bound: string | Error): void => {
        clearTimeout(timer);
        this.#pending.delete(request);
        if (typeof bound === 'string') resolve(bound);
        else reject(bound);
      };
      this.#pending.set(request, { timer, answer });
    });
  }

  #onListening({ request, url, error, code }: Readonly<Record<string, unknown>>): void {
    const pending = this.#pending.get(Number(request));
    if (typeof error === 'string') {
      const named = typeof code === 'string' ? { code: textOf(code) } : {};
      pending?.answer(Object.assign(new Error(textOf(error)), named));
    } else if (typeof url === 'string' && url.startsWith(`${this.scheme}://`) && isBoundUrl(url)) {
      pending?.answer(url);
    } else {
      pending?.answer(new Error('listen told no URL of its scheme'));
    }
  }

  // Paths, as the router uses them

  open(remote: string): Path {
    if (this.#state !== 'running' || this.#child === undefined) {
      const reason = this.lastError ?? (this.#state === 'stopped' ? 'closed' : 'it starts');
      throw new Error(`the transport ${this.scheme || this.module} does not run: ${reason}`);
    }
    if (!remote.startsWith(`${this.scheme}://`) || !isBoundUrl(remote)) {
      throw new Error(`${textOf(remote)} is no URL of the transport ${this.scheme}`);
    }
    const known = this.#byRemote.get(remote);
    if (known !== undefined) return known;
    const { relayed } = this.capabilities;
    this.#lastPath = (this.#lastPath % (STRANGERS_FROM - 1)) + 1;
    const path = new PluginPath(this.#lastPath, {
      ...{ transport: this.scheme, remote, relayed, via: null },
    });
    this.#remember(path);
    this.#child.tell(jsonFrame(FRAME.open, { path: path.id, url: remote }));
    return path;
  }

  send(path: Path, datagrams: readonly Uint8Array[]): number {
    const child = this.#child;
    if (!(path instanceof PluginPath) || path.isReleased || child === undefined) return 0;
    if (this.#paths.get(path.id) !== path) return 0;
    const most = Math.min(this.capabilities.maxDatagramBytes, DATAGRAM_BYTES_MAX);
    const taken: Uint8Array[] = [];
    let waiting = 0;
    for (const datagram of datagrams.slice(0, BATCH_MAX)) {
      if (datagram.length > most || !child.hasRoom(datagram.length, waiting)) continue;
      taken.push(datagram);
      waiting += datagram.length + 2;
    }
    for (const frame of datagramFrames(FRAME.send, path.id, taken)) child.tell(frame);
    return taken.length;
  }

  release(path: Path): void {
    if (!(path instanceof PluginPath) || this.#paths.get(path.id) !== path) return;
    this.#forget(path);
    this.#child?.tell(jsonFrame(FRAME.release, { path: path.id }));
  }

  async close(): Promise<void> {
    if (this.#state !== 'stopped') {
      this.#state = 'stopped';
      clearTimeout(this.#timer);
      this.#tellStarted(new UserError('closed', { code: 'closed' }));
      for (const { answer } of this.#pending.values()) answer(new Error('closed'));
      for (const path of this.#paths.values()) path.isReleased = true;
      this.#paths.clear();
    }
    await this.#child?.close();
  }
}

const HINTS: Readonly<Record<string, string>> = {
  'missing-module':
    'name a file relative to the state directory, or a package that is installed there',
  'wrong-export':
    'a transport plugin is an ES module that exports createTransport: docs/transports.md',
  'bad-capabilities': 'docs/transports.md says what a transport must tell of itself',
  'bad-scheme': 'every scheme belongs to one transport: remove one of the two',
};
