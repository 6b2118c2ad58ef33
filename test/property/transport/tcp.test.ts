import { once } from 'node:events';
import { connect } from 'node:net';
import { expect } from 'chai';
import fc from 'fast-check';
import { FrameReader, frame } from '../../../transports/tcp/frames.js';
import { createTransport } from '../../../transports/tcp/index.js';

const datagrams = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 });

describe('datagrams in a TCP stream', () => {
  it('are the same however the stream is cut', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(datagrams, cuts, (sent, sizes) => {
        const stream = frame(sent);
        const reader = new FrameReader();
        const got: Buffer[] = [];
        for (let at = 0, i = 0; at < stream.length; i++) {
          const end = at + (sizes[i % sizes.length] ?? 1);
          got.push(...reader.take(stream.subarray(at, end)).map((one) => Buffer.from(one)));
          at = end;
        }
        expect(got.map((one) => one.toString('hex'))).to.deep.equal(
          sent.map((one) => Buffer.from(one).toString('hex')),
        );
        expect(reader.isInside).to.equal(false);
      }),
    );
  });

  it('take any bytes at all without a throw, and hold at most one frame', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 500 }), { maxLength: 20 }), (parts) => {
        const reader = new FrameReader();
        for (const part of parts) {
          for (const one of reader.take(Buffer.from(part))) expect(one.length).to.be.below(65_536);
        }
      }),
    );
  });

  it('of strangers who say nothing make room for others', async () => {
    const heard: number[] = [];
    const transport = createTransport(
      {
        received: (_path, list) => heard.push(...list.map(({ length }) => length)),
        failed: () => {},
        log: () => {},
      },
      {},
    );
    const url = await transport.listen('tcp://127.0.0.1:0');
    const port = Number(/\d+$/.exec(url)?.[0]);
    const silent = Array.from({ length: 40 }, () => connect({ port, host: '127.0.0.1' }));
    for (const socket of silent) socket.on('error', () => {});
    const gone = once(silent[0] as (typeof silent)[0], 'close');
    await gone;
    const speaker = connect({ port, host: '127.0.0.1' });
    await once(speaker, 'connect');
    speaker.write(frame([new Uint8Array(148)]));
    while (heard.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(heard).to.deep.equal([148]);
    for (const socket of [...silent, speaker]) socket.destroy();
    await transport.close();
  });
});
