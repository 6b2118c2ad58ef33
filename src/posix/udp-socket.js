/** A UDP socket that tells which own address a datagram came to, and sends from the one it is told. */
import { AF_INET, AF_INET6, decodeSockaddr, encodeSockaddr, SOCKADDR_BYTES } from './address.js';
import { checked, Descriptor, errno, errnoName, libc, SystemError } from './libc.js';

const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_ERROR = 4;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const IPPROTO_IP = 0;
const IPPROTO_IPV6 = 41;
const SOL_UDP = 17;
const IP_PKTINFO = 8;
const IP_MTU_DISCOVER = 10;
const IPV6_UNICAST_HOPS = 16;
const IPV6_MULTICAST_HOPS = 18;
const IPV6_MULTICAST_LOOP = 19;
const IPV6_JOIN_GROUP = 20;
const IPV6_LEAVE_GROUP = 21;
const IPV6_MTU_DISCOVER = 23;
const IPV6_V6ONLY = 26;
const IPV6_RECVPKTINFO = 49;
const IPV6_RECVHOPLIMIT = 51;
const UDP_GRO = 104;
/** Don't fragment, and don't believe a cached path MTU either: we probe ourselves (RFC 8899). */
const PMTUDISC_PROBE = 3;
/** Ours: a burst of 10 ms at 800 Mbit/s. */
const SOCKET_BUFFER_BYTES = 1 << 20;
let lastId = 0;
export class UdpSocket {
  /** Unlike a descriptor's number, never used again. */
  id = ++lastId;
  family;
  dualStack;
  #descriptor;
  /** @throws SystemError: EADDRINUSE, EACCES, EADDRNOTAVAIL, EAFNOSUPPORT… Nothing stays open then. */
  constructor(at, options) {
    const type = SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    this.family = options.family;
    this.dualStack = options.family === AF_INET6 && options.dualStack;
    this.#descriptor = new Descriptor(checked('socket', libc().socket(options.family, type, 0)));
    try {
      this.#configure(options);
      const address = encodeSockaddr(options.family, at);
      checked('bind', libc().bind(this.fd, address, address.length));
    } catch (error) {
      this.close();
      throw error;
    }
  }
  get fd() {
    return this.#descriptor.fd;
  }
  /** What it is really bound to. */
  localAddress() {
    const bytes = new Uint8Array(SOCKADDR_BYTES);
    const length = new Uint32Array([SOCKADDR_BYTES]);
    checked('getsockname', libc().getsockname(this.fd, bytes, length));
    return decodeSockaddr(bytes);
  }
  /** Asks for the hop limit of each datagram, and sets ours. */
  setHopLimit(hops) {
    this.#require(IPPROTO_IPV6, IPV6_UNICAST_HOPS, hops);
    this.#require(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, hops);
    this.#require(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
    this.#require(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0);
  }
  /** @param group 16 bytes. @throws SystemError: ENODEV, ENOMEM (too many groups). */
  join(group, index) {
    checked('join a multicast group', this.#group(IPV6_JOIN_GROUP, group, index));
  }
  /** An interface that is gone has left already. */
  leave(group, index) {
    this.#group(IPV6_LEAVE_GROUP, group, index);
  }
  /** Takes a pending error away, so that the socket can be watched again. @returns its name, '' for none. */
  takeError() {
    const value = new Uint32Array(1);
    libc().getsockopt(this.fd, SOL_SOCKET, SO_ERROR, value, new Uint32Array([4]));
    return value[0] === 0 || value[0] === undefined ? '' : errnoName(value[0]);
  }
  close() {
    this.#descriptor.close();
  }
  #configure(options) {
    if (options.family === AF_INET6) {
      this.#require(IPPROTO_IPV6, IPV6_V6ONLY, options.dualStack ? 0 : 1);
      this.#require(IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
      this.#require(IPPROTO_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_PROBE);
    }
    if (options.family === AF_INET) this.#require(IPPROTO_IP, IP_PKTINFO, 1);
    if (options.family === AF_INET || options.dualStack) {
      this.#require(IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_PROBE);
    }
    if (options.reuse === true) this.#require(SOL_SOCKET, SO_REUSEADDR, 1);
    if (options.merge === true) this.#wish(SOL_UDP, UDP_GRO, 1);
    this.#growBuffers();
  }
  /** FORCE passes the limit in net.core, as root; else as much as the limit lets. */
  #growBuffers() {
    if (!this.#wish(SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER_BYTES)) {
      this.#wish(SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER_BYTES);
    }
    if (!this.#wish(SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER_BYTES)) {
      this.#wish(SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER_BYTES);
    }
  }
  #group(option, group, index) {
    const request = new Uint8Array(20);
    request.set(group);
    new DataView(request.buffer).setUint32(16, index, true);
    return libc().setsockopt(this.fd, IPPROTO_IPV6, option, request, request.length);
  }
  #wish(level, name, value) {
    return libc().setsockopt(this.fd, level, name, new Uint32Array([value]), 4) === 0;
  }
  #require(level, name, value) {
    if (this.#wish(level, name, value)) return;
    throw new SystemError('setsockopt', errnoName(errno()), `socket option ${level}/${name}`);
  }
}
