/** What others do to our TUN: taken down, moved to another network namespace, its address removed. What can be mended is. */
import { equalBytes } from '../base/bytes.js';
import { SystemError } from '../posix/libc.js';
import { addAddress, type LinkInfo, listAddresses, listLinks } from './rtnetlink.js';

const IFF_UP = 1;

/** `elsewhere`: not in this network namespace any more, or deleted and not yet noticed. */
export type TunState = 'up' | 'down' | 'elsewhere' | 'deleted';

export interface TunCareOptions {
  /** Of the TUN, when it was made. */
  readonly index: number;
  readonly name: string;
  /** What it is called by now; undefined when it is gone. */
  readonly nameNow: () => string | undefined;
  /** What it must have now, 16 bytes each. */
  readonly addresses: () => readonly Uint8Array[];
  /** It is up again, and lost its routes meanwhile. A device that went elsewhere may come back with another index. */
  readonly restored: (index: number) => void;
  readonly log: (message: string) => void;
}

export class TunCare {
  readonly #options: TunCareOptions;
  #index: number;
  #state: TunState = 'up';
  #problem = '';

  constructor(options: TunCareOptions) {
    this.#options = options;
    this.#index = options.index;
  }

  get state(): TunState {
    return this.#state;
  }

  /** In words, empty while it is up. */
  get problem(): string {
    return this.#problem;
  }

  /** The descriptor says so: it will not come back. */
  deleted(reason: string): void {
    this.#become(
      'deleted',
      `${reason}: links go on, packets of this host do not; restart to have it back`,
    );
  }

  /** Looks again; call it when interfaces or addresses have changed. Never throws. */
  look(): void {
    if (this.#state === 'deleted') return;
    const { name, nameNow } = this.#options;
    try {
      const current = nameNow();
      const links = listLinks().filter((one) => one.name === current);
      const link = links.find(({ index }) => index === this.#index) ?? links[0];
      if (link === undefined) {
        const problem = `the interface ${name} is not in this network namespace any more`;
        this.#become('elsewhere', `${problem}: move it back, or restart`);
      } else if ((link.flags & IFF_UP) === 0) {
        this.#become('down', `the interface ${link.name} is down: ip link set ${link.name} up`);
      } else {
        this.#mend(link);
      }
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      this.#options.log(`cannot look at the interface ${name}: ${error.message}`);
    }
  }

  #mend({ index, name }: LinkInfo): void {
    const { addresses, restored, log } = this.#options;
    const present = listAddresses().filter((one) => one.index === index);
    const missing = addresses().filter(
      (wanted) => !present.some(({ address }) => equalBytes(address, wanted)),
    );
    for (const address of missing) addAddress(index, address);
    const wasUp = this.#state === 'up';
    this.#index = index;
    this.#state = 'up';
    this.#problem = '';
    if (wasUp && missing.length === 0) return;
    if (missing.length > 0) log(`gave the interface ${name} its address back`);
    if (!wasUp) log(`the interface ${name} is up again`);
    restored(index);
  }

  #become(state: TunState, problem: string): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#problem = problem;
    this.#options.log(problem);
  }
}
