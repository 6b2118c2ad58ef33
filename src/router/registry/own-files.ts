/** What a member writes into its clone: its node's file, a vouch for another of its nodes, the end of its key. */
import { existsSync, lstatSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { utf8Text } from '../../base/bytes.js';
import { EXIT, UserError } from '../../base/errors.js';
import { formatNodeId, type NodeId } from '../../base/ip6.js';
import { isName } from '../../identity/names.js';
import { formatNodeFile, parseNodeFile } from '../../identity/node-file.js';
import { signNode, type VerifiedNode, verifyNode, verifyService } from '../../identity/records.js';
import { nodeCrypto } from '../../platform/crypto.js';
import { readBounded, writeFileAtomic } from '../../platform/files.js';
import { Git } from '../../platform/git.js';
import { type Identity, loadIdentity } from '../../platform/keystore.js';
import { nextSeq } from '../../platform/sequence-file.js';
import { loadServices, type ServiceKey } from '../../platform/service-keys.js';
import { endpointFault } from '../../registry/endpoints.js';
import { FILE_BYTES_MAX, readText } from '../../registry/form.js';
import { isHandle, isTag, memberPath, tombstonePath } from '../../registry/layout.js';
import { parseRealmFile, type RealmFile } from '../../registry/realm-file.js';
import { formatServiceFile, parseServiceFile } from '../../registry/service-file.js';
import { signStatement } from '../../registry/statement.js';
import { TAGS_MAX } from '../../wire/limits.js';
import { loadConfig } from '../config/config.js';
import { endpointUrl, ownEndpoints } from '../peer-store.js';
import { serviceRecord } from '../services.js';
import { commitAll } from './commit.js';
import { noRegistry } from './read.js';

export interface AddOptions {
  readonly stateDir: string;
  readonly clone: string;
  readonly handle: string;
  /** Default: the config's or identity's. */
  readonly name: string | undefined;
  /** Undefined: as in the file that is there, else those that everybody reaches. */
  readonly endpoints: readonly string[] | undefined;
  readonly contact: string | undefined;
  readonly relay: boolean | undefined;
  /** Undefined: as in the file that is there. */
  readonly tags: readonly string[] | undefined;
  readonly days: number;
  /** Only writes the file. */
  readonly noCommit: boolean;
}

const DAY_SECONDS = 86_400;

/** `alamesh registry add`. @throws UserError. */
export async function addOwnFile(options: AddOptions) {
  const { stateDir, clone, handle } = options;
  if (!isHandle(handle))
    throw usage(`handle '${handle.slice(0, 80)}' is not 1 to 63 of a-z, 0-9, -`);
  const identity = await loadIdentity(stateDir);
  const realm = await realmOf(clone);
  refuseOtherRealm(identity, realm);
  const config = loadConfig(stateDir, process.env);
  const name = options.name ?? config.name ?? identity.name;
  if (!isName(name)) throw usage(`name '${name.slice(0, 80)}' is no name of a node`);
  const relative = memberPath(handle, 'node', name);
  const old = await oldFile(path.join(clone, relative), identity);
  const given = options.endpoints?.map(endpointUrl);
  const endpoints = given ?? old?.body.endpoints ?? reachable(config.listen, identity, realm);
  refuseEndpoints(endpoints, realm);
  const seq = Math.max(await nextSeq(stateDir), (old?.body.seq ?? 0) + 1);
  const node = makeRecord(identity, {
    ...{ name, handle, endpoints, seq, transit: config.transit === 'full' },
    contact: options.contact ?? old?.body.contact ?? '',
    relay: options.relay ?? old?.body.relay ?? false,
    tags: tagsOf(options.tags) ?? old?.body.tags ?? [],
    notAfter: Math.floor(Date.now() / 1000) + options.days * DAY_SECONDS,
  });
  const branch = `alamesh/${handle}-${name}`;
  if (!options.noCommit) await toBranch(clone, branch);
  await writeInto(clone, relative, formatNodeFile(node));
  const services = await writeServices(options, { identity, notAfter: node.body.notAfter });
  const verb = old === undefined ? 'Add' : 'Renew';
  return await committed(options, {
    ...{
      branch,
      file: relative,
      message: `${verb} ${name} of ${handle}`,
      paths: [relative, ...services],
    },
    extra: {
      handle,
      name,
      seq,
      notAfter: node.body.notAfter,
      endpoints,
      services,
      renewed: old !== undefined,
    },
  });
}

/** A file for each service of this host, and none for one that it gave up. @returns Paths that changed. */
async function writeServices(
  { stateDir, clone, handle }: AddOptions,
  { identity, notAfter }: { readonly identity: Identity; readonly notAfter: number },
): Promise<string[]> {
  const keys = (await loadServices(stateDir)).filter(({ realm }) => realm === identity.realm);
  const gone = await ownServiceFiles(clone, handle, identity);
  const written: string[] = [];
  for (const key of keys) {
    const file = memberPath(handle, 'svc', key.name);
    await writeInto(clone, file, serviceFile(key, identity, notAfter));
    written.push(file);
  }
  const ended = gone.filter((file) => !written.includes(file));
  for (const file of ended) await rm(path.join(clone, file));
  return [...written, ...ended];
}

function serviceFile(key: ServiceKey, identity: Identity, notAfter: number): string {
  const record = serviceRecord(key, identity, notAfter);
  const check = { realm: key.realm, nowSeconds: 0, publicKeyOf: () => identity.proof.publicKey };
  const verified = verifyService(nodeCrypto(), record, check);
  if (verified.ok) return formatServiceFile(verified.value);
  throw usage(`the service ${key.name} makes no record (${verified.error})`);
}

/** Those in the clone that this node hosts. */
async function ownServiceFiles(
  clone: string,
  handle: string,
  identity: Identity,
): Promise<string[]> {
  const folder = path.dirname(memberPath(handle, 'node', identity.name));
  const names = await readdir(path.join(clone, folder)).catch(() => []);
  const files = names.filter((name) => /^svc-.+\.toml$/.test(name));
  const check = {
    ...{ realm: identity.realm, nowSeconds: 0 },
    publicKeyOf: (id: NodeId) => (id === identity.id ? identity.proof.publicKey : undefined),
  };
  const own: string[] = [];
  for (const name of files) {
    const file = path.join(folder, name);
    const bytes = await readBounded(path.join(clone, file), FILE_BYTES_MAX);
    const parsed = parseServiceFile(nodeCrypto(), utf8Text(bytes) ?? '', check);
    if (parsed.ok) own.push(file);
  }
  return own;
}

type Own = Pick<
  VerifiedNode['body'],
  'name' | 'handle' | 'endpoints' | 'seq' | 'contact' | 'relay' | 'transit' | 'notAfter' | 'tags'
>;

function makeRecord(identity: Identity, own: Own): VerifiedNode {
  const crypto = nodeCrypto();
  const { realm, proof, noisePublic, work } = identity;
  const record = signNode(crypto, identity.seed, { ...own, realm, proof, noiseKey: noisePublic });
  const verified = verifyNode(crypto, record, { realm, work, nowSeconds: 0 });
  if (verified.ok) return verified.value;
  throw usage(`these values make no record (${verified.error}): contact has at most 255 bytes`);
}

/** In order, each once. */
function tagsOf(tags: readonly string[] | undefined): string[] | undefined {
  if (tags === undefined) return undefined;
  const sorted = [...new Set(tags)].sort();
  const odd = sorted.find((tag) => !isTag(tag));
  if (odd !== undefined) throw usage(`tag '${odd.slice(0, 80)}' is not 1 to 63 of a-z, 0-9, -`);
  if (sorted.length > TAGS_MAX) throw usage(`a node has at most ${TAGS_MAX} tags`);
  return sorted;
}

async function realmOf(clone: string): Promise<RealmFile> {
  const file = path.join(clone, 'realm.toml');
  if (!existsSync(file)) throw noRegistry(clone);
  const text = readText(await readBounded(file, FILE_BYTES_MAX));
  const parsed = text.ok ? parseRealmFile(text.value) : text;
  if (parsed.ok) return parsed.value;
  const options = { code: 'bad-registry', exit: EXIT.badFile, file };
  throw new UserError(`${file}:${parsed.error.line ?? 1}: ${parsed.error.message}`, options);
}

function refuseOtherRealm(identity: Identity, { realm, work }: RealmFile): void {
  if (identity.realm === realm && identity.work >= work) return;
  throw new UserError(
    identity.realm === realm
      ? `the realm asks for work ${work}, this identity has ${identity.work}`
      : `the registry is of realm ${realm}, this node of ${identity.realm}`,
    {
      code: 'wrong-realm',
      hint: `make an identity for it: alamesh --dir DIR init --realm ${realm} --work ${work}`,
    },
  );
}

/** The file that is renewed. @throws UserError when it belongs to another key. */
async function oldFile(file: string, identity: Identity): Promise<VerifiedNode | undefined> {
  if (!existsSync(file)) return undefined;
  const text = utf8Text(await readBounded(file, FILE_BYTES_MAX)) ?? '';
  const check = { realm: identity.realm, work: 0, nowSeconds: 0 };
  const parsed = parseNodeFile(nodeCrypto(), text, check);
  if (!parsed.ok) return undefined; // damaged: written anew
  if (parsed.value.node.id === identity.id) return parsed.value.node;
  throw new UserError(`${file} belongs to ${formatNodeId(parsed.value.node.id)}`, {
    ...{ code: 'not-own', hint: 'choose another --handle or --name' },
  });
}

const reachable = (listen: readonly string[], { id }: Identity, realm: RealmFile): string[] =>
  ownEndpoints(listen, id).filter((one) => realm.privateEndpoints || !endpointFault(one));

function refuseEndpoints(endpoints: readonly string[], realm: RealmFile): void {
  if (realm.privateEndpoints) return;
  for (const endpoint of endpoints) {
    const fault = endpointFault(endpoint);
    if (fault !== undefined) {
      throw new UserError(`${endpoint} ${fault}: others cannot reach it`, {
        ...{ code: 'bad-endpoint', exit: EXIT.usage },
        hint: 'name a public one with --endpoint, or none: then this node dials the others',
      });
    }
  }
}

/** @param relative Of our own making: no dots, no links on the way. */
async function writeInto(clone: string, relative: string, text: string): Promise<void> {
  const parts = relative.split('/');
  for (let i = 1; i <= parts.length; i++) {
    const place = path.join(clone, ...parts.slice(0, i));
    if (lstatSync(place, { throwIfNoEntry: false })?.isSymbolicLink()) {
      throw new UserError(`${place} is a symbolic link`, {
        code: 'bad-registry',
        exit: EXIT.badFile,
      });
    }
  }
  const file = path.join(clone, relative);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFileAtomic(file, text, 0o644);
}

/** The branch of this node, made anew from where the clone is; from main when that is another node's branch. */
async function toBranch(clone: string, branch: string): Promise<void> {
  const git = new Git(clone);
  const { stdout } = await git.run(['symbolic-ref', '--short', 'HEAD'], { own: true });
  const current = stdout.trim();
  if (current === branch) return;
  const from = current.startsWith('alamesh/') ? ['main'] : [];
  await git.must(['switch', '--quiet', '-C', branch, ...from], { own: true });
}

interface Change {
  readonly branch: string;
  readonly file: string;
  readonly message: string;
  readonly paths: readonly string[];
  readonly extra: Readonly<Record<string, unknown>>;
}

async function committed(
  { clone, noCommit }: { readonly clone: string; readonly noCommit: boolean },
  { branch, file, message, paths, extra }: Change,
) {
  const commit = noCommit ? undefined : await commitAll(new Git(clone), message, paths);
  const next = noCommit
    ? `wrote ${path.join(clone, file)}`
    : `committed ${file} on branch ${branch}; next: git -C ${clone} push -u origin ${branch}, then open a pull request`;
  return {
    schema: 'alamesh.registry.add/1',
    ...{ file, branch: noCommit ? null : branch, commit: commit ?? null, ...extra },
    message: next,
  };
}

export interface StatementOptions {
  readonly stateDir: string;
  readonly clone: string;
  readonly noCommit: boolean;
}

/** `alamesh registry vouch`: another node file of the same clone is of our handle. */
export async function vouchFor(file: string, options: StatementOptions) {
  const identity = await loadIdentity(options.stateDir);
  const realm = await realmOf(options.clone);
  refuseOtherRealm(identity, realm);
  const text = utf8Text(await readBounded(file, FILE_BYTES_MAX)) ?? '';
  const check = { realm: realm.realm, work: realm.work, nowSeconds: 0 };
  const parsed = parseNodeFile(nodeCrypto(), text, check);
  if (!parsed.ok) {
    const message = `${file}:${parsed.error.line ?? 1}: ${parsed.error.message}`;
    throw new UserError(message, { code: 'bad-peer', exit: EXIT.badFile, file });
  }
  const { id, body } = parsed.value.node;
  const relative = memberPath(body.handle, 'vouch', body.name);
  const statement = statementOf(identity, { kind: 'vouch', handle: body.handle, subject: id });
  await writeInto(options.clone, relative, statement);
  return await committed(options, {
    ...{ branch: await branchOf(options.clone), file: relative, paths: [relative] },
    message: `Vouch for ${body.name} of ${body.handle}`,
    extra: { handle: body.handle, name: body.name },
  });
}

/** `alamesh registry leave`: a tombstone in place of the node's file. Final. */
export async function leaveRegistry(options: StatementOptions & { readonly handle: string }) {
  const { clone, handle, stateDir } = options;
  const identity = await loadIdentity(stateDir);
  refuseOtherRealm(identity, { ...(await realmOf(clone)), work: 0 });
  const config = loadConfig(stateDir, process.env);
  const name = config.name ?? identity.name;
  const relative = tombstonePath(identity.id);
  const gone = memberPath(handle, 'node', name);
  if ((await oldFile(path.join(clone, gone), identity)) === undefined) {
    throw new UserError(`${gone} is not in ${clone}`, { code: 'not-found' });
  }
  const branch = `alamesh/${handle}-${name}-leaves`;
  if (!options.noCommit) await toBranch(clone, branch);
  const subject = identity.id;
  await writeInto(clone, relative, statementOf(identity, { kind: 'tombstone', handle, subject }));
  const services = await ownServiceFiles(clone, handle, identity);
  for (const file of [gone, ...services]) await rm(path.join(clone, file));
  return await committed(options, {
    ...{
      branch,
      file: relative,
      message: `${name} of ${handle} leaves`,
      paths: [relative, gone, ...services],
    },
    extra: { handle, name },
  });
}

const branchOf = async (clone: string): Promise<string> =>
  (await new Git(clone).run(['symbolic-ref', '--short', 'HEAD'], { own: true })).stdout.trim();

function statementOf(
  { realm, proof, seed }: Identity,
  what: Pick<Parameters<typeof signStatement>[2], 'kind' | 'handle' | 'subject'>,
): string {
  const at = Math.floor(Date.now() / 1000);
  return signStatement(nodeCrypto(), seed, { ...what, realm, proof, at });
}

const usage = (message: string): UserError =>
  new UserError(message, { code: 'bad-option', exit: EXIT.usage });
