import { expect } from 'chai';
import { utf8 } from '../../../src/base/bytes.js';
import { deriveService } from '../../../src/identity/address.js';
import { formatNodeFile } from '../../../src/identity/node-file.js';
import {
  countersignService,
  signNode,
  signService,
  verifyNode,
  verifyService,
} from '../../../src/identity/records.js';
import { checkSuccession } from '../../../src/registry/changes.js';
import { endpointFault } from '../../../src/registry/endpoints.js';
import { roleOf } from '../../../src/registry/layout.js';
import { formatRealmFile, parseRealmFile } from '../../../src/registry/realm-file.js';
import { formatServiceFile, parseServiceFile } from '../../../src/registry/service-file.js';
import { Snapshot } from '../../../src/registry/snapshot.js';
import { parseStatement, signStatement } from '../../../src/registry/statement.js';
import { crypto, NOW, REALM, testNode } from '../identity/nodes.js';

const REALM_TEXT = formatRealmFile({ realm: REALM, work: 0, privateEndpoints: false });

describe('realm.toml', () => {
  it('has one form', () => {
    expect(parseRealmFile(REALM_TEXT)).to.deep.include({ ok: true });
    for (const text of [
      '',
      `${REALM_TEXT}\n`,
      REALM_TEXT.replace('0', '0.5'),
      `${REALM_TEXT}x = 1\n`,
    ]) {
      expect(parseRealmFile(text).ok, text).to.equal(false);
    }
  });
});

describe('endpoints of a registry', () => {
  it('are those that everybody reaches', () => {
    for (const good of [
      ...['udp://203.0.113.7:4242', 'udp://[2001:db8::7]:4242', 'udp://berlin.example.org:1'],
      'tcp://198.51.100.7:443',
    ]) {
      expect(endpointFault(good), good).to.equal(undefined);
    }
    for (const bad of [
      ...['udp://10.1.2.3:4', 'udp://172.31.0.1:4', 'udp://192.168.0.1:4', 'udp://100.64.0.1:4'],
      ...['udp://127.0.0.1:4', 'udp://0.0.0.0:4', 'udp://224.0.0.1:4', 'udp://169.254.1.1:4'],
      ...['udp://[::1]:4', 'udp://[::]:4', 'udp://[fe80::1]:4', 'udp://[fd00::1]:4'],
      ...[
        'udp://[::ffff:10.0.0.1]:4',
        'udp://[ff02::1]:4',
        'udp://localhost:4',
        'udp://nas.local:4',
      ],
      ...['udp://0x7f.1:4', 'udp://2130706433:4', 'udp://1.2.3:4', 'udp://a.b', 'udp://1.2.3.4:0'],
      ...['udp://user@1.2.3.4:4', 'udp://1.2.3.4:70000', 'x'],
    ]) {
      expect(endpointFault(bad), bad).to.be.a('string');
    }
  });
});

describe('paths of a registry', () => {
  it('say what a file is', () => {
    const kind = (path: string, mode = '100644'): string => roleOf(path, mode).kind;
    expect(kind('realm.toml')).to.equal('realm');
    expect(kind('members/ada/node-a_1.toml')).to.equal('node');
    expect(kind('members/ada/svc-www.toml')).to.equal('service');
    expect(kind('members/ada/vouch-b.toml')).to.equal('vouch');
    expect(kind(`tombstones/fd${'0'.repeat(30)}.toml`)).to.equal('tombstone');
    expect(kind('.github/workflows/check.yml')).to.equal('other');
    for (const bad of [
      'members/x',
      'members/a/b',
      'tombstones/x.toml',
      'a/../b',
      'a//b',
      'REALM.toml',
    ]) {
      expect(kind(bad), bad).to.equal('refused');
    }
    expect(kind('realm.toml', '120000')).to.equal('refused');
  });
});

describe('statements', () => {
  const { seed, proof, id } = testNode(1);
  const statement = { realm: REALM, handle: 'ada', subject: id, at: NOW, proof };
  const text = signStatement(crypto, seed, { ...statement, kind: 'tombstone' });

  it('are believed as they were signed, and in no other form', () => {
    const parsed = parseStatement(crypto, text, 'tombstone');
    expect(parsed.ok && parsed.value.by).to.equal(id);
    const lines = text.split('\n');
    for (const [i, line] of lines.entries()) {
      const without = lines.filter((_, at) => at !== i).join('\n');
      expect(parseStatement(crypto, without, 'tombstone').ok, `without ${line}`).to.equal(false);
    }
    expect(parseStatement(crypto, text.replace('ada', 'bob'), 'tombstone').ok).to.equal(false);
    expect(parseStatement(crypto, text, 'vouch').ok).to.equal(false);
    expect(parseStatement(crypto, `${text} `, 'tombstone').ok).to.equal(false);
  });

  it('end no key but the signer’s', () => {
    const other = { ...statement, kind: 'tombstone', subject: testNode(2).id } as const;
    const parsed = parseStatement(crypto, signStatement(crypto, seed, other), 'tombstone');
    expect(parsed.ok ? '' : parsed.error.message).to.match(/only the key itself/);
  });
});

describe('services of a registry', () => {
  const host = testNode(1, { handle: 'ada', name: 'a', notAfter: NOW + 9 });
  const serviceSeed = new Uint8Array(32).fill(77);
  const proof = {
    publicKey: crypto.ed25519Public(serviceSeed),
    successor: new Uint8Array(32),
    nonce: 0n,
  };

  function serviceText(seq: number): string {
    const hostBytes = Uint8Array.from(Buffer.from(host.id, 'hex'));
    const body = {
      realm: REALM,
      proof,
      host: hostBytes,
      seq,
      anycast: false,
      name: 'www',
      ports: [] as string[],
    };
    const half = signService(crypto, serviceSeed, { ...body, notAfter: NOW + 9 });
    const record = countersignService(crypto, host.seed, half);
    const check = { realm: REALM, nowSeconds: 0, publicKeyOf: () => host.proof.publicKey };
    const verified = verifyService(crypto, record, check);
    if (!verified.ok) throw new Error(verified.error);
    return formatServiceFile(verified.value);
  }

  function snapshot(service: string): Snapshot {
    const all = new Snapshot(crypto, NOW);
    all.setRealm(utf8(REALM_TEXT));
    const record = signNode(crypto, host.seed, host.body);
    const verified = verifyNode(crypto, record, { realm: REALM, work: 0, nowSeconds: NOW });
    const node = verified.ok ? formatNodeFile(verified.value) : '';
    for (const [path, text] of [
      ['members/ada/node-a.toml', node],
      ['members/ada/svc-www.toml', service],
    ] as const) {
      const role = all.admit({ path, mode: '100644', size: text.length });
      if (role !== undefined) all.add(path, role, utf8(text));
    }
    all.finish();
    return all;
  }

  it('are signed by both, and have an address of their own', () => {
    const { findings, services } = snapshot(serviceText(1));
    expect(findings).to.deep.equal([]);
    const [row] = [...services.values()];
    expect(row?.prefix).to.equal(deriveService(crypto, REALM, proof).prefix);
    const stranger = { realm: REALM, nowSeconds: 0, publicKeyOf: () => undefined };
    expect(parseServiceFile(crypto, serviceText(1), stranger).ok).to.equal(false);
    const changed = serviceText(1).replace('anycast = false', 'anycast = true');
    expect(snapshot(changed).findings[0]).to.include({ rule: 'signature', line: 6 });
  });

  it('do not go back to an older number', () => {
    const { members, tombstones, services } = snapshot(serviceText(5));
    const head = snapshot(serviceText(4));
    checkSuccession({ members, tombstones, services, realm: REALM }, head);
    expect(head.findings.map(({ rule }) => rule)).to.deep.equal(['sequence']);
  });
});
