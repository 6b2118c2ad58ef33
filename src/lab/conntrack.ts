/**
 * Forgets every connection of the namespace that it runs in, as a NAT box does that loses power (nfnetlink,
 * linux/netfilter/nfnetlink_conntrack.h). `node conntrack.js`; exit 0 when the kernel has done it.
 */
import koffi from 'koffi';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const NETLINK_NETFILTER = 12;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
/** NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE; without a filter it is all of them. */
const DELETE = (1 << 8) | 2;
const HEADER_BYTES = 16;
/** nfgenmsg: family (any), version, resource: all zero. */
const MESSAGE_BYTES = HEADER_BYTES + 4;
const ANSWER_BYTES = 4096;

const libc = koffi.load('libc.so.6');
const socket = libc.func('int socket(int domain, int type, int protocol)');
const send = libc.func('long send(int fd, const uint8_t *buffer, size_t bytes, int flags)');
const recv = libc.func('long recv(int fd, _Out_ uint8_t *buffer, size_t bytes, int flags)');

function flush(): void {
  const fd: number = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
  if (fd < 0) throw new Error(`netfilter socket: errno ${koffi.errno()}`);
  const message = Buffer.alloc(MESSAGE_BYTES);
  message.writeUInt32LE(MESSAGE_BYTES, 0);
  message.writeUInt16LE(DELETE, 4);
  message.writeUInt16LE(NLM_F_REQUEST | NLM_F_ACK, 6);
  if (send(fd, message, message.length, 0) < 0) throw new Error(`send: errno ${koffi.errno()}`);
  const answer = Buffer.alloc(ANSWER_BYTES);
  const bytes: number = recv(fd, answer, answer.length, 0);
  const failed = bytes < HEADER_BYTES + 4 ? koffi.errno() : -answer.readInt32LE(HEADER_BYTES);
  if (failed !== 0) throw new Error(`conntrack cannot be emptied: errno ${failed}`);
}

flush();
