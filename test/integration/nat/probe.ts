/**
 * A program in a namespace that sends and receives as it is told, a JSON document a line: `{do, id, …}` on
 * stdin, `{id, …}` on stdout. Sockets have the names that `bind` and `listen` gave them.
 */
import { createSocket, type Socket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

export type Order =
  | { readonly do: 'bind'; readonly id: string; readonly address: string; readonly port: number }
  | { readonly do: 'send'; readonly id: string; readonly to: Place; readonly text: string }
  | { readonly do: 'listen'; readonly id: string; readonly address: string; readonly port: number }
  | { readonly do: 'connect'; readonly id: string; readonly to: Place };

export interface Place {
  readonly address: string;
  readonly port: number;
}

/** `bound` and `listening` answer their orders; `got` is a datagram; `connected` how a connect ended. */
export type Said =
  | { readonly id: string; readonly is: 'bound' | 'listening' }
  | { readonly id: string; readonly is: 'got'; readonly from: Place; readonly text: string }
  | { readonly id: string; readonly is: 'connected'; readonly error: string | null };

const say = (said: Said): void => void process.stdout.write(`${JSON.stringify(said)}\n`);
const CONNECT_MSEC_MAX = 2_000;

function obey(order: Order, sockets: Map<string, Socket>): void {
  const { id } = order;
  switch (order.do) {
    case 'bind': {
      const socket = createSocket('udp4');
      sockets.set(id, socket);
      socket.on('error', () => {}); // what a box refuses is not heard of
      socket.on('message', (bytes, { address, port }) => {
        say({ id, is: 'got', from: { address, port }, text: bytes.toString() });
      });
      socket.bind(order.port, order.address, () => say({ id, is: 'bound' }));
      return;
    }
    case 'send':
      sockets.get(id)?.send(order.text, order.to.port, order.to.address, () => {});
      return;
    case 'listen':
      createServer((socket) => socket.on('error', () => {}).end()).listen(
        order.port,
        order.address,
        () => say({ id, is: 'listening' }),
      );
      return;
    case 'connect': {
      const socket = connect({ port: order.to.port, host: order.to.address });
      const end = (error: string | null): void => {
        socket.destroy();
        say({ id, is: 'connected', error });
      };
      socket.setTimeout(CONNECT_MSEC_MAX, () => end('ETIMEDOUT'));
      socket.once('connect', () => end(null));
      socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
      return;
    }
    default:
      order satisfies never;
  }
}

if (process.argv[1] === import.meta.filename) {
  const sockets = new Map<string, Socket>();
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => obey(JSON.parse(line) as Order, sockets));
  lines.on('close', () => process.exit());
}
