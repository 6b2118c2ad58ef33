/** A listening Unix socket; one that a dead process left behind is taken over. */
import { mkdirSync, unlinkSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import path from 'node:path';

/**
 * @param {string} file
 * @param {(socket: import('node:net').Socket) => void} accept
 * @returns {Promise<import('node:net').Server>}
 * @throws Error with a code, `EADDRINUSE` where somebody listens.
 */
export async function listenAt(file, accept) {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  try {
    return await listen(file, accept);
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    if (code !== 'EADDRINUSE') throw error;
    if (await isAlive(file)) throw Object.assign(new Error(`${file} is in use`), { code });
    unlinkSync(file);
    return await listen(file, accept);
  }
}

/**
 * @param {string} file
 * @param {(socket: import('node:net').Socket) => void} accept
 * @returns {Promise<import('node:net').Server>}
 */
function listen(file, accept) {
  const server = createServer(accept);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(file, () => {
      server.removeListener('error', reject);
      resolve(server);
    });
  });
}

/** @param {string} file @returns {Promise<boolean>} Does somebody accept there? */
function isAlive(file) {
  return new Promise((resolve) => {
    const socket = connect(file);
    const answer = (/** @type {boolean} */ alive) => {
      socket.destroy();
      resolve(alive);
    };
    socket.on('connect', () => answer(true));
    socket.on('error', () => answer(false));
  });
}
