/** UDP sockets with packet info, as transports and discovery use them. */
export { ENDS, ENDS_BYTES, ENDS_WORDS, REMOTE_BYTES, receiveArena } from './udp-receive.js';
export { hasSource, refusesSegments, runLength, sendArena, TRAIN_MAX } from './udp-send.js';
export { UdpSocket } from './udp-socket.js';
