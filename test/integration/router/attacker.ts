/**
 * An enemy with a UDP socket, as a program: `node attacker.js MODE HOST PORT [KEY|FILE] [MSEC] [ADDRESS,…]`. It sends,
 * for so long when it is a flood, from these addresses in turn, listens for answers a while longer, and prints what it
 * sent and what came back as JSON.
 */

import { randomBytes, randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';
import { blake2s } from '@noble/hashes/blake2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { readPcap } from './pcap.js';

const INITIATION_BYTES = 148;
const MAC1_AT = 116;
const MAC_BYTES = 16;
const RANDOM_COUNT = 500;
const ANSWERS_MSEC = 500;
const FLOOD_BURST = 50;
const FLOOD_EVERY_MSEC = 10;

const [mode = '', host = '', port = '', more = '', msec = '3000', from = ''] =
  process.argv.slice(2);

/** Random bytes; two in three begin like a WireGuard message of a random type. */
function randomDatagram(): Uint8Array {
  const bytes = randomBytes(randomInt(1, 1400));
  if (randomInt(3) === 0) return bytes;
  bytes.set([randomInt(1, 5), 0, 0, 0].slice(0, bytes.length));
  return bytes;
}

/** As it was captured, cut short at a random place, and with one bit changed. */
function* mangled(datagram: Uint8Array): Generator<Uint8Array> {
  yield datagram;
  yield datagram.subarray(0, randomInt(1, datagram.length));
  const flipped = datagram.slice();
  const at = randomInt(4, flipped.length);
  flipped[at] = (flipped[at] ?? 0) ^ (1 << randomInt(8));
  yield flipped;
}

/** An initiation whose MAC1 is right: only the key exchange shows that it is bogus. */
function bogusInitiation(responder: Uint8Array): Uint8Array {
  const message = new Uint8Array(randomBytes(INITIATION_BYTES));
  message.set([1, 0, 0, 0]);
  const label = utf8ToBytes('mac1----');
  const key = blake2s(new Uint8Array([...label, ...responder]));
  message.set(blake2s(message.subarray(0, MAC1_AT), { key, dkLen: MAC_BYTES }), MAC1_AT);
  message.fill(0, MAC1_AT + MAC_BYTES);
  return message;
}

async function* datagrams(): AsyncGenerator<readonly Uint8Array[]> {
  switch (mode) {
    case 'random':
      for (let i = 0; i < RANDOM_COUNT; i += 10) {
        yield Array.from({ length: 10 }, randomDatagram);
        await sleep(2);
      }
      return;
    case 'replay':
      for (const datagram of readPcap(more)) yield [...mangled(datagram)];
      return;
    case 'flood': {
      const responder = Buffer.from(more, 'base64url');
      const end = Date.now() + Number(msec);
      while (Date.now() < end) {
        yield Array.from({ length: FLOOD_BURST }, () => bogusInitiation(responder));
        await sleep(FLOOD_EVERY_MSEC);
      }
      return;
    }
    default:
      throw new Error(`no mode ${mode}`);
  }
}

const told = { sent: 0, sentBytes: 0, received: 0, receivedBytes: 0 };

function open(address: string): Promise<Socket> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.on('message', (answer) => {
    told.received += 1;
    told.receivedBytes += answer.length;
  });
  return new Promise((resolve) => socket.bind({ address }, () => resolve(socket)));
}

const addresses = from === '' ? [host.includes(':') ? '::' : '0.0.0.0'] : from.split(',');
const sockets = await Promise.all(addresses.map(open));
for await (const batch of datagrams()) {
  for (const datagram of batch) {
    told.sent += 1;
    told.sentBytes += datagram.length;
    sockets[told.sent % sockets.length]?.send(datagram, Number(port), host);
  }
}
await sleep(ANSWERS_MSEC);
for (const socket of sockets) socket.close();
process.stdout.write(JSON.stringify(told));
