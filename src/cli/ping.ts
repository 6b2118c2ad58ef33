/** `alamesh ping`: one line for each answer as it comes, or one document. */
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, UserError } from '../base/errors.js';
import { ask, type Where } from './client.js';
import type { PingDocument } from './documents.js';
import { clip, msec, percent } from './format.js';

export interface PingOptions extends Where {
  readonly trace?: boolean;
  readonly count: string;
  readonly json?: boolean;
}

const COUNT_MAX = 1000;
const INTERVAL_MSEC = 1000;
/** A trace waits a second for each of 30 hops; each echo as long. */
const TRACE_MSEC_MAX = 45_000;
const ECHO_MSEC_MAX = 2_500;

/** @returns The exit code: 0 when anything came back. @throws UserError */
export async function ping(
  target: string,
  options: PingOptions,
  write: (text: string) => void,
): Promise<number> {
  const count = Number(options.count);
  if (!Number.isInteger(count) || count < 1 || count > COUNT_MAX) {
    throw new UserError(`--count ${options.count} is not a whole number from 1 to ${COUNT_MAX}`, {
      ...{ code: 'usage', hint: 'for instance --count 5', exit: EXIT.usage },
    });
  }
  const trace = options.trace === true;
  if (options.json !== true) return live(target, { where: options, count, trace }, write);
  const document = await echo(options, { target, count, trace });
  write(`${JSON.stringify(document)}\n`);
  return document.received > 0 ? 0 : EXIT.failed;
}

interface Echo {
  readonly target: string;
  readonly count: number;
  readonly trace: boolean;
}

function echo(where: Where, { target, count, trace }: Echo): Promise<PingDocument> {
  const query = { target, count: String(count), ...(trace && { trace: '1' }) };
  const patienceMsec = TRACE_MSEC_MAX + count * ECHO_MSEC_MAX;
  return ask(where, '/v1/ping', { method: 'POST', query, patienceMsec });
}

/** One request for each echo, so that each answer shows at once; Ctrl-C ends it with the sums so far. */
async function live(
  target: string,
  { where, count, trace }: { where: Where; count: number; trace: boolean },
  write: (text: string) => void,
): Promise<number> {
  const abort = new AbortController();
  const stop = (): void => abort.abort();
  process.once('SIGINT', stop);
  const rtts: number[] = [];
  let sent = 0;
  try {
    while (sent < count && !abort.signal.aborted) {
      if (sent > 0) await sleep(INTERVAL_MSEC, undefined, { signal: abort.signal });
      const document = await echo(where, { target, count: 1, trace: trace && sent === 0 });
      write(hopsText(document));
      const [reply] = document.replies;
      write(`${replyText(document.target, sent, reply)}\n`);
      sent += 1;
      if (document.received > 0 && typeof reply?.rttMsec === 'number') rtts.push(reply.rttMsec);
    }
  } catch (error) {
    if (!abort.signal.aborted) throw error;
  } finally {
    process.off('SIGINT', stop);
  }
  write(sumText(sent, rtts));
  return rtts.length > 0 ? 0 : EXIT.failed;
}

function hopsText({ path = [] }: PingDocument): string {
  const lines = path.map(({ hop, name, address, rttMsec }) => {
    const who = address === null ? '*' : `${address}${name ? ` (${clip(name, 32)})` : ''}`;
    return `${String(hop).padStart(3)}  ${who}${rttMsec === null ? '' : `  ${msec(rttMsec)}`}\n`;
  });
  return lines.join('');
}

function replyText(
  target: string,
  sequence: number,
  reply: PingDocument['replies'][number] | undefined,
): string {
  const lead = `${target} seq ${sequence + 1}`;
  if (reply === undefined || reply.rttMsec === null) return `${lead}: no answer`;
  if (reply.from === null || reply.from === target) return `${lead}: ${msec(reply.rttMsec)}`;
  return `${lead}: ${reply.kind ?? 'an answer'} from ${reply.from}, ${msec(reply.rttMsec)}`;
}

function sumText(sent: number, rtts: readonly number[]): string {
  const loss = sent === 0 ? 0 : 1 - rtts.length / sent;
  const sums = `${sent} sent, ${rtts.length} received, ${percent(loss)} lost`;
  if (rtts.length === 0) return `${sums}\n`;
  const mean = rtts.reduce((sum, rtt) => sum + rtt, 0) / rtts.length;
  const range = [Math.min(...rtts), mean, Math.max(...rtts)].map(msec).join(' / ');
  return `${sums}, least / mean / most ${range}\n`;
}
