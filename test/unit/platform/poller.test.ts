import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import { AF_INET } from '../../../src/posix/address.js';
import { Watch } from '../../../src/posix/poller.js';
import { ENDS, ENDS_WORDS, receiveArena, sendArena, UdpSocket } from '../../../src/posix/udp.js';
import { until } from '../../contract/transport/probe.js';

const LOCALHOST = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1);

function openSocket(): UdpSocket {
  const at = { address: LOCALHOST, port: 0, zone: 0 };
  return new UdpSocket(at, { family: AF_INET, dualStack: false });
}

/** Sends one byte to a socket from itself. */
function poke(socket: UdpSocket, byte = 7): void {
  const ends = new Uint32Array(ENDS_WORDS);
  new Uint8Array(ends.buffer).set(LOCALHOST);
  ends[ENDS.port] = socket.localAddress().port;
  const datagrams = [Uint8Array.of(byte)];
  expect(sendArena().send(socket, { ends, datagrams, from: 0, segment: true })).to.equal(1);
}

describe('the poller', () => {
  let socket = openSocket();
  let watch: Watch | undefined;
  beforeEach(() => {
    socket = openSocket();
  });
  afterEach(() => {
    watch?.close();
    socket.close();
  });

  it('calls when there is something to read, and again while there is', async () => {
    let calls = 0;
    watch = new Watch(socket.fd, {
      readable: () => {
        calls++;
        if (calls === 3) receiveArena().receive(socket);
      },
      failed: () => {},
    });
    poke(socket);
    await until(() => calls >= 3);
    for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(calls).to.equal(3);
  });

  it('calls nothing once closed, though there is something to read', async () => {
    let calls = 0;
    watch = new Watch(socket.fd, { readable: () => void calls++, failed: () => {} });
    poke(socket);
    watch.close();
    watch.close();
    watch.resume();
    for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(calls).to.equal(0);
  });

  it('lets promises of the reader go on, and never swallows what it throws', () => {
    // In a process of its own: nothing else keeps the event loop turning, and the throw must end it.
    const source = (file: string): string =>
      JSON.stringify(new URL(`../../../src/posix/${file}`, import.meta.url).href);
    const script = `
      const { Watch } = await import(${source('poller.js')});
      const { UdpSocket, receiveArena, sendArena } = await import(${source('udp.js')});
      const address = Uint8Array.from(${JSON.stringify([...LOCALHOST])});
      const socket = new UdpSocket({ address, port: 0, zone: 0 }, { family: 2, dualStack: false });
      const ends = new Uint32Array(12);
      new Uint8Array(ends.buffer).set(address);
      ends[5] = socket.localAddress().port;
      const poke = () => sendArena().send(socket, { ends, datagrams: [address], from: 0, segment: false });
      process.on('uncaughtException', (error) => { console.log(error.message); process.exit(0); });
      let calls = 0;
      const watch = new Watch(socket.fd, { readable() {
        receiveArena().receive(socket);
        if (++calls === 2) throw new Error('from the reader');
        Promise.resolve().then(() => { console.log('promise'); process.nextTick(poke); });
      }, failed() {} });
      poke();`;
    const args = ['--input-type=module', '-e', script];
    const out = execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 10_000 });
    expect(out).to.equal('promise\nfrom the reader\n');
  });
});
