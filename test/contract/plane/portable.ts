/** The portable plane with lists for ports; buffers are spoiled as soon as they are not the plane's any more. */
import { PortableCore } from '../../../src/plane/portable/core.js';
import type { PathId, PathInfo, PlaneEvent } from '../../../src/plane/types.js';
import { crypto, type PlaneUnderTest, type Sent } from './harness.js';

export function makePortable(pathInfo: (id: PathId) => PathInfo | undefined): PlaneUnderTest {
  let sent: Sent[] = [];
  let tun: Uint8Array[] = [];
  let events: PlaneEvent[] = [];
  let blocked = false;
  const plane = new PortableCore({
    crypto,
    pathInfo,
    emit: (event) => {
      events.push(event);
    },
    tun: {
      write(packet) {
        if (!blocked) tun.push(packet.slice());
        return !blocked;
      },
    },
    paths: {
      send(path, datagrams) {
        if (blocked) return 0;
        sent.push(...datagrams.map((datagram) => ({ path, datagram: datagram.slice() })));
        return datagrams.length;
      },
    },
  });
  return {
    plane,
    receive(now, path, datagrams) {
      const buffers = datagrams.map((datagram) => datagram.slice());
      plane.handleDatagrams(now, path, buffers);
      for (const buffer of buffers) buffer.fill(0xee);
      plane.flush(now);
    },
    fromTun(now, packets) {
      const buffers = packets.map((packet) => packet.slice());
      plane.handleTunPackets(now, buffers);
      for (const buffer of buffers) buffer.fill(0xee);
      plane.flush(now);
    },
    apply(now, commands) {
      plane.apply(now, commands);
      plane.flush(now);
    },
    pathFailed(now, path, failure) {
      plane.handlePathFailed(now, path, { kind: failure, reason: 'the test says so' });
    },
    takeSent() {
      const taken = sent;
      sent = [];
      return taken;
    },
    takeTun() {
      const taken = tun;
      tun = [];
      return taken;
    },
    takeEvents() {
      const taken = events;
      events = [];
      return taken;
    },
    setBlocked(value) {
      blocked = value;
    },
  };
}
