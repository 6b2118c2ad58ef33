/** Loads transports, listens, and joins their paths to the plane. The scheme of a URL chooses the plugin. */
import { UserError } from '../base/errors.js';
import type { PathId, PathInfo } from '../plane/types.js';
import type { CreateTransport, Path, PathFailure, Transport } from '../transport/types.js';
import type { Log } from './log.js';
import { PathTable } from './paths.js';

export interface TransportSetEvents {
  received(path: PathInfo, datagrams: readonly Uint8Array[]): void;
  failed(path: PathInfo, failure: PathFailure): void;
}

const schemeOf = (url: string): string => url.slice(0, Math.max(url.indexOf(':'), 0));

export class TransportSet {
  readonly paths = new PathTable();
  readonly #transports = new Map<string, Transport>();
  readonly #events: TransportSetEvents;
  readonly #log: Log;

  constructor(events: TransportSetEvents, log: Log) {
    this.#events = events;
    this.#log = log;
  }

  add(create: CreateTransport): Transport {
    let transport: Transport | undefined;
    const infoOf = (path: Path): PathInfo | undefined =>
      transport === undefined ? undefined : this.paths.infoOf(transport, path);
    const made = create(
      {
        received: (path, datagrams) => {
          const info = infoOf(path);
          if (info !== undefined) this.#events.received(info, datagrams);
        },
        failed: (path, failure) => {
          const info = infoOf(path);
          if (info !== undefined) this.#events.failed(info, failure);
        },
        log: (level, message) => this.#log[level]('transport', message),
      },
      {},
    );
    transport = made;
    this.#transports.set(made.scheme, made);
    return made;
  }

  /** Transports whose sockets another may read. */
  get raw(): Transport[] {
    return [...this.#transports.values()].filter(({ sockets }) => sockets !== undefined);
  }

  /** @returns The URLs really bound. @throws UserError when one cannot be. */
  async listen(urls: readonly string[]): Promise<string[]> {
    const bound: string[] = [];
    for (const url of urls) {
      const transport = this.#transports.get(schemeOf(url));
      if (transport === undefined) throw this.#noTransport(url);
      bound.push(await this.#listenAt(transport, url));
    }
    return bound;
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
    const known = [...this.#transports.keys()].join(', ');
    return new UserError(`no transport for ${url}`, {
      code: 'no-transport',
      hint: `this version has: ${known}`,
    });
  }

  /** @returns The path's info, or why there is none. */
  open(endpoint: string): PathInfo | string {
    const transport = this.#transports.get(schemeOf(endpoint));
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
    await Promise.all([...this.#transports.values()].map((transport) => transport.close()));
  }
}
