/**
 * Before the router starts, some thousand packets go through two throwaway planes: V8 compiles the way of a packet then,
 * not while the first users wait. Without it a ping through a fresh router takes about 0.4 ms longer, for minutes.
 */
import type { Crypto } from '../base/crypto.js';
import type { Entropy } from '../base/entropy.js';
import type { NodeId, Prefix } from '../base/ip6.js';
import type { Instant } from '../base/time.js';
import type { LinkId } from '../link/types.js';
import { PortableCore } from '../plane/portable/core.js';
import type { PathId, PathInfo } from '../plane/types.js';

/** Ours: enough for V8's optimizing compiler, 0.1 s of work. */
const PACKETS = 2_000;
const NOW = 1 as Instant;
const KEY_BYTES = 32;
const REJECT_AFTER_MSEC = 180_000;
/** An echo request as `ping` makes it. */
const PACKET_BYTES = 104;

const PATH: PathInfo = {
  ...{ id: 1 as PathId, transport: 'none', local: null, remote: 'none:', relayed: false },
  ...{ via: null, reliable: false, maxDatagramBytes: 65_507 },
};

/** One of the two ends; documentation's prefixes would be martians, so both are of our own space. */
interface End {
  readonly index: number;
  readonly address: NodeId;
  readonly prefix: Prefix;
}

const endOf = (index: number): End => {
  const net = `fd0000000000000${index}`;
  return {
    index,
    address: `${net}000000000000000${index}` as NodeId,
    prefix: `${net}/64` as Prefix,
  };
};

/** @returns How many packets arrived: all of them, or the planes refused something. */
export function warmUp(parts: { readonly crypto: Crypto; readonly entropy: Entropy }): number {
  const [a, b] = [endOf(1), endOf(2)];
  const keys = [parts.entropy.bytes(KEY_BYTES), parts.entropy.bytes(KEY_BYTES)] as const;
  let arrived = 0;
  const tun = {
    write: () => {
      arrived++;
      return true;
    },
  };
  const to = coreOf({ ...parts, own: b, far: a, keys: [keys[1], keys[0]], tun, send: () => {} });
  const send = (datagram: Uint8Array): void => {
    to.handleDatagrams(NOW, PATH, [datagram]);
    to.flush(NOW);
  };
  const from = coreOf({ ...parts, own: a, far: b, keys, tun, send });
  const packet = packetBetween(a, b);
  for (let i = 0; i < PACKETS; i++) {
    from.handleTunPackets(NOW, [packet]);
    from.flush(NOW);
  }
  return arrived;
}

function coreOf(parts: {
  readonly crypto: Crypto;
  readonly own: End;
  readonly far: End;
  readonly keys: readonly [send: Uint8Array, receive: Uint8Array];
  readonly tun: { write(packet: Uint8Array): boolean };
  readonly send: (datagram: Uint8Array) => void;
}): PortableCore {
  const { crypto, own, far, keys, tun, send } = parts;
  const core = new PortableCore({
    ...{ crypto, tun, pathInfo: () => PATH, emit: () => {} },
    paths: {
      send: (_path, datagrams) => {
        for (const datagram of datagrams) send(datagram);
        return datagrams.length;
      },
    },
  });
  const link = far.index as LinkId;
  core.apply(NOW, [
    { kind: 'local', address: own.address, prefixes: [own.prefix], transit: true },
    {
      ...{ kind: 'link', link, path: PATH.id, peer: far.address, datagramBytesMax: 1452 },
      ...{ mtu: 1420, sourceCheck: 'routed' },
    },
    { kind: 'fib', changes: [{ kind: 'set', prefix: far.prefix, link }] },
    {
      ...{ kind: 'keypair', link },
      keypair: {
        ...{ localIndex: own.index, remoteIndex: far.index, sendKey: keys[0], receiveKey: keys[1] },
        ...{ initiator: own.index === 1, createdAt: NOW, rejectAfterMsec: REJECT_AFTER_MSEC },
      },
    },
  ]);
  return core;
}

function packetBetween(from: End, to: End): Uint8Array {
  const packet = new Uint8Array(PACKET_BYTES);
  packet.set([0x60, 0, 0, 0, 0, PACKET_BYTES - 40, 17, 64]);
  packet.set(Buffer.from(from.address, 'hex'), 8);
  packet.set(Buffer.from(to.address, 'hex'), 24);
  return packet;
}
