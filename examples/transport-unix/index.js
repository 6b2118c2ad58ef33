/**
 * An alamesh transport over Unix sockets, for routers on one machine: containers or namespaces that share a directory
 * but no network. An example of a plugin: docs/transports.md.
 *
 *   [[transports]]
 *   module = "…/examples/transport-unix/index.js"
 *   directory = "/run/alamesh-links"
 *
 *   listen = ["unix://berlin:1"]        # the socket /run/alamesh-links/berlin-1.sock
 *
 * A URL names a socket in the directory and can name nothing else: endpoints also come from peers.
 */
import path from 'node:path';
import { listenAt } from './server.js';
import { Stream } from './stream.js';

/** @typedef {import('../../src/transport/types.js').Transport} Transport */
/** @typedef {import('../../src/transport/types.js').TransportHost} TransportHost */
/** @typedef {import('../../src/transport/types.js').Path} Path */

const URL_FORM = /^unix:\/\/([a-z0-9][a-z0-9-]{0,62}):(\d{1,5})$/;
const BATCH_MAX = 256;
/** Streams that others dialled; the oldest goes. */
const ACCEPTED_MAX = 1024;

/** @param {string} url */
function parse(url) {
  const [, name, digits] = URL_FORM.exec(url) ?? [];
  const port = Number(digits);
  if (name === undefined || port > 65_535) {
    throw Object.assign(new Error(`${url} is not like unix://berlin:1`), { code: 'EINVAL' });
  }
  return { name, port };
}

/** @implements {Transport} */
class UnixTransport {
  scheme = 'unix';
  capabilities = {
    ...{ reliable: true, relayed: false },
    ...{ maxDatagramBytes: 65_535, batchMax: BATCH_MAX },
  };
  #host;
  #directory;
  /** @type {Set<import('node:net').Server>} */
  #servers = new Set();
  /** By their remote URL. @type {Map<string, Stream>} */
  #dialled = new Map();
  /** By their remote URL, the oldest first. @type {Map<string, Stream>} */
  #accepted = new Map();
  #isClosed = false;

  /**
   * @param {TransportHost} host
   * @param {string} directory
   */
  constructor(host, directory) {
    this.#host = host;
    this.#directory = directory;
  }

  /** @param {string} name @param {number} port */
  #fileOf(name, port) {
    return path.join(this.#directory, `${name}-${port}.sock`);
  }

  /** @param {string} url Port 0: the first that is free. @returns {Promise<string>} */
  async listen(url) {
    const { name, port: wanted } = parse(url);
    if (this.#isClosed) throw new Error('the unix transport is closed');
    for (let port = wanted || 1; ; port++) {
      const local = `unix://${name}:${port}`;
      try {
        const server = await listenAt(this.#fileOf(name, port), (socket) => {
          const stream = new Stream({ local, remote: null }, this);
          stream.adopt(socket);
        });
        this.#servers.add(server);
        server.on('error', ({ message }) => this.#host.log('warn', message));
        return local;
      } catch (error) {
        const { code } = /** @type {NodeJS.ErrnoException} */ (error);
        if (code !== 'EADDRINUSE' || wanted !== 0 || port === 65_535) throw error;
      }
    }
  }

  /** @param {string} remote @returns {Path} */
  open(remote) {
    const accepted = this.#accepted.get(remote);
    if (accepted !== undefined) return accepted;
    const { name, port } = parse(remote);
    if (this.#isClosed) throw new Error('the unix transport is closed');
    if (port === 0) throw new Error(`${remote} names no socket`);
    const known = this.#dialled.get(remote);
    if (known !== undefined) return known;
    const stream = new Stream({ local: null, remote, file: this.#fileOf(name, port) }, this);
    this.#dialled.set(remote, stream);
    return stream;
  }

  /** @param {Path} path @param {readonly Uint8Array[]} datagrams */
  send(path, datagrams) {
    if (this.#isClosed || !(path instanceof Stream)) return 0;
    return path.send(datagrams.slice(0, BATCH_MAX));
  }

  /** @param {Path} path */
  release(path) {
    if (!(path instanceof Stream)) return;
    path.close();
    this.#forget(path);
  }

  async close() {
    this.#isClosed = true;
    for (const stream of [...this.#dialled.values(), ...this.#accepted.values()]) stream.close();
    this.#dialled.clear();
    this.#accepted.clear();
    const servers = [...this.#servers];
    this.#servers.clear();
    await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  }

  // What a stream tells

  /** An accepted stream has said who it is. @param {Stream} stream @returns {boolean} */
  named(stream) {
    if (this.#isClosed || this.#accepted.has(stream.remote)) return false;
    this.#accepted.set(stream.remote, stream);
    if (this.#accepted.size > ACCEPTED_MAX) {
      for (const [, oldest] of this.#accepted) {
        oldest.end('room for another');
        break;
      }
    }
    return true;
  }

  /** @param {Stream} stream @param {readonly Uint8Array[]} datagrams */
  received(stream, datagrams) {
    if (!this.#isClosed) this.#host.received(stream, datagrams);
  }

  /** @param {Stream} stream @param {string} reason */
  broken(stream, reason) {
    if (stream.isDialled) {
      if (!this.#isClosed) this.#host.failed(stream, { kind: 'unreachable', reason });
      return;
    }
    const wasKnown = this.#forget(stream);
    if (wasKnown && !this.#isClosed) this.#host.failed(stream, { kind: 'closed', reason });
  }

  /** @param {Stream} stream */
  #forget(stream) {
    for (const map of [this.#dialled, this.#accepted]) {
      if (map.get(stream.remote) === stream) return map.delete(stream.remote);
    }
    return false;
  }
}

/** @type {import('../../src/transport/types.js').CreateTransport} */
export function createTransport(host, { directory }) {
  if (typeof directory !== 'string' || !path.isAbsolute(directory)) {
    throw new Error('the option directory must be an absolute path');
  }
  return new UnixTransport(host, directory);
}
