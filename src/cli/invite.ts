/** `alamesh invite …`: through the router when one runs, else on the files of the state directory. */
import { EXIT, UserError } from '../base/errors.js';
import { table } from '../base/table.js';
import { loadIdentity } from '../platform/keystore.js';
import { InviteStore } from '../router/invite-store.js';
import { PeerStore } from '../router/peer-store.js';
import { defaultStateDir } from '../router/place.js';
import { ask, isRunning, type Where } from './client.js';
import type { InviteDocument, InvitesDocument, MessageDocument } from './documents.js';
import { clip } from './format.js';

export interface InviteOptions extends Where {
  readonly expires: string;
  readonly uses: string;
  readonly name?: string;
  readonly endpoint?: readonly string[];
}

const UNITS: Readonly<Record<string, number>> = {
  ...{ s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 },
};

/** `90m`, `24h`, `7d`. @throws UserError (usage) for anything else. */
export function durationMsec(text: string): number {
  const match = /^(\d{1,6})([smhdw])$/.exec(text);
  if (match !== null) return Number(match[1]) * (UNITS[match[2] ?? ''] ?? 0);
  throw new UserError(`'${text.slice(0, 40)}' is no duration`, {
    ...{ code: 'usage', hint: 'for instance 30m, 24h or 7d', exit: EXIT.usage },
  });
}

export async function invite(options: InviteOptions): Promise<InviteDocument> {
  const lifeMsec = durationMsec(options.expires);
  const { uses, name = '', endpoint = [] } = options;
  if (await isRunning(options)) {
    const query = { lifeMsec: String(lifeMsec), uses, name, endpoint };
    return ask(options, '/v1/invites', { method: 'POST', query });
  }
  const dir = defaultStateDir(options.dir);
  const self = (await PeerStore.open(dir)).self(endpoint, undefined);
  return (await openStore(options)).create({ lifeMsec, usesMax: Number(uses), name }, self);
}

const openStore = async (where: Where): Promise<InviteStore> => {
  const dir = defaultStateDir(where.dir);
  return InviteStore.open(dir, await loadIdentity(dir));
};

export async function listInvites(where: Where): Promise<InvitesDocument> {
  if (await isRunning(where)) return ask(where, '/v1/invites');
  return (await openStore(where)).list();
}

export async function revokeInvite(where: Where, id: string): Promise<MessageDocument> {
  if (await isRunning(where)) {
    return ask(where, '/v1/invites', { method: 'DELETE', query: { id } });
  }
  return (await openStore(where)).revoke(id);
}

export function invitesText({ invites }: InvitesDocument): string {
  if (invites.length === 0) return 'no invitations\n';
  const rows = invites.map(({ id, name, state, expiresAt, usesMax, uses }) => [
    ...[id, clip(name, 24), state, new Date(expiresAt).toISOString().slice(0, 16)],
    ...[
      `${uses.length}/${usesMax}`,
      clip(uses.map((use) => use.name || use.address).join(' '), 48),
    ],
  ]);
  return table(['Id', 'For', 'State', 'Expires (UTC)', 'Uses', 'Who came'], rows);
}
