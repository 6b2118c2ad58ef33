import { expect } from 'chai';
import { formatAddress, parseAddress } from '../../../src/base/ip6.js';
import { addressLabel, labelAddress, reverseName } from '../../../src/dns/address-name.js';
import { decodeMessage } from '../../../src/dns/decode.js';
import { encodeMessage } from '../../../src/dns/encode.js';
import { type Edns, type Message, RCODE, TYPE, type TypeName } from '../../../src/dns/message.js';
import { formatName, type Name, parseName, readName } from '../../../src/dns/name.js';
import { Resolver } from '../../../src/dns/resolver.js';
import { type Claim, StaticTable } from '../../../src/dns/table.js';

const address = (text: string): Uint8Array => {
  const parsed = parseAddress(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
};
const OWN = address('fd00::1');
const BERLIN = address('fd1e:7c20:a11a:77c2:1:2:3:4');
const WEB = address('fc12:3456::9');

const claim = (
  handle: string,
  name: string,
  one: Uint8Array,
  more: Partial<Claim> = {},
): Claim => ({
  ...{ handle, name, addresses: [one], ports: [], texts: [] },
  ...more,
});
const TABLE = new StaticTable(7, [
  claim('Bob', 'Berlin', BERLIN),
  claim('bob', 'web', WEB, {
    ports: [{ service: 'http', protocol: 'tcp', port: 80 }],
    texts: ['the page'],
  }),
]);
const resolver = new Resolver(OWN, () => TABLE);

const nameOf = (text: string): Name => {
  const parsed = parseName(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
};

interface Asked {
  readonly edns?: Edns;
  readonly over?: 'udp' | 'tcp';
  readonly from?: Resolver;
}

function query(name: string, type: TypeName, edns?: Edns): Uint8Array {
  return encodeMessage({
    ...{ id: 4711, isResponse: false, opcode: 0, authoritative: false, truncated: false },
    ...{ recursionDesired: true, rcode: 0, answers: [], authorities: [], additionals: [] },
    questions: [{ name: nameOf(name), type: TYPE[type], class: 1 }],
    edns,
  });
}

function ask(name: string, type: TypeName, { edns, over = 'udp', from = resolver }: Asked = {}) {
  const bytes = from.handle(query(name, type, edns), over);
  const decoded = decodeMessage(bytes ?? new Uint8Array(0));
  if (!decoded.ok) throw new Error(decoded.error);
  expect(decoded.value.id).to.equal(4711);
  return decoded.value;
}

/** As `dig +short` shows them. */
const shown = ({ answers }: Message): string[] =>
  answers.map(({ data }) => {
    if (data.type === 'AAAA') return formatAddress(data.address);
    if (data.type === 'PTR' || data.type === 'NS') return formatName(data.target);
    if (data.type === 'SRV') return `${data.port} ${formatName(data.target)}`;
    if (data.type === 'TXT') return data.texts.join('|');
    return data.type;
  });

describe('dns: addresses in names', () => {
  it('writes 26 letters of RFC 4648 and reads them back', () => {
    expect(addressLabel(address('fd00::'))).to.equal('7uaaaaaaaaaaaaaaaaaaaaaaaa');
    const label = addressLabel(BERLIN);
    expect(label).to.have.length(26);
    expect(labelAddress(label)).to.deep.equal(BERLIN);
  });

  it('takes no other address space and no second spelling of an address', () => {
    expect(labelAddress(addressLabel(address('2001:db8::1')))).to.equal(undefined);
    expect(labelAddress('7uaaaaaaaaaaaaaaaaaaaaaaab')).to.equal(undefined);
    expect(labelAddress('7uaaaaaaaaaaaaaaaaaaaaaaa1')).to.equal(undefined);
    expect(labelAddress('7uaaaaaaaaaaaaaaaaaaaaaaa')).to.equal(undefined);
  });
});

describe('dns: names', () => {
  it('refuses pointers that lead forward, to themselves or around', () => {
    expect(readName(Uint8Array.of(0xc0, 0), 0)).to.equal(undefined);
    expect(readName(Uint8Array.of(0xc0, 2, 0), 0)).to.equal(undefined);
    expect(readName(Uint8Array.of(1, 97, 0xc0, 0), 0)).to.equal(undefined);
    expect(readName(Uint8Array.of(1, 97, 0, 1, 98, 0xc0, 0), 3)?.name).to.deep.equal(['b', 'a']);
  });

  it('refuses names over 255 bytes and labels of a later kind', () => {
    const long = new Uint8Array(300).fill(1);
    expect(readName(long, 0)).to.equal(undefined);
    expect(readName(Uint8Array.of(0x41, 0), 0)).to.equal(undefined);
  });

  it('shows odd bytes as numbers', () => {
    expect(formatName(['a.b', 'c\u0000'])).to.equal('a\\046b.c\\000.');
  });
});

describe('dns: what is answered', () => {
  const berlin = `${addressLabel(BERLIN)}.ala`;

  it('answers any address in base32, whatever the case, with no table', () => {
    const empty = new Resolver(OWN, () => new StaticTable(1, []));
    const answer = ask(berlin.toUpperCase(), 'AAAA', { from: empty });
    expect(shown(answer)).to.deep.equal([formatAddress(BERLIN)]);
    expect(answer.authoritative).to.equal(true);
    expect(answer.answers[0]?.name.join('.')).to.equal(berlin.toUpperCase());
  });

  it('answers names of nodes and services', () => {
    expect(shown(ask('berlin.BOB.ala', 'AAAA'))).to.deep.equal([formatAddress(BERLIN)]);
    expect(shown(ask('web.bob.ala', 'AAAA'))).to.deep.equal([formatAddress(WEB)]);
    expect(shown(ask('web.bob.ala', 'TXT'))).to.deep.equal(['the page']);
    expect(shown(ask('_http._tcp.web.bob.ala', 'SRV'))).to.deep.equal(['80 web.bob.ala.']);
  });

  it('answers the reverse of addresses, named or not', () => {
    const reverse = reverseName(BERLIN).join('.');
    expect(shown(ask(reverse, 'PTR'))).to.deep.equal(['berlin.bob.ala.']);
    expect(shown(ask(reverseName(OWN).join('.'), 'PTR'))).to.deep.equal([
      `${addressLabel(OWN)}.ala.`,
    ]);
  });

  it('says that a name is there and holds nothing of that type', () => {
    for (const name of [
      'web.bob.ala',
      berlin,
      'bob.ala',
      'ala',
      '_tcp.web.bob.ala',
      '0.d.f.ip6.arpa',
    ]) {
      const answer = ask(name, 'A');
      expect(answer.rcode, name).to.equal(RCODE.NOERROR);
      expect(answer.answers, name).to.deep.equal([]);
      expect(answer.authorities[0]?.data.type, name).to.equal('SOA');
    }
  });

  it('says with the SOA that a name is not there', () => {
    const names = [
      'nobody.ala',
      'x.bob.ala',
      '_udp.web.bob.ala',
      'x._http._tcp.web.bob.ala',
      'x.d.f.ip6.arpa',
    ];
    for (const name of names) {
      const answer = ask(name, 'AAAA');
      expect(answer.rcode, name).to.equal(RCODE.NXDOMAIN);
      const [soa] = answer.authorities;
      expect(soa?.data, name).to.include({ type: 'SOA', serial: 7 });
      expect(soa?.name.at(-1), name).to.equal(name.endsWith('ala') ? 'ala' : 'arpa');
    }
  });

  it('has a name server for its zones', () => {
    expect(shown(ask('ala', 'NS'))).to.deep.equal([`${addressLabel(OWN)}.ala.`]);
    expect(shown(ask('ala', 'SOA'))).to.deep.equal(['SOA']);
    expect(shown(ask('d.f.ip6.arpa', 'SOA'))).to.deep.equal(['SOA']);
  });

  it('refuses what is not its own', () => {
    for (const name of ['example.org', '.', '1.0.0.2.ip6.arpa', 'in-addr.arpa', 'xala']) {
      const answer = ask(name, 'AAAA');
      expect(answer.rcode, name).to.equal(RCODE.REFUSED);
      expect(answer.authoritative).to.equal(false);
    }
    expect(ask('ala', 'AXFR', { over: 'tcp' }).rcode).to.equal(RCODE.REFUSED);
  });

  it('gives a name that two claim to neither', () => {
    const table = new StaticTable(1, [claim('bob', 'web', WEB), claim('bob', 'WEB', BERLIN)]);
    const answer = ask('web.bob.ala', 'AAAA', { from: new Resolver(OWN, () => table) });
    expect(answer.rcode).to.equal(RCODE.NXDOMAIN);
  });
});

describe('dns: sizes and faults', () => {
  const many = Array.from({ length: 60 }, (_, i) => address(`fd00::${i + 1}`));
  const large = new StaticTable(1, [
    { name: 'all', handle: 'bob', addresses: many, ports: [], texts: [] },
  ]);
  const from = new Resolver(OWN, () => large);

  it('truncates over UDP beyond 512 bytes, or what EDNS says, and not over TCP', () => {
    const plain = ask('all.bob.ala', 'AAAA', { from });
    expect(plain.truncated).to.equal(true);
    expect(plain.answers).to.deep.equal([]);
    const edns = { version: 0, payloadMax: 65_535 };
    expect(ask('all.bob.ala', 'AAAA', { from, edns }).truncated).to.equal(true); // 1232 is our limit
    const tcp = ask('all.bob.ala', 'AAAA', { from, over: 'tcp' });
    expect(tcp.truncated).to.equal(false);
    expect(tcp.answers).to.have.length(60);
  });

  it('answers EDNS with EDNS, and version 1 with BADVERS', () => {
    const edns = { version: 0, payloadMax: 100 };
    expect(ask('web.bob.ala', 'AAAA', { edns }).edns).to.deep.equal({
      version: 0,
      payloadMax: 1232,
    });
    expect(ask('web.bob.ala', 'AAAA').edns).to.equal(undefined);
    const newer = ask('web.bob.ala', 'AAAA', { edns: { version: 1, payloadMax: 1232 } });
    expect(newer.rcode).to.equal(RCODE.BADVERS);
    expect(newer.answers).to.deep.equal([]);
  });

  it('says nothing to a response or to less than a header', () => {
    const response = query('web.bob.ala', 'AAAA');
    response[2] = 0x80;
    expect(resolver.handle(response, 'udp')).to.equal(undefined);
    expect(resolver.handle(new Uint8Array(11), 'udp')).to.equal(undefined);
  });

  it('answers what is malformed with a header alone', () => {
    const good = query('web.bob.ala', 'AAAA', { version: 0, payloadMax: 1232 });
    const twoQuestions = good.slice();
    twoQuestions[5] = 2;
    const cut = good.slice(0, good.length - 1);
    const status = good.slice();
    status[2] = 2 << 3;
    for (const bytes of [twoQuestions, cut, new Uint8Array(12), new Uint8Array(5000), status]) {
      const answer = resolver.handle(bytes, 'udp');
      expect(answer).to.have.length(12);
      const wanted = bytes === status ? RCODE.NOTIMP : RCODE.FORMERR;
      expect((answer?.[3] ?? 0) & 15).to.equal(wanted);
    }
  });
});
