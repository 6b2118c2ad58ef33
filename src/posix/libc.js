/**
 * libc through koffi, for 64-bit little-endian Linux. Every call here returns at once: descriptors are non-blocking,
 * and one thread, JavaScript's, makes all calls. Structures are written by hand into typed arrays.
 */
import { createRequire } from 'node:module';
import os from 'node:os';
import { assert } from '../base/assert.js';

let native;
/** @throws Error where there is no libc that we know: another system, 32 bits, big-endian. */
function load() {
  if (native !== undefined) return native;
  if (process.platform !== 'linux') throw new Error(`this needs Linux, not ${process.platform}`);
  assert(os.endianness() === 'LE', 'structures are written for little-endian machines');
  const koffi = createRequire(import.meta.url)('koffi');
  assert(koffi.sizeof('void *') === 8, 'structures are written for 64-bit machines');
  const names = new Map(Object.entries(koffi.os.errno).map(([name, code]) => [code, name]));
  native = { koffi, names, calls: bindCalls(koffi.load(null)) };
  return native;
}
function bindCalls(c) {
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
export const libc = () => load().calls;
export const koffiModule = () => load().koffi;
/** Why the last call failed. */
export const errno = () => load().koffi.errno();
/** `EADDRINUSE` for 98 and so on. */
export const errnoName = (code) => load().names.get(code) ?? `errno ${code}`;
/** Where bytes lie, for pointers inside structures. The caller keeps them referenced. */
export function addressOf(bytes) {
  return Number(load().koffi.address(bytes));
}
/** What a system call refused; `code` is errno's name. */
export class SystemError extends Error {
  name = 'SystemError';
  code;
  call;
  constructor(call, code, message = `${call}: ${code}`) {
    super(message);
    this.call = call;
    this.code = code;
  }
}
/** Passes a result through. @throws SystemError with errno's name when it is negative. */
export function checked(call, result) {
  if (result < 0) throw new SystemError(call, errnoName(errno()));
  return result;
}
/** Closes at most once each; a descriptor that is reused by others must never be closed twice. */
export class Descriptor {
  #fd;
  constructor(fd) {
    this.#fd = fd;
  }
  /** -1 once closed: calls then fail with EBADF. */
  get fd() {
    return this.#fd;
  }
  close() {
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
};
