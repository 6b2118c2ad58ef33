/**
 * Holds the packets of one interface back, where the kernel has no netem. The way of a packet: a
 * netfilter rule of the caller forwards what leaves `iface` into our TAP device; it is read here, waits for
 * its time, and is sent on `iface` with a mark that the rule lets pass.
 * `node delay.js IFACE TAP MARK DELAY_MSEC JITTER_MSEC`; prints "ready" and runs until it is killed.
 */
import { execFileSync } from 'node:child_process';
import koffi from 'koffi';

/** Linux: <fcntl.h>, <linux/if_tun.h>, <linux/if_packet.h>, <sys/socket.h>, <poll.h>. */
const O_RDWR = 2;
const O_NONBLOCK = 0o4000;
const TUNSETIFF = 0x400454ca;
const IFF_TAP = 0x0002;
const IFF_NO_PI = 0x1000;
const IFREQ_BYTES = 40;
const IFREQ_FLAGS = 16;
const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCKADDR_LL_BYTES = 20;
const SOL_SOCKET = 1;
const SO_MARK = 36;
const POLLIN = 1;
const POLLFD_BYTES = 8;
const TIMESPEC_BYTES = 16;

/** Ours: packets waiting at once, as netem's limit; more are dropped. */
const WAITING_MAX = 20_000;
const FRAME_BYTES_MAX = 65_600;
/** Ours: packets read before what is due is sent. */
const BURST = 64;

const libc = koffi.load('libc.so.6');
const open = libc.func('int open(const char *path, int flags)');
const ioctl = libc.func('int ioctl(int fd, unsigned long request, void *argument)');
const socket = libc.func('int socket(int domain, int type, int protocol)');
const bind = libc.func('int bind(int fd, const void *address, unsigned int bytes)');
const setsockopt = libc.func(
  'int setsockopt(int fd, int level, int name, const void *value, unsigned int bytes)',
);
const read = libc.func('long read(int fd, _Out_ uint8_t *buffer, size_t bytes)');
const send = libc.func('long send(int fd, const uint8_t *buffer, size_t bytes, int flags)');
const ppoll = libc.func(
  'int ppoll(void *fds, unsigned long count, const void *time, const void *mask)',
);

interface Late {
  /** When to send it, in milliseconds of `performance.now`. */
  readonly dueAt: number;
  readonly frame: Uint8Array;
}

function openTap(name: string): number {
  const fd: number = open('/dev/net/tun', O_RDWR | O_NONBLOCK);
  if (fd < 0) throw new Error(`/dev/net/tun: errno ${koffi.errno()}`);
  const request = Buffer.alloc(IFREQ_BYTES);
  request.write(name, 'latin1');
  request.writeUInt16LE(IFF_TAP | IFF_NO_PI, IFREQ_FLAGS);
  if (ioctl(fd, TUNSETIFF, request) < 0)
    throw new Error(`TUNSETIFF ${name}: errno ${koffi.errno()}`);
  return fd;
}

/** A socket that sends whole frames on an interface, with the mark that the rule lets pass. */
function openPort(iface: string, mark: number): number {
  const fd: number = socket(AF_PACKET, SOCK_RAW, 0); // protocol 0: it receives nothing
  if (fd < 0) throw new Error(`packet socket: errno ${koffi.errno()}`);
  const value = Buffer.alloc(4);
  value.writeUInt32LE(mark);
  if (setsockopt(fd, SOL_SOCKET, SO_MARK, value, value.length) < 0)
    throw new Error(`SO_MARK: errno ${koffi.errno()}`);
  const address = Buffer.alloc(SOCKADDR_LL_BYTES);
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeInt32LE(interfaceIndex(iface), 4);
  if (bind(fd, address, address.length) < 0)
    throw new Error(`bind ${iface}: errno ${koffi.errno()}`);
  return fd;
}

function interfaceIndex(iface: string): number {
  const rows = execFileSync('ip', ['-j', 'link', 'show', 'dev', iface], { encoding: 'utf8' });
  return Number((JSON.parse(rows) as { ifindex: number }[])[0]?.ifindex);
}

function bringUp(iface: string, tap: string): void {
  const rows = execFileSync('ip', ['-j', 'link', 'show', 'dev', iface], { encoding: 'utf8' });
  const mtu = (JSON.parse(rows) as { mtu: number }[])[0]?.mtu ?? 1500;
  // Without IPv6 it has no address and speaks to nobody; discovery leaves it alone.
  const quiet = `/proc/sys/net/ipv6/conf/${tap}/disable_ipv6`;
  execFileSync('sh', ['-c', '[ ! -e "$1" ] || echo 1 > "$1"', 'quiet', quiet]);
  execFileSync('ip', [
    'link',
    'set',
    tap,
    'arp',
    'off',
    'multicast',
    'off',
    'mtu',
    String(mtu),
    'up',
  ]);
}

/** Later packets overtake earlier ones when jitter says so, as on a real path. */
function insert(waiting: Late[], late: Late): void {
  let at = waiting.length;
  while (at > 0 && (waiting[at - 1]?.dueAt ?? 0) > late.dueAt) at -= 1;
  waiting.splice(at, 0, late);
}

async function forward(
  tap: number,
  port: number,
  delayMsec: number,
  jitterMsec: number,
): Promise<void> {
  const buffer = new Uint8Array(FRAME_BYTES_MAX);
  const waiting: Late[] = [];
  for (;;) {
    await readable(tap, waiting[0]?.dueAt);
    for (let i = 0; i < BURST; i += 1) {
      const bytes = Number(read(tap, buffer, buffer.length));
      if (bytes <= 0) break;
      const wait = Math.max(0, delayMsec + (Math.random() * 2 - 1) * jitterMsec);
      if (waiting.length === WAITING_MAX) continue;
      insert(waiting, { dueAt: performance.now() + wait, frame: buffer.slice(0, bytes) });
    }
    while (waiting[0] !== undefined && waiting[0].dueAt <= performance.now()) {
      const { frame } = waiting.shift() ?? { frame: buffer };
      send(port, frame, frame.length, 0); // a full queue drops, as queues do
    }
  }
}

// Of the module, not of a call: the kernel reads and writes them while a call waits elsewhere.
const fds = Buffer.alloc(POLLFD_BYTES);
const time = Buffer.alloc(TIMESPEC_BYTES);

/** Waits until the device has a packet, or for the next one due; sub-millisecond. */
function readable(fd: number, dueAt: number | undefined): Promise<void> {
  fds.writeInt32LE(fd, 0);
  fds.writeInt16LE(POLLIN, 4);
  const nanos = Math.max(0, Math.round(((dueAt ?? 0) - performance.now()) * 1e6));
  time.writeBigInt64LE(BigInt(Math.floor(nanos / 1e9)), 0);
  time.writeBigInt64LE(BigInt(nanos % 1e9), 8);
  return new Promise((resolve, reject) => {
    ppoll.async(fds, 1, dueAt === undefined ? null : time, null, (error: Error | null) =>
      error === null ? resolve() : reject(error),
    );
  });
}

const [iface = '', device = '', mark = '0', delay = '0', jitter = '0'] = process.argv.slice(2);
const tap = openTap(device);
const port = openPort(iface, Number(mark));
bringUp(iface, device);
process.stdout.write('ready\n');
process.stdout.on('error', () => {});
await forward(tap, port, Number(delay), Number(jitter));
