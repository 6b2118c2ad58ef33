/** UDP sockets with packet info, as transports and discovery use them. */
export {
  ENDS,
  ENDS_BYTES,
  ENDS_WORDS,
  REMOTE_BYTES,
  type ReceiveArena,
  receiveArena,
} from './udp-receive.js';
export {
  hasSource,
  refusesSegments,
  runLength,
  sendArena,
  TRAIN_MAX,
  type Train,
} from './udp-send.js';
export { UdpSocket, type UdpSocketOptions } from './udp-socket.js';
