import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { UserError } from '../../../src/base/errors.js';
import { deriveNode } from '../../../src/identity/address.js';
import { nodeCrypto } from '../../../src/platform/crypto.js';
import {
  createIdentity,
  IDENTITY_FILE,
  loadIdentity,
  saveIdentity,
} from '../../../src/platform/keystore.js';
import { nextSeq, SEQUENCE_FILE } from '../../../src/platform/sequence-file.js';

async function failure(work: Promise<unknown>): Promise<UserError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

describe('the key store', () => {
  let dir = '';
  let file = '';
  beforeEach(() => {
    dir = path.join(mkdtempSync(path.join(tmpdir(), 'alamesh-keys-')), 'state');
    file = path.join(dir, IDENTITY_FILE);
  });
  afterEach(() => rmSync(path.dirname(dir), { recursive: true, force: true }));

  it('gives back the identity that it keeps, in a private file and directory', async () => {
    const identity = await createIdentity({ realm: 'lab', work: 5, name: 'berlin' });
    await saveIdentity(dir, identity);
    expect(await loadIdentity(dir)).to.deep.equal(identity);
    expect([statSync(dir).mode & 0o777, statSync(file).mode & 0o777]).to.deep.equal([0o700, 0o600]);
    expect(readdirSync(dir)).to.deep.equal([IDENTITY_FILE]);
  });

  it('makes identities whose proof has the work, each with keys of its own', async () => {
    const options = { realm: 'lab', work: 8, name: 'x' };
    const [one, two] = [await createIdentity(options), await createIdentity(options)];
    const derived = deriveNode(nodeCrypto(), 'lab', one.proof);
    expect(derived.work).to.be.at.least(8);
    expect(derived.id).to.equal(one.id);
    expect(one.id).not.to.equal(two.id);
    expect(one.noisePrivate).not.to.deep.equal(two.noisePrivate);
    expect(one.noisePublic).to.deep.equal(nodeCrypto().x25519Public(one.noisePrivate));
  });

  it('never overwrites without force', async () => {
    const one = await createIdentity({ realm: 'lab', name: 'one' });
    const two = await createIdentity({ realm: 'lab', name: 'two' });
    await saveIdentity(dir, one);
    expect(await failure(saveIdentity(dir, two))).to.include({ code: 'identity-exists', exit: 1 });
    expect((await loadIdentity(dir)).id).to.equal(one.id);
    await saveIdentity(dir, two, { force: true });
    expect((await loadIdentity(dir)).id).to.equal(two.id);
  });

  it('refuses a bad realm, work or name as wrong usage', async () => {
    const good = { realm: 'lab', work: 0, name: 'x' };
    const wrong = [{ realm: 'A B' }, { work: 41 }, { work: 1.5 }, { work: -1 }, { name: '../x' }];
    for (const change of wrong) {
      const error = await failure(createIdentity({ ...good, ...change }));
      expect(error, JSON.stringify(change)).to.include({ code: 'bad-option', exit: 2 });
    }
  });

  it('refuses a file that others can use', async () => {
    await saveIdentity(dir, await createIdentity({ realm: 'lab', name: 'x' }));
    for (const mode of [0o640, 0o604, 0o660]) {
      chmodSync(file, mode);
      const error = await failure(loadIdentity(dir));
      expect(error).to.include({ code: 'identity-exposed', exit: 4, file });
      expect(error.hint).to.include(`chmod 600 ${file}`);
    }
  });

  it('says when there is none', async () => {
    const error = await failure(loadIdentity(dir));
    expect(error).to.include({ code: 'no-identity', exit: 4 });
    expect(error.hint).to.include('alamesh init');
  });

  it('refuses a file cut anywhere, and never quotes a key', async () => {
    const identity = await createIdentity({ realm: 'lab', work: 4, name: 'x' });
    await saveIdentity(dir, identity);
    const text = readFileSync(file, 'utf8');
    const secrets = [...text.matchAll(/"([A-Za-z0-9+/=]{40,})"/g)].map(
      (match) => match[1] as string,
    );
    expect(secrets).to.have.length(3);
    for (let length = 0; length < text.length - 1; length += 11) {
      writeFileSync(file, text.slice(0, length));
      const error = await failure(loadIdentity(dir));
      expect(error.exit, `cut at ${length}`).to.equal(4);
      const shown = `${error.message} ${error.hint} ${error.stack} ${error.cause}`;
      for (const secret of secrets) expect(shown).not.to.include(secret.slice(0, 12));
    }
  });

  it('refuses wrong values and a proof without its work', async () => {
    await saveIdentity(dir, await createIdentity({ realm: 'lab', work: 0, name: 'x' }));
    const text = readFileSync(file, 'utf8');
    const wrong: readonly [RegExp, string, RegExp][] = [
      [/^seed = .*$/m, 'seed = "AAAA"', /32 bytes/],
      [/^noise_key = .*$/m, 'noise_key = 5', /32 bytes/],
      [/^nonce = .*$/m, 'nonce = "18446744073709551616"', /nonce/],
      [/^nonce = .*$/m, 'nonce = 1', /nonce/],
      [/^work = .*$/m, 'work = 40', /stated work of 40/],
      [/^work = .*$/m, 'work = 400', /realm, work or name/],
      [/^version = .*$/m, 'version = 2', /version 1/],
      [/^name = .*$/m, 'name = "x"\nextra = 1', /none of ours/],
      [/^realm = .*$/m, '', /lacks realm/],
    ];
    for (const [what, put, message] of wrong) {
      writeFileSync(file, text.replace(what, put));
      const error = await failure(loadIdentity(dir));
      expect(error).to.include({ code: 'bad-identity', exit: 4 });
      expect(error.message).to.match(message);
    }
  });
});

describe('sequence numbers', () => {
  let dir = '';
  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'alamesh-seq-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('begin at the epoch second and only rise, whatever the clock does', async () => {
    expect(await nextSeq(dir, { nowSeconds: 1000 })).to.equal(1000);
    expect(await nextSeq(dir, { nowSeconds: 1000 })).to.equal(1001);
    expect(await nextSeq(dir, { nowSeconds: 10 })).to.equal(1002);
    expect(await nextSeq(dir, { nowSeconds: 5000 })).to.equal(5000);
  });

  it('are on disk before they are used', async () => {
    const first = await nextSeq(dir, { nowSeconds: 1000, count: 10 });
    expect(first).to.equal(1000);
    expect(readFileSync(path.join(dir, SEQUENCE_FILE), 'utf8')).to.equal('1009\n');
    expect(await nextSeq(dir, { nowSeconds: 1000 })).to.equal(1010);
  });

  it('do not come from a damaged file', async () => {
    for (const text of ['', 'x\n', '12', '-5\n', '99999999999999999999\n', '9007199254740991\n']) {
      writeFileSync(path.join(dir, SEQUENCE_FILE), text);
      const error = await failure(nextSeq(dir, { nowSeconds: 1 }));
      expect(error, JSON.stringify(text)).to.include({ code: 'bad-sequence', exit: 4 });
    }
  });
});
