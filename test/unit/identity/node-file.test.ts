import { expect } from 'chai';
import { formatNodeFile, nodeFileName, parseNodeFile } from '../../../src/identity/node-file.js';
import { signNode, verifyNode } from '../../../src/identity/records.js';
import type { NodeRecordBody } from '../../../src/wire/types.js';
import { crypto, NOW, REALM, testNode } from './nodes.js';

const CHECK = { realm: REALM, work: 0, nowSeconds: NOW };

function nodeFile(change: Partial<NodeRecordBody> = {}): string {
  const { seed, body } = testNode(1, {
    ...{ endpoints: ['udp://203.0.113.7:4242', 'udp://[2001:db8::7]:4242'], handle: 'gil' },
    ...{ contact: 'say "hello" to \\gil', ...change },
  });
  const verified = verifyNode(crypto, signNode(crypto, seed, body), CHECK);
  if (!verified.ok) throw new Error(verified.error);
  return formatNodeFile(verified.value);
}
const TEXT = nodeFile();

function errorOf(text: string, check = CHECK): string {
  const parsed = parseNodeFile(crypto, text, check);
  return parsed.ok ? 'none' : `${parsed.error.line ?? '-'}: ${parsed.error.message}`;
}

describe('node files', () => {
  it('give back the node and are canonical as written', () => {
    const parsed = parseNodeFile(crypto, TEXT, CHECK);
    if (!parsed.ok) throw new Error(parsed.error.message);
    expect(parsed.value.canonical).to.equal(true);
    expect(parsed.value.node.id).to.equal(testNode(1).id);
    expect(parsed.value.node.body.endpoints).to.have.length(2);
    expect(formatNodeFile(parsed.value.node)).to.equal(TEXT);
  });

  it('show people what was signed', () => {
    expect(TEXT).to.include('handle = "gil"\nname = "node1"\n');
    expect(TEXT).to.include('endpoints = ["udp://203.0.113.7:4242", "udp://[2001:db8::7]:4242"]\n');
    expect(TEXT).to.include(`not_after = ${NOW + 86_400}\n`);
    expect(TEXT).to.match(/^address = "fd[0-9a-f:]+"$/m);
  });

  it('may have comments and another layout, but are not canonical then', () => {
    const lines = TEXT.trimEnd().split('\n').reverse();
    const parsed = parseNodeFile(crypto, `# mine\r\n${lines.join('\r\n')}\r\n`, CHECK);
    expect(parsed.ok && parsed.value.canonical).to.equal(false);
  });

  it('whose readable fields differ from the signed ones are refused, with the line', () => {
    for (const [i, line] of TEXT.split('\n').entries()) {
      const [field, value] = line.split(' = ') as [string, string | undefined];
      if (value === undefined || ['format', 'body', 'signature'].includes(field)) continue;
      const other = value.startsWith('"') ? '"x"' : value === 'true' ? 'false' : '[1]';
      const changed = TEXT.replace(`\n${line}\n`, `\n${field} = ${other}\n`);
      expect(errorOf(changed)).to.match(new RegExp(`^${i + 1}: ${field} is not what was signed`));
      const without = TEXT.replace(`\n${line}\n`, '\n');
      expect(errorOf(without)).to.equal(`-: ${field} is missing`);
    }
  });

  it('refuse a field that is not signed', () => {
    expect(errorOf(`${TEXT}color = "red"\n`)).to.match(/^\d+: a field that is not signed$/);
  });

  it('refuse a changed signature, body or format', () => {
    const flip = (field: string): string =>
      TEXT.replace(new RegExp(`${field} = "(.{20})(.)`), (_, head, letter) => {
        return `${field} = "${head}${letter === 'A' ? 'B' : 'A'}`;
      });
    expect(errorOf(flip('signature'))).to.match(/^\d+: the signature does not match/);
    expect(errorOf(flip('body'))).not.to.equal('none');
    expect(errorOf(TEXT.replace('node/1', 'node/2'))).to.match(/^\d+: format is not/);
    expect(errorOf(TEXT.replace(/^body.*$/m, 'body = ""'))).to.match(/^\d+: body is missing/);
  });

  it('say why the record is refused', () => {
    expect(errorOf(TEXT, { ...CHECK, realm: 'other' })).to.match(/another realm/);
    expect(errorOf(TEXT, { ...CHECK, nowSeconds: NOW + 86_401 })).to.match(
      /^\d+: the record has expired/,
    );
    const parsed = parseNodeFile(crypto, TEXT, { ...CHECK, work: 250 });
    expect(!parsed.ok && parsed.error.fault).to.equal('too-little-work');
  });

  it('are bounded and total', () => {
    expect(errorOf('#'.repeat(20_000))).to.match(/at most 16384 bytes/);
    expect(errorOf('a = [[[[[[[[1]]]]]]]]')).to.match(/not valid TOML/);
    expect(errorOf('= 1')).to.equal('1: not valid TOML');
    for (let length = 0; length < TEXT.length - 1; length += 7) {
      expect(errorOf(TEXT.slice(0, length)), `${length}`).not.to.equal('none');
    }
  });

  it('are named by their node', () => {
    expect(nodeFileName('berlin')).to.equal('node-berlin.toml');
    expect(() => nodeFileName('../x')).to.throw();
  });
});
