import { expect } from 'chai';
import fc from 'fast-check';
import type { NodeId } from '../../../src/base/ip6.js';
import { formatNodeFile, parseNodeFile } from '../../../src/identity/node-file.js';
import { formatPeerLine, parsePeerLine } from '../../../src/identity/peer-line.js';
import { signNode, verifyNode } from '../../../src/identity/records.js';
import { crypto, NOW, REALM, testNode } from '../../unit/identity/nodes.js';
import { bytes, words } from '../wire/arbitrary.js';

const CHECK = { realm: REALM, work: 0, nowSeconds: NOW };
const label = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,10}[a-z0-9])?$/);
const endpoint = fc.stringMatching(/^[a-z]{3,5}:\/\/[!-~]{1,60}$/);

const info = fc.record({
  realm: label,
  noiseKey: bytes(32),
  id: fc.stringMatching(/^fd[0-9a-f]{30}$/).map((hex) => hex as NodeId),
  name: fc.oneof(label, fc.constant('')),
  endpoints: fc.array(endpoint, { maxLength: 16 }),
});

function signedFile(name: string, contact: string, endpoints: readonly string[]): string {
  const { seed, body } = testNode(3, { name, contact, handle: name, endpoints });
  const verified = verifyNode(crypto, signNode(crypto, seed, body), CHECK);
  if (!verified.ok) throw new Error(verified.error);
  return formatNodeFile(verified.value);
}

describe('peer lines, any', () => {
  it('give back what went in', () => {
    fc.assert(
      fc.property(info, (value) => {
        expect(parsePeerLine(formatPeerLine(value))).to.deep.equal({ ok: true, value });
      }),
    );
  });

  it('with characters changed are never taken for another peer', () => {
    const change = fc.tuple(fc.nat(1000), fc.stringMatching(/^[A-Za-z0-9_:-]{0,2}$/));
    fc.assert(
      fc.property(info, fc.array(change, { minLength: 1, maxLength: 3 }), (value, changes) => {
        let line = formatPeerLine(value);
        for (const [at, text] of changes) {
          const i = at % line.length;
          line = line.slice(0, i) + text + line.slice(i + 1);
        }
        const parsed = parsePeerLine(line);
        if (parsed.ok) expect(parsed.value).to.deep.equal(value);
      }),
      { numRuns: 400 },
    );
  });

  it('answer any text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (text) => {
        expect(parsePeerLine(text).ok).to.equal(false);
        expect(parsePeerLine(`alamesh1:${text}`).ok).to.equal(false);
      }),
    );
  });
});

describe('node files, any', () => {
  it('are canonical TOML whatever the words in them', () => {
    fc.assert(
      fc.property(
        words(63),
        words(200),
        fc.array(endpoint, { maxLength: 4 }),
        (name, contact, list) => {
          const parsed = parseNodeFile(crypto, signedFile(name, contact, list), CHECK);
          expect(parsed.ok && parsed.value.canonical).to.equal(true);
          expect(parsed.ok && parsed.value.node.body).to.include({ name, contact });
        },
      ),
      { numRuns: 100 },
    );
  });

  it('with a changed character give the same node or an error', () => {
    const text = signedFile('berlin', 'gil', ['udp://203.0.113.7:4242']);
    const original = parseNodeFile(crypto, text, CHECK);
    if (!original.ok) throw new Error(original.error.message);
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.string({ minLength: 0, maxLength: 2 }), (at, put) => {
        const parsed = parseNodeFile(crypto, text.slice(0, at) + put + text.slice(at + 1), CHECK);
        if (parsed.ok) expect(parsed.value.node).to.deep.equal(original.value.node);
        else expect(parsed.error.message).to.be.a('string').and.not.equal('');
      }),
      { numRuns: 300 },
    );
  });
});
