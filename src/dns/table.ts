/** Which names there are: what the resolver asks, and the table that node records (and later the registry) fill. */
import { toHex } from '../base/bytes.js';
import type { Name } from './name.js';

/** Offered at a name: SRV at `_<service>._<protocol>.<name>`. */
export interface NamedPort {
  /** Without the underscore: `http`. */
  readonly service: string;
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
}

/** What a name leads to. */
export interface NameEntry {
  /** `<node or service>`, `<handle>`: lower case, without `ala`. */
  readonly name: readonly [string, string];
  /** 16 bytes each, of fc00::/7. */
  readonly addresses: readonly Uint8Array[];
  readonly ports: readonly NamedPort[];
  /** Of a TXT record; none without. */
  readonly texts: readonly string[];
}

export interface NameTable {
  /** Rises when anything changes; 32 bits, for the SOA. */
  readonly serial: number;
  entry(name: string, handle: string): NameEntry | undefined;
  hasHandle(handle: string): boolean;
  /** @param address 16 bytes. */
  namesOf(address: Uint8Array): readonly NameEntry[];
  entries(): Iterable<NameEntry>;
}

/** Letters, digits and `-` inside, as host names have them; `_` is kept, as node names may have it. */
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** One who claims a name. */
export type Claim = Omit<NameEntry, 'name'> & { readonly name: string; readonly handle: string };

/** A table that does not change; make another when something did. */
export class StaticTable implements NameTable {
  readonly serial: number;
  readonly #byName = new Map<string, NameEntry>();
  readonly #handles = new Set<string>();
  readonly #byAddress = new Map<string, NameEntry[]>();

  /**
   * @param claims Upper case is folded; names that cannot be labels are left out. A name that two claim is nobody's, so that no one
   *   takes another's; the caller merges what is meant to be one.
   */
  constructor(serial: number, claims: Iterable<Claim>) {
    this.serial = serial >>> 0;
    const disputed = new Set<string>();
    for (const claim of claims) {
      const name = claim.name.toLowerCase();
      const handle = claim.handle.toLowerCase();
      const key = `${name}.${handle}`;
      if (!LABEL.test(name) || !LABEL.test(handle)) continue;
      if (this.#byName.has(key)) disputed.add(key);
      this.#byName.set(key, { ...claim, name: [name, handle] });
    }
    for (const key of disputed) this.#byName.delete(key);
    for (const entry of this.#byName.values()) this.#index(entry);
  }

  #index(entry: NameEntry): void {
    this.#handles.add(entry.name[1]);
    for (const address of entry.addresses) {
      const key = toHex(address);
      const known = this.#byAddress.get(key);
      if (known === undefined) this.#byAddress.set(key, [entry]);
      else known.push(entry);
    }
  }

  entry(name: string, handle: string): NameEntry | undefined {
    return this.#byName.get(`${name}.${handle}`);
  }

  hasHandle(handle: string): boolean {
    return this.#handles.has(handle);
  }

  namesOf(address: Uint8Array): readonly NameEntry[] {
    return this.#byAddress.get(toHex(address)) ?? [];
  }

  entries(): Iterable<NameEntry> {
    return this.#byName.values();
  }
}

export const fullName = ({ name }: NameEntry): Name => [...name, 'ala'];
