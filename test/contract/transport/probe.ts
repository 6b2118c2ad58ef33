import { expect } from 'chai';
import type { Path, PathFailure, Transport, TransportHost } from '../../../src/transport/types.js';

export interface Received {
  readonly path: Path;
  readonly bytes: Uint8Array;
}

const PATIENCE_MSEC = 5000;

/** Waits for the event loop to bring something about; fails after 5 s. */
export async function until(done: () => boolean, what = 'something to happen'): Promise<void> {
  const started = Date.now();
  while (!done()) {
    if (Date.now() - started > PATIENCE_MSEC) throw new Error(`waited 5 s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** A transport, and all that it tells its host. */
export class Probe {
  readonly transport: Transport;
  readonly failures: { readonly path: Path; readonly failure: PathFailure }[] = [];
  readonly logged: string[] = [];
  /** As `listen` returned it. */
  bound = '';
  /** What others open. */
  url = '';
  /** Calls of any kind. */
  calls = 0;
  onReceived: (() => void) | undefined;
  readonly #received: Received[] = [];

  constructor(make: (host: TransportHost) => Transport) {
    this.transport = make({
      received: (path, datagrams) => {
        this.calls++;
        for (const bytes of datagrams) this.#received.push({ path, bytes: bytes.slice() });
        this.onReceived?.();
      },
      failed: (path, failure) => {
        this.calls++;
        this.failures.push({ path, failure });
      },
      log: (_level, message) => {
        this.logged.push(message);
      },
    });
  }

  /** The next `count` datagrams, as soon as they are there. */
  async take(count: number): Promise<Received[]> {
    await until(() => this.#received.length >= count, `${count} datagrams`);
    return this.#received.splice(0, count);
  }

  pathOf(received: Received | undefined): Path {
    expect(received, 'nothing was received').to.not.equal(undefined);
    return (received as Received).path;
  }
}
