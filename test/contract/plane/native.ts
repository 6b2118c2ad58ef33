/** The native plane's core between lists, through the same binding as the router uses. */

import {
  ByteReader,
  ByteWriter,
  COUNTER_FIELDS,
  COUNTER_NUMBERS,
  readEvent,
  writeCommand,
} from '../../../src/plane/native/codec.js';
import type { LinkCounters, PathId, PathInfo, PlaneEvent } from '../../../src/plane/types.js';
import type { NativeBinding } from '../../../src/platform/native.js';
import type { MakePlane, Sent } from './harness.js';

const PATHS = 64;

export function nativeMaker(native: NativeBinding): MakePlane {
  return (pathInfo) => {
    const handle = native.memoryNew(7);
    const numbers = new Float64Array(COUNTER_NUMBERS);
    const seen = new Map<PathId, PathInfo>();
    const infoOf = (id: PathId): PathInfo | undefined => seen.get(id) ?? pathInfo(id);
    let failures: PlaneEvent[] = [];
    const tellPaths = (): void => {
      for (let id = 0; id < PATHS; id++)
        native.memorySetPath(handle, id, pathInfo(id as PathId)?.maxDatagramBytes ?? -1);
    };
    return {
      plane: {
        kind: 'native',
        apply: (now, commands) => {
          const out = new ByteWriter();
          for (const command of commands) writeCommand(out, command);
          tellPaths();
          native.memoryApply(handle, now, out.take());
        },
        readLink(link, into) {
          if (!native.memoryReadLink(handle, link, numbers)) return false;
          const fields = COUNTER_FIELDS.map((field, i) => [field, numbers[i] ?? 0]);
          Object.assign(into, Object.fromEntries(fields) as unknown as LinkCounters);
          return true;
        },
        drops() {
          const names = native.dropNames();
          const counts = native.memoryDrops(handle).map((count, i) => [names[i], count] as const);
          return Object.fromEntries(counts.filter(([, count]) => count > 0));
        },
      },
      receive(now, path, datagrams) {
        seen.set(path.id, path);
        tellPaths();
        for (const datagram of datagrams) native.memoryDatagram(handle, now, path.id, datagram);
        native.memoryFlush(handle, now);
      },
      fromTun(now, packets) {
        tellPaths();
        for (const packet of packets) native.memoryTunPacket(handle, now, packet);
        native.memoryFlush(handle, now);
      },
      apply(now, commands) {
        this.plane.apply(now, commands);
        native.memoryFlush(handle, now);
      },
      pathFailed(_now, path, failure) {
        failures.push({ kind: 'path-failed', path, failure });
      },
      takeSent() {
        const reader = new ByteReader(native.memoryTakeSent(handle));
        const sent: Sent[] = [];
        while (!reader.isAtEnd) {
          reader.u8();
          sent.push({ path: reader.u32() as PathId, datagram: reader.blob() });
        }
        return sent;
      },
      takeTun() {
        const reader = new ByteReader(native.memoryTakeTun(handle));
        const packets: Uint8Array[] = [];
        while (!reader.isAtEnd) {
          reader.u8();
          packets.push(reader.blob());
        }
        return packets;
      },
      takeEvents() {
        const reader = new ByteReader(native.memoryTakeEvents(handle));
        const events: PlaneEvent[] = [];
        while (!reader.isAtEnd) {
          const event = readEvent(reader.u8(), reader, infoOf);
          if (event !== undefined) events.push(event);
        }
        events.push(...failures);
        failures = [];
        return events;
      },
      setBlocked: (blocked) => native.memorySetBlocked(handle, blocked),
    };
  };
}
