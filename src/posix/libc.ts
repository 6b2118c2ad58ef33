/**
 * libc through koffi, for 64-bit little-endian Linux. Every call here returns at once: descriptors are non-blocking,
 * and one thread, JavaScript's, makes all calls. Structures are written by hand into typed arrays.
 */
import { createRequire } from 'node:module';
import os from 'node:os';
import { assert } from '../base/assert.js';

/** Native memory: bytes that koffi passes by address, an address as a number (below 2^53), or null. */
export type Memory = Uint8Array | Uint32Array | number | null;

/** Calls return -1 on failure; then `errno()` tells why. */
export interface Libc {
  readonly open: (path: string, flags: number, mode: number) => number;
  readonly close: (fd: number) => number;
  readonly read: (fd: number, into: number, bytes: number) => number;
  readonly write: (fd: number, bytes: Uint8Array, length: number) => number;
  readonly ioctl: (fd: number, request: number, argument: Uint8Array) => number;
  readonly flock: (fd: number, operation: number) => number;
  readonly socket: (family: number, type: number, protocol: number) => number;
  readonly bind: (fd: number, address: Uint8Array, length: number) => number;
  readonly getsockname: (fd: number, address: Uint8Array, length: Uint32Array) => number;
  readonly setsockopt: (fd: number, level: number, name: number, v: Memory, n: number) => number;
  readonly getsockopt: (fd: number, level: number, name: number, v: Memory, n: Memory) => number;
  readonly sendmmsg: (fd: number, messages: number, count: number, flags: number) => number;
  readonly recvmmsg: (
    fd: number,
    messages: number,
    count: number,
    flags: number,
    timeout: number,
  ) => number;
  readonly send: (fd: number, bytes: Uint8Array, length: number, flags: number) => number;
  readonly recv: (fd: number, into: Uint8Array, length: number, flags: number) => number;
  readonly nameToIndex: (name: string) => number;
  /** @param name At least 16 bytes; takes a NUL-terminated name. @returns null when there is no such interface. */
  readonly indexToName: (index: number, name: Uint8Array) => unknown;
}

interface Native {
  readonly calls: Libc;
  readonly koffi: typeof import('koffi');
  readonly names: ReadonlyMap<number, string>;
}

/** Codes that have two names on Linux; the other one is used. */
const SECOND_NAMES = new Set(['EWOULDBLOCK', 'EDEADLOCK', 'ENOTSUP']);

let native: Native | undefined;

/** @throws Error where there is no libc that we know: another system, 32 bits, big-endian. */
function load(): Native {
  if (native !== undefined) return native;
  if (process.platform !== 'linux') throw new Error(`this needs Linux, not ${process.platform}`);
  assert(os.endianness() === 'LE', 'structures are written for little-endian machines');
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  assert(koffi.sizeof('void *') === 8, 'structures are written for 64-bit machines');
  const names = new Map<number, string>();
  for (const [name, code] of Object.entries(koffi.os.errno)) {
    if (!SECOND_NAMES.has(name)) names.set(code, name);
  }
  native = { koffi, names, calls: bindCalls(koffi.load(null)) };
  return native;
}

function bindCalls(c: import('koffi').LibraryHandle): Libc {
  return {
    open: c.func('int open(const char *path, int flags, int mode)'),
    close: c.func('int close(int fd)'),
    read: c.func('int64_t read(int fd, uintptr_t into, size_t bytes)'),
    write: c.func('int64_t write(int fd, const uint8_t *bytes, size_t length)'),
    ioctl: c.func('int ioctl(int fd, unsigned long request, uint8_t *argument)'),
    flock: c.func('int flock(int fd, int operation)'),
    socket: c.func('int socket(int family, int type, int protocol)'),
    bind: c.func('int bind(int fd, const uint8_t *address, uint32_t length)'),
    getsockname: c.func('int getsockname(int fd, uint8_t *address, uint32_t *length)'),
    setsockopt: c.func('int setsockopt(int fd, int level, int name, const void *v, uint32_t n)'),
    getsockopt: c.func('int getsockopt(int fd, int level, int name, void *v, uint32_t *n)'),
    sendmmsg: c.func('int sendmmsg(int fd, uintptr_t messages, uint32_t count, int flags)'),
    recvmmsg: c.func('int recvmmsg(int fd, uintptr_t m, uint32_t count, int flags, uintptr_t t)'),
    send: c.func('int64_t send(int fd, const uint8_t *bytes, size_t length, int flags)'),
    recv: c.func('int64_t recv(int fd, uint8_t *into, size_t length, int flags)'),
    nameToIndex: c.func('uint32_t if_nametoindex(const char *name)'),
    indexToName: c.func('void *if_indextoname(uint32_t index, uint8_t *name)'),
  };
}

/** @throws Error where there is no such libc; see the top of this file. */
export const libc = (): Libc => load().calls;

export const koffiModule = (): typeof import('koffi') => load().koffi;

/** Why the last call failed. */
export const errno = (): number => load().koffi.errno();

/** `EADDRINUSE` for 98 and so on. */
export const errnoName = (code: number): string => load().names.get(code) ?? `errno ${code}`;

/** Where bytes lie, for pointers inside structures. The caller keeps them referenced. */
export function addressOf(bytes: Uint8Array | Uint32Array): number {
  return Number(load().koffi.address(bytes));
}

/** What a system call refused; `code` is errno's name. */
export class SystemError extends Error {
  override readonly name = 'SystemError';
  readonly code: string;
  readonly call: string;

  constructor(call: string, code: string, message = `${call}: ${code}`) {
    super(message);
    this.call = call;
    this.code = code;
  }
}

/** Passes a result through. @throws SystemError with errno's name when it is negative. */
export function checked(call: string, result: number): number {
  if (result < 0) throw new SystemError(call, errnoName(errno()));
  return result;
}

/** Closes at most once each; a descriptor that is reused by others must never be closed twice. */
export class Descriptor {
  #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** -1 once closed: calls then fail with EBADF. */
  get fd(): number {
    return this.#fd;
  }

  close(): void {
    if (this.#fd < 0) return;
    const fd = this.#fd;
    this.#fd = -1;
    libc().close(fd);
  }
}

/** errno values that hot paths compare; the same on every Linux that node runs on but MIPS. */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  EAGAIN: 11,
  ENODEV: 19,
  EINVAL: 22,
  EMSGSIZE: 90,
  EOPNOTSUPP: 95,
  EADDRNOTAVAIL: 99,
  ENETDOWN: 100,
  ENETUNREACH: 101,
  ENOBUFS: 105,
  ECONNREFUSED: 111,
  EHOSTUNREACH: 113,
} as const;
