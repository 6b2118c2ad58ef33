/**
 * The router in this process: the engine and the portable plane between real sockets, a TUN, kernel routes and beacons.
 * It only wires: what happens outside goes into the pump, what the engine wants is carried out.
 */
import { lookup } from 'node:dns/promises';
import { createTransport as createTcp } from '../../transports/tcp/index.js';
import { createTransport as createUdp } from '../../transports/udp/index.js';
import { addressBytes, type NodeId, type Prefix, prefixBytes } from '../base/ip6.js';
import type { Millis } from '../base/time.js';
import { Engine, type EngineOutput, type OwnService } from '../engine/engine.js';
import { engineOptions, type RouterIdentity } from '../engine/options.js';
import type { MeshConfig } from '../mesh/types.js';
import { cookieKey, mac1Key } from '../noise/cookie.js';
import { PortableCore } from '../plane/portable/core.js';
import type { FibChange, PlaneCommand, PlaneEvent } from '../plane/types.js';
import { now, wallClock } from '../platform/clock.js';
import { hasAesInstructions } from '../platform/cpu.js';
import { kernelEntropy, nodeCrypto } from '../platform/crypto.js';
import { DiscoverySocket } from '../platform/discovery-socket.js';
import { InterfaceWatcher, type LanChange } from '../platform/interfaces.js';
import { KernelRoutes } from '../platform/kernel-routes.js';
import type { Identity } from '../platform/keystore.js';
import type { NativeBinding } from '../platform/native.js';
import { Tun } from '../platform/tun.js';
import { TunCare, type TunState } from '../platform/tun-care.js';
import { PeerApplier, type PeerChanges } from './apply-peers.js';
import { BrowserRoute } from './browser-route.js';
import type { RouterConfig } from './config/config.js';
import { RouterDocuments } from './control/documents.js';
import type { RouterControl } from './control/types.js';
import { DnsServer } from './dns.js';
import { Echoes } from './echo.js';
import { logEvent } from './events-log.js';
import { Invitations } from './invitations.js';
import type { InviteStore } from './invite-store.js';
import type { Log } from './log.js';
import { Monitor } from './monitor.js';
import { Names } from './names.js';
import { NativePlane } from './native-plane.js';
import { memberSpec, peerSpecs } from './peer-specs.js';
import { ownEndpoints, type PeerStore } from './peer-store.js';
import type { RouterPlane } from './planes.js';
import { Pump } from './pump.js';
import type { SeenPeer } from './registry/peering.js';
import { RegistryService } from './registry/service.js';
import type { RegistrySync } from './registry/sync.js';
import { Relays } from './relays.js';
import { Services } from './services.js';
import type { SeenFile } from './state-files.js';
import { StockRoutes } from './stock-routes.js';
import { type TransportRow, TransportSet } from './transports.js';

export interface RouterParts {
  readonly dir: string;
  readonly config: RouterConfig;
  readonly identity: Identity;
  readonly log: Log;
  readonly peerStore: PeerStore;
  readonly invites: InviteStore;
  readonly nextSeq: () => number;
  readonly seen: SeenFile;
  readonly registry: RegistrySync;
  readonly loadConfig: () => RouterConfig;
  /** Undefined: the portable plane. */
  readonly native: NativeBinding | undefined;
  /** Begins the orderly stop of the process. */
  readonly stop: () => void;
}

interface TunView {
  readonly name: string;
  readonly mtu: number;
  readonly state: TunState;
  /** In words, empty while it is up. */
  readonly problem: string;
}

/** Ours: packets from the TUN in one pass, before datagrams get their turn. */
const TUN_BATCHES_PER_PASS = 4;

export class Router {
  readonly parts: RouterParts;
  readonly engine: Engine;
  readonly plane: RouterPlane;
  readonly monitor = new Monitor();
  readonly echoes: Echoes;
  readonly control: RouterControl;
  readonly names: Names;
  readonly services: Services;
  readonly registry: RegistryService;
  readonly startedAt = Date.now();
  config: RouterConfig;
  readonly #pump: Pump;
  readonly #peers: PeerApplier;
  readonly #invitations = new Invitations(this);
  readonly #transports: TransportSet;
  readonly #events: PlaneEvent[] = [];
  readonly #portable: PortableCore | undefined;
  readonly #native: NativePlane | undefined;
  #tun: Tun | undefined;
  #routes: KernelRoutes | undefined;
  #stockRoutes: StockRoutes | undefined;
  #browserRoute: BrowserRoute | undefined;
  #discovery: DiscoverySocket | undefined;
  #dns: DnsServer | undefined;
  #interfaces: InterfaceWatcher | undefined;
  #serviceAddresses: ReadonlySet<Prefix> = new Set();
  #tunCare: TunCare | undefined;
  readonly #relays = new Relays({
    send: (endpoint, datagrams) =>
      this.#pump.feed((at) => this.engine.mesh.handleRelaySend(at, endpoint, datagrams)),
    released: (endpoint) =>
      this.#pump.feed((at) => this.engine.mesh.handleRelayReleased(at, endpoint)),
  });
  #stopped = false;

  constructor(parts: RouterParts) {
    this.parts = parts;
    this.config = parts.config;
    const { identity, config, log } = parts;
    const crypto = nodeCrypto();
    const entropy = kernelEntropy();
    this.#transports = new TransportSet(
      {
        received: (path, datagrams) =>
          this.#pump.feedPackets((at) => this.plane.handleDatagrams(at, path, datagrams)),
        failed: (path, failure) =>
          this.#pump.feed((at) => this.plane.handlePathFailed(at, path, failure)),
        listening: () => this.#listeningChanged(),
      },
      log,
    );
    const emit = (event: PlaneEvent) => void this.#events.push(event);
    const seed = entropy.below(2 ** 32);
    if (parts.native === undefined) {
      this.#portable = new PortableCore({
        crypto,
        tun: { write: (packet) => this.#tun?.write(packet) ?? false },
        paths: this.#transports,
        pathInfo: (id) => this.#transports.paths.info(id),
        emit,
        fibSeed: seed,
      });
      this.plane = this.#portable;
    } else {
      this.#native = this.#makeNative(parts.native, seed, emit);
      const { noisePublic } = identity;
      this.#native.guard({
        mac1: mac1Key(crypto, noisePublic),
        cookie: cookieKey(crypto, noisePublic),
      });
      this.plane = this.#native;
    }
    this.engine = new Engine(
      engineOptions({
        ...{
          crypto,
          entropy,
          wall: wallClock,
          identity: secrets(identity),
          nextSeq: parts.nextSeq,
        },
        ...{ highestSeen: parts.seen.initial, realm: identity.realm, work: identity.work },
        ...{ name: config.name ?? identity.name, transit: config.transit },
        mesh: {
          probeIntervalMsec: config.probeIntervalMsec,
          probeCount: config.probeCount,
          relay: config.relay,
          idleProbeMsec: config.idleProbeMsec,
          ...testTiming(process.env),
        },
        readLink: (link, into) => this.plane.readLink(link, into),
        aes: hasAesInstructions(),
        gated: parts.native !== undefined,
      }),
    );
    this.#peers = new PeerApplier(this.engine);
    this.#pump = new Pump({
      engine: this.engine,
      plane: this.plane,
      now,
      hasEvents: () => this.#events.length > 0,
      takeEvents: () => this.#events.splice(0),
      act: (output) => this.#act(output),
    });
    this.echoes = new Echoes(
      {
        source: identity.id,
        inject: (packet) => this.plan([{ kind: 'inject', packet }]),
        now: () => performance.now(),
      },
      entropy.below(65_536),
    );
    this.names = new Names({
      ...{ own: identity.id, engine: this.engine, now },
      seconds: Math.floor(Date.now() / 1000),
    });
    this.registry = new RegistryService({
      ...{ sync: parts.registry, config: config.registry, entropy, log, now },
      ownKey: identity.noisePublic,
      seen: () => seenPeers(this.engine),
      chosen: () => this.#peersChosen(),
      changed: () => this.#registryChanged(),
      tell: (event) => this.monitor.tell(event),
    });
    this.names.setRegistry(this.registry.claims());
    this.services = new Services({
      ...{ dir: parts.dir, identity, log },
      set: (services) => this.#setServices(services),
    });
    this.control = new RouterDocuments(this);
  }

  #makeNative(native: NativeBinding, seed: number, emit: (event: PlaneEvent) => void): NativePlane {
    const { log } = this.parts;
    return new NativePlane({
      ...{ native, seed, now, emit, paths: this.#transports.paths },
      wake: () => this.#pump.feed(() => this.#native?.collect()),
      tunGone: (reason) => this.#tunIsGone(reason),
      trouble: (message) => log.error('plane', message),
    });
  }

  get id(): NodeId {
    return this.parts.identity.id;
  }

  /** URLs really bound. */
  get listening(): readonly string[] {
    return this.#transports.listening;
  }

  transports(): TransportRow[] {
    return this.#transports.rows();
  }

  get tun(): TunView {
    const { tunMtu: mtu, tunName } = this.config;
    const { state = 'up', problem = '' } = this.#tunCare ?? {};
    return { name: this.#tun?.name ?? tunName, mtu, state, problem };
  }

  /** @throws UserError: address in use, no permission for the TUN … `stop` undoes what was done until then. */
  async start(): Promise<void> {
    const { config, log } = this.parts;
    for (const create of [createUdp, createTcp, this.#relays.create]) this.#transports.add(create);
    for (const transport of this.#transports.raw) this.#native?.takeOver(transport);
    await this.#transports.addPlugins(config.transports, this.parts.dir);
    await this.#transports.listen(config.listen);
    for (const url of this.listening) log.info('transport', 'listening', { url });
    this.#startTun();
    await this.#startDns();
    if (config.webhook !== undefined) await this.registry.listen(config.webhook, this.parts.dir);
    this.#pump.feed((at) => this.engine.start(at));
    await this.services.load();
    this.#startDiscovery();
    this.tellInvites();
    this.applyPeers();
    this.registry.start();
  }

  #registryChanged(): void {
    this.names.setRegistry(this.registry.claims());
    this.#peersChosen();
  }

  #peersChosen(): void {
    for (const change of this.applyPeers()) this.parts.log.info('registry', change);
  }

  /** The mesh knows the invitations as the store has them. */
  tellInvites(): void {
    const invites = this.parts.invites.book();
    this.#pump.feed((at) => this.engine.commandMesh(at, { kind: 'set-invites', invites }));
  }

  /** Their addresses come first, so that the kernel answers as soon as packets come. */
  #setServices(services: readonly OwnService[]): void {
    const wanted = new Set(services.map(({ prefix }) => prefix));
    const before = this.#serviceAddresses;
    this.#serviceAddresses = wanted;
    try {
      for (const one of before) if (!wanted.has(one)) this.#tun?.removeAddress(prefixBytes(one));
      for (const one of wanted) if (!before.has(one)) this.#tun?.addAddress(prefixBytes(one));
    } catch (error) {
      // The interface is not as it was: whoever cares for it says so, and mends it.
      this.parts.log.warn('services', (error as Error).message);
    }
    this.#pump.feed((at) => this.engine.setServices(at, services));
  }

  async #startDns(): Promise<void> {
    const listen = this.config.dnsListen;
    if (listen === undefined) return;
    this.#dns = await DnsServer.open({ listen, resolver: this.names.resolver, now });
    this.parts.log.info('dns', 'listening', { at: listen });
  }

  #startTun(): void {
    const { config, identity, log } = this.parts;
    const address = addressBytes(identity.id);
    const tun = new Tun({
      ...{ name: config.tunName, addresses: [address], mtu: config.tunMtu },
      trains: this.#native !== undefined,
    });
    this.#tun = tun;
    this.#routes = new KernelRoutes({
      index: tun.index,
      source: address,
      overlap: (overlap) =>
        log.warn('routes', `${overlap.ours} overlaps ${overlap.theirs} of this host`, {
          wins: overlap.wins,
        }),
      refused: (message) => log.warn('routes', message),
    });
    this.#stockRoutes = new StockRoutes(this.#routes, log);
    if (config.browserRoute) {
      this.#browserRoute = new BrowserRoute({ routes: this.#routes, log });
    }
    this.#tunCare = new TunCare({
      ...{ index: tun.index, name: tun.name },
      addresses: () => [address, ...[...this.#serviceAddresses].map(prefixBytes)],
      nameNow: () => tun.nameNow(),
      restored: (index) => this.#routes?.restore(index),
      log: (message) => log.warn('tun', message),
    });
    this.#native?.setTun(tun.fd);
    const plane = this.#portable;
    if (plane === undefined) return;
    tun.watch({
      readable: () => this.#readTun(tun, plane),
      gone: (reason) => this.#tunIsGone(reason),
    });
  }

  #tunIsGone(reason: string): void {
    this.#tunCare?.deleted(reason);
  }

  #readTun(tun: Tun, plane: PortableCore): void {
    for (let i = 0; i < TUN_BATCHES_PER_PASS; i++) {
      const packets = tun.readBatch();
      if (packets.length === 0) return;
      this.#pump.feedPackets((at) => plane.handleTunPackets(at, packets));
    }
  }

  #startDiscovery(): void {
    const { config, log } = this.parts;
    this.#tellCandidates();
    if (config.discoveryInterfaces.length > 0) {
      this.#discovery = new DiscoverySocket({
        received: ({ address, interface: name }, bytes) =>
          this.#pump.feed((at) =>
            this.engine.handleBeacon(at, { interface: name, source: address, bytes }),
          ),
        log: (level, message) => log[level]('discovery', message),
      });
    }
    this.#watchInterfaces();
  }

  #watchInterfaces(): void {
    const filter = {
      names: this.config.discoveryInterfaces,
      ...(this.#tun && { except: this.#tun.name }),
    };
    this.#interfaces = new InterfaceWatcher(filter, (change) => this.#interfacesChanged(change));
    this.#interfacesChanged({ added: [], removed: [], present: this.#interfaces.present });
  }

  #interfacesChanged({ present }: LanChange): void {
    this.#discovery?.setInterfaces(present);
    this.#tunCare?.look();
    this.#routes?.recheck();
    this.#browserRoute?.update();
    this.#tellCandidates();
    const names = this.#discovery === undefined ? [] : present.map((one) => one.name);
    this.#pump.feed((at) => this.engine.commandMesh(at, { kind: 'set-interfaces', names }));
  }

  /** A plugin came or went, with its addresses. */
  #listeningChanged(): void {
    if (this.#interfaces !== undefined && !this.#stopped) this.#tellCandidates();
  }

  #tellCandidates(): void {
    const candidates = ownEndpoints(this.listening, this.id);
    const port = Number(
      /^udp:.*:(\d+)$/.exec(this.listening.find((url) => url.startsWith('udp:')) ?? '')?.[1] ?? 0,
    );
    this.#pump.feed((at) =>
      this.engine.commandMesh(at, { kind: 'set-candidates', candidates, port }),
    );
  }

  /** Adds, changes and removes peers so that they are what the config and the store say. */
  applyPeers(): string[] {
    const { dir, peerStore } = this.parts;
    const wanted = peerSpecs(this.config, peerStore.peers, dir, this.registry.peers());
    const known = this.registry.others().map(memberSpec);
    this.#stockRoutes?.set(wanted.map(({ spec }) => spec));
    let result: PeerChanges = { changes: [], refused: [] };
    this.#pump.feed((at) => {
      result = this.#peers.apply(at, wanted, known);
    });
    for (const message of result.refused) this.parts.log.warn('peers', message);
    return result.changes;
  }

  /** Re-reads the config; what did not change stays up. @throws UserError when the file is bad: then nothing changes. */
  async reload(): Promise<string[]> {
    const before = this.config;
    const next = this.parts.loadConfig();
    this.config = {
      ...next,
      ...{ listen: before.listen, transports: before.transports },
      tunName: before.tunName,
      tunMtu: before.tunMtu,
      ...{ dnsListen: before.dnsListen, browserRoute: before.browserRoute },
      webhook: before.webhook,
    };
    const changes = this.applyPeers();
    if (next.discoveryInterfaces.join() !== before.discoveryInterfaces.join()) {
      this.#interfaces?.close();
      this.#discovery?.close();
      this.#discovery = undefined;
      this.#startDiscovery();
      changes.push(`discovery on ${next.discoveryInterfaces.join(', ') || 'no interface'}`);
    }
    if (next.transit !== before.transit) {
      this.#pump.feed((at) => this.engine.setTransit(at, next.transit));
      changes.push(`transit ${next.transit}`);
    }
    if (JSON.stringify(next.registry) !== JSON.stringify(before.registry)) {
      this.registry.configure(next.registry);
      changes.push(`registry ${next.registry.url === undefined ? 'off' : 'on'}`);
      changes.push(...this.applyPeers());
    }
    changes.push(...this.#needRestart(before, next));
    for (const change of changes) this.parts.log.info('config', change);
    return changes;
  }

  #needRestart(before: RouterConfig, next: RouterConfig): string[] {
    const keys = [
      'name',
      'realm',
      'plane',
      'listen',
      'transports',
      'tunName',
      'tunMtu',
      'dnsListen',
      'browserRoute',
      'webhook',
      'probeIntervalMsec',
      'probeCount',
      'relay',
      'idleProbeMsec',
    ] as const;
    return keys
      .filter((key) => JSON.stringify(before[key]) !== JSON.stringify(next[key]))
      .map((key) => `${key} changed: takes effect at the next start`);
  }

  /** Plane commands of the process itself (ping). */
  plan(commands: readonly PlaneCommand[]): void {
    this.#pump.feed((at) => this.plane.apply(at, commands));
  }

  /** Feeds the engine on behalf of the control API. */
  feed(action: (at: ReturnType<typeof now>) => void): void {
    this.#pump.feed(action);
  }

  #act(output: Exclude<EngineOutput, { kind: 'plane' }>): void {
    switch (output.kind) {
      case 'open':
        this.#open(output.request, output.endpoint);
        return;
      case 'release':
        this.#transports.paths.release(output.path);
        return;
      case 'beacon':
        if (output.address === undefined) this.#discovery?.sendTo(output.interface, output.bytes);
        else this.#discovery?.sendUnicast(`${output.address}%${output.interface}`, output.bytes);
        return;
      case 'kernel-routes':
        this.#setKernelRoutes(output.changes);
        return;
      case 'relayed':
        this.#relays.transport?.receive(output.endpoint, output.datagram);
        return;
      case 'relay-closed':
        this.#relays.transport?.closed(output.endpoint, output.reason);
        return;
      case 'joined':
        void this.#invitations.joined(output);
        return;
      case 'event':
        this.monitor.tell(output.event);
        if (output.event.kind === 'link') void this.#invitations.linkChanged(output.event);
        logEvent(this.parts.log, output.event);
        return;
      case 'persist':
        this.parts.seen.save(output.highestSeen);
        return;
      case 'pong':
        this.echoes.handlePong(output.packet);
        return;
      default:
        output satisfies never;
    }
  }

  #setKernelRoutes(changes: readonly FibChange[]): void {
    for (const change of changes) {
      if (change.kind === 'set') this.#routes?.add(change.prefix);
      else this.#routes?.delete(change.prefix);
    }
  }

  /** Names are looked up here; the transports take addresses. Answers come in a later turn of the loop. */
  #open(request: number, endpoint: string): void {
    const finish = (url: string): void => {
      const opened = this.#transports.open(url);
      this.#pump.feed((at) =>
        this.engine.handlePathOpened(
          at,
          typeof opened === 'string' ? { request, error: opened } : { request, path: opened },
        ),
      );
    };
    const host = /^\w+:\/\/([A-Za-z0-9.-]*[A-Za-z][A-Za-z0-9.-]*):(\d+)$/.exec(endpoint);
    if (host === null || this.#transports.isPlugin(endpoint)) {
      setImmediate(finish, endpoint);
      return;
    }
    lookup(host[1] as string, { verbatim: false }).then(
      ({ address }) => {
        const at = address.includes(':') ? `[${address}]` : address;
        finish(endpoint.replace(/\/\/[^:]+:/, `//${at}:`));
      },
      (error: NodeJS.ErrnoException) => {
        const reason = `the name ${host[1]} has no address (${error.code ?? error.message})`;
        this.#pump.feed((at) => this.engine.handlePathOpened(at, { request, error: reason }));
      },
    );
  }

  /** Withdraws, says goodbye, then removes routes and TUN. Idempotent. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.echoes.stop();
    this.registry.stop();
    this.services.stop();
    this.#pump.feed((at) => this.engine.shutdown(at));
    this.#pump.stop();
    this.#native?.stop();
    this.monitor.close();
    this.#interfaces?.close();
    this.#discovery?.close();
    this.#dns?.close();
    this.#routes?.close();
    this.#tun?.close();
    await this.#transports.close();
    await this.parts.seen.settled();
  }
}

/** By key, as the registry has them. */
function seenPeers(engine: Engine): SeenPeer[] {
  const rtts = new Map(engine.mesh.links().map(({ link, rttMsec }) => [link, rttMsec]));
  return engine.mesh.peers().map(({ key, link, state }) => {
    return { key, isUp: state === 'up', rttMsec: rtts.get(link) ?? null };
  });
}

const secrets = ({ id, seed, proof, noisePrivate, noisePublic }: Identity): RouterIdentity => ({
  ...{ id, seed, proof, noisePrivate, noisePublic },
});

/** Shorter rekey for interop tests: no setting, as nobody should run with it. */
function testTiming(env: NodeJS.ProcessEnv): Pick<Partial<MeshConfig>, 'timing'> {
  const msec = Number(env.ALAMESH_TEST_REKEY_MSEC ?? 0);
  if (!(msec >= 1000)) return {};
  const timing = {
    rekeyAfter: msec as Millis,
    rejectAfter: (msec * 1.5) as Millis,
    rekeyTimeout: (msec / 4) as Millis,
  };
  return { timing };
}
