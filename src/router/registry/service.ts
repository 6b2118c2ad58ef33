/** The registry in a running router: its schedule, and the peers and names that it gives. */
import path from 'node:path';
import { toBase64Url } from '../../base/bytes.js';
import type { Entropy } from '../../base/entropy.js';
import { addressBytes, type Prefix, prefixBytes } from '../../base/ip6.js';
import type { Instant } from '../../base/time.js';
import type { Claim } from '../../dns/table.js';
import { parsePort } from '../../identity/ports.js';
import type { RegistryConfig, WebhookConfig } from '../config/config.js';
import type { Log } from '../log.js';
import type { StoredPeer } from '../peer-store.js';
import { readSecretFile } from '../secret-file.js';
import { diffDocument, statusDocument, syncDocument } from './documents.js';
import { Hints } from './hints.js';
import { Peering, type SeenPeer } from './peering.js';
import type { RegistrySync } from './sync.js';
import { Webhook } from './webhook.js';

export interface ServiceOptions {
  readonly sync: RegistrySync;
  readonly config: RegistryConfig;
  /** Our own X25519 key: no peer of ourselves. */
  readonly ownKey: Uint8Array;
  /** How the links of the mesh are now. */
  readonly seen: () => SeenPeer[];
  /** Others are to be dialed than before. */
  readonly chosen: () => void;
  readonly entropy: Entropy;
  readonly log: Log;
  readonly now: () => Instant;
  /** What is in force has changed. */
  readonly changed: () => void;
  /** An event for `alamesh monitor`. */
  readonly tell: (event: RegistryEvent) => void;
}

interface RegistryEvent {
  readonly kind: 'registry';
  readonly outcome: 'applied' | 'pending' | 'failed';
  readonly head: string | null;
  readonly message: string;
}

/** Ours: after the start, when links to a mirror in the mesh are up. */
const FIRST_MSEC = 2_000;
/** Ours: after the first failure; doubled with each, up to the interval. */
const RETRY_MSEC = 30_000;
const JITTER = 0.2;
/** Ours: how often links are looked at, to choose others where some died. */
const LOOK_MSEC = 5_000;

export class RegistryService {
  readonly #options: ServiceOptions;
  #config: RegistryConfig;
  #timer: NodeJS.Timeout | undefined;
  #nextAt: number | null = null;
  #failures = 0;
  #stopped = false;
  #webhook: Webhook | undefined;
  readonly #hints: Hints;
  readonly #peering: Peering;
  #looking: NodeJS.Timeout | undefined;
  /** Members in force that had not expired when peers were last made of them. */
  #live = 0;

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#live = this.#countLive();
    this.#config = options.config;
    this.#peering = new Peering(options.ownKey, options.config.policy);
    this.#takeMembers();
    this.#hints = new Hints(async () => {
      await options.sync.idle(); // a look that runs may have seen the head before the push
      await this.sync(undefined);
    });
  }

  start(): void {
    this.#looking = setInterval(() => this.#look(), LOOK_MSEC);
    this.#looking.unref();
    this.#schedule();
  }

  #schedule(): void {
    if (this.#urls().length > 0) this.#plan(FIRST_MSEC);
  }

  /** A new config: used from now on. */
  configure(config: RegistryConfig): void {
    this.#config = config;
    clearTimeout(this.#timer);
    this.#nextAt = null;
    this.#peering.setPolicy(config.policy);
    this.#peering.choose(performance.now());
    this.#schedule();
  }

  /** @throws UserError: address in use, a secret that cannot be read. */
  async listen(config: WebhookConfig, dir: string): Promise<void> {
    const { log, now } = this.#options;
    const file = config.secretFile;
    const secret =
      config.secret ?? readSecretFile(path.resolve(dir, file ?? ''), '[webhook] secret_file');
    const pushed = (): void => this.#hints.hint();
    this.#webhook = await Webhook.open({ config, secret, log, now, pushed });
    log.info('webhook', 'listening', { url: this.#webhook.status.listening });
    if (this.#urls().length === 0) {
      log.warn(
        'webhook',
        'no registry is followed: set url in [registry], or pushes change nothing',
      );
    }
  }

  #urls(): string[] {
    const url = this.#config.url ?? this.#options.sync.state.inForce?.url;
    return url === undefined ? [] : [url, ...this.#config.mirrors];
  }

  #plan(msec: number): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    const { entropy } = this.#options;
    const span = msec * JITTER;
    const wait = Math.round(msec - span + entropy.below(Math.floor(2 * span) + 1));
    this.#nextAt = Date.now() + wait;
    this.#timer = setTimeout(() => void this.sync(undefined).catch(() => {}), wait);
    this.#timer.unref();
  }

  #intervalMsec(): number {
    return this.#config.intervalSeconds * 1000;
  }

  /** @param url Instead of the configured ones. @throws UserError; then the next try is soon, later and later. */
  async sync(url: string | undefined) {
    const { sync, log, changed, tell } = this.#options;
    try {
      const synced = await sync.sync(url === undefined ? this.#urls() : [url]);
      this.#failures = 0;
      const document = syncDocument(synced);
      if (synced.outcome === 'applied' || this.#countLive() !== this.#live) {
        this.#takeMembers();
        changed();
      }
      this.#live = this.#countLive();
      const { outcome, head, message } = document;
      if (outcome === 'unchanged') return document;
      log.info('registry', message);
      tell({ kind: 'registry', outcome, head, message });
      return document;
    } catch (error) {
      this.#failures++;
      const message = error instanceof Error ? error.message : String(error);
      log.warn('registry', message);
      tell({ kind: 'registry', outcome: 'failed', head: null, message });
      throw error;
    } finally {
      if (this.#urls().length > 0) this.#plan(this.#waitMsec());
    }
  }

  #countLive(): number {
    const seconds = Date.now() / 1000;
    const members = this.#options.sync.state.inForce?.members ?? [];
    return members.filter(({ notAfter }) => notAfter >= seconds).length;
  }

  #waitMsec(): number {
    const interval = this.#intervalMsec();
    if (this.#failures === 0) return interval;
    return Math.min(interval, RETRY_MSEC * 2 ** Math.min(this.#failures - 1, 20));
  }

  async approve(head: string | undefined) {
    await this.#options.sync.approve(head);
    return this.sync(undefined);
  }

  status() {
    const webhook = this.#webhook?.status ?? null;
    const schedule = { nextSyncAt: this.#nextAt, failures: this.#failures, webhook };
    const why = (key: string) => this.#peering.why(key);
    return statusDocument(this.#options.sync.state, this.#config.url, schedule, Date.now(), why);
  }

  diff() {
    return diffDocument(this.#options.sync.state);
  }

  /** Members that are dialed. */
  peers(): StoredPeer[] {
    return this.#peering.dialed();
  }

  /** Members that may come by themselves. */
  others(): StoredPeer[] {
    return this.#peering.others();
  }

  /** Takes the members in force that have not expired, without ourselves. */
  #takeMembers(): void {
    const seconds = Date.now() / 1000;
    const own = toBase64Url(this.#options.ownKey);
    const members = this.#options.sync.state.inForce?.members ?? [];
    this.#peering.setMembers(members.filter((one) => one.key !== own && one.notAfter >= seconds));
    this.#peering.choose(performance.now());
  }

  #look(): void {
    const at = performance.now();
    if (this.#peering.look(at, this.#options.seen()) && this.#peering.choose(at)) {
      this.#options.chosen();
    }
  }

  /** Names of nodes and services in force. */
  claims(): Claim[] {
    const { members = [], services = [] } = this.#options.sync.state.inForce ?? {};
    const seconds = Date.now() / 1000;
    const nodes = members.map((one) => ({ ...one, address: addressBytes(one.id) }));
    const others = services.map((one) => ({ ...one, address: prefixBytes(one.prefix as Prefix) }));
    const offered = (words: readonly string[]): Pick<Claim, 'ports' | 'texts'> => ({
      ports: words.map((word) => parsePort(word)).filter((port) => port !== undefined),
      texts: words,
    });
    return [...nodes, ...others]
      .filter(({ notAfter }) => notAfter >= seconds)
      .map((one) => {
        const { name, handle, address } = one;
        const words = 'ports' in one ? (one.ports ?? []) : [];
        return { name, handle, addresses: [address], ...offered(words) };
      });
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearInterval(this.#looking);
    this.#hints.stop();
    this.#webhook?.close();
    this.#options.sync.stop();
  }
}
