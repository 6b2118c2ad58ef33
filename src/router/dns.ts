/** The resolver behind sockets: UDP and TCP at one address, bounded in rate, size, connections and time. docs/dns.md. */
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { createServer, isIPv6, type Server, type Socket } from 'node:net';
import { UserError } from '../base/errors.js';
import type { Instant } from '../base/time.js';
import { QUERY_BYTES_MAX, type Resolver } from '../dns/resolver.js';
import { type Place, parsePlace } from './socket-place.js';
import { SourceLimit } from './source-limit.js';

/** Ours: whoever sends slower than one query in this time makes room for others. */
const TCP_IDLE_MSEC = 10_000;
const TCP_CONNECTIONS_MAX = 64;
/** Ours: a reader that leaves this much unread is dropped. */
const TCP_UNREAD_BYTES_MAX = 1 << 18;
const LENGTH_BYTES = 2;
/** Ours: a host's stub resolver keeps answers, so it asks far less. */
const SOURCE_RATE = { perSecond: 200, burst: 400 };
const TOTAL_RATE = { perSecond: 2_000, burst: 4_000 };

export interface DnsServerOptions {
  /** `127.0.0.1:5300`, `[::1]:5300`; port 0: any. */
  readonly listen: string;
  readonly resolver: Resolver;
  readonly now: () => Instant;
}

export class DnsServer {
  readonly #resolver: Resolver;
  readonly #udp: UdpSocket;
  readonly #tcp: Server;
  readonly #limit: SourceLimit;
  readonly #connections = new Set<Socket>();

  private constructor({ resolver, now }: DnsServerOptions, { host }: Place) {
    this.#resolver = resolver;
    this.#limit = new SourceLimit({ each: SOURCE_RATE, total: TOTAL_RATE, now });
    this.#udp = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    this.#udp.on('message', (query, from) => this.#onDatagram(query, from));
    this.#tcp = createServer((connection) => this.#onConnection(connection));
    this.#tcp.maxConnections = TCP_CONNECTIONS_MAX;
  }

  /** @throws UserError when the address cannot be had. */
  static async open(options: DnsServerOptions): Promise<DnsServer> {
    const place = parsePlace(options.listen);
    if (place === undefined) throw cannotListen(options.listen, 'it is not ADDRESS:PORT');
    const server = new DnsServer(options, place);
    try {
      await server.#listen(place);
    } catch (error) {
      server.close();
      throw cannotListen(options.listen, (error as Error).message, error);
    }
    server.#udp.on('error', () => {}); // ICMP errors of clients that went away
    server.#tcp.on('error', () => {});
    return server;
  }

  async #listen({ host, port }: Place): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#udp.once('error', reject).bind(port, host, () => {
        this.#udp.off('error', reject);
        resolve();
      });
    });
    await new Promise<void>((resolve, reject) => {
      this.#tcp.once('error', reject).listen(this.port, host, () => {
        this.#tcp.off('error', reject);
        resolve();
      });
    });
  }

  get port(): number {
    return this.#udp.address().port;
  }

  close(): void {
    for (const connection of this.#connections) connection.destroy();
    if (this.#tcp.listening) this.#tcp.close();
    try {
      this.#udp.close();
    } catch {} // it never opened
  }

  #onDatagram(query: Uint8Array, from: RemoteInfo): void {
    if (from.port === 0 || !this.#limit.takes(from.address)) return;
    const answer = this.#resolver.handle(query, 'udp');
    if (answer !== undefined) this.#udp.send(answer, from.port, from.address, () => {});
  }

  #onConnection(connection: Socket): void {
    const source = connection.remoteAddress ?? '';
    let held: Buffer = Buffer.alloc(0);
    let idle: NodeJS.Timeout | undefined;
    const wait = (): void => {
      clearTimeout(idle);
      idle = setTimeout(() => connection.destroy(), TCP_IDLE_MSEC);
    };
    this.#connections.add(connection);
    connection.setNoDelay(true);
    connection.on('error', () => {});
    connection.on('close', () => {
      clearTimeout(idle);
      this.#connections.delete(connection);
    });
    connection.on('data', (part: Buffer) => {
      const { rest, queries, isBad } = split(Buffer.concat([held, part]));
      held = rest;
      if (queries.length > 0) wait();
      const areAnswered = queries.every((query) => this.#answer(connection, query, source));
      if (isBad || !areAnswered) connection.destroy();
    });
    wait();
  }

  /** @returns false when the connection has deserved its end. */
  #answer(connection: Socket, query: Uint8Array, source: string): boolean {
    const answer = this.#limit.takes(source) ? this.#resolver.handle(query, 'tcp') : undefined;
    if (answer === undefined || connection.writableLength > TCP_UNREAD_BYTES_MAX) return false;
    connection.write(Buffer.concat([Buffer.of(answer.length >> 8, answer.length & 0xff), answer]));
    return true;
  }
}

interface SplitQueries {
  readonly queries: readonly Uint8Array[];
  readonly rest: Buffer;
  /** A length that no query has. */
  readonly isBad: boolean;
}

/** RFC 1035 §4.2.2: two bytes of length before each. */
function split(bytes: Buffer): SplitQueries {
  const queries: Uint8Array[] = [];
  let at = 0;
  while (bytes.length >= at + LENGTH_BYTES) {
    const length = bytes.readUInt16BE(at);
    if (length > QUERY_BYTES_MAX) return { queries, rest: Buffer.alloc(0), isBad: true };
    const end = at + LENGTH_BYTES + length;
    if (bytes.length < end) break;
    queries.push(bytes.subarray(at + LENGTH_BYTES, end));
    at = end;
  }
  return { queries, rest: Buffer.from(bytes.subarray(at)), isBad: false };
}

const cannotListen = (listen: string, reason: string, cause?: unknown): UserError =>
  new UserError(`cannot answer DNS at ${listen}: ${reason}`, {
    ...{ code: 'dns-socket', hint: 'choose another address or port for [dns] listen', cause },
  });
