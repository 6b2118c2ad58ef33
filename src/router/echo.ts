/** `alamesh ping`: own echo requests through the plane, their answers matched, hop by hop where asked. */
import { formatNodeId, type NodeId } from '../base/ip6.js';
import { type EchoAnswer, echoRequest, readEchoAnswer } from '../engine/echo.js';

export interface EchoPort {
  /** Own address. */
  readonly source: NodeId;
  inject(packet: Uint8Array): void;
  /** Milliseconds, monotonic. */
  now(): number;
}

export interface EchoResult {
  readonly sequence: number;
  readonly answer: EchoAnswer | undefined;
  readonly rttMsec: number | null;
}

interface Waiting {
  readonly sentAt: number;
  readonly resolve: (result: EchoResult) => void;
  readonly timer: NodeJS.Timeout;
}

/** Ours: pings that wait for an answer at the same time, from all clients together. */
const WAITING_MAX = 1024;

export class Echoes {
  readonly #port: EchoPort;
  readonly #waiting = new Map<number, Waiting>();
  #identifier = 0;

  constructor(port: EchoPort, identifier: number) {
    this.#port = port;
    this.#identifier = identifier & 0xffff;
  }

  /** A new identifier, so that two clients' pings cannot be confused. */
  identifier(): number {
    this.#identifier = (this.#identifier + 1) & 0xffff;
    return this.#identifier;
  }

  /** Sends one echo. @returns No answer after `timeoutMsec`, or when too many are waiting. */
  send(options: {
    readonly destination: Uint8Array;
    readonly identifier: number;
    readonly sequence: number;
    readonly hopLimit: number;
    readonly timeoutMsec: number;
  }): Promise<EchoResult> {
    const { identifier, sequence, timeoutMsec } = options;
    const none: EchoResult = { sequence, answer: undefined, rttMsec: null };
    if (this.#waiting.size >= WAITING_MAX) return Promise.resolve(none);
    return new Promise((resolve) => {
      const key = identifier * 0x10000 + sequence;
      const timer = setTimeout(() => {
        this.#waiting.delete(key);
        resolve(none);
      }, timeoutMsec);
      this.#waiting.set(key, { sentAt: this.#port.now(), resolve, timer });
      this.#port.inject(echoRequest({ ...options, source: this.#port.source }));
    });
  }

  /** The plane's `pong`. */
  handlePong(packet: Uint8Array): void {
    const answer = readEchoAnswer(packet);
    if (answer === undefined) return;
    const key = answer.identifier * 0x10000 + answer.sequence;
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return;
    this.#waiting.delete(key);
    clearTimeout(waiting.timer);
    const rttMsec = Math.round((this.#port.now() - waiting.sentAt) * 1000) / 1000;
    waiting.resolve({ sequence: answer.sequence, answer, rttMsec });
  }

  stop(): void {
    for (const { timer, resolve } of this.#waiting.values()) {
      clearTimeout(timer);
      resolve({ sequence: 0, answer: undefined, rttMsec: null });
    }
    this.#waiting.clear();
  }
}

export interface Hop {
  readonly hop: number;
  /** Null for a hop that did not answer. */
  readonly address: string | null;
  readonly rttMsec: number | null;
}

const HOPS_MAX = 30;
const HOP_TIMEOUT_MSEC = 1000;
/** Ours: this many silent hops in a row end a trace. */
const SILENT_HOPS_MAX = 3;

/** Hop by hop, as traceroute does it: hop limit 1, 2, … until the destination answers. */
export async function trace(echoes: Echoes, destination: Uint8Array): Promise<Hop[]> {
  const identifier = echoes.identifier();
  const hops: Hop[] = [];
  let silent = 0;
  for (let hop = 1; hop <= HOPS_MAX && silent < SILENT_HOPS_MAX; hop++) {
    const probe = { destination, identifier, sequence: hop, hopLimit: hop };
    const { answer, rttMsec } = await echoes.send({ ...probe, timeoutMsec: HOP_TIMEOUT_MSEC });
    hops.push({ hop, address: answer === undefined ? null : formatNodeId(answer.from), rttMsec });
    silent = answer === undefined ? silent + 1 : 0;
    if (answer !== undefined && answer.kind !== 'hop-limit') break;
  }
  return hops;
}
