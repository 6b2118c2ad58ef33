/**
 * Waits for descriptors in libuv's own epoll: no thread, no system call and no CPU while nothing happens, about 10 µs
 * from event to callback. Level-triggered: a reader may stop early, and is called again on the next turn of the loop.
 */
import { koffiModule } from './libc.js';

export interface Watcher {
  /** There is something to read, or was a moment ago. Read until empty or until a budget is spent. */
  readable(): void;
  /** The descriptor is in an error state, and is no longer watched; `resume` watches again. */
  failed(): void;
}

/** What koffi 3.3 really gives to the callback; its typings leave out the status. */
type OnPoll = (status: number) => void;

/** A handle that nobody references would be collected, and closed. */
const openWatches = new Set<Watch>();

export class Watch {
  readonly #handle: import('koffi').node.PollHandle;
  readonly #onPoll: OnPoll;
  #open = true;

  /**
   * Begins to watch; keeps the process alive until `close`.
   * @param fd Non-blocking. Must stay open until `close` of this watch.
   */
  constructor(fd: number, watcher: Watcher) {
    this.#onPoll = (status) => {
      if (!this.#open) return;
      try {
        if (status < 0) watcher.failed();
        else watcher.readable();
      } catch (error) {
        // libuv calls us outside of node's callback scope: a throw from here would vanish.
        setImmediate(() => {
          throw error;
        });
      }
      // So would promises and nextTick of the watcher wait; node 20 runs them all the same, N-API does not promise it.
      setImmediate(nothing);
    };
    this.#handle = koffiModule().node.poll(fd, { readable: true }, asCallback(this.#onPoll));
    openWatches.add(this);
  }

  resume(): void {
    if (this.#open) this.#handle.start({ readable: true }, asCallback(this.#onPoll));
  }

  /** Idempotent. Nothing is called afterwards; the descriptor may be closed at once. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    openWatches.delete(this);
    this.#handle.close();
  }
}

const asCallback = (onPoll: OnPoll): (() => void) => onPoll as () => void;

function nothing(): void {}
