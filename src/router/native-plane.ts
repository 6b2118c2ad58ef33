/**
 * The native plane in the router: commands go down and events come up in batches, packets never pass here. Datagrams of
 * transports without sockets (streams, relays) are the exception: the worker seals and opens them, the transport carries
 * them.
 */
import type { Instant } from '../base/time.js';
import type { LinkId } from '../link/types.js';
import {
  ByteReader,
  ByteWriter,
  COUNTER_FIELDS,
  COUNTER_NUMBERS,
  readEvent,
  writeCommand,
} from '../plane/native/codec.js';
import type {
  LinkCounters,
  PathId,
  PathInfo,
  PlaneCommand,
  PlaneEvent,
  PlaneHealth,
  QueueCounters,
} from '../plane/types.js';
import type { NativeBinding } from '../platform/native.js';
import type { Path, PathFailure, RawSocket, Transport } from '../transport/types.js';
import type { PathTable } from './paths.js';
import type { RouterPlane } from './planes.js';

/** Paths from here on were numbered by the worker, which heard them first. */
const STRANGERS_FROM = 0x8000_0000;
/** Ours: strangers that may still be named; more than the worker remembers. */
const STRANGERS_MAX = 8_192;
/** Ours: routes in one command, so that packets have their turn in between. */
const FIB_CHANGES_MAX = 1_000;
/** Ours: datagrams that a stream gets in one piece. */
const EXTERNAL_TRAIN_MAX = 64;
const ENDS_BYTES = 48;
const NO_ENDS = new Uint8Array(ENDS_BYTES);
const EVENT_NEW_PATH = 9;
const EVENT_EXTERNAL = 10;
const EVENT_TROUBLE = 11;
const TROUBLE_TUN_GONE = 1;
const TROUBLE_RESTARTED = 2;
const TROUBLE_PAUSED = 3;
const TROUBLE_RESUMED = 4;

export interface NativePlaneParts {
  readonly native: NativeBinding;
  readonly paths: PathTable;
  /** Any u32; see `fibSeed` of the portable plane. */
  readonly seed: number;
  readonly now: () => Instant;
  readonly emit: (event: PlaneEvent) => void;
  /** There is something to `collect`. */
  readonly wake: () => void;
  readonly tunGone: (reason: string) => void;
  readonly trouble: (message: string) => void;
}

export class NativePlane implements RouterPlane {
  readonly kind = 'native';
  readonly #parts: NativePlaneParts;
  readonly #handle: number;
  readonly #out = new ByteWriter();
  readonly #numbers = new Float64Array(COUNTER_NUMBERS);
  readonly #links = new Set<LinkId>();
  /** Ends of paths that only the worker has numbered, the oldest first. */
  readonly #strangers = new Map<PathId, Uint8Array>();
  readonly #transports: Transport[] = [];
  #external: { path: PathId | undefined; datagrams: Uint8Array[] } = {
    path: undefined,
    datagrams: [],
  };
  #health: PlaneHealth = { state: 'running', panics: 0, problem: null };
  #isStopped = false;

  /** @throws Error when the worker does not start. */
  constructor(parts: NativePlaneParts) {
    this.#parts = parts;
    this.#handle = parts.native.planeStart(parts.seed, parts.now(), parts.wake);
    parts.paths.watcher = {
      added: (info, path, transport) => this.#tellPath(info, path, transport),
      removed: (id) => void this.#out.u8(12).u32(id),
    };
  }

  /** Its sockets are read and written here from now on; before it listens. */
  takeOver(transport: Transport): void {
    this.#transports.push(transport);
    transport.sockets?.handOver((socket) => this.#tellSocket(socket));
  }

  /** Handshake messages without this key's MAC1 (whitepaper §5.4.4) never come up; many need a cookie (§5.4.7). */
  guard(keys: { readonly mac1: Uint8Array; readonly cookie: Uint8Array }): void {
    this.#out.u8(16).raw(keys.mac1).raw(keys.cookie);
    this.#send();
  }

  /** @param fd A TUN with heads (`trains`); stays the caller's. */
  setTun(fd: number): void {
    this.#out.u8(15).u32(fd);
    this.#send();
  }

  apply(_now: Instant, commands: readonly PlaneCommand[]): void {
    for (const command of commands) {
      if (command.kind === 'link') this.#links.add(command.link);
      if (command.kind === 'remove-link') this.#links.delete(command.link);
      if (command.kind === 'fib') this.#applyRoutes(command.changes);
      else writeCommand(this.#out, command);
    }
  }

  #applyRoutes(changes: Extract<PlaneCommand, { kind: 'fib' }>['changes']): void {
    for (let at = 0; at < changes.length; at += FIB_CHANGES_MAX) {
      writeCommand(this.#out, { kind: 'fib', changes: changes.slice(at, at + FIB_CHANGES_MAX) });
    }
  }

  flush(): void {
    this.#send();
  }

  handleDatagrams(_now: Instant, path: PathInfo, datagrams: readonly Uint8Array[]): void {
    for (const datagram of datagrams) this.#out.u8(13).u32(path.id).blob(datagram);
    this.#send();
  }

  handlePathFailed(_now: Instant, path: PathInfo, { kind, bytes }: PathFailure): void {
    const event = { kind: 'path-failed', path, failure: kind } as const;
    this.#parts.emit(bytes === undefined ? event : { ...event, bytes });
  }

  readLink(link: LinkId, into: LinkCounters): boolean {
    if (!this.#links.has(link)) return false;
    if (!this.#parts.native.planeReadLink(this.#handle, link, this.#numbers)) this.#numbers.fill(0);
    const counters = into as unknown as Record<string, number>;
    COUNTER_FIELDS.forEach((field, i) => {
      counters[field] = this.#numbers[i] ?? 0;
    });
    return true;
  }

  drops(): Record<string, number> {
    const names = this.#parts.native.dropNames();
    const counts = this.#parts.native.planeDrops(this.#handle);
    return Object.fromEntries(
      names.map((name, i) => [name, counts[i] ?? 0] as const).filter(([, count]) => count > 0),
    );
  }

  health(): PlaneHealth {
    return this.#health;
  }

  queue(): QueueCounters {
    const [bytes = 0, bytesHigh = 0, marked = 0] = this.#parts.native.planeQueue(this.#handle);
    return { bytes, bytesHigh, marked };
  }

  /** Takes what the worker told since the last call. */
  collect(): void {
    if (this.#isStopped) return;
    const reader = new ByteReader(this.#parts.native.planeTakeEvents(this.#handle));
    while (!reader.isAtEnd) this.#take(reader.u8(), reader);
    this.#sendExternal();
  }

  /** What a stream carries leaves in one piece. */
  #sendExternal(): void {
    const { path, datagrams } = this.#external;
    this.#external = { path: undefined, datagrams: [] };
    if (path !== undefined) this.#parts.paths.send(path, datagrams);
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#send();
    this.#isStopped = true;
    this.#parts.paths.watcher = undefined;
    this.#parts.native.planeStop(this.#handle);
  }

  #take(kind: number, reader: ByteReader): void {
    switch (kind) {
      case EVENT_NEW_PATH:
        this.#noteStranger(reader.u32() as PathId, reader.blob());
        return;
      case EVENT_EXTERNAL:
        this.#noteExternal(reader.u32() as PathId, reader.blob());
        return;
      case EVENT_TROUBLE:
        this.#noteTrouble(reader.u32(), Buffer.from(reader.blob()).toString());
        return;
      default: {
        const event = readEvent(kind, reader, (id) => this.#infoOf(id));
        if (event !== undefined) this.#parts.emit(event);
      }
    }
  }

  #noteTrouble(kind: number, message: string): void {
    if (kind === TROUBLE_TUN_GONE) {
      this.#parts.tunGone(message);
      return;
    }
    this.#parts.trouble(message);
    if (kind === TROUBLE_RESTARTED || kind === TROUBLE_PAUSED) {
      const state = kind === TROUBLE_PAUSED ? 'paused' : this.#health.state;
      this.#health = { state, panics: this.#health.panics + 1, problem: message };
    } else if (kind === TROUBLE_RESUMED) {
      this.#health = { ...this.#health, state: 'running' };
    }
  }

  #noteExternal(path: PathId, datagram: Uint8Array): void {
    const last = this.#external;
    if (last.path !== path || last.datagrams.length >= EXTERNAL_TRAIN_MAX) {
      this.#sendExternal();
      this.#external = { path, datagrams: [] };
    }
    this.#external.datagrams.push(datagram);
  }

  #noteStranger(id: PathId, ends: Uint8Array): void {
    this.#strangers.set(id, ends);
    if (this.#strangers.size <= STRANGERS_MAX) return;
    for (const oldest of this.#strangers.keys()) {
      this.#strangers.delete(oldest);
      return;
    }
  }

  #infoOf(id: PathId): PathInfo | undefined {
    if (id < STRANGERS_FROM) return this.#parts.paths.info(id);
    const ends = this.#strangers.get(id);
    const [transport] = this.#transports;
    const path = ends === undefined ? undefined : transport?.sockets?.heard(ends);
    if (transport === undefined || path === undefined) return undefined;
    return this.#parts.paths.infoOf(transport, path);
  }

  #tellPath(info: PathInfo, path: Path, transport: Transport): void {
    const { sockets } = transport;
    const ends = sockets?.endsOf(path) ?? NO_ENDS;
    this.#out
      .u8(11)
      .u32(info.id, info.maxDatagramBytes)
      .u8(Number(sockets !== undefined))
      .raw(ends);
  }

  #tellSocket({ fd, id, isIp6, takesIp4, isWildcard }: RawSocket): void {
    const bits = Number(isIp6) | (Number(takesIp4) << 1) | (Number(isWildcard) << 2);
    this.#out.u8(14).u32(fd, id).u8(bits);
    this.#send();
  }

  #send(): void {
    if (this.#out.length === 0 || this.#isStopped) return;
    const commands = this.#out.take();
    this.#parts.native.planeApply(this.#handle, commands);
    commands.fill(0); // there may be keys in them
  }
}
