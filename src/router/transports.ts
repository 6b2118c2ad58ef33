/** Loads transports, listens, and joins their paths to the plane. The scheme of a URL chooses the transport. */
import { UserError } from '../base/errors.js';
import type { PathId, PathInfo } from '../plane/types.js';
import { PluginTransport } from '../plugin/transport.js';
import type {
  CreateTransport,
  Path,
  PathFailure,
  Transport,
  TransportHost,
} from '../transport/types.js';
import type { TransportConfig } from './config/config.js';
import type { Log } from './log.js';
import { PathTable } from './paths.js';

/** Ours: a start waits for plugins so long; one that comes later listens then. */
const PLUGIN_PATIENCE_MSEC = 3_000;
/** Schemes of our own, of this version or a later one. */
const RESERVED: ReadonlySet<string> = new Set(['udp', 'tcp', 'relay', 'memory']);
/** What whoever wrote the config must put right; all else may pass, and must not keep the router down. */
const MISTAKES: ReadonlySet<string> = new Set(['missing-module', 'wrong-export', 'bad-scheme']);

export interface TransportSetEvents {
  received(path: PathInfo, datagrams: readonly Uint8Array[]): void;
  failed(path: PathInfo, failure: PathFailure): void;
  /** What is listened at is another now. */
  listening(): void;
}

/** Document `alamesh.status/1`, `transports[]`. */
export interface TransportRow {
  /** Null until a plugin has told it. */
  readonly scheme: string | null;
  /** Null for our own. */
  readonly module: string | null;
  readonly state: 'starting' | 'running' | 'failed' | 'stopped';
  readonly lastError: string | null;
  /** Datagrams that a plugin brought or got and that were dropped, and what it did against the contract. */
  readonly drops: { readonly received: number; readonly sent: number; readonly refused: number };
}

const NO_DROPS = { received: 0, sent: 0, refused: 0 };

const schemeOf = (url: string): string => url.slice(0, Math.max(url.indexOf(':'), 0));

export class TransportSet {
  readonly paths = new PathTable();
  readonly #transports = new Map<string, Transport>();
  readonly #plugins: PluginTransport[] = [];
  /** URLs of schemes that only a plugin can have, which has not told its scheme yet. */
  readonly #waiting: string[] = [];
  readonly #bound: string[] = [];
  readonly #events: TransportSetEvents;
  readonly #log: Log;

  constructor(events: TransportSetEvents, log: Log) {
    this.#events = events;
    this.#log = log;
  }

  add(create: CreateTransport): Transport {
    let transport: Transport | undefined;
    const made = create(
      this.#host(() => transport),
      {},
    );
    transport = made;
    this.#transports.set(made.scheme, made);
    return made;
  }

  #host(transport: () => Transport | undefined): TransportHost {
    const infoOf = (path: Path): PathInfo | undefined => {
      const its = transport();
      return its === undefined ? undefined : this.paths.infoOf(its, path);
    };
    return {
      received: (path, datagrams) => {
        const info = infoOf(path);
        if (info !== undefined) this.#events.received(info, datagrams);
      },
      failed: (path, failure) => {
        const info = infoOf(path);
        if (info !== undefined) this.#events.failed(info, failure);
      },
      log: (level, message) => this.#log[level]('transport', message),
    };
  }

  /**
   * Starts the plugins and waits a moment for them.
   * @throws UserError when one is configured or written wrongly. One that fails otherwise is started again later.
   */
  async addPlugins(configs: readonly TransportConfig[], dir: string): Promise<void> {
    for (const { module, options } of configs) this.#addPlugin({ module, options, dir });
    const patience = new Promise<undefined>((resolve) => {
      setTimeout(resolve, PLUGIN_PATIENCE_MSEC, undefined).unref();
    });
    for (const plugin of this.#plugins) {
      const error = await Promise.race([plugin.started, patience]);
      if (error !== undefined && MISTAKES.has(error.code)) throw error;
    }
  }

  #addPlugin(config: TransportConfig & { readonly dir: string }): void {
    let plugin: PluginTransport | undefined;
    const made = new PluginTransport(
      this.#host(() => plugin),
      {
        ...config,
        schemeFault: (scheme) => this.#schemeFault(scheme, plugin),
        changed: () => this.#pluginChanged(),
      },
    );
    plugin = made;
    this.#plugins.push(made);
  }

  #schemeFault(scheme: string, plugin: PluginTransport | undefined): string | undefined {
    if (RESERVED.has(scheme)) return `its scheme is ${scheme}, which is alamesh's own`;
    const other = this.#plugins.find((one) => one !== plugin && one.scheme === scheme);
    return other && `its scheme is ${scheme}, which ${other.module} has already`;
  }

  #pluginChanged(): void {
    for (const url of this.#waiting.splice(0)) {
      const plugin = this.#plugins.find(({ scheme }) => scheme === schemeOf(url));
      if (plugin === undefined) this.#waiting.push(url);
      else plugin.keepListening(url);
    }
    this.#events.listening();
  }

  /** Has a plugin this scheme? It understands its own URLs, names in them too. */
  isPlugin(url: string): boolean {
    return this.#plugins.some(({ scheme }) => scheme === schemeOf(url));
  }

  #find(url: string): Transport | undefined {
    const scheme = schemeOf(url);
    return this.#transports.get(scheme) ?? this.#plugins.find((one) => one.scheme === scheme);
  }

  /** Transports whose sockets another may read. */
  get raw(): Transport[] {
    return [...this.#transports.values()].filter(({ sockets }) => sockets !== undefined);
  }

  /** URLs really bound now. */
  get listening(): readonly string[] {
    return [...this.#bound, ...this.#plugins.flatMap(({ listening }) => listening)];
  }

  rows(): TransportRow[] {
    const own = [...this.#transports.values()].map(
      ({ scheme }): TransportRow => ({
        ...{ scheme, module: null, state: 'running', lastError: null, drops: NO_DROPS },
      }),
    );
    const others = this.#plugins.map(({ scheme, module, state, lastError, dropped }) => ({
      ...{ scheme: scheme || null, module, state, lastError },
      drops: {
        received: dropped.receivedDropped,
        sent: dropped.sendDropped,
        refused: dropped.refused,
      },
    }));
    return [...own, ...others];
  }

  /** A plugin that cannot listen is asked again later. @throws UserError when a transport of our own cannot. */
  async listen(urls: readonly string[]): Promise<void> {
    for (const url of urls) {
      const own = this.#transports.get(schemeOf(url));
      if (own !== undefined) this.#bound.push(await this.#listenAt(own, url));
      else this.#listenLater(url);
    }
  }

  #listenLater(url: string): void {
    const plugin = this.#plugins.find(({ scheme }) => scheme === schemeOf(url));
    if (plugin !== undefined) plugin.keepListening(url);
    else if (this.#plugins.some(({ scheme }) => scheme === '')) this.#waiting.push(url);
    else throw this.#noTransport(url);
  }

  async #listenAt(transport: Transport, url: string): Promise<string> {
    try {
      return await transport.listen(url);
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      const hint = 'set another address or port with `listen` in alamesh.toml, or end that program';
      throw new UserError(`cannot listen at ${url}: ${message}`, { code: 'listen', hint, cause });
    }
  }

  #noTransport(url: string): UserError {
    const known = [...this.#transports.keys(), ...this.#plugins.map(({ scheme }) => scheme)];
    return new UserError(`no transport for ${url}`, {
      code: 'no-transport',
      hint: `there is: ${known.join(', ')}; others come with [[transports]]: docs/transports.md`,
    });
  }

  /** @returns The path's info, or why there is none. */
  open(endpoint: string): PathInfo | string {
    const transport = this.#find(endpoint);
    if (transport === undefined) return `no transport for ${endpoint}`;
    try {
      const info = this.paths.infoOf(transport, transport.open(endpoint));
      this.paths.pin(info.id);
      return info;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  send(path: PathId, datagrams: readonly Uint8Array[]): number {
    return this.paths.send(path, datagrams);
  }

  async close(): Promise<void> {
    const all = [...this.#transports.values(), ...this.#plugins];
    await Promise.all(all.map((transport) => transport.close()));
  }
}
