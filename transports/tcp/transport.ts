/**
 * WireGuard datagrams in TCP streams, for networks that block UDP. A stalled stream drops what is new instead of queueing
 * seconds of it; nothing waits for more to send.
 */
import { createServer, isIPv6, type Server, type Socket } from 'node:net';
import type { Capabilities, Path, Transport, TransportHost } from '../../src/transport/types.js';
import { DATAGRAM_BYTES_MAX } from './frames.js';
import { type Target, TcpPath, urlOf } from './path.js';

/** Ours: accepted streams in all, and those of one address that said nothing yet; the oldest of the silent goes first. */
const ACCEPTED_MAX = 1024;
const SILENT_OF_ADDRESS_MAX = 16;
const BATCH_MAX = 1024;

const URL_FORM = /^tcp:\/\/(?:\[([0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|(\d+\.\d+\.\d+\.\d+)):(\d{1,5})$/;

/** @throws Error in words. */
function parse(url: string): Target {
  const [, ip6, ip4, digits] = URL_FORM.exec(url) ?? [];
  const [host, port] = [ip6 ?? ip4, Number(digits)];
  const isAddress =
    ip6 === undefined ? ip4?.split('.').every((byte) => Number(byte) < 256) : isIPv6(ip6);
  if (host === undefined || isAddress !== true || port > 65_535)
    throw Object.assign(
      new Error(`${url.slice(0, 80)} is not like tcp://192.0.2.1:443 or tcp://[2001:db8::1]:443`),
      { code: 'EINVAL' },
    );
  return { host, port };
}

export class TcpTransport implements Transport {
  readonly scheme = 'tcp';
  readonly capabilities: Capabilities = {
    ...{ reliable: true, maxDatagramBytes: DATAGRAM_BYTES_MAX, relayed: false },
    batchMax: BATCH_MAX,
  };
  readonly #host: TransportHost;
  readonly #servers = new Set<Server>();
  readonly #dialled = new Map<string, TcpPath>();
  /** To the address of the other side, the oldest first. */
  readonly #accepted = new Map<TcpPath, string>();
  #isClosed = false;

  constructor(host: TransportHost) {
    this.#host = host;
  }

  async listen(url: string): Promise<string> {
    const { host, port } = parse(url);
    if (this.#isClosed) throw new Error('the tcp transport is closed');
    const server = createServer((socket) => this.#accept(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, resolve);
    });
    server.removeAllListeners('error');
    server.on('error', (error) => this.#host.log('warn', `tcp: ${error.message}`));
    this.#servers.add(server);
    const bound = server.address();
    return urlOf(host, typeof bound === 'object' && bound !== null ? bound.port : port);
  }

  open(remote: string): Path {
    const target = parse(remote);
    if (this.#isClosed) throw new Error('the tcp transport is closed');
    if (target.port === 0 || /^(::|0\.0\.0\.0)$/.test(target.host))
      throw new Error(`${remote} names no remote`);
    const known = this.#dialled.get(remote) ?? this.#acceptedFrom(remote);
    if (known !== undefined) return known;
    const path = new TcpPath(remote, this, target);
    this.#dialled.set(remote, path);
    return path;
  }

  #acceptedFrom(remote: string): TcpPath | undefined {
    return [...this.#accepted.keys()].find((path) => path.remote === remote);
  }

  send(path: Path, datagrams: readonly Uint8Array[]): number {
    if (this.#isClosed || !(path instanceof TcpPath)) return 0;
    return path.send(datagrams.slice(0, BATCH_MAX));
  }

  release(path: Path): void {
    if (!(path instanceof TcpPath)) return;
    path.close();
    this.#accepted.delete(path);
    if (this.#dialled.get(path.remote) === path) this.#dialled.delete(path.remote);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const path of [...this.#dialled.values(), ...this.#accepted.keys()]) path.close();
    this.#dialled.clear();
    this.#accepted.clear();
    await Promise.all(
      [...this.#servers].map((server) => new Promise((resolve) => server.close(resolve))),
    );
    this.#servers.clear();
  }

  /** Of a path. */
  received(path: TcpPath, datagrams: readonly Uint8Array[]): void {
    if (!this.#isClosed) this.#host.received(path, datagrams);
  }

  /** Of a path. */
  broken(path: TcpPath, reason: string): void {
    this.#accepted.delete(path);
    if (this.#isClosed) return;
    this.#host.failed(path, { kind: path.isDialled ? 'unreachable' : 'closed', reason });
  }

  #accept(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    const port = socket.remotePort;
    if (this.#isClosed || port === undefined || !this.#makeRoom(address)) {
      socket.destroy();
      return;
    }
    const path = new TcpPath(urlOf(address, port), this);
    this.#accepted.set(path, address);
    path.adopt(socket);
  }

  /** @returns false when there is no room, and nobody who said nothing yet. */
  #makeRoom(address: string): boolean {
    const silent = [...this.#accepted].filter(([path]) => !path.hasHeard);
    const ofAddress = silent.filter(([, other]) => other === address);
    if (ofAddress.length >= SILENT_OF_ADDRESS_MAX) ofAddress[0]?.[0].end('room for another');
    else if (this.#accepted.size >= ACCEPTED_MAX) silent[0]?.[0].end('room for another');
    return this.#accepted.size < ACCEPTED_MAX;
  }
}
