/** Who listens to events: the control API's `monitor` streams. */
import type { Document } from './control/types.js';

export class Monitor {
  readonly #listeners = new Set<(event: Document) => void>();

  /** Calls back for each event until the signal fires. */
  listen(each: (event: Document) => void, gone: AbortSignal): void {
    this.#listeners.add(each);
    gone.addEventListener('abort', () => this.#listeners.delete(each), { once: true });
  }

  tell(event: { readonly kind: string }): void {
    if (this.#listeners.size === 0) return;
    const document = { schema: 'alamesh.monitor/1', at: Date.now(), ...event };
    for (const each of this.#listeners) each(document);
  }

  close(): void {
    this.#listeners.clear();
  }
}
