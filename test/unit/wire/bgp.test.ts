import { expect } from 'chai';
import { concat } from '../../../src/base/bytes.js';
import { decodeBgp, encodeBgp } from '../../../src/wire/bgp.js';
import * as limits from '../../../src/wire/limits.js';
import type { BgpMessage, BgpUpdate, SignedRecord } from '../../../src/wire/types.js';

/** A length-delimited protobuf field, below 128 bytes or not. */
function field(number: number, body: Uint8Array): Uint8Array {
  const size = body.length < 128 ? [body.length] : [(body.length & 127) | 128, body.length >> 7];
  return concat(Uint8Array.of((number << 3) | 2, ...size), body);
}
const varints = (...pairs: readonly (readonly [number, number])[]): Uint8Array =>
  Uint8Array.from(pairs.flatMap(([number, value]) => [number << 3, value]));
const updateOf = (...fields: readonly Uint8Array[]): Uint8Array => field(3, concat(...fields));

const RECORD: SignedRecord = {
  kind: 'node',
  body: Uint8Array.of(1, 2, 3),
  signature: new Uint8Array(64).fill(7),
  countersignature: new Uint8Array(0),
};
const UPDATE: BgpUpdate = {
  ...{ kind: 'update', records: [], paths: [], routes: [], withdrawn: [], malformed: [] },
  ...{ beginOfRib: false, endOfRib: false, forgetPaths: [], forgetRecords: [] },
};

function decoded(bytes: Uint8Array): BgpMessage {
  const message = decodeBgp(bytes);
  if (!message.ok) throw new Error(message.error);
  return message.value;
}
function update(bytes: Uint8Array): BgpUpdate {
  const message = decoded(bytes);
  if (message.kind !== 'update') throw new Error(`decoded a ${message.kind}`);
  return message;
}

describe('BGP messages on the wire', () => {
  it('encode as protobuf says', () => {
    expect(encodeBgp({ kind: 'keepalive' })).to.deep.equal(Uint8Array.of(0x12, 0));
    const routes = [{ origin: 5, path: 300, communities: [] }];
    const bytes = Uint8Array.of(0x1a, 7, 0x1a, 5, 8, 5, 16, 0xac, 2);
    expect(encodeBgp({ ...UPDATE, routes })).to.deep.equal(bytes);
    expect(update(bytes).routes).to.deep.equal(routes);
  });

  it('keep all 64 bits of a community', () => {
    const communities = [0xffff_ffff_ffff_fffen, 1n << 53n, 1n];
    const routes = [{ origin: 1, path: 1, communities }];
    expect(update(encodeBgp({ ...UPDATE, routes })).routes[0]?.communities).to.deep.equal(
      communities,
    );
  });

  it('skip fields and messages of a newer version', () => {
    expect(decoded(field(14, Uint8Array.of(1)))).to.deep.equal({ kind: 'unknown' });
    expect(decoded(new Uint8Array(0))).to.deep.equal({ kind: 'unknown' });
    const newer = updateOf(
      field(15, Uint8Array.of(1, 2)),
      field(3, varints([1, 5], [2, 1], [14, 9])),
    );
    expect(update(newer).routes).to.deep.equal([{ origin: 5, path: 1, communities: [] }]);
  });

  it('take a role of a newer version as peer', () => {
    const node = field(2, field(2, Uint8Array.of(1)));
    const withKind = field(2, concat(Uint8Array.of(8, 1), field(2, Uint8Array.of(1))));
    const role = varints([4, 9]);
    expect(decodeBgp(field(1, concat(node, role))).ok, 'record without kind').to.equal(false);
    expect(decoded(field(1, concat(withKind, role)))).to.include({ kind: 'open', role: 'peer' });
  });

  it('give copies that outlive the buffer they came in', () => {
    const bytes = Buffer.from(encodeBgp({ kind: 'link-proposal', record: RECORD }));
    const message = decoded(bytes);
    bytes.fill(0);
    expect(message).to.deep.equal({ kind: 'link-proposal', record: RECORD });
    if (message.kind === 'link-proposal') expect(message.record.body.buffer.byteLength).to.equal(3);
  });

  it('refuse a number that does not fit 53 bits', () => {
    const max = Uint8Array.of(0x18, ...new Array(9).fill(0xff), 1);
    expect(decodeBgp(field(7, max))).to.deep.equal({
      ok: false,
      error: 'seq_seen does not fit 53 bits',
    });
  });

  it('make the text of a notification fit to show', () => {
    const text = `\u001b[31mred\u202e${'é'.repeat(300)}`;
    const message = decoded(encodeBgp({ kind: 'notification', code: 6, subcode: 2, text }));
    if (message.kind !== 'notification') throw new Error(message.kind);
    expect(message.text.startsWith('?[31mred?é')).to.equal(true);
    expect(Buffer.byteLength(message.text)).to.be.within(250, limits.STRING_BYTES_MAX);
  });

  it('refuse more bytes than a message may have', () => {
    const routes = Array.from({ length: limits.UPDATE_ROUTES_MAX }, (_, i) => {
      return { origin: i + 1, path: i + 1, communities: [1n, 2n] };
    });
    expect(() => encodeBgp({ ...UPDATE, routes })).to.throw('limit is 65535');
    expect(decodeBgp(new Uint8Array(limits.MESSAGE_BYTES_MAX + 1)).ok).to.equal(false);
  });
});

describe('an UPDATE with bad items', () => {
  const good = field(3, varints([1, 7], [2, 1]));

  it('lists a record of unknown kind and keeps the rest', () => {
    const record = concat(
      varints([1, 9]),
      field(2, concat(varints([1, 8]), field(2, Uint8Array.of(1)))),
    );
    const { records, routes, malformed } = update(updateOf(field(1, record), good));
    expect(records).to.deep.equal([]);
    expect(routes).to.have.length(1);
    expect(malformed).to.deep.equal([{ what: 'record', id: 9, error: 'record kind 8 is unknown' }]);
  });

  it('lists a record whose signature is short', () => {
    const signature = new Uint8Array(63);
    const records = [
      { id: 4, record: { ...RECORD, signature } },
      { id: 5, record: RECORD },
    ];
    const message = update(encodeBgp({ ...UPDATE, records }));
    expect(message.records.map(({ id }) => id)).to.deep.equal([5]);
    expect(message.malformed).to.deep.equal([
      { what: 'record', id: 4, error: 'signature has 63 bytes, not 64' },
    ]);
  });

  it('lists a route with too many communities under its origin', () => {
    const communities = new Array<bigint>(limits.COMMUNITIES_MAX + 1).fill(1n);
    const routes = [{ origin: 3, path: 1, communities }];
    const { malformed } = update(encodeBgp({ ...UPDATE, routes }));
    expect(malformed).to.deep.equal([
      { what: 'route', id: 3, error: '33 communities, the limit is 32' },
    ]);
  });

  it('survives items that are not protobuf, and tells their ids where it can', () => {
    const route = field(3, Uint8Array.of(8, 21, 16)); // the path's number is missing
    const path = field(2, Uint8Array.of(8, 22, 0xff)); // a tag that does not end
    const record = field(1, Uint8Array.of(0x12, 0x7f)); // no id, and longer than it is
    const message = update(updateOf(record, path, route, good, field(5, new Uint8Array(0))));
    expect(message.routes.map(({ origin }) => origin)).to.deep.equal([7]);
    expect(message.malformed.map(({ what, id }) => [what, id])).to.deep.equal([
      ['record', 0],
      ['path', 22],
      ['route', 21],
    ]);
  });

  it('lists ids of 0, which no dictionary has', () => {
    const bytes = updateOf(field(2, varints([1, 1])), field(3, varints([2, 1])));
    expect(update(bytes).malformed.map(({ what, id }) => [what, id])).to.deep.equal([
      ['path', 1],
      ['route', 0],
    ]);
  });

  it('is an error when the frame around the items is broken', () => {
    const cut = updateOf(good).slice(0, -1);
    expect(decodeBgp(cut).ok).to.equal(false);
  });

  it('is an error with more items than an UPDATE may have', () => {
    const item = field(2, new Uint8Array(0));
    const bytes = field(
      3,
      concat(...new Array<Uint8Array>(limits.UPDATE_PATHS_MAX + 1).fill(item)),
    );
    expect(bytes.length).to.be.lessThan(limits.MESSAGE_BYTES_MAX);
    const message = decodeBgp(bytes);
    expect(!message.ok && message.error).to.equal('4097 paths, the limit is 4096');
  });
});
