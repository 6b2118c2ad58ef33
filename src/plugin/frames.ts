/**
 * What a router and the process of a transport plugin say to each other, over a Unix stream: u32 length of the body,
 * little endian, u8 kind, body. A body is JSON, or for datagrams u32 path and each datagram behind its u16 length.
 */

export const FRAME = {
  // To the plugin.
  start: 1,
  listen: 2,
  open: 3,
  send: 4,
  release: 5,
  ping: 6,
  close: 7,
  // From the plugin.
  ready: 17,
  listening: 18,
  path: 19,
  received: 20,
  failed: 21,
  log: 22,
  pong: 23,
  fault: 24,
} as const;

/** `start`: what to load. */
export interface StartBody {
  readonly module: string;
  readonly options: Readonly<Record<string, unknown>>;
}

interface ListenBody {
  readonly request: number;
  readonly url: string;
}

/** The URL really bound, or why none is. */
interface ListeningBody extends ListenBody {
  readonly error?: string;
  readonly code?: string;
}

interface OpenBody {
  readonly path: number;
  readonly url: string;
}

export interface ReadyBody {
  readonly scheme: string;
  readonly reliable: boolean;
  readonly relayed: boolean;
  readonly maxDatagramBytes: number;
}

/** A path that the plugin brought, or the own end of one, known now. */
interface PathBody {
  readonly path: number;
  readonly remote: string;
  readonly local: string | null;
  readonly relayed: boolean;
  readonly via: string | null;
}

export interface FailedBody {
  readonly path: number;
  readonly kind: 'closed' | 'unreachable' | 'too-big';
  readonly reason: string;
  readonly bytes?: number;
}

interface LogBody {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
}

/** `pong`: what the plugin's process dropped so far. */
export interface PongBody {
  /** Datagrams that the router did not take in time. */
  readonly receivedDropped: number;
  /** Datagrams that the transport did not take. */
  readonly sendDropped: number;
  /** Calls and datagrams against the contract. */
  readonly refused: number;
}

/** `fault`: the last word of a process. */
interface FaultBody {
  readonly kind: FaultKind;
  readonly reason: string;
}

/** The first three are mistakes of whoever configured or wrote it: they do not pass by themselves. */
export type FaultKind = 'missing-module' | 'wrong-export' | 'bad-capabilities' | 'crashed';

interface Bodies {
  readonly [FRAME.start]: StartBody;
  readonly [FRAME.listen]: ListenBody;
  readonly [FRAME.open]: OpenBody;
  readonly [FRAME.release]: Pick<OpenBody, 'path'>;
  readonly [FRAME.ping]: Readonly<Record<string, never>>;
  readonly [FRAME.close]: Readonly<Record<string, never>>;
  readonly [FRAME.ready]: ReadyBody;
  readonly [FRAME.listening]: ListeningBody;
  readonly [FRAME.path]: PathBody;
  readonly [FRAME.failed]: FailedBody;
  readonly [FRAME.log]: LogBody;
  readonly [FRAME.pong]: PongBody;
  readonly [FRAME.fault]: FaultBody;
}

/** Paths from here on were numbered by the plugin's process, which heard them first. */
export const STRANGERS_FROM = 0x8000_0000;
export const DATAGRAM_BYTES_MAX = 65_535;
/** Ours: most of what one frame may hold. */
export const FRAME_BYTES_MAX = 512 * 1024;
/** Ours: a train of datagrams in one frame. */
const TRAIN_BYTES_MAX = 128 * 1024;
const HEAD_BYTES = 5;

export interface Frame {
  readonly kind: number;
  readonly body: Buffer;
}

export function jsonFrame<K extends keyof Bodies>(kind: K, body: Bodies[K]): Buffer {
  const text = Buffer.from(JSON.stringify(body));
  const out = Buffer.allocUnsafe(HEAD_BYTES + text.length);
  writeHead(out, kind, text.length);
  text.copy(out, HEAD_BYTES);
  return out;
}

function writeHead(out: Buffer, kind: number, bytes: number): void {
  out.writeUInt32LE(bytes, 0);
  out[4] = kind;
}

/** @param datagrams Each at most DATAGRAM_BYTES_MAX. @returns One frame or more, each of bounded size. */
export function datagramFrames(
  kind: number,
  path: number,
  datagrams: readonly Uint8Array[],
): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < datagrams.length; ) {
    let [end, bytes] = [at, 4];
    for (; end < datagrams.length; end++) {
      const more = 2 + (datagrams[end]?.length ?? 0);
      if (end > at && bytes + more > TRAIN_BYTES_MAX) break;
      bytes += more;
    }
    frames.push(datagramFrame(kind, { path, bytes }, datagrams.slice(at, end)));
    at = end;
  }
  return frames;
}

function datagramFrame(
  kind: number,
  { path, bytes }: { readonly path: number; readonly bytes: number },
  datagrams: readonly Uint8Array[],
): Buffer {
  const out = Buffer.allocUnsafe(HEAD_BYTES + bytes);
  writeHead(out, kind, bytes);
  let at = out.writeUInt32LE(path, HEAD_BYTES);
  for (const datagram of datagrams) {
    at = out.writeUInt16LE(datagram.length, at);
    out.set(datagram, at);
    at += datagram.length;
  }
  return out;
}

/** @returns The path's number and views of the datagrams; undefined when the body is malformed. */
export function readDatagrams(
  body: Buffer,
): { readonly path: number; readonly datagrams: Buffer[] } | undefined {
  if (body.length < 4) return undefined;
  const datagrams: Buffer[] = [];
  let at = 4;
  while (at < body.length) {
    if (at + 2 > body.length) return undefined;
    const end = at + 2 + body.readUInt16LE(at);
    if (end > body.length) return undefined;
    datagrams.push(body.subarray(at + 2, end));
    at = end;
  }
  return { path: body.readUInt32LE(0), datagrams };
}

/** @returns undefined for anything but a JSON object. */
export function readJson(body: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** What came of the stream and is not a whole frame yet: at most one frame. */
export class FrameReader {
  #parts: Buffer[] = [];
  #bytes = 0;

  /** @returns Whole frames: views. @throws Error when one is larger than any may be: the stream is of no use then. */
  take(part: Buffer): Frame[] {
    this.#parts.push(part);
    this.#bytes += part.length;
    if (this.#bytes < this.#wanted()) return [];
    const bytes = this.#parts.length === 1 ? part : Buffer.concat(this.#parts);
    const frames: Frame[] = [];
    let at = 0;
    while (bytes.length - at >= HEAD_BYTES) {
      const end = at + HEAD_BYTES + bodyBytes(bytes, at);
      if (end > bytes.length) break;
      frames.push({ kind: bytes[at + 4] ?? 0, body: bytes.subarray(at + HEAD_BYTES, end) });
      at = end;
    }
    this.#parts = at === bytes.length ? [] : [bytes.subarray(at)];
    this.#bytes = bytes.length - at;
    return frames;
  }

  /** Bytes of the frame that has begun, as far as its head is in one piece. */
  #wanted(): number {
    const [first] = this.#parts;
    if (first === undefined || first.length < HEAD_BYTES) return HEAD_BYTES;
    return HEAD_BYTES + bodyBytes(first, 0);
  }
}

function bodyBytes(bytes: Buffer, at: number): number {
  const length = bytes.readUInt32LE(at);
  if (length > FRAME_BYTES_MAX) throw new Error(`a frame of ${length} bytes`);
  return length;
}
