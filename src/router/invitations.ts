/** What becomes of invitations: who came with one is made a peer; the secret of one that served us is forgotten. */
import { parseNodeId } from '../base/ip6.js';
import { isName } from '../identity/names.js';
import type { Joined, MeshEvent } from '../mesh/types.js';
import { CANDIDATES_MAX } from '../wire/limits.js';
import type { Router } from './router.js';

type LinkChange = Extract<MeshEvent, { kind: 'link' }>;

export class Invitations {
  readonly #router: Router;

  constructor(router: Router) {
    this.#router = router;
  }

  /** On disk before it counts as a peer; what cannot be written is not one. */
  async joined({ invite, key, id, name, endpoints }: Joined): Promise<void> {
    const { invites, peerStore, log } = this.#router.parts;
    const safeName = isName(name) ? name : '';
    try {
      await invites.use(invite, { id, name: safeName });
      const known = { key, id, name: safeName, endpoints: endpoints.slice(0, CANDIDATES_MAX) };
      await peerStore.put(known);
      log.info('invite', 'joined', { peer: safeName || id });
    } catch (error) {
      log.error('invite', `cannot keep a new peer: ${(error as Error).message}`);
      this.#router.feed((at) => this.#router.engine.commandMesh(at, { kind: 'remove-peer', key }));
    }
    this.#router.tellInvites();
    this.#router.applyPeers();
  }

  async linkChanged({ peer, state }: LinkChange): Promise<void> {
    const id = state === 'up' ? parseNodeId(peer) : undefined;
    if (id?.ok !== true) return;
    const { peerStore, log } = this.#router.parts;
    try {
      if (await peerStore.forgetInvite(id.value)) this.#router.applyPeers();
    } catch (error) {
      log.warn('invite', `cannot forget an invitation: ${(error as Error).message}`);
    }
  }
}
