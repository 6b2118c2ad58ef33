import type { Instant } from './time.js';

export interface Timeout<Name> {
  readonly at: Instant;
  readonly name: Name;
}

/** Named timers as data. Setting a name again moves it; a machine asks which are due. */
export class Timers<Name extends string> {
  readonly #due = new Map<Name, Instant>();

  set(name: Name, at: Instant): void {
    this.#due.set(name, at);
  }

  /** Sets the timer only if it is not running or would fire later. */
  setEarlier(name: Name, at: Instant): void {
    const due = this.#due.get(name);
    if (due === undefined || at < due) this.#due.set(name, at);
  }

  clear(name: Name): void {
    this.#due.delete(name);
  }

  clearAll(): void {
    this.#due.clear();
  }

  at(name: Name): Instant | undefined {
    return this.#due.get(name);
  }

  next(): Timeout<Name> | undefined {
    let first: Timeout<Name> | undefined;
    for (const [name, at] of this.#due) {
      if (first === undefined || at < first.at) first = { at, name };
    }
    return first;
  }

  /** Removes and returns one timer that is due, the earliest first. */
  takeDue(now: Instant): Name | undefined {
    const first = this.next();
    if (first === undefined || first.at > now) return undefined;
    this.#due.delete(first.name);
    return first.name;
  }
}
