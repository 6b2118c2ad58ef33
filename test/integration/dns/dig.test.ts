/** The DNS server on loopback, asked by `dig` (Debian: bind9-dnsutils), and by sockets that do what dig does not. */
import { createSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { parseAddress } from '../../../src/base/ip6.js';
import { addressLabel } from '../../../src/dns/address-name.js';
import { Resolver } from '../../../src/dns/resolver.js';
import { StaticTable } from '../../../src/dns/table.js';
import { now } from '../../../src/platform/clock.js';
import { DnsServer } from '../../../src/router/dns.js';
import { hasTools, run } from '../namespace.js';

const address = (text: string): Uint8Array => {
  const parsed = parseAddress(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
};
const OWN = address('fd00::1');
const WEB = address('fc12:3456::9');
const MANY = Array.from({ length: 100 }, (_, i) => address(`fd00::${(i + 1).toString(16)}`));
const TABLE = new StaticTable(7, [
  {
    ...{ name: 'web', handle: 'bob', addresses: [WEB], texts: ['the page'] },
    ports: [{ service: 'http', protocol: 'tcp', port: 80 }],
  },
  { name: 'all', handle: 'bob', addresses: MANY, ports: [], texts: [] },
]);

describe('dns over sockets', function () {
  this.timeout(20_000);
  let server: DnsServer;
  before(async () => {
    const resolver = new Resolver(OWN, () => TABLE);
    server = await DnsServer.open({ listen: '127.0.0.1:0', resolver, now });
  });
  after(() => server.close());

  const dig = async (...words: string[]): Promise<string> => {
    const where = ['@127.0.0.1', '-p', String(server.port), '+time=2', '+tries=1'];
    const { stdout } = await run(['dig', ...where, ...words]);
    return stdout.trim();
  };

  describe('asked by dig', () => {
    before(function () {
      if (!hasTools('dig')) this.skip();
    });

    it('answers AAAA, SRV, TXT and PTR', async () => {
      expect(await dig('+short', 'web.bob.ala', 'AAAA')).to.equal('fc12:3456::9');
      expect(await dig('+short', `${addressLabel(OWN)}.ala`, 'AAAA')).to.equal('fd00::1');
      expect(await dig('+short', '_http._tcp.web.bob.ala', 'SRV')).to.equal('0 0 80 web.bob.ala.');
      expect(await dig('+short', 'web.bob.ala', 'TXT')).to.equal('"the page"');
      expect(await dig('+short', '-x', 'fc12:3456::9')).to.equal('web.bob.ala.');
      expect(await dig('+short', '-x', 'fd00::abcd')).to.match(/^[a-z2-7]{26}\.ala\.$/);
    });

    it('tells the zone, what is not there and what is not its own', async () => {
      expect(await dig('ala', 'SOA')).to.match(
        /status: NOERROR[\s\S]*flags: qr aa rd;[\s\S]*\sSOA\s/,
      );
      expect(await dig('+short', 'ala', 'NS')).to.equal(`${addressLabel(OWN)}.ala.`);
      expect(await dig('x.bob.ala', 'AAAA')).to.match(/status: NXDOMAIN[\s\S]*AUTHORITY[\s\S]*SOA/);
      expect(await dig('web.bob.ala', 'A')).to.match(/status: NOERROR[\s\S]*ANSWER: 0/);
      expect(await dig('example.org', 'A')).to.include('status: REFUSED');
      expect(await dig('ala', 'AXFR')).to.include('Transfer failed');
      expect(await dig('+edns=1', '+noednsneg', 'ala', 'SOA')).to.include('status: BADVERS');
    });

    it('truncates over UDP, and dig comes again over TCP', async () => {
      const cut = await dig('+ignore', '+noedns', 'all.bob.ala', 'AAAA');
      expect(cut).to.match(/flags: qr aa tc rd;[\s\S]*ANSWER: 0/);
      const lines = (await dig('+short', 'all.bob.ala', 'AAAA')).split('\n');
      expect(lines).to.have.length(100);
    });

    it('answers several questions on one connection', async () => {
      const text = await dig('+tcp', '+keepopen', '+short', 'web.bob.ala', 'AAAA', 'ala', 'NS');
      expect(text.split('\n')).to.deep.equal(['fc12:3456::9', `${addressLabel(OWN)}.ala.`]);
    });
  });

  const opened = (): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const socket = connect(server.port, '127.0.0.1', () => resolve(socket));
      socket.once('error', reject);
    });
  const closed = (socket: Socket): Promise<void> =>
    new Promise((resolve) => {
      socket.on('error', () => {});
      socket.once('close', () => resolve());
      socket.resume();
    });

  it('closes a connection that sends no query within ten seconds, byte by byte or not at all', async () => {
    const began = Date.now();
    const [silent, slow] = [await opened(), await opened()];
    const drip = setInterval(() => slow.write(Uint8Array.of(0)), 3_000);
    await Promise.all([closed(silent), closed(slow)]).finally(() => clearInterval(drip));
    expect(Date.now() - began).to.be.within(9_000, 13_000);
  });

  it('closes a connection whose query has an absurd length', async () => {
    const socket = await opened();
    socket.write(Uint8Array.of(0xff, 0xff, 0));
    await closed(socket);
  });

  it('holds at most 64 connections', async () => {
    const all = await Promise.all(Array.from({ length: 64 }, opened));
    const more = await opened();
    await closed(more);
    for (const socket of all) socket.destroy();
  });

  it('answers a flood of one source only in part, and other questions afterwards', async () => {
    const socket = createSocket('udp4');
    let answers = 0;
    socket.on('message', () => void answers++);
    const query = Uint8Array.from([
      0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 97, 108, 97, 0, 0, 6, 0, 1,
    ]);
    for (let i = 0; i < 1_500; i++) {
      socket.send(query, server.port, '127.0.0.1');
      if (i % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await new Promise((resolve) => setTimeout(resolve, 600));
    socket.close();
    expect(answers).to.be.within(100, 800);
  });
});
