import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { toBase64Url } from '../../../src/base/bytes.js';
import { UserError } from '../../../src/base/errors.js';
import { formatNodeId } from '../../../src/base/ip6.js';
import { formatPeerLine, parsePeerLine } from '../../../src/identity/peer-line.js';
import { createIdentity, type Identity, saveIdentity } from '../../../src/platform/keystore.js';
import {
  endpointUrl,
  ownEndpoints,
  PEERS_FILE,
  PeerStore,
} from '../../../src/router/peer-store.js';
import { run } from '../cli/run.js';

async function refusal(action: () => Promise<unknown>): Promise<UserError> {
  try {
    await action();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

describe('peers added by hand', () => {
  let dir: string;
  let own: Identity;
  let friend: Identity;

  before(async () => {
    own = await createIdentity({ realm: 'lab', work: 0, name: 'berlin' });
    friend = await createIdentity({ realm: 'lab', work: 0, name: 'paris' });
  });
  beforeEach(async () => {
    dir = mkdtempSync(path.join(tmpdir(), 'alamesh-test-'));
    await saveIdentity(dir, own);
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const lineOf = (who: Identity, more: { realm?: string; endpoints?: string[] } = {}): string =>
    formatPeerLine({
      ...{ realm: who.realm, noiseKey: who.noisePublic, id: who.id, name: who.name },
      ...{ endpoints: ['udp://203.0.113.7:4242'], ...more },
    });
  const file = (): string => path.join(dir, PEERS_FILE);
  const reopened = async () => (await PeerStore.open(dir)).peers;

  it('are on disk, for the owner only, and read back', async () => {
    const store = await PeerStore.open(dir);
    expect((await store.add(`  ${lineOf(friend)}\n`)).isNew).to.equal(true);
    expect(statSync(file()).mode & 0o777).to.equal(0o600);
    expect(await reopened()).to.deep.equal([
      {
        ...{ key: friend.noisePublic, id: friend.id, name: 'paris' },
        endpoints: ['udp://203.0.113.7:4242'],
      },
    ]);
    expect(readdirSync(dir).sort()).to.deep.equal(['identity.key', PEERS_FILE]);
  });

  it('get new endpoints when they are known', async () => {
    const store = await PeerStore.open(dir);
    await store.add(lineOf(friend));
    const { isNew } = await store.add(lineOf(friend, { endpoints: ['udp://198.51.100.1:1'] }));
    expect(isNew).to.equal(false);
    expect((await reopened()).map((peer) => peer.endpoints)).to.deep.equal([
      ['udp://198.51.100.1:1'],
    ]);
  });

  it('are removed by name, address or key', async () => {
    const { id, noisePublic } = friend;
    for (const who of ['paris', formatNodeId(id), toBase64Url(noisePublic)]) {
      const store = await PeerStore.open(dir);
      await store.add(lineOf(friend));
      expect((await store.remove(who)).name).to.equal('paris');
      expect(await reopened()).to.deep.equal([]);
    }
  });

  it('are not of another realm, not ourselves, not damaged lines; then nothing changes', async () => {
    const store = await PeerStore.open(dir);
    const realm = await refusal(() => store.add(lineOf(friend, { realm: 'alanet' })));
    expect(realm.code).to.equal('wrong-realm');
    expect(realm.message).to.include('alanet').and.include('lab');
    expect((await refusal(() => store.add(lineOf(own)))).code).to.equal('own-line');
    const cut = await refusal(() => store.add(lineOf(friend).slice(0, -9)));
    expect(cut).to.include({ code: 'bad-peer', exit: 4 });
    const rubbish = await refusal(() => store.add('not = "a node file"'));
    expect(rubbish).to.include({ code: 'bad-peer', exit: 4 });
    expect(readdirSync(dir)).to.deep.equal(['identity.key']);
  });

  it('are not used when they cannot be written', async () => {
    const store = await PeerStore.open(dir);
    rmSync(dir, { recursive: true });
    await refusal(() => store.add(lineOf(friend)));
    expect(store.peers).to.deep.equal([]);
    writeFileSync(dir, ''); // for afterEach
  });

  const DAMAGED = ['[[peers]', '[[peers]]\nname = "x"', '[[peers]]\nkey = "AAAA"', 'peers = 3'];
  for (const text of DAMAGED) {
    it(`of a damaged file ${JSON.stringify(text)} are refused with its name`, async () => {
      writeFileSync(file(), text);
      const error = await refusal(() => PeerStore.open(dir));
      expect(error.exit).to.equal(4);
      expect(error.message).to.include(file());
    });
  }

  it('work from the command line while no router runs', async () => {
    const ala = (...words: string[]) => run(['--dir', dir, 'peer', ...words]);
    const line = await ala('line', '--endpoint', '198.51.100.9:1', '--endpoint', '[2001:db8::1]:2');
    expect(line.out.split('\n')).to.have.length(2);
    const parsed = parsePeerLine(line.out);
    expect(parsed.ok && parsed.value).to.deep.equal({
      ...{ realm: 'lab', noiseKey: own.noisePublic, id: own.id, name: 'berlin' },
      endpoints: ['udp://198.51.100.9:1', 'udp://[2001:db8::1]:2'],
    });
    const pasted = path.join(dir, 'line.txt');
    writeFileSync(pasted, `${lineOf(friend)}\n`);
    expect(await ala('add', pasted)).to.include({ code: 0, err: '' });
    const list = await ala('list', '--json');
    expect(JSON.parse(list.out).peers).to.have.length(1);
    expect((await ala('list')).out).to.include('paris');
    expect((await ala('remove', 'paris')).code).to.equal(0);
    expect((await ala('remove', 'paris')).code).to.equal(1);
    expect((await ala('add', lineOf(own))).code).to.equal(1);
    expect((await ala('add', path.join(dir, 'none'))).code).to.equal(4);
    expect((await ala('line', '--endpoint', 'nonsense')).code).to.equal(2);
    const many = Array.from({ length: 17 }, (_, i) => `192.0.2.1:${i + 1}`);
    expect((await ala('line', '--endpoint', ...many)).code).to.equal(2);
  });
});

describe('endpoints', () => {
  it('are written as people write them', () => {
    expect(endpointUrl('192.0.2.1:4242')).to.equal('udp://192.0.2.1:4242');
    expect(endpointUrl('[2001:db8::1]:4242')).to.equal('udp://[2001:db8::1]:4242');
    expect(endpointUrl('berlin.example.org:1')).to.equal('udp://berlin.example.org:1');
    expect(endpointUrl('tcp://192.0.2.1:443')).to.equal('tcp://192.0.2.1:443');
    for (const wrong of [
      '',
      'host',
      'host:',
      ':1',
      'a:0',
      'a:65536',
      '2001:db8::1:4242',
      'a b:1',
    ]) {
      expect(() => endpointUrl(wrong), wrong).to.throw(UserError);
    }
  });

  it('of our own are the bound addresses, or those of the host', () => {
    const given = ownEndpoints(['udp://192.0.2.1:4242', 'udp://[2001:db8::1]:1', 'udp://[::]:0']);
    expect(given).to.deep.equal(['udp://192.0.2.1:4242', 'udp://[2001:db8::1]:1']);
    for (const url of ownEndpoints(['udp://[::]:4242'])) {
      expect(url)
        .to.match(/^udp:\/\/.+:4242$/)
        .and.not.match(/127\.0\.0\.1|\[::1\]|fe80/);
    }
    for (const url of ownEndpoints(['udp://0.0.0.0:4242'])) expect(url).not.to.include('[');
  });
});
