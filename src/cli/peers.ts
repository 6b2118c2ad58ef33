/** `alamesh peer …`: through the router when one runs, else on the files of the state directory. */
import { existsSync, readFileSync } from 'node:fs';
import { UserError } from '../base/errors.js';
import { looksLikePeerLine } from '../identity/peer-line.js';
import { PeerStore } from '../router/peer-store.js';
import { defaultStateDir } from '../router/place.js';
import { ask, type Document, isRunning, type Where } from './client.js';

/** A node file is at most this; anything longer is something else. */
const FILE_BYTES_MAX = 65_536;

export async function peerLine(where: Where, endpoints: readonly string[]): Promise<Document> {
  if (await isRunning(where))
    return ask(where, '/v1/peer-line', { query: { endpoint: endpoints } });
  const store = await PeerStore.open(defaultStateDir(where.dir));
  return store.lineDocument(endpoints, undefined);
}

/** @param what The line itself, or the name of a file that holds a line or a signed node file. */
export async function addPeer(where: Where, what: string): Promise<Document> {
  const text = looksLikePeerLine(what) ? what : readPeerFile(what);
  if (await isRunning(where)) return ask(where, '/v1/peers', { method: 'POST', body: text });
  const store = await PeerStore.open(defaultStateDir(where.dir));
  const added = await store.add(text);
  return store.addedDocument(added, 'it is used at the next `alamesh up`');
}

function readPeerFile(file: string): string {
  if (!existsSync(file)) {
    throw new UserError(`'${file.slice(0, 80)}' is neither a peer line nor a file`, {
      code: 'bad-peer',
      hint: 'a line starts with alamesh1: and comes from `alamesh peer line`',
      exit: 4,
    });
  }
  const bytes = readFileSync(file);
  if (bytes.length > FILE_BYTES_MAX) {
    throw new UserError(`${file} is over ${FILE_BYTES_MAX} bytes: it is no node file`, {
      ...{ code: 'bad-peer', exit: 4, file },
    });
  }
  return bytes.toString('utf8');
}

export async function listPeers(where: Where): Promise<Document> {
  if (await isRunning(where)) return ask(where, '/v1/peers');
  const store = await PeerStore.open(defaultStateDir(where.dir));
  return store.listDocument();
}

export async function removePeer(where: Where, who: string): Promise<Document> {
  if (await isRunning(where)) return ask(where, '/v1/peers', { method: 'DELETE', query: { who } });
  const store = await PeerStore.open(defaultStateDir(where.dir));
  const removed = await store.remove(who);
  return {
    schema: 'alamesh.peer/1',
    ...removed,
    message: `removed ${removed.name || removed.key}`,
  };
}
