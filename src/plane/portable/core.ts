/**
 * The portable plane without I/O: whoever hosts it feeds datagrams, TUN packets and commands in, calls `flush` at the end
 * of each pass, and takes the events that came. Time and ports are arguments, so the simulator runs this very code.
 *
 * The way of a packet: `incoming` (open) → `forwarding` (where to) → `outgoing` (seal) → `trains` (send).
 */
import type { Crypto } from '../../base/crypto.js';
import { addressBytes, prefixBytes, prefixLength } from '../../base/ip6.js';
import { after, type Instant } from '../../base/time.js';
import type { LinkId } from '../../link/types.js';
import type { PathFailure } from '../../transport/types.js';
import { Fib, type FibEntry, type NextHop } from '../fib.js';
import type {
  FibChange,
  LinkCounters,
  PathId,
  PathInfo,
  PathPort,
  Plane,
  PlaneCommand,
  PlaneEvent,
  TunPort,
} from '../types.js';
import { Drops } from './drops.js';
import { Forwarding } from './forwarding.js';
import { Incoming } from './incoming.js';
import { Link, type LinkSettings } from './link.js';
import { Outbox } from './outbox.js';
import { Outgoing } from './outgoing.js';
import { Sessions } from './sessions.js';
import { Trains } from './trains.js';

export interface PortableOptions {
  readonly crypto: Crypto;
  readonly tun: TunPort;
  readonly paths: PathPort;
  /** undefined for a path that is gone. */
  readonly pathInfo: (id: PathId) => PathInfo | undefined;
  /**
   * Takes one event; called from within any method here, so it only stores. Between two calls of `flush` there are at
   * most `EVENTS_PER_PASS_MAX` of them and a few per link; the rest is dropped and counted.
   */
  readonly emit: (event: PlaneEvent) => void;
  /** A random u32, so that nobody can aim prefixes at one slot of the forwarding table. Default 0. */
  readonly fibSeed?: number;
}

/** Ours: how often keys and parts that are too old are looked for. */
const SWEEP_INTERVAL_MSEC = 1_000;

export class PortableCore implements Plane {
  readonly kind = 'portable';
  readonly #links = new Map<LinkId, Link>();
  readonly #fib: Fib;
  readonly #sessions: Sessions;
  readonly #drops = new Drops();
  readonly #outbox: Outbox;
  readonly #trains: Trains;
  readonly #outgoing: Outgoing;
  readonly #forwarding: Forwarding;
  readonly #incoming: Incoming;
  #sweepAt: Instant | undefined;

  constructor(options: PortableOptions) {
    const { crypto, tun, paths, pathInfo } = options;
    const drops = this.#drops;
    this.#fib = new Fib(options.fibSeed);
    const [fib, links] = [this.#fib, this.#links];
    const sessions = new Sessions(crypto);
    const outbox = new Outbox(options.emit, drops);
    const trains = new Trains(paths, drops);
    const outgoing = new Outgoing({ trains, drops, outbox, pathInfo });
    const forwarding = new Forwarding({ fib, links, tun, drops, outbox, outgoing });
    this.#sessions = sessions;
    this.#outbox = outbox;
    this.#trains = trains;
    this.#outgoing = outgoing;
    this.#forwarding = forwarding;
    this.#incoming = new Incoming({ sessions, drops, outbox, outgoing, forwarding });
  }

  apply(now: Instant, commands: readonly PlaneCommand[]): void {
    for (const command of commands) this.#apply(now, command);
  }

  /** @param datagrams As one transport read them; used only during the call. */
  handleDatagrams(now: Instant, path: PathInfo, datagrams: readonly Uint8Array[]): void {
    for (const datagram of datagrams) this.#incoming.handle(now, path, datagram);
  }

  /** @param packets One IPv6 packet each, as the kernel routed them to us; used only during the call. */
  handleTunPackets(now: Instant, packets: readonly Uint8Array[]): void {
    for (const packet of packets) this.#forwarding.fromTun(now, packet);
  }

  handlePathFailed(_now: Instant, path: PathInfo, failure: PathFailure): void {
    const { kind, bytes } = failure;
    this.#outbox.push({
      ...{ kind: 'path-failed', path, failure: kind },
      ...(bytes === undefined ? {} : { bytes }),
    });
  }

  /** Ends a pass: sends what was gathered. The host has taken all events when it calls this again. */
  flush(now: Instant): void {
    this.#trains.flush();
    this.#outbox.drained();
    if (this.#sweepAt !== undefined && now < this.#sweepAt) return;
    this.#sweepAt = after(now, SWEEP_INTERVAL_MSEC);
    this.#sessions.removeExpired(now);
    for (const link of this.#links.values()) this.#expireJoins(now, link);
  }

  readLink(link: LinkId, into: LinkCounters): boolean {
    const known = this.#links.get(link);
    known?.read(into);
    return known !== undefined;
  }

  drops(): Record<string, number> {
    return this.#drops.snapshot();
  }

  /** Where a packet to this address (16 bytes) would go now; for checks. */
  nextHop(address: Uint8Array): NextHop {
    return this.#fib.lookup(address, 0);
  }

  /** Prefixes in the forwarding table, our own address and prefixes included; for checks. */
  get fibSize(): number {
    return this.#fib.size;
  }

  #apply(now: Instant, command: PlaneCommand): void {
    switch (command.kind) {
      case 'local':
        this.#forwarding.configure(command, addressBytes(command.address));
        return;
      case 'link':
        this.#configureLink(command);
        return;
      case 'fib':
        this.#changeRoutes(command.changes);
        return;
      case 'transmit':
        this.#outgoing.transmit(command.path, command.datagram);
        return;
      case 'inject':
        this.#forwarding.inject(now, command.packet);
        return;
      case 'remove-link':
      case 'keypair':
      case 'wipe-keys':
      case 'send':
      case 'arm': {
        const link = this.#links.get(command.link);
        if (link !== undefined) this.#applyToLink(now, link, command);
        return;
      }
      default:
        command satisfies never;
    }
  }

  #applyToLink(now: Instant, link: Link, command: LinkCommand): void {
    switch (command.kind) {
      case 'remove-link':
        this.#forgetKeys(link);
        this.#setPrefixes(link, undefined);
        this.#links.delete(link.id);
        return;
      case 'keypair':
        this.#sessions.install(link, command.keypair);
        link.keyWantedAt = undefined;
        if (command.keypair.initiator) this.#outgoing.sendStaged(now, link);
        return;
      case 'wipe-keys':
        this.#forgetKeys(link);
        return;
      case 'send':
        this.#outgoing.sendControl(now, link, command.payload, command.via);
        return;
      case 'arm':
        link.armed = true;
        return;
      default:
        command satisfies never;
    }
  }

  #configureLink(settings: LinkSettings): void {
    let link = this.#links.get(settings.link);
    if (link === undefined) {
      link = new Link(settings);
      this.#links.set(link.id, link);
    } else {
      this.#setPrefixes(link, undefined);
      link.configure(settings);
    }
    this.#setPrefixes(link, settings.prefixes);
  }

  /** Takes the link's old stock prefixes out of the table and puts new ones in. */
  #setPrefixes(link: Link, prefixes: LinkSettings['prefixes']): void {
    for (const prefix of link.prefixes ?? []) this.#fib.delete({ ...prefix, layer: 'peer' });
    link.prefixes = prefixes;
    for (const prefix of prefixes ?? []) this.#fib.set({ ...prefix, layer: 'peer' }, link.id);
  }

  #changeRoutes(changes: readonly FibChange[]): void {
    for (const change of changes) {
      const { prefix } = change;
      const entry: FibEntry = {
        address: prefixBytes(prefix),
        length: prefixLength(prefix),
        layer: 'route',
      };
      if (change.kind === 'set') this.#fib.set(entry, change.link);
      else this.#fib.delete(entry);
    }
  }

  #forgetKeys(link: Link): void {
    this.#sessions.removeAll(link);
    link.staged.clear();
    link.keyWantedAt = undefined;
  }

  #expireJoins(now: Instant, link: Link): void {
    link.joiner.expire(now);
    const abandoned = link.joiner.takeAbandoned();
    if (abandoned > 0) this.#drops.count('reassembly', abandoned);
  }
}

type LinkCommand = Extract<
  PlaneCommand,
  { kind: 'remove-link' | 'keypair' | 'wipe-keys' | 'send' | 'arm' }
>;
