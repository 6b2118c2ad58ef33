/** Datagrams in a stream: u16 length, big endian, and so many bytes, one behind the other. */

export const HEAD_BYTES = 2;
export const DATAGRAM_BYTES_MAX = 65_535;

/** Frames of a train, in one piece. */
export function frame(datagrams: readonly Uint8Array[]): Buffer {
  const bytes = datagrams.reduce((sum, { length }) => sum + HEAD_BYTES + length, 0);
  const out = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const datagram of datagrams) {
    out.writeUInt16BE(datagram.length, at);
    out.set(datagram, at + HEAD_BYTES);
    at += HEAD_BYTES + datagram.length;
  }
  return out;
}

/** What came of a stream and is not a whole frame yet: at most one frame. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** A frame has begun and is not whole. */
  get isInside(): boolean {
    return this.#rest.length > 0;
  }

  /** @returns Whole datagrams: views, valid until the next call. */
  take(part: Buffer): Uint8Array[] {
    const bytes = this.#rest.length === 0 ? part : Buffer.concat([this.#rest, part]);
    const datagrams: Uint8Array[] = [];
    let at = 0;
    while (bytes.length >= at + HEAD_BYTES) {
      const end = at + HEAD_BYTES + bytes.readUInt16BE(at);
      if (bytes.length < end) break;
      datagrams.push(bytes.subarray(at + HEAD_BYTES, end));
      at = end;
    }
    // A copy: what `part` is a piece of belongs to the socket.
    this.#rest = Buffer.from(bytes.subarray(at));
    return datagrams;
  }
}
