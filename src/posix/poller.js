/**
 * Waits for descriptors in libuv's own epoll: no thread, no system call and no CPU while nothing happens, about 10 µs
 * from event to callback. Level-triggered: a reader may stop early, and is called again on the next turn of the loop.
 */
import { koffiModule } from './libc.js';

/** A handle that nobody references would be collected, and closed. */
const openWatches = new Set();
export class Watch {
  #handle;
  #onPoll;
  #open = true;
  /**
   * Begins to watch; keeps the process alive until `close`.
   * @param fd Non-blocking. Must stay open until `close` of this watch.
   */
  constructor(fd, watcher) {
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
      // For the same reason, promises and nextTick of the watcher wait for somebody's callback: this one.
      setImmediate(nothing);
    };
    this.#handle = koffiModule().node.poll(fd, { readable: true }, asCallback(this.#onPoll));
    openWatches.add(this);
  }
  resume() {
    if (this.#open) this.#handle.start({ readable: true }, asCallback(this.#onPoll));
  }
  /** Idempotent. Nothing is called afterwards; the descriptor may be closed at once. */
  close() {
    if (!this.#open) return;
    this.#open = false;
    openWatches.delete(this);
    this.#handle.close();
  }
}
const asCallback = (onPoll) => onPoll;
function nothing() {}
