/**
 * One router's control code: mesh and alanet joined, still without I/O. The router process and the simulator both feed
 * this; whoever feeds it calls `poll` until it is empty, carries out what came, and wakes it at `nextTimeout`.
 *
 * The way of an event: plane → `handlePlane` → mesh → (link events) → alanet → (link commands) → mesh → plane commands.
 */
import { Alanet, type AlanetCommand, type AlanetEvent, type Transit } from '../alanet/alanet.js';
import { type Prefix, prefixOfNode } from '../base/ip6.js';
import { earliest, type Instant } from '../base/time.js';
import { Mesh } from '../mesh/mesh.js';
import type {
  Beacon,
  BeaconOutput,
  Joined,
  MeshAnswer,
  MeshCommand,
  MeshEvent,
  PathOpened,
  RelayOutput,
} from '../mesh/types.js';
import type { FibChange, PathId, PlaneCommand, PlaneEvent } from '../plane/types.js';
import type { SignedRecord } from '../wire/types.js';
import type { EngineOptions } from './options.js';

export type EngineOutput =
  /** To be applied in order, before anything else is fed in. */
  | { readonly kind: 'plane'; readonly commands: readonly PlaneCommand[] }
  | { readonly kind: 'open'; readonly request: number; readonly endpoint: string }
  | { readonly kind: 'release'; readonly path: PathId }
  | BeaconOutput
  | RelayOutput
  | { readonly kind: 'event'; readonly event: MeshEvent | AlanetEvent }
  /** Somebody came with a good invitation. */
  | Joined
  /** Prefixes that the host should send into the TUN, or no longer. */
  | { readonly kind: 'kernel-routes'; readonly changes: readonly FibChange[] }
  /** The plane's answer to an injected echo, for `alamesh ping`. */
  | { readonly kind: 'pong'; readonly packet: Uint8Array }
  | { readonly kind: 'persist'; readonly highestSeen: unknown };

/** Ours: plane commands that go down in one batch. */
const COMMANDS_MAX = 4096;

export interface OwnService {
  readonly prefix: Prefix;
  readonly record: SignedRecord;
}

export class Engine {
  readonly mesh: Mesh;
  readonly alanet: Alanet;
  #commands: PlaneCommand[] = [];
  readonly #outputs: EngineOutput[] = [];
  #services: readonly Prefix[] = [];

  readonly #options: EngineOptions;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.mesh = new Mesh(options.mesh);
    this.alanet = new Alanet(options.alanet);
  }

  /** Once, before anything is fed in. */
  start(now: Instant): void {
    this.#setLocal();
    this.alanet.start(now);
  }

  /** All services of this host: their signed records, and the /128 of each. */
  setServices(now: Instant, services: readonly OwnService[]): void {
    this.#services = services.map(({ prefix }) => prefix);
    this.#setLocal();
    const records = services.map(({ record }) => record);
    this.alanet.handleCommand(now, { kind: 'set-services', services: records });
  }

  #setLocal(): void {
    const { id } = this.#options.identity;
    const transit = this.alanet.transit !== 'none';
    const prefixes = [prefixOfNode(id), ...this.#services];
    this.#commands.push({ kind: 'local', address: id, prefixes, transit });
  }

  setTransit(now: Instant, transit: Transit): void {
    this.#options.record.setTransit(transit);
    const wasFull = this.alanet.transit === 'full';
    this.alanet.handleCommand(now, { kind: 'set-transit', transit });
    this.#setLocal();
    if ((transit === 'full') !== wasFull) this.#greetAgain(now);
  }

  /** Neighbors learn from the Hello whether our packets may be somebody else's: every link greets anew. */
  #greetAgain(now: Instant): void {
    const reason = 'transit changed';
    for (const { link, up } of this.alanet.neighbors.values()) {
      if (up !== undefined) this.mesh.handleLinkCommand(now, { kind: 'reset', link, reason });
    }
  }

  /** Withdraws, then says goodbye; whoever feeds this carries out the outputs and then stops. */
  shutdown(now: Instant): void {
    this.alanet.handleCommand(now, { kind: 'shutdown' });
    while (this.#pollAlanet(now));
    while (this.#pollMesh(now));
    this.mesh.handleCommand(now, { kind: 'shutdown', reason: 'the router stops' });
  }

  handlePlane(now: Instant, events: readonly PlaneEvent[]): void {
    for (const event of events) {
      if (event.kind === 'pong') this.#outputs.push(event);
      else this.mesh.handlePlane(now, event);
    }
  }

  handleBeacon(now: Instant, beacon: Beacon): void {
    this.mesh.handleBeacon(now, beacon);
  }

  handlePathOpened(now: Instant, opened: PathOpened): void {
    this.mesh.handlePathOpened(now, opened);
  }

  commandMesh(now: Instant, command: MeshCommand): MeshAnswer {
    return this.mesh.handleCommand(now, command);
  }

  commandAlanet(now: Instant, command: AlanetCommand): void {
    this.alanet.handleCommand(now, command);
  }

  handleTimeout(now: Instant): void {
    if ((this.mesh.nextTimeout() ?? Number.POSITIVE_INFINITY) <= now) this.mesh.handleTimeout(now);
    if ((this.alanet.nextTimeout() ?? Number.POSITIVE_INFINITY) <= now) {
      this.alanet.handleTimeout(now);
    }
  }

  nextTimeout(): Instant | undefined {
    return earliest(this.mesh.nextTimeout(), this.alanet.nextTimeout());
  }

  /** The next thing to do; plane commands come in batches, in the order in which they arose. */
  poll(now: Instant): EngineOutput | undefined {
    while (this.#outputs.length === 0) {
      if (this.#pollMesh(now)) continue;
      if (this.#pollAlanet(now)) continue;
      return this.#takeCommands();
    }
    return this.#takeCommands() ?? this.#outputs.shift();
  }

  #takeCommands(): EngineOutput | undefined {
    if (this.#commands.length === 0) return undefined;
    const commands = this.#commands;
    this.#commands = [];
    return { kind: 'plane', commands };
  }

  #pollMesh(now: Instant): boolean {
    const output = this.mesh.poll();
    if (output === undefined) return false;
    switch (output.kind) {
      case 'plane':
        this.#commands.push(output.command);
        return this.#commands.length < COMMANDS_MAX;
      case 'link':
        this.alanet.handleLink(now, output.event);
        return true;
      case 'open':
      case 'release':
      case 'beacon':
      case 'joined':
      case 'relayed':
      case 'relay-closed':
      case 'event':
        this.#outputs.push(output);
        return true;
      default:
        return output satisfies never;
    }
  }

  #pollAlanet(now: Instant): boolean {
    const output = this.alanet.poll();
    if (output === undefined) return false;
    switch (output.kind) {
      case 'link': {
        const answer = this.mesh.handleLinkCommand(now, output.command);
        if (output.command.kind === 'send') {
          this.alanet.handleSendAnswer(now, output.command.link, answer);
        }
        return true;
      }
      case 'fib':
        this.#commands.push({ kind: 'fib', changes: output.changes });
        this.#outputs.push({ kind: 'kernel-routes', changes: output.changes });
        return true;
      case 'event':
      case 'persist':
        this.#outputs.push(output);
        return true;
      default:
        return output satisfies never;
    }
  }
}
