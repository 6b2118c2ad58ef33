/** Loads the native plane, where it was built. */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** What `native/src/binding.rs` exports. Numbers called `handle` name a plane or a memory host. */
export interface NativeBinding {
  dropNames(): string[];
  memoryNew(seed: number): number;
  memoryFree(handle: number): void;
  memorySetPath(handle: number, path: number, room: number): void;
  memorySetBlocked(handle: number, isBlocked: boolean): void;
  memoryApply(handle: number, now: number, commands: Uint8Array): void;
  memoryDatagram(handle: number, now: number, path: number, datagram: Uint8Array): void;
  memoryTunPacket(handle: number, now: number, packet: Uint8Array): void;
  memoryFlush(handle: number, now: number): void;
  memoryTakeSent(handle: number): Uint8Array;
  memoryTakeTun(handle: number): Uint8Array;
  memoryTakeEvents(handle: number): Uint8Array;
  memoryReadLink(handle: number, link: number, into: Float64Array): boolean;
  memoryDrops(handle: number): number[];
  memoryNextHop(handle: number, address: Uint8Array): number;
  planeStart(seed: number, now: number, onEvents: () => void): number;
  planeApply(handle: number, commands: Uint8Array): void;
  planeTakeEvents(handle: number): Uint8Array;
  planeReadLink(handle: number, link: number, into: Float64Array): boolean;
  planeDrops(handle: number): number[];
  /** Waiting bytes, the most that ever waited, packets marked. */
  planeQueue(handle: number): number[];
  planeStop(handle: number): void;
}

/** Beside `dist`: `native/alamesh-plane.node`. */
const FILE = fileURLToPath(new URL('../../../native/alamesh-plane.node', import.meta.url));

export type LoadedNative =
  | { readonly ok: true; readonly native: NativeBinding }
  /** Why there is none, for people. */
  | { readonly ok: false; readonly reason: string };

let loaded: LoadedNative | undefined;

export function loadNative(): LoadedNative {
  loaded ??= load();
  return loaded;
}

function load(): LoadedNative {
  try {
    return { ok: true, native: createRequire(import.meta.url)(FILE) as NativeBinding };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'MODULE_NOT_FOUND') return { ok: false, reason: 'it was not built here' };
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}
