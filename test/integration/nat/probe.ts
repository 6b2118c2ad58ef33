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
  | { readonly do: 'connect'; readonly id: string; readonly to: Place }
  /** Answers every datagram at this port with itself. */
  | { readonly do: 'echo'; readonly id: string; readonly port: number }
  /** Sends numbered datagrams to an echo until `stop`, whatever the kernel says to each. */
  | { readonly do: 'stream'; readonly id: string; readonly to: Place; readonly everyMsec: number }
  /** Says `arrives` when a datagram that is sent from now on is answered. */
  | { readonly do: 'await'; readonly id: string }
  | { readonly do: 'stop'; readonly id: string };

export interface Place {
  readonly address: string;
  readonly port: number;
}

/** `bound` and `listening` answer their orders; `got` is a datagram; `connected` how a connect ended. */
export type Said =
  | { readonly id: string; readonly is: 'bound' | 'listening' | 'arrives' }
  | { readonly id: string; readonly is: 'got'; readonly from: Place; readonly text: string }
  | { readonly id: string; readonly is: 'connected'; readonly error: string | null }
  | { readonly id: string; readonly is: 'streamed'; readonly stream: Stream };

/** What became of a stream; epoch milliseconds. */
export interface Stream {
  readonly startedAt: number;
  /** When the first answer was there; null: none ever was. */
  readonly firstAt: number | null;
  /** Sent from the first that was answered to the last that was. */
  readonly sent: number;
  /** Of these, how many were not answered. */
  readonly lost: number;
  /** The longest time from one that was answered to the next that was. */
  readonly gapMsec: number;
}

const say = (said: Said): void => void process.stdout.write(`${JSON.stringify(said)}\n`);
const CONNECT_MSEC_MAX = 2_000;

const sockets = new Map<string, Socket>();
const flows = new Map<string, Flow>();

type Of<Do extends Order['do']> = Extract<Order, { do: Do }>;
const DO: { readonly [Do in Order['do']]: (order: Of<Do>) => void } = {
  bind,
  send: ({ id, to, text }) => sockets.get(id)?.send(text, to.port, to.address, () => {}),
  listen,
  connect: dial,
  echo,
  stream: (order) => flows.set(order.id, new Flow(order)),
  await: ({ id }) => flows.get(id)?.awaitAnswer(),
  stop: ({ id }) => flows.get(id)?.stop(),
};
const obey = (order: Order): void => (DO[order.do] as (order: Order) => void)(order);

function bind({ id, address, port }: Of<'bind'>): void {
  const socket = createSocket('udp4');
  sockets.set(id, socket);
  socket.on('error', () => {}); // what a box refuses is not heard of
  socket.on('message', (bytes, from) => {
    const { address, port } = from;
    say({ id, is: 'got', from: { address, port }, text: bytes.toString() });
  });
  socket.bind(port, address, () => say({ id, is: 'bound' }));
}

function listen({ id, address, port }: Of<'listen'>): void {
  const server = createServer((socket) => socket.on('error', () => {}).end());
  server.listen(port, address, () => say({ id, is: 'listening' }));
}

function dial({ id, to }: Of<'connect'>): void {
  const socket = connect({ port: to.port, host: to.address });
  const end = (error: string | null): void => {
    socket.destroy();
    say({ id, is: 'connected', error });
  };
  socket.setTimeout(CONNECT_MSEC_MAX, () => end('ETIMEDOUT'));
  socket.once('connect', () => end(null));
  socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
}

function echo({ id, port }: Of<'echo'>): void {
  const socket = createSocket('udp6');
  socket.on('error', () => {});
  socket.on('message', (bytes, from) => socket.send(bytes, from.port, from.address, () => {}));
  socket.bind(port, '::', () => say({ id, is: 'bound' }));
}

/** After the last one is sent, answers are waited for. */
const LAST_MSEC = 500;

/** A numbered datagram every so often, and which of them were answered. */
class Flow {
  readonly #id: string;
  readonly #socket = createSocket('udp6');
  readonly #sentAt: number[] = [];
  readonly #answered = new Set<number>();
  readonly #timer: NodeJS.Timeout;
  #firstAt: number | null = null;
  /** An answer to one from this on is waited for. */
  #awaited = Infinity;

  constructor({ id, to, everyMsec }: Of<'stream'>) {
    this.#id = id;
    this.#socket.on('error', () => {}); // no route yet
    this.#socket.on('message', (bytes) => this.#heard(Number(bytes.toString())));
    const send = (): void => {
      const number = String(this.#sentAt.push(Date.now()) - 1);
      this.#socket.send(number, to.port, to.address, () => {});
    };
    send();
    this.#timer = setInterval(send, everyMsec);
  }

  #heard(number: number): void {
    this.#firstAt ??= Date.now();
    this.#answered.add(number);
    if (number < this.#awaited) return;
    this.#awaited = Infinity;
    say({ id: this.#id, is: 'arrives' });
  }

  awaitAnswer(): void {
    this.#awaited = this.#sentAt.length;
  }

  stop(): void {
    clearInterval(this.#timer);
    setTimeout(() => {
      this.#socket.close();
      const stream = summary(this.#sentAt, this.#answered, this.#firstAt);
      say({ id: this.#id, is: 'streamed', stream });
    }, LAST_MSEC);
  }
}

function summary(
  sentAt: readonly number[],
  answered: ReadonlySet<number>,
  firstAt: number | null,
): Stream {
  const [first, last] = [Math.min(...answered), Math.max(...answered)];
  const within = sentAt.map((at, i) => ({ at, i })).filter(({ i }) => i >= first && i <= last);
  const lost = within.filter(({ i }) => !answered.has(i));
  const [startedAt = 0] = sentAt;
  const good = within.filter(({ i }) => answered.has(i)).map(({ at }) => at);
  const gapMsec = Math.max(0, ...good.slice(1).map((at, i) => at - (good[i] ?? at)));
  return { startedAt, firstAt, sent: within.length, lost: lost.length, gapMsec };
}

if (process.argv[1] === import.meta.filename) {
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => obey(JSON.parse(line) as Order));
  lines.on('close', () => process.exit());
}
