/** The services of this host: their keys on disk, their records signed and renewed, their addresses announced. */
import { addressBytes, formatAddress, type NodeId, prefixBytes } from '../base/ip6.js';
import type { OwnService } from '../engine/engine.js';
import { formatPort } from '../identity/ports.js';
import { countersignService, signService } from '../identity/records.js';
import { nodeCrypto } from '../platform/crypto.js';
import { loadServices, nextServiceSeq, type ServiceKey } from '../platform/service-keys.js';
import type { SignedRecord } from '../wire/types.js';
import type { Log } from './log.js';

/** Ours: a record outlives its host's silence by this; renewed at half of it. */
const LIFE_SECONDS = 7 * 86_400;
const RENEW_MSEC = (LIFE_SECONDS / 2) * 1000;

interface Host {
  readonly id: NodeId;
  /** Ed25519, secret. */
  readonly seed: Uint8Array;
}

export interface ServicesOptions {
  /** State directory. */
  readonly dir: string;
  readonly identity: Host & { readonly realm: string };
  readonly log: Log;
  /** All there are, whenever they change. */
  readonly set: (services: readonly OwnService[]) => void;
}

export class Services {
  readonly #options: ServicesOptions;
  #keys: readonly ServiceKey[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: ServicesOptions) {
    this.#options = options;
  }

  get keys(): readonly ServiceKey[] {
    return this.#keys;
  }

  /** Looks at the keys on disk. @throws UserError for one that is damaged; then nothing changes. */
  async load(): Promise<void> {
    const { dir, identity, log } = this.#options;
    const all = await loadServices(dir);
    const [ours, others] = [true, false].map((is) =>
      all.filter(({ realm }) => (realm === identity.realm) === is),
    ) as [ServiceKey[], ServiceKey[]];
    for (const { name, realm } of others) {
      log.warn('services', `${name} is of realm ${realm}: it is not announced here`);
    }
    this.#keys = ours;
    this.#sign();
  }

  #sign(): void {
    if (this.#isStopped) return;
    const { identity, set } = this.#options;
    const notAfter = Math.floor(Date.now() / 1000) + LIFE_SECONDS;
    set(
      this.#keys.map((key) => {
        const record = serviceRecord(key, identity, notAfter);
        return { prefix: key.prefix, record };
      }),
    );
    clearTimeout(this.#timer);
    if (this.#keys.length === 0) return;
    this.#timer = setTimeout(() => this.#sign(), RENEW_MSEC);
    this.#timer.unref();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }
}

/** Signed by the service and by its host. */
export function serviceRecord(
  key: ServiceKey,
  host: Host,
  /** Epoch seconds. */
  notAfter: number,
): SignedRecord {
  const crypto = nodeCrypto();
  const { name, realm, proof, seed, ports } = key;
  const seq = nextServiceSeq(key);
  const body = {
    ...{ realm, proof, host: addressBytes(host.id), seq, notAfter },
    ...{ anycast: false, name, ports: ports.map(formatPort) },
  };
  return countersignService(crypto, host.seed, signService(crypto, seed, body));
}

/** `alamesh.services/1`. */
export function servicesDocument(keys: readonly ServiceKey[]) {
  const services = keys.map(({ name, realm, prefix, ports }) => ({
    ...{ name, realm, address: formatAddress(prefixBytes(prefix)), prefix },
    ports: ports.map(formatPort),
  }));
  return { schema: 'alamesh.services/1', services };
}
