/** `alamesh up`: everything that has an order at start and at stop. Errors before the end of `start` leave nothing. */
import { hostname } from 'node:os';
import { UserError } from '../base/errors.js';
import { formatNodeId } from '../base/ip6.js';
import { kernelEntropy, nodeCrypto } from '../platform/crypto.js';
import { ensureDirectory } from '../platform/files.js';
import { lockDirectory } from '../platform/lock.js';
import { loadConfig, type RouterConfig } from './config/config.js';
import { startControl } from './control/server.js';
import { autoInitFrom, identityAt } from './identity.js';
import { InviteStore } from './invite-store.js';
import { type Log, logOptionsFrom, makeLog } from './log.js';
import { notifyReady } from './notify.js';
import { PeerStore } from './peer-store.js';
import { defaultSocket, defaultStateDir } from './place.js';
import { nativeFor } from './planes.js';
import { RegistrySync } from './registry/sync.js';
import { Router } from './router.js';
import { reserveSeqs, SeenFile } from './state-files.js';
import { warmUp } from './warm-up.js';

export interface UpOptions {
  readonly dir?: string;
  readonly socket?: string;
  readonly plane?: string;
  /** Called when it is up and its control socket answers. */
  readonly onUp?: (stop: () => void) => void;
}

/** Runs until a signal or `alamesh down`. @throws UserError for what the person who started it can put right. */
export async function runRouter(options: UpOptions): Promise<void> {
  const log = makeLog({
    ...logOptionsFrom(process.env),
    write: (line) => process.stderr.write(line),
    now: () => new Date(),
  });
  const undo: (() => void | Promise<void>)[] = [];
  const stopping = new AbortController();
  const onSignal = (): void => stopping.abort();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, onSignal);
  process.on('SIGPIPE', () => {});
  try {
    const stop = (): void => stopping.abort();
    const router = await start({ options, log, undo, stop });
    options.onUp?.(stop);
    process.on(
      'SIGHUP',
      () => void router.reload().catch((error) => log.error('config', told(error))),
    );
    if (!stopping.signal.aborted) await aborted(stopping.signal);
    log.info('router', 'stopping');
  } finally {
    for (const step of undo.reverse()) await step();
  }
  log.info('router', 'stopped');
  // A pending name lookup or reload must not keep a stopped router alive.
  setTimeout(() => process.exit(), 500).unref();
}

const told = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

interface Start {
  readonly options: UpOptions;
  readonly log: Log;
  readonly undo: (() => void | Promise<void>)[];
  readonly stop: () => void;
}

async function start({ options, log, undo, stop }: Start): Promise<Router> {
  const dir = defaultStateDir(options.dir);
  const env =
    options.plane === undefined ? process.env : { ...process.env, ALAMESH_PLANE: options.plane };
  const auto = autoInitFrom(process.env, hostname());
  if (auto !== undefined) await ensureDirectory(dir, 0o700);
  const config = loadConfig(dir, env);
  const native = nativeFor(config.plane, log);
  const identity = await identityAt(dir, auto);
  refuseOtherRealm(config, identity.realm);
  const lock = lockDirectory(dir);
  undo.push(() => lock.release());
  for (const key of config.ignored) log.warn('config', `${key} is ignored: not in this version`);
  const router = new Router({
    ...{ dir, config, identity, log, stop },
    peerStore: await PeerStore.open(dir, identity),
    invites: await InviteStore.open(dir, identity),
    nextSeq: await reserveSeqs(dir),
    registry: await RegistrySync.open({ dir, realm: identity.realm, now: Date.now }),
    seen: await SeenFile.open(dir),
    loadConfig: () => loadConfig(dir, env),
    native,
  });
  undo.push(() => router.stop());
  if (native === undefined) warmUp({ crypto: nodeCrypto(), entropy: kernelEntropy() });
  await router.start();
  const control = await startControl(defaultSocket(options), router.control);
  undo.push(() => control.close());
  log.info('router', 'up', { address: formatNodeId(identity.id), realm: identity.realm });
  await notifyReady(process.env);
  return router;
}

function refuseOtherRealm(config: RouterConfig, realm: string): void {
  if (config.realm === undefined || config.realm === realm) return;
  throw new UserError(`the config says realm ${config.realm}, the identity is of ${realm}`, {
    code: 'wrong-realm',
    hint: 'an address belongs to one realm: make another with `alamesh init --realm`, or mend the config',
    exit: 4,
  });
}
