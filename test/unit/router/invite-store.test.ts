import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { parseInviteLine } from '../../../src/identity/invite-line.js';
import { createIdentity, type Identity } from '../../../src/platform/keystore.js';
import { INVITES_FILE, InviteStore } from '../../../src/router/invite-store.js';
import { PeerStore } from '../../../src/router/peer-store.js';

const DAY = { lifeMsec: 86_400_000, usesMax: 1, name: '' };
const SELF = { name: 'berlin', endpoints: ['udp://203.0.113.7:4242'] };

describe('the invitations of a router', () => {
  let dir: string;
  let identity: Identity;
  let store: InviteStore;
  beforeEach(async () => {
    dir = mkdtempSync(path.join(tmpdir(), 'alamesh-invites-'));
    identity = await createIdentity({ realm: 'test', work: 0, name: 'berlin' });
    store = await InviteStore.open(dir, identity);
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const failure = async (work: Promise<unknown>): Promise<{ code?: string; exit?: number }> => {
    try {
      await work;
    } catch (error) {
      return error as { code?: string };
    }
    throw new Error('it did not fail');
  };

  it('are kept over a restart, in a file for their owner alone', async () => {
    const { line, id } = await store.create({ ...DAY, name: 'carol' }, SELF);
    expect(statSync(path.join(dir, INVITES_FILE)).mode & 0o777).to.equal(0o600);
    const again = await InviteStore.open(dir, identity);
    expect(again.list().invites[0]).to.include({ id, name: 'carol', state: 'open', usesMax: 1 });
    expect(JSON.stringify(again.list())).not.to.include('secret');
    const parsed = parseInviteLine(line);
    if (!parsed.ok) throw new Error(parsed.error);
    const { secret, realm, node, nameForYou, endpoints } = parsed.value;
    expect(again.book()[0]?.secret).to.deep.equal(secret);
    expect({ realm, node, nameForYou, endpoints }).to.deep.equal({
      ...{ realm: 'test', node: identity.id, nameForYou: 'carol', endpoints: SELF.endpoints },
    });
  });

  it('count their uses in memory at once', async () => {
    await store.create({ ...DAY, usesMax: 2 }, SELF);
    const id = store.book()[0]?.id ?? new Uint8Array(8);
    const written = store.use(id, { id: identity.id, name: 'paris' });
    expect(store.book()[0]?.usesLeft).to.equal(1);
    await written;
    await store.use(id, { id: identity.id, name: 'oslo' });
    const { state, uses } = store.list().invites[0] ?? {};
    expect(state).to.equal('used');
    expect(uses?.map(({ name }) => name)).to.deep.equal(['paris', 'oslo']);
  });

  it('are revoked by the beginning of their id', async () => {
    const { id } = await store.create(DAY, SELF);
    expect((await failure(store.revoke('zz'))).code).to.equal('not-found');
    expect((await store.revoke(id.slice(0, 6))).state).to.equal('revoked');
    expect(store.book()[0]?.revoked).to.equal(true);
    expect((await failure(store.revoke(''))).code).to.equal('not-found');
  });

  it('refuse numbers that make no sense', async () => {
    for (const wrong of [{ lifeMsec: 1 }, { usesMax: 0 }, { usesMax: 1.5 }, { name: 'a b' }]) {
      expect(await failure(store.create({ ...DAY, ...wrong }, SELF))).to.include({
        ...{ code: 'bad-invite', exit: 2 },
      });
    }
  });

  it('are a bad file when somebody else wrote it', async () => {
    writeFileSync(path.join(dir, INVITES_FILE), '{"invites":[{}]}');
    expect(await failure(InviteStore.open(dir, identity))).to.include({
      code: 'bad-file',
      exit: 4,
    });
  });

  it('leave a peer with a secret behind, until the link is up', async () => {
    const { line } = await store.create(DAY, SELF);
    const mine = await createIdentity({ realm: 'test', work: 0, name: 'paris' });
    const own = mkdtempSync(path.join(tmpdir(), 'alamesh-invites-'));
    try {
      const peers = await PeerStore.open(own, mine);
      await peers.add(line);
      const again = await PeerStore.open(own, mine);
      expect(again.peers[0]?.invite?.secret).to.have.length(16);
      expect(await again.forgetInvite(identity.id)).to.equal(true);
      expect(await again.forgetInvite(identity.id)).to.equal(false);
      expect((await PeerStore.open(own, mine)).peers[0]?.invite).to.equal(undefined);
    } finally {
      rmSync(own, { recursive: true });
    }
  });

  it('are refused by who is of another realm, has too little work, or made them', async () => {
    const { line } = await store.create(DAY, SELF);
    const peers = await PeerStore.open(dir, identity);
    expect((await failure(peers.add(line))).code).to.equal('own-line');
    const foreign = await createIdentity({ realm: 'other', work: 0, name: 'x' });
    const others = await PeerStore.open(dir, foreign);
    expect((await failure(others.add(line))).code).to.equal('wrong-realm');
    const hard = await InviteStore.open(dir, { ...identity, work: 8 });
    const harder = (await hard.create(DAY, SELF)).line;
    const weak = await PeerStore.open(dir, { ...foreign, realm: 'test' });
    expect((await failure(weak.add(harder))).code).to.equal('wrong-work');
  });

  it('lose none of two peers that are added at once', async () => {
    const lines = await Promise.all(
      [1, 2, 3].map(async () => {
        const other = await createIdentity({ realm: 'test', work: 0, name: 'x' });
        return (await InviteStore.open(dir, other)).create(DAY, SELF);
      }),
    );
    const peers = await PeerStore.open(dir, identity);
    await Promise.all(lines.map(({ line }) => peers.add(line)));
    expect((await PeerStore.open(dir, identity)).peers).to.have.length(3);
  });
});
