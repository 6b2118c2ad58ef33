/**
 * The heart of the process: whatever happens outside is fed to the engine and the plane, whatever they want done is
 * carried out, and one timer wakes the engine when it asked to be woken. Nothing here decides anything.
 */
import type { Instant } from '../base/time.js';
import type { Engine, EngineOutput } from '../engine/engine.js';
import type { PlaneCommand, PlaneEvent } from '../plane/types.js';

/** What a plane in this process must also do: send what has gathered, at the end of a pass. */
export interface PumpedPlane {
  apply(now: Instant, commands: readonly PlaneCommand[]): void;
  flush(now: Instant): void;
}

export interface PumpOptions {
  readonly engine: Engine;
  readonly plane: PumpedPlane;
  readonly now: () => Instant;
  readonly hasEvents: () => boolean;
  /** Events that the plane has emitted since the last call. */
  readonly takeEvents: () => readonly PlaneEvent[];
  /** Carries out everything that is not for the plane. Must not call back into the pump synchronously. */
  readonly act: (output: Exclude<EngineOutput, { kind: 'plane' }>) => void;
}

/** setTimeout takes at most this. */
const TIMEOUT_MSEC_MAX = 2 ** 31 - 1;

export class Pump {
  readonly #options: PumpOptions;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #running = false;
  #stopped = false;

  constructor(options: PumpOptions) {
    this.#options = options;
  }

  /** Feeds something in, then carries out all that follows from it. */
  feed(action: (now: Instant) => void): void {
    if (this.#stopped) return;
    action(this.#options.now());
    this.drain();
  }

  /**
   * Feeds packets to the plane. As long as it has nothing to tell, no control code runs: the engine had no input, so it
   * wants nothing and its timers stand.
   */
  feedPackets(action: (now: Instant) => void): void {
    if (this.#stopped) return;
    const { plane, now, hasEvents } = this.#options;
    action(now());
    plane.flush(now());
    if (hasEvents()) this.drain();
  }

  /** Carries out what is waiting; safe to call from anywhere, also while it runs. */
  drain(): void {
    if (this.#running || this.#stopped) return;
    this.#running = true;
    try {
      while (this.#pass());
    } finally {
      this.#running = false;
    }
    this.#schedule();
  }

  #pass(): boolean {
    const { engine, plane, now, takeEvents, act } = this.#options;
    plane.flush(now());
    const events = takeEvents();
    if (events.length > 0) engine.handlePlane(now(), events);
    const output = engine.poll(now());
    if (output === undefined) return events.length > 0;
    if (output.kind === 'plane') plane.apply(now(), output.commands);
    else act(output);
    return true;
  }

  #schedule(): void {
    const at = this.#options.engine.nextTimeout() ?? Number.POSITIVE_INFINITY;
    if (at === this.#timerAt || this.#stopped) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    if (at === Number.POSITIVE_INFINITY) return;
    const delay = Math.min(Math.max(Math.ceil(at - this.#options.now()), 0), TIMEOUT_MSEC_MAX);
    this.#timer = setTimeout(() => {
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.feed((now) => this.#options.engine.handleTimeout(now));
    }, delay);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }
}
