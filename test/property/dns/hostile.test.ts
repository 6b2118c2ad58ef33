import { expect } from 'chai';
import fc from 'fast-check';
import {
  addressLabel,
  labelAddress,
  reverseAddress,
  reverseName,
} from '../../../src/dns/address-name.js';
import { decodeMessage } from '../../../src/dns/decode.js';
import { encodeMessage } from '../../../src/dns/encode.js';
import type { Message, RecordData } from '../../../src/dns/message.js';
import { Resolver } from '../../../src/dns/resolver.js';
import { StaticTable } from '../../../src/dns/table.js';

const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const label = fc
  .uint8Array({ minLength: 1, maxLength: 10 })
  .map((bytes) => String.fromCharCode(...bytes));
const name = fc.array(label, { maxLength: 6 });
const text = fc.string({ maxLength: 60 });

const data: fc.Arbitrary<RecordData> = fc.oneof(
  fc.record({
    type: fc.constant('A' as const),
    address: fc.uint8Array({ minLength: 4, maxLength: 4 }),
  }),
  fc.record({
    type: fc.constant('AAAA' as const),
    address: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  }),
  fc.record({ type: fc.constantFrom('NS' as const, 'PTR' as const), target: name }),
  fc.record({
    type: fc.constant('SRV' as const),
    priority: u16,
    weight: u16,
    port: u16,
    target: name,
  }),
  fc.record({
    type: fc.constant('TXT' as const),
    texts: fc.array(text, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({
    ...{ type: fc.constant('SOA' as const), primary: name, mailbox: name, serial: u32 },
    ...{ refresh: u32, retry: u32, expire: u32, minimum: u32 },
  }),
);
const records = fc.array(fc.record({ name, ttl: u32, data }), { maxLength: 5 });

const message: fc.Arbitrary<Message> = fc
  .record({
    ...{ id: u16, isResponse: fc.boolean(), opcode: fc.integer({ min: 0, max: 15 }) },
    ...{ authoritative: fc.boolean(), truncated: fc.boolean(), recursionDesired: fc.boolean() },
    rcode: fc.integer({ min: 0, max: 4095 }),
    questions: fc.array(fc.record({ name, type: u16, class: u16 }), { maxLength: 2 }),
    ...{ answers: records, authorities: records, additionals: records },
    edns: fc.option(fc.record({ version: fc.integer({ min: 0, max: 255 }), payloadMax: u16 }), {
      nil: undefined,
    }),
  })
  .map((one) => (one.edns === undefined ? { ...one, rcode: one.rcode & 15 } : one));

const OWN = Uint8Array.of(0xfd, ...new Array<number>(15).fill(1));
const table = new StaticTable(1, [
  { name: 'web', handle: 'bob', addresses: [OWN], ports: [], texts: ['x'.repeat(200)] },
]);
const resolver = new Resolver(OWN, () => table);

/** A good query, some of whose bytes are others. */
const damaged = fc
  .tuple(message, fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 8 }))
  .map(([one, changes]) => {
    const bytes = encodeMessage({ ...one, isResponse: false });
    for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
    return bytes;
  });

describe('dns: any bytes', () => {
  it('reads back every message that it writes', () => {
    fc.assert(
      fc.property(message, (one) => {
        expect(decodeMessage(encodeMessage(one))).to.deep.equal({ ok: true, value: one });
      }),
    );
  });

  it('never throws, answers responses with nothing, and never over the limit', () => {
    const hostile = fc.oneof(fc.uint8Array({ maxLength: 600 }), damaged);
    fc.assert(
      fc.property(hostile, (bytes) => {
        const answer = resolver.handle(bytes, 'udp');
        if (bytes.length < 12 || (bytes[2] ?? 0) >= 0x80) expect(answer).to.equal(undefined);
        else expect(answer?.length).to.be.within(12, 1232);
      }),
      { numRuns: 3000 },
    );
  });

  it('finds its way from every address of fc00::/7 to a name and back', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.boolean(),
        (bytes, isNode) => {
          bytes[0] = isNode ? 0xfd : 0xfc;
          expect(labelAddress(addressLabel(bytes))).to.deep.equal(bytes);
          expect(reverseAddress(reverseName(bytes).slice(0, -2))).to.deep.equal(bytes);
        },
      ),
    );
  });
});
