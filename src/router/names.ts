/** The names that this router answers for: of the registry in force, else what peers' signed records say of themselves. */

import { toHex } from '../base/bytes.js';
import { EXIT, UserError } from '../base/errors.js';
import { addressBytes, formatAddress, type NodeId, nodeIdOf, parseNodeId } from '../base/ip6.js';
import { CLASS, RCODE, type RecordData, TYPE, type TypeName } from '../dns/message.js';
import { formatName, type Name, parseName } from '../dns/name.js';
import { addressName, Resolver } from '../dns/resolver.js';
import { type Claim, fullName, type NameTable, StaticTable } from '../dns/table.js';
import type { Engine } from '../engine/engine.js';

/** Ours: records of peers change rarely; a new one is seen after this. */
const REFRESH_MSEC = 1_000;

export interface NamesOptions {
  readonly own: NodeId;
  readonly engine: Engine;
  /** Milliseconds, of a clock that does not go back. */
  readonly now: () => number;
  /** Epoch seconds; serials begin there, so that they rise over a restart too. */
  readonly seconds: number;
}

export class Names {
  readonly resolver: Resolver;
  readonly #options: NamesOptions;
  #registry: readonly Claim[] = [];
  #registryShown = shownClaims([]);
  #listed: ReadonlySet<string> = new Set();
  #table: NameTable;
  #unlistedShown = shownClaims([]);
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(options: NamesOptions) {
    this.#options = options;
    this.#table = new StaticTable(options.seconds, []);
    this.resolver = new Resolver(addressBytes(options.own), () => this.table());
  }

  /** What the registry in force says. A name of it is never a peer's by the peer's word alone. */
  setRegistry(claims: readonly Claim[]): void {
    const shown = shownClaims(claims);
    if (shown === this.#registryShown) return;
    this.#registryShown = shown;
    this.#registry = claims;
    this.#listed = new Set(claims.map(keyOf));
    this.#remake(this.#unlisted());
  }

  /** Peers' own claims are few: they are looked at again, the registry is not. */
  table(): NameTable {
    const at = this.#options.now();
    if (at - this.#lookedAt < REFRESH_MSEC) return this.#table;
    this.#lookedAt = at;
    const claims = this.#unlisted();
    if (shownClaims(claims) !== this.#unlistedShown) this.#remake(claims);
    return this.#table;
  }

  #remake(unlisted: readonly Claim[]): void {
    this.#unlistedShown = shownClaims(unlisted);
    this.#table = new StaticTable(this.#table.serial + 1, [...this.#registry, ...unlisted]);
  }

  /** Only peers that were configured: a stranger further away must not choose names here. */
  #unlisted(): Claim[] {
    const { mesh, alanet } = this.#options.engine;
    const claims = mesh.peers().flatMap((peer): Claim[] => {
      const id = peer.address === null ? undefined : parseNodeId(peer.address);
      const node = id?.ok === true ? alanet.subjects.nodes.get(id.value) : undefined;
      if (peer.source !== 'configured' || node === undefined) return [];
      const { name, handle } = node.body;
      return [{ name, handle, addresses: [addressBytes(node.id)], ports: [], texts: [] }];
    });
    return claims.filter((claim) => claim.handle !== '' && !this.#listed.has(keyOf(claim)));
  }

  /** `alamesh.dns.hosts/1`: every node that has a route here or a name. */
  hosts() {
    const addresses = new Map<string, Uint8Array>();
    const add = (address: Uint8Array): void => void addresses.set(nodeIdOf(address), address);
    add(addressBytes(this.#options.own));
    for (const id of this.#options.engine.alanet.subjects.nodes.keys()) add(addressBytes(id));
    const table = this.table();
    for (const entry of table.entries()) entry.addresses.forEach(add);
    const hosts = [...addresses.values()].map((address) => {
      const names: Name[] = table.namesOf(address).map(fullName);
      return {
        address: formatAddress(address),
        names: [...names, addressName(address)].map(plainName),
      };
    });
    return { schema: 'alamesh.dns.hosts/1', hosts };
  }

  /** `alamesh.dns.lookup/1`. @throws UserError for what is no name or type. */
  lookup(text: string, typeText: string) {
    const name = parseName(text);
    if (!name.ok) throw new UserError(name.error, { code: 'bad-name', exit: EXIT.usage });
    const type = typeText.toUpperCase();
    if (!Object.hasOwn(TYPE, type)) {
      const hint = 'for instance AAAA, PTR, SRV or TXT';
      throw new UserError(`'${typeText.slice(0, 20)}' is no type of record`, {
        ...{ code: 'bad-type', hint, exit: EXIT.usage },
      });
    }
    const question = { name: name.value, type: TYPE[type as TypeName], class: CLASS.IN };
    const { rcode, answers } = this.resolver.resolve(question);
    return {
      schema: 'alamesh.dns.lookup/1',
      ...{ name: formatName(name.value), type },
      rcode: Object.entries(RCODE).find(([, value]) => value === rcode)?.[0] ?? `${rcode}`,
      answers: answers.map(({ name: owner, ttl, data }) => ({
        ...{ name: formatName(owner), ttlMsec: ttl * 1000, type: data.type, data: dataText(data) },
      })),
    };
  }
}

/** Equal where nothing changed. */
const shownClaims = (claims: readonly Claim[]): string =>
  JSON.stringify(claims, (_key, value: unknown) =>
    value instanceof Uint8Array ? toHex(value) : value,
  );

const keyOf = ({ name, handle }: Claim): string => `${name}.${handle}`.toLowerCase();
const plainName = (name: Name): string => formatName(name).slice(0, -1);

/** As in a zone file. */
function dataText(data: RecordData): string {
  switch (data.type) {
    case 'A':
      return data.address.join('.');
    case 'AAAA':
      return formatAddress(data.address);
    case 'NS':
    case 'PTR':
      return formatName(data.target);
    case 'SRV':
      return `${data.priority} ${data.weight} ${data.port} ${formatName(data.target)}`;
    case 'TXT':
      return data.texts.map((text) => JSON.stringify(text)).join(' ');
    case 'SOA': {
      const { primary, mailbox, serial, refresh, retry, expire, minimum } = data;
      return `${formatName(primary)} ${formatName(mailbox)} ${[serial, refresh, retry, expire, minimum].join(' ')}`;
    }
    default:
      return data satisfies never;
  }
}
