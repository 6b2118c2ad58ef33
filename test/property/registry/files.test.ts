import { expect } from 'chai';
import fc from 'fast-check';
import { utf8 } from '../../../src/base/bytes.js';
import { readText } from '../../../src/registry/form.js';
import { roleOf } from '../../../src/registry/layout.js';
import { formatRealmFile, parseRealmFile } from '../../../src/registry/realm-file.js';
import { Snapshot } from '../../../src/registry/snapshot.js';
import { parseStatement, type Statement, signStatement } from '../../../src/registry/statement.js';
import { crypto, NOW, testNode } from '../../unit/identity/nodes.js';

const label = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/);
const seconds = fc.nat({ max: 2 ** 40 });

describe('files of a registry', () => {
  it('give back the realm that was written', () => {
    const realm = fc.record({
      realm: label,
      work: fc.nat({ max: 40 }),
      privateEndpoints: fc.boolean(),
    });
    fc.assert(
      fc.property(realm, (file) => {
        expect(parseRealmFile(formatRealmFile(file))).to.deep.equal({ ok: true, value: file });
      }),
    );
  });

  it('give back the statement that was signed', () => {
    const some = fc.record({
      ...{ kind: fc.constantFrom('tombstone', 'vouch'), realm: label, handle: label, at: seconds },
      nonce: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    });
    fc.assert(
      fc.property(some, ({ nonce, ...rest }) => {
        const { seed, proof } = testNode(3);
        const subject = testNode(4).id;
        const statement = {
          ...rest,
          kind: 'vouch',
          subject,
          proof: { ...proof, nonce },
        } as Statement;
        const parsed = parseStatement(crypto, signStatement(crypto, seed, statement), 'vouch');
        if (!parsed.ok) throw new Error(parsed.error.message);
        const { by: _by, ...value } = parsed.value;
        expect(value).to.deep.equal(statement);
      }),
      { numRuns: 50 },
    );
  });

  it('of any bytes at any path give findings and no exception', () => {
    const path = fc.oneof(
      fc.string({ unit: 'binary-ascii', maxLength: 60 }),
      fc
        .tuple(label, fc.constantFrom('node', 'svc', 'vouch'), label)
        .map(([a, b, c]) => `members/${a}/${b}-${c}.toml`),
      fc.stringMatching(/^tombstones\/fd[0-9a-f]{30}\.toml$/),
    );
    const mode = fc.constantFrom('100644', '100755', '120000', '160000', '040000');
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ maxLength: 300 }).map(utf8),
      fc
        .constantFrom('format = "alamesh.vouch/1"\n', 'body = ""\n', '[[[[', 'a = 1979-05-27\n')
        .map(utf8),
    );
    fc.assert(
      fc.property(path, mode, bytes, (at, as, content) => {
        const snapshot = new Snapshot(crypto, NOW);
        snapshot.setRealm(utf8(formatRealmFile({ realm: 'x', work: 0, privateEndpoints: false })));
        const role = snapshot.admit({ path: at, mode: as, size: content.length });
        if (role !== undefined) snapshot.add(at, role, content);
        snapshot.finish();
        const isOther = roleOf(at, as).kind === 'other' || at === 'realm.toml';
        expect(snapshot.findings.length > 0 || isOther).to.equal(true);
        expect(snapshot.members.size + snapshot.tombstones.size).to.equal(0);
      }),
    );
  });

  it('are text without control characters, or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const text = readText(bytes);
        if (text.ok) expect(utf8(text.value)).to.deep.equal(bytes);
      }),
    );
  });
});
