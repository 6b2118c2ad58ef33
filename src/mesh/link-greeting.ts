/** Hello on one link: what was said last, and who the other side has proven to be. */
import { toHex } from '../base/bytes.js';
import { formatNodeId } from '../base/ip6.js';
import type { Parsed } from '../base/result.js';
import type { MeshMessage } from '../wire/types.js';
import { log, type MeshContext } from './context.js';
import { checkHello, type HelloExpectation, type ProvenPeer } from './hello.js';

export class LinkGreeting {
  /** Stays while the peer is configured; the key binds it. */
  proven: ProvenPeer | undefined;
  /** Our endpoint as the peer sees it. */
  observed = '';
  readonly #ctx: MeshContext;
  #isGreeted = false;
  #bootId = '';

  constructor(ctx: MeshContext) {
    this.#ctx = ctx;
  }

  /** A new incarnation of the channel: Hello is due again. */
  begin(): void {
    this.#isGreeted = false;
  }

  /** Verified on this incarnation; undefined until then. */
  get greeted(): ProvenPeer | undefined {
    return this.#isGreeted ? this.proven : undefined;
  }

  /** @returns who it is, or in words why we do not link with it. */
  handle(
    hello: Extract<MeshMessage, { kind: 'hello' }>,
    expected: HelloExpectation,
  ): Parsed<ProvenPeer> {
    const checked = checkHello(this.#ctx, hello, expected);
    if (!checked.ok) return checked;
    const bootId = toHex(hello.bootId);
    if (this.#bootId !== '' && bootId !== this.#bootId) {
      log(this.#ctx, 'info', `${formatNodeId(checked.value.id)} has restarted`);
    }
    this.#bootId = bootId;
    this.#isGreeted = true;
    this.proven = checked.value;
    this.observed = hello.observed;
    return checked;
  }
}
