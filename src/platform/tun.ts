/**
 * A TUN: IP packets of this host as bytes, and back. Packets are read into one arena without waiting until there are no more;
 * nothing runs while there is nothing to read. The device vanishes with the descriptor, whatever ends the process.
 */
import { EXIT, UserError } from '../base/errors.js';
import { interfaceIndex } from '../posix/address.js';
import {
  addressOf,
  Descriptor,
  ERRNO,
  errno,
  errnoName,
  libc,
  SystemError,
} from '../posix/libc.js';
import { Watch } from '../posix/poller.js';
import { addAddress, configureLink, removeAddress } from './rtnetlink.js';

const O_RDWR = 2;
const O_NONBLOCK = 0x800;
const O_CLOEXEC = 0x80000;
const TUNSETIFF = 0x400454ca;
const TUNGETIFF = 0x800454d2;
const IFF_TUN = 1;
const IFF_NO_PI = 0x1000;
/** Each packet has a head that tells of checksums and trains: struct virtio_net_hdr. */
const IFF_VNET_HDR = 0x4000;
const IFREQ_BYTES = 40;
const NAME_BYTES = 16;
/** Ours: packets of one `readBatch`, and their bytes. */
const BATCH_PACKETS = 64;
const BATCH_BYTES = 256 * 1024;
const PACKET_BYTES_MAX = 65_535;
/** Ours: what waits in the kernel; the usual 500 overflows while JavaScript collects garbage. */
const QUEUE_PACKETS = 2000;

export interface TunOptions {
  /** `ala0`, or with `%d` for the first free number. At most 15 characters. */
  readonly name: string;
  /** 16 bytes each: the node's address first, then its services. */
  readonly addresses: readonly Uint8Array[];
  /** 1280..65535 bytes. */
  readonly mtu: number;
  /** For a plane outside of JavaScript, which reads and writes `fd` itself. */
  readonly trains?: boolean;
}

export interface TunHandler {
  /** Call `readBatch` until it returns nothing, or until a budget is spent: then this is called again. */
  readable(): void;
  /** The device was deleted by somebody else: it gives and takes nothing any more. */
  gone(reason: string): void;
}

/** Plain fields; read at any time. */
export interface TunCounters {
  readPackets: number;
  writtenPackets: number;
  /** Refused by the device: full, down or gone. */
  writeDropped: number;
}

export class Tun {
  readonly name: string;
  readonly index: number;
  readonly counters: TunCounters = { readPackets: 0, writtenPackets: 0, writeDropped: 0 };
  readonly #descriptor: Descriptor;
  readonly #arena: Uint8Array;
  readonly #arenaAt: number;
  readonly #mtu: number;
  #watch: Watch | undefined;

  /**
   * Makes the device, gives it its addresses and takes it up.
   * @throws UserError: no permission, no /dev/net/tun, the name is taken. Nothing is left behind then.
   */
  constructor(options: TunOptions) {
    this.#mtu = options.mtu;
    this.#descriptor = openDevice();
    try {
      this.name = attach(this.#descriptor.fd, options);
      this.index = interfaceIndex(this.name);
      configure(this.index, this.name, options);
    } catch (error) {
      this.#descriptor.close();
      throw error;
    }
    this.#arena = new Uint8Array(Math.max(BATCH_BYTES, PACKET_BYTES_MAX));
    this.#arenaAt = addressOf(this.#arena);
  }

  /** Stays open, and this object's, until `close`. */
  get fd(): number {
    return this.#descriptor.fd;
  }

  /** What the device is called by now, wherever it is; undefined when it was deleted. */
  nameNow(): string | undefined {
    const request = Buffer.alloc(IFREQ_BYTES);
    if (libc().ioctl(this.#descriptor.fd, TUNGETIFF, request) !== 0) return undefined;
    return request.toString('latin1', 0, request.indexOf(0));
  }

  /** Begins to tell of packets. Once. */
  watch(handler: TunHandler): void {
    this.#watch = new Watch(this.#descriptor.fd, {
      readable: () => handler.readable(),
      failed: () => {
        this.#watch?.close();
        handler.gone(`the interface ${this.name} was deleted`);
      },
    });
  }

  /**
   * The packets that wait, at most 64 and 256 KiB: views into one arena, valid until the next call. Empty when there
   * are no more.
   */
  readBatch(): Uint8Array[] {
    const packets: Uint8Array[] = [];
    const { fd } = this.#descriptor;
    // A packet that waited while the MTU was lowered may be longer than the MTU.
    const room = Math.min(PACKET_BYTES_MAX, this.#mtu + 1500);
    for (let at = 0; packets.length < BATCH_PACKETS && at + room <= this.#arena.length; ) {
      const length = libc().read(fd, this.#arenaAt + at, room);
      if (length <= 0) break;
      packets.push(this.#arena.subarray(at, at + length));
      at += (length + 63) & ~63;
    }
    this.counters.readPackets += packets.length;
    return packets;
  }

  /** Gives one IP packet to the host. @returns false when the device took nothing: full, down or gone. */
  write(packet: Uint8Array): boolean {
    const taken = libc().write(this.#descriptor.fd, packet, packet.length) === packet.length;
    if (taken) this.counters.writtenPackets++;
    else this.counters.writeDropped++;
    return taken;
  }

  /** Adds an address (a service's) to the device. @throws SystemError. */
  addAddress(address: Uint8Array): void {
    addAddress(this.index, address);
  }

  /** @throws SystemError when it is not there. */
  removeAddress(address: Uint8Array): void {
    removeAddress(this.index, address);
  }

  /** Removes the device, its addresses and every route over it. Idempotent. */
  close(): void {
    this.#watch?.close();
    this.#descriptor.close();
  }
}

function openDevice(): Descriptor {
  const fd = libc().open('/dev/net/tun', O_RDWR | O_NONBLOCK | O_CLOEXEC, 0);
  if (fd >= 0) return new Descriptor(fd);
  const code = errno();
  if (code === ERRNO.ENOENT || code === ERRNO.ENODEV) {
    throw new UserError('there is no /dev/net/tun', {
      code: 'no-tun',
      hint: 'load it with `modprobe tun`, or in a container pass --device /dev/net/tun',
    });
  }
  throw permission('open /dev/net/tun', code);
}

/** @returns The device's real name. */
function attach(fd: number, { name: wanted, trains = false }: TunOptions): string {
  if (!/^[A-Za-z0-9_.-]{1,13}(%d)?[A-Za-z0-9_.-]{0,2}$/.test(wanted) || wanted.length > 15) {
    const message = `'${wanted.slice(0, 40)}' is not a name for an interface`;
    throw new UserError(message, { code: 'bad-name', exit: EXIT.usage });
  }
  const request = Buffer.alloc(IFREQ_BYTES);
  request.write(wanted, 'latin1');
  const flags = IFF_TUN | IFF_NO_PI | (trains ? IFF_VNET_HDR : 0);
  request.writeUInt16LE(flags, NAME_BYTES);
  if (libc().ioctl(fd, TUNSETIFF, request) === 0) {
    return request.toString('latin1', 0, request.indexOf(0));
  }
  const code = errno();
  const name = errnoName(code);
  if (name === 'EBUSY' || name === 'EINVAL' || name === 'EEXIST') {
    throw new UserError(`the interface ${wanted} is taken`, {
      code: 'interface-taken',
      hint: 'choose another name, or ala%d for the first that is free',
    });
  }
  throw permission(`make the interface ${wanted}`, code);
}

function configure(index: number, name: string, options: TunOptions): void {
  try {
    configureLink({ index, mtu: options.mtu, queuePackets: QUEUE_PACKETS });
    for (const address of options.addresses) addAddress(index, address);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    if (error.code === 'EPERM') throw permission(`set up the interface ${name}`, ERRNO.EPERM);
    throw new UserError(`cannot set up the interface ${name}: ${error.code}`, {
      code: 'tun-failed',
      hint: 'is IPv6 switched off? see `sysctl net.ipv6.conf.all.disable_ipv6`',
      cause: error,
    });
  }
}

function permission(what: string, code: number): UserError {
  const name = errnoName(code);
  if (name !== 'EPERM' && name !== 'EACCES') {
    return new UserError(`cannot ${what}: ${name}`, { code: 'tun-failed' });
  }
  return new UserError(`no permission to ${what}`, {
    code: 'no-permission',
    hint: 'it needs CAP_NET_ADMIN: run as root, or in a user namespace (`unshare -rn`)',
  });
}
