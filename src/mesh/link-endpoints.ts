/** Opens the endpoints of one peer and sends its handshake initiations over them. */
import type { Instant } from '../base/time.js';
import type { LinkId } from '../link/types.js';
import type { PathInfo } from '../plane/types.js';
import { bindPath, type Candidate, type CandidateSource } from './candidates.js';
import type { MeshContext } from './context.js';
import type { LinkPaths } from './link-paths.js';

/** An initiation is answered within this or not at all (whitepaper §6.1, REKEY_TIMEOUT). */
const INITIATION_FRESH_MSEC = 5_000;

export class LinkEndpoints {
  readonly #ctx: MeshContext;
  readonly #link: LinkId;
  readonly #paths: LinkPaths;
  #initiation: { readonly datagram: Uint8Array; readonly at: Instant } | undefined;

  constructor(ctx: MeshContext, link: LinkId, paths: LinkPaths) {
    this.#ctx = ctx;
    this.#link = link;
    this.#paths = paths;
  }

  add(endpoints: readonly string[], source: CandidateSource): void {
    for (const endpoint of endpoints) {
      const candidate = this.#paths.table.add(endpoint, source, this.#paths.current);
      if (candidate !== undefined && candidate.path === undefined) this.open(candidate);
    }
  }

  /** The configuration names these now; others that it named may be pushed out. */
  reconfigure(endpoints: readonly string[]): void {
    for (const candidate of this.#paths.table.all()) {
      const isDropped = candidate.source === 'config' && !endpoints.includes(candidate.endpoint);
      if (isDropped) candidate.source = 'seen';
    }
    this.add(endpoints, 'config');
  }

  open(candidate: Candidate): void {
    if (candidate.state === 'opening') return;
    candidate.state = 'opening';
    this.#ctx.open(this.#link, candidate.endpoint);
  }

  /** @returns the candidate that has a path now. */
  opened(endpoint: string, result: PathInfo | string): Candidate | undefined {
    const { table } = this.#paths;
    const candidate = table.byEndpoint(endpoint);
    if (candidate === undefined) return undefined;
    if (typeof result === 'string') {
      candidate.state = 'failed';
      candidate.lastResult = result;
      return undefined;
    }
    const twin = table.byPath(result.id);
    if (twin !== undefined && twin !== candidate) {
      table.remove(candidate); // the same way under another name
      return undefined;
    }
    bindPath(candidate, result);
    return candidate;
  }

  get hasPath(): boolean {
    return this.#paths.table.all().some(({ path }) => path !== undefined);
  }

  /** @param onlyCurrent The path in use lives: no need to try the others. */
  sendInitiation(now: Instant, datagram: Uint8Array, onlyCurrent: boolean): void {
    this.#initiation = { datagram, at: now };
    const { current, table } = this.#paths;
    for (const candidate of table.all()) {
      if (!onlyCurrent || candidate === current) this.#transmit(candidate, datagram);
    }
  }

  /** A path that just opened joins a handshake that runs. @returns false when none runs. */
  joinHandshake(now: Instant, candidate: Candidate): boolean {
    const sent = this.#initiation;
    if (sent === undefined || now - sent.at >= INITIATION_FRESH_MSEC) return false;
    this.#transmit(candidate, sent.datagram);
    return true;
  }

  forgetInitiation(): void {
    this.#initiation = undefined;
  }

  release({ path }: Candidate): void {
    if (path !== undefined) this.#ctx.emit({ kind: 'release', path: path.id });
  }

  releaseAll(): void {
    for (const candidate of this.#paths.table.all()) this.release(candidate);
  }

  #transmit({ path }: Candidate, datagram: Uint8Array): void {
    if (path === undefined) return;
    const command = { kind: 'transmit', path: path.id, datagram } as const;
    this.#ctx.emit({ kind: 'plane', command });
  }
}
