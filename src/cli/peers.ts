/** `alamesh peer …`: through the router when one runs, else on the files of the state directory. */
import { EXIT, UserError } from '../base/errors.js';
import { looksLikeInvite } from '../identity/invite-line.js';
import { looksLikePeerLine } from '../identity/peer-line.js';
import { readBounded } from '../platform/files.js';
import { PeerStore } from '../router/peer-store.js';
import { defaultStateDir } from '../router/place.js';
import { ask, isRunning, type Where } from './client.js';
import type { MessageDocument, PeerLineDocument, PeersDocument } from './documents.js';

/** Ours: a node file is smaller, and the control API takes no more. */
const FILE_BYTES_MAX = 65_536;

const openStore = (where: Where): Promise<PeerStore> => PeerStore.open(defaultStateDir(where.dir));

export async function peerLine(
  where: Where,
  endpoints: readonly string[],
): Promise<PeerLineDocument> {
  if (await isRunning(where)) {
    return ask(where, '/v1/peer-line', { query: { endpoint: endpoints } });
  }
  return (await openStore(where)).lineDocument(endpoints, undefined);
}

/** @param what The line itself (an invitation too), or the name of a file that holds a line or a signed node file. */
export async function addPeer(where: Where, what: string): Promise<MessageDocument> {
  const isLine = looksLikePeerLine(what) || looksLikeInvite(what);
  const text = isLine ? what : await readPeerFile(what);
  if (await isRunning(where)) return ask(where, '/v1/peers', { method: 'POST', body: text });
  const store = await openStore(where);
  return store.addedDocument(await store.add(text), 'used at the next `alamesh up`');
}

async function readPeerFile(file: string): Promise<string> {
  try {
    return Buffer.from(await readBounded(file, FILE_BYTES_MAX)).toString('utf8');
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== 'not-found') throw error;
    throw new UserError(`'${file.slice(0, 80)}' is neither a peer line nor a file`, {
      ...{ code: 'bad-peer', exit: EXIT.badFile },
      hint: 'a line starts with alamesh1: and comes from `alamesh peer line`',
    });
  }
}

export async function listPeers(where: Where): Promise<PeersDocument> {
  if (await isRunning(where)) return ask(where, '/v1/peers');
  return (await openStore(where)).listDocument();
}

export async function removePeer(where: Where, who: string): Promise<MessageDocument> {
  if (await isRunning(where)) return ask(where, '/v1/peers', { method: 'DELETE', query: { who } });
  const store = await openStore(where);
  return store.removedDocument(await store.remove(who));
}
