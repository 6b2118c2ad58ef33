/** The test's end of probe.ts. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Order, Place, Said, Stream } from './probe.js';

const PROGRAM = path.resolve('dist/test/integration/nat/probe.js');
const ANSWER_MSEC_MAX = 10_000;
const ARRIVES_MSEC_MAX = 60_000;

type Got = Extract<Said, { is: 'got' }>;

export class Prober {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #said: Said[] = [];
  readonly #waiting = new Set<() => void>();

  /** @param namespace Where it runs. */
  constructor(namespace: string) {
    const argv = ['netns', 'exec', namespace, process.execPath, PROGRAM];
    this.#child = spawn('ip', argv, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.on('error', () => {});
    this.#child.stdin.on('error', () => {});
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.#said.push(JSON.parse(line) as Said);
      for (const look of this.#waiting) look();
    });
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }

  async bind(id: string, address: string, port: number): Promise<void> {
    this.#order({ do: 'bind', id, address, port });
    await this.#when(`${id} is bound`, (said) => said.id === id && said.is === 'bound');
  }

  async listen(id: string, address: string, port: number): Promise<void> {
    this.#order({ do: 'listen', id, address, port });
    await this.#when(`${id} listens`, (said) => said.id === id && said.is === 'listening');
  }

  /** @returns Null, or the error's code. */
  async connect(id: string, to: Place): Promise<string | null> {
    this.#order({ do: 'connect', id, to });
    const said = await this.#when(
      `${id} connects`,
      (one) => one.id === id && one.is === 'connected',
    );
    return said.is === 'connected' ? said.error : null;
  }

  /** Answers at this port, on all addresses. */
  async echo(id: string, port: number): Promise<void> {
    this.#order({ do: 'echo', id, port });
    await this.#when(`${id} is bound`, (said) => said.id === id && said.is === 'bound');
  }

  stream(id: string, to: Place, everyMsec: number): void {
    this.#order({ do: 'stream', id, to, everyMsec });
  }

  /** Until a datagram of a stream that is sent from now on is answered. */
  async arrives(id: string): Promise<void> {
    this.#order({ do: 'await', id });
    const is = (said: Said): boolean => said.id === id && said.is === 'arrives';
    await this.#when(`${id} is answered`, is, ARRIVES_MSEC_MAX);
  }

  /** Ends a stream. */
  async stop(id: string): Promise<Stream> {
    this.#order({ do: 'stop', id });
    const said = await this.#when(`${id} ends`, (one) => one.id === id && one.is === 'streamed');
    if (said.is !== 'streamed') throw new Error(`${id}: ${said.is}`);
    return said.stream;
  }

  send(id: string, to: Place, text: string): void {
    this.#order({ do: 'send', id, to, text });
  }

  /** The datagram with this text that came, or will come, to a socket. */
  async got(id: string, text: string): Promise<Got> {
    const said = await this.#when(`${id} gets "${text}"`, (one) => isText(one, id, text));
    return said as Got;
  }

  has(id: string, text: string): boolean {
    return this.#said.some((one) => isText(one, id, text));
  }

  #order(order: Order): void {
    this.#child.stdin.write(`${JSON.stringify(order)}\n`);
  }

  #when(what: string, is: (said: Said) => boolean, msecMax = ANSWER_MSEC_MAX): Promise<Said> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = this.#said.find(is);
        if (found !== undefined) end(() => resolve(found));
      };
      const end = (then: () => void): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        then();
      };
      const late = (): void => end(() => reject(new Error(`${what}: not in time`)));
      const timer = setTimeout(late, msecMax);
      this.#waiting.add(look);
      look();
    });
  }
}

const isText = (said: Said, id: string, text: string): boolean =>
  said.id === id && said.is === 'got' && said.text === text;
