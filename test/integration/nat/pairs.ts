/** Two routers of a lab that begin to want each other, and what becomes of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { askRouter } from '../../../src/lab/control.js';
import type { LinkDocument } from '../routers.js';
import type { Stream } from './probe.js';
import { Prober } from './prober.js';

export const ECHO_PORT = 7777;
/** Ours: a stream that shows a loss of tens of milliseconds and costs little. */
const EVERY_MSEC = 20;
const POLL_MSEC = 40;

export type Reached = 'none' | 'relay' | 'tcp' | 'udp';

export interface Path {
  readonly transport: string;
  readonly remote: string | null;
  readonly relayed?: boolean;
  readonly via?: string | null;
}

/** A router of a deployed lab, through its control socket, and a probe beside it. */
export class Member {
  readonly name: string;
  readonly address: string;
  readonly prober: Prober;
  readonly #socket: string;

  private constructor(name: string, seen: Seen) {
    this.name = name;
    this.address = seen.address ?? '';
    this.#socket = seen.socket ?? '';
    this.prober = new Prober(seen.container);
  }

  static async of(seen: Seen): Promise<Member> {
    const member = new Member(seen.name, seen);
    await member.prober.echo('echo', ECHO_PORT);
    return member;
  }

  async ask<T>(method: string, path: string, body = ''): Promise<T> {
    const answer = await askRouter(this.#socket, { method, path, body });
    if (answer?.status === 200) return JSON.parse(answer.text) as T;
    throw new Error(`${this.name}: ${method} ${path}: ${answer?.text ?? 'no answer'}`);
  }

  async linkTo(other: Member): Promise<LinkDocument & { path: Path | null }> {
    const found = await this.links();
    const link = found.find(({ peer, name }) => peer === other.address || name === other.name);
    if (link === undefined) throw new Error(`${this.name} has no link to ${other.name}`);
    return link;
  }

  async links(): Promise<(LinkDocument & { path: Path | null })[]> {
    return (await this.ask<{ links: (LinkDocument & { path: Path | null })[] }>('GET', '/v1/links'))
      .links;
  }

  async line(): Promise<string> {
    return (await this.ask<{ line: string }>('GET', '/v1/peer-line')).line;
  }

  async add(other: Member): Promise<void> {
    await this.ask('POST', '/v1/peers', await other.line());
  }

  async remove(other: Member): Promise<void> {
    await this.ask('DELETE', `/v1/peers?who=${encodeURIComponent(other.address)}`);
  }
}

/** A node as `lab inspect --json` has it. */
export interface Seen {
  readonly name: string;
  readonly role: string;
  readonly container: string;
  readonly address: string | null;
  readonly socket: string | null;
  readonly underlay: readonly string[];
}

/** What one pair came to; times since they became peers. */
export interface Cell {
  readonly first: number | null;
  readonly reached: Reached;
  readonly via: string | null;
  /** When the path that is direct was in use. */
  readonly direct: number | null;
  readonly stream: Stream;
  /** Every path in use, as it changed. */
  readonly history: readonly string[];
}

export interface Patience {
  /** The end at the latest. */
  readonly msecMax: number;
  /** What is hoped for: when it is there and stayed for `calmMsec`, it is over. */
  readonly hoped: Reached;
  readonly calmMsec: number;
}

/** Makes two peers of each other, sends from one to the other, and watches the link at both ends. */
export async function wantEachOther(a: Member, b: Member, patience: Patience): Promise<Cell> {
  const id = `${a.name} ${b.name}`;
  const startedAt = Date.now();
  const to = { address: b.address, port: ECHO_PORT };
  a.prober.stream(id, to, EVERY_MSEC);
  await Promise.all([a.add(b), b.add(a)]);
  const watched = await watch(a, b, { ...patience, startedAt });
  const stream = await a.prober.stop(id);
  await Promise.all([a.remove(b), b.remove(a)]);
  const first = stream.firstAt === null ? null : stream.firstAt - startedAt;
  return { first, stream, ...watched };
}

type Watched = Pick<Cell, 'reached' | 'via' | 'direct' | 'history'>;

async function watch(
  a: Member,
  b: Member,
  { startedAt, msecMax, hoped, calmMsec }: Patience & { startedAt: number },
): Promise<Watched> {
  const history: string[] = [];
  let now: [Reached, Reached] = ['none', 'none'];
  let via: string | null = null;
  let direct: number | null = null;
  let since = Date.now();
  for (;;) {
    const [one, other] = [await a.linkTo(b), await b.linkTo(a)];
    const seen: [Reached, Reached] = [reachedBy(one), reachedBy(other)];
    if (seen.join() !== now.join()) {
      now = seen;
      since = Date.now();
      history.push(`${since - startedAt} ms: ${seen.join('/')}`);
      if (seen.every(isDirect)) direct ??= since - startedAt;
      via = one.path?.via ?? null;
    }
    const calm = Date.now() - since > calmMsec && seen.every((path) => rank(path) >= rank(hoped));
    if (calm || Date.now() - startedAt > msecMax)
      return { reached: worse(now), via, direct, history };
    await sleep(POLL_MSEC);
  }
}

const RANK: readonly Reached[] = ['none', 'relay', 'tcp', 'udp'];
export const rank = (reached: Reached): number => RANK.indexOf(reached);
const worse = ([a, b]: [Reached, Reached]): Reached => (rank(a) < rank(b) ? a : b);
const isDirect = (reached: Reached): boolean => reached === 'udp' || reached === 'tcp';

function reachedBy({ state, path }: LinkDocument & { path: Path | null }): Reached {
  if (state !== 'up' || path === null) return 'none';
  if (path.relayed === true || path.transport === 'relay') return 'relay';
  return path.transport === 'tcp' ? 'tcp' : 'udp';
}
