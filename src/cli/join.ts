/**
 * `alamesh join LINE`: from nothing to packets. Makes keys of the realm (unless there are some), keeps the inviter as a peer, starts the
 * router here or as a service, and waits for the first answer to a ping.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, UserError } from '../base/errors.js';
import { formatNodeId } from '../base/ip6.js';
import { type InviteInfo, parseInviteLine } from '../identity/invite-line.js';
import { IDENTITY_FILE, loadIdentity } from '../platform/keystore.js';
import { makeNode, nameFromHost } from '../router/commands.js';
import { PeerStore } from '../router/peer-store.js';
import { defaultStateDir } from '../router/place.js';
import { ask, isRunning, type Where } from './client.js';
import type { LinksDocument, PingDocument } from './documents.js';
import { msec } from './format.js';
import { installService, refuseWithoutSystemd } from './service.js';

export interface JoinOptions extends Where {
  readonly name?: string;
  readonly service?: boolean;
  /** False with `--no-start`. */
  readonly start: boolean;
  readonly json?: boolean;
}

/** Ours: after this without an answer people are told, and it goes on trying. */
const PATIENCE_MSEC = 15_000;
/** Ours: a service that is not there by then has a problem of its own. */
const SERVICE_MSEC_MAX = 60_000;
const POLL_MSEC = 200;

type Write = (text: string) => void;

/** @returns The exit code. @throws UserError that says which of the line's faults it is. */
export async function join(text: string, options: JoinOptions, write: Write): Promise<number> {
  const parsed = parseInviteLine(text);
  if (!parsed.ok) throw badInvite(parsed.error);
  if (options.service) refuseWithoutSystemd();
  const invite = parsed.value;
  const dir = defaultStateDir(options.dir);
  const address = await ensureNode(dir, invite, options.name);
  const told = { address, inviter: formatNodeId(invite.node), realm: invite.realm, dir };
  if (await isRunning(options)) {
    await ask(options, '/v1/peers', { method: 'POST', body: text });
    tellStart(told, options, write);
    return firstPing(options, told.inviter, write);
  }
  await (await PeerStore.open(dir)).add(text);
  tellStart(told, options, write);
  if (!options.start) {
    process.stderr.write('next: alamesh up\n');
    return 0;
  }
  if (options.service) {
    await installService(dir);
    return firstPing(options, told.inviter, write, SERVICE_MSEC_MAX);
  }
  return await runHere(options, dir, told.inviter, write);
}

const badInvite = (message: string): UserError =>
  new UserError(message, {
    ...{ code: 'bad-invite', exit: EXIT.badFile },
    hint: 'copy the whole line, or ask for a new one: `alamesh invite`',
  });

/** @returns The address. An identity that is there is used when it is of the realm; `peers` checks that again. */
async function ensureNode(
  dir: string,
  { realm, work, nameForYou, expires }: InviteInfo,
  given: string | undefined,
): Promise<string> {
  if (Date.now() >= expires * 1000) {
    throw badInvite(`the invitation has expired at ${new Date(expires * 1000).toISOString()}`);
  }
  if (existsSync(path.join(dir, IDENTITY_FILE))) return formatNodeId((await loadIdentity(dir)).id);
  const name = given ?? (nameForYou || nameFromHost());
  return formatNodeId((await makeNode(dir, { realm, work, name })).id);
}

interface Told {
  readonly address: string;
  readonly inviter: string;
  readonly realm: string;
  readonly dir: string;
}

function tellStart(told: Told, { json }: JoinOptions, write: Write): void {
  write(json ? `${JSON.stringify({ schema: 'alamesh.join/1', ...told })}\n` : `${told.address}\n`);
}

/** The router in this process, until a signal; the first answer is told on the way. */
async function runHere(
  options: JoinOptions,
  dir: string,
  inviter: string,
  write: Write,
): Promise<number> {
  const { runRouter } = await import('../router/up.js');
  const where: Where = { dir, socket: options.socket };
  let failure: unknown;
  await runRouter({
    dir,
    ...(options.socket !== undefined && { socket: options.socket }),
    onUp: (stop) => {
      firstPing(where, inviter, write).catch((error: unknown) => {
        failure = error;
        stop();
      });
    },
  });
  if (failure === undefined) return 0;
  if (failure instanceof UserError && failure.code === 'invite-refused') {
    await (await PeerStore.open(dir)).remove(inviter).catch(() => undefined);
  }
  throw failure;
}

/** Waits for the link and an answer over it. @throws UserError when the invitation is refused, or after `msecMax`. */
async function firstPing(
  where: Where,
  inviter: string,
  write: Write,
  msecMax = Number.POSITIVE_INFINITY,
): Promise<number> {
  const began = Date.now();
  let isTold = false;
  while (Date.now() - began < msecMax) {
    const rttMsec = await tryOnce(where, inviter);
    if (rttMsec !== undefined) {
      write(`${inviter} answers in ${msec(rttMsec)}: you are in\n`);
      process.stderr.write(PROPOSAL);
      return 0;
    }
    if (!isTold && Date.now() - began > PATIENCE_MSEC) {
      process.stderr.write(NO_ANSWER);
      isTold = true;
    }
    await sleep(POLL_MSEC);
  }
  throw new UserError(`${inviter} does not answer`, {
    ...{ code: 'no-answer', hint: '`alamesh links` and the log of the service say more' },
  });
}

const PROPOSAL = `to be found by all members, propose your file to the realm's registry (docs/join.md):
  git clone REALM realm && alamesh registry add --handle YOU --dir realm && git -C realm push -u origin HEAD
`;

const NO_ANSWER =
  'no answer yet; still trying. Does the inviter run, and can its UDP port be reached from here?\n';

/** @returns The round trip; undefined when it is too early. @throws UserError when the inviter refused. */
async function tryOnce(where: Where, inviter: string): Promise<number | undefined> {
  if (!(await isRunning(where))) return undefined;
  const { links } = await ask<LinksDocument>(where, '/v1/links');
  const link = links.find(({ peer }) => peer === inviter);
  const refused = /^goodbye: invitation (\w+)/.exec(link?.lastError ?? '')?.[1];
  if (link?.state !== 'up' && refused !== undefined) throw refusal(refused);
  if (link?.state !== 'up') return undefined;
  const query = { target: inviter, count: '1' };
  const { replies } = await ask<PingDocument>(where, '/v1/ping', { method: 'POST', query });
  const [reply] = replies;
  return reply?.kind === 'reply' ? (reply.rttMsec ?? undefined) : undefined;
}

const REFUSALS: Readonly<Record<string, string>> = {
  used: 'it was used already',
  expired: 'it has expired',
  revoked: 'it was revoked',
  wrong: 'its secret is wrong: the line was changed on its way',
  unknown: 'the inviter does not know it (any more)',
};

const refusal = (why: string): UserError =>
  new UserError(`the invitation is refused: ${REFUSALS[why] ?? why}`, {
    ...{ code: 'invite-refused', hint: 'ask for a new one; your address and keys stay' },
  });
