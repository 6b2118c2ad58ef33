/** Real routers in namespaces, started and asked through the command line as CLI.md has it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  Hopeless,
  must,
  type Namespace,
  type Ran,
  type RunOptions,
  run,
  type Stage,
  type Started,
  tail,
  until,
} from './namespace.js';

export const ALAMESH = path.resolve('bin/alamesh');
/** Ours: under load on two cores a router takes a second or two to start. */
const START_MSEC_MAX = 20_000;

export interface StatusDocument {
  readonly schema: string;
  readonly nodeId: string;
  readonly prefix: string;
  readonly name: string;
  readonly realm: string;
  readonly plane: string;
  readonly pid: number;
  readonly tun: {
    readonly name: string;
    readonly mtu: number;
    readonly state: string;
    readonly problem: string | null;
  };
  readonly planeHealth: {
    readonly state: string;
    readonly panics: number;
    readonly problem: string | null;
  };
  readonly links: { readonly up: number; readonly total: number };
  readonly neighbors: { readonly established: number; readonly total: number };
  readonly routes: { readonly prefixes: number; readonly paths: number };
  readonly drops: Readonly<Record<string, number>>;
  readonly queue: { readonly bytes: number; readonly bytesHigh: number } | null;
}

export interface LinkDocument {
  readonly peer: string;
  readonly name: string | null;
  readonly state: 'up' | 'handshaking' | 'down';
  readonly path: { readonly remote: string | null; readonly transport: string } | null;
  readonly lastHandshakeAt: number | null;
  readonly upSinceAt: number | null;
  readonly rttMsec: number | null;
  readonly loss: number | null;
}

export interface RouteDocument {
  readonly prefix: string;
  readonly neighbor: string | null;
  readonly best: boolean;
  readonly valid: boolean;
  readonly hops: number;
  readonly asPath: readonly string[];
  readonly lostBy: string | null;
}

export interface SummaryDocument {
  readonly routerId: string;
  readonly peers: Readonly<
    Record<
      string,
      {
        readonly hostname: string | null;
        readonly state: string;
        readonly pfxRcd: number;
        readonly connectionsEstablished: number;
        readonly connectionsDropped: number;
      }
    >
  >;
}

export interface RouterOptions {
  readonly at: Namespace;
  readonly name: string;
  /** The text of alamesh.toml beyond name and realm; `init` writes it all when there is none. */
  readonly config?: string;
  /** Variables of `up`. */
  readonly env?: Readonly<Record<string, string>>;
}

/** One router: a state directory, a namespace, and a process while it is up. */
export class Router {
  readonly at: Namespace;
  readonly name: string;
  readonly dir: string;
  readonly log: string;
  address = '';
  prefix = '';
  process: Started | undefined;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(stage: Stage, options: RouterOptions) {
    this.at = options.at;
    this.name = options.name;
    this.dir = path.join(stage.folder, options.name);
    this.log = path.join(stage.folder, `${options.name}.log`);
    this.#env = options.env ?? {};
  }

  /** Makes keys; does not start it. */
  static async init(stage: Stage, options: RouterOptions): Promise<Router> {
    const router = new Router(stage, options);
    mkdirSync(router.dir, { mode: 0o700 });
    await router.must('init', '--name', options.name, '--realm', 'test', '--work', '0');
    if (options.config !== undefined) router.configure(options.config);
    return router;
  }

  static async start(stage: Stage, options: RouterOptions): Promise<Router> {
    const router = await Router.init(stage, options);
    await router.up();
    return router;
  }

  /** Writes alamesh.toml. @param text Everything but the name and realm. */
  configure(text: string): void {
    writeFileSync(this.configFile, `name = "${this.name}"\nrealm = "test"\n${text}\n`);
  }

  get configFile(): string {
    return path.join(this.dir, 'alamesh.toml');
  }

  get env(): Readonly<Record<string, string>> {
    return { ALAMESH_DIR: this.dir, ...this.#env };
  }

  /** Starts the process and waits until it answers. */
  async up(): Promise<void> {
    this.launch();
    const status = await until(`${this.name} answers`, () => this.#answer(), START_MSEC_MAX);
    this.address = status.nodeId;
    this.prefix = status.prefix;
  }

  /** Starts the process only. */
  launch(): Started {
    this.process = this.at.start([ALAMESH, 'up'], { env: this.env, log: this.log });
    return this.process;
  }

  async #answer(): Promise<StatusDocument | undefined> {
    const { child } = this.process ?? {};
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) {
      throw new Hopeless(`${this.name} ended (${child?.exitCode}): ${tail(this.log, 12)}`);
    }
    const { status, stdout } = await this.run('status', '--json');
    return status === 0 ? (JSON.parse(stdout) as StatusDocument) : undefined;
  }

  /** Sends a signal and waits for the end. @returns The exit status; null when the signal ended it. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.process === undefined) throw new Error(`${this.name} was not started`);
    const { child, ended } = this.process;
    child.kill(signal);
    return await ended;
  }

  /** The command line, outside of the namespace as people use it: the socket leads to the router. */
  run(...words: string[]): Promise<Ran> {
    return run([ALAMESH, ...words], this.options());
  }

  must(...words: string[]): Promise<string> {
    return must([ALAMESH, ...words], this.options());
  }

  options(): RunOptions {
    return { env: this.env };
  }

  /** A command's JSON document. */
  async ask<T>(...words: string[]): Promise<T> {
    return JSON.parse(await this.must(...words, '--json')) as T;
  }

  status(): Promise<StatusDocument> {
    return this.ask('status');
  }

  async links(): Promise<readonly LinkDocument[]> {
    return (await this.ask<{ links: LinkDocument[] }>('links')).links;
  }

  /** The link to another router; undefined while there is none. */
  async linkTo(other: Router): Promise<LinkDocument | undefined> {
    return (await this.links()).find(({ peer }) => peer === other.address);
  }

  async routes(...words: string[]): Promise<readonly RouteDocument[]> {
    return (await this.ask<{ routes: RouteDocument[] }>('bgp', 'routes', ...words)).routes;
  }

  /** The neighbor over which the best route to another router's prefix goes; undefined while there is none. */
  async bestTo(other: Router): Promise<string | undefined> {
    const routes = await this.routes(other.prefix).catch(() => []);
    return routes.find(({ best }) => best)?.neighbor ?? undefined;
  }

  summary(): Promise<SummaryDocument> {
    return this.ask('bgp', 'summary');
  }

  async dropped(reason: string): Promise<number> {
    return (await this.status()).drops[reason] ?? 0;
  }

  /** What it has logged, for the message of a failed test. */
  said(): string {
    return tail(this.log, 40);
  }
}

export const isEstablished = async (router: Router, other: Router): Promise<boolean> =>
  (await router.summary()).peers[other.address]?.state === 'Established';

/** Until both ends say that their session is established. */
export async function established(a: Router, b: Router, msecMax = 20_000): Promise<void> {
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    const what = `${one.name} has a session with ${other.name}`;
    await until(what, () => isEstablished(one, other), msecMax);
  }
}

/** Until every router has a route to every other's prefix. */
export async function converged(routers: readonly Router[], msecMax = 30_000): Promise<void> {
  const wanted = routers.length;
  for (const router of routers) {
    const what = `${router.name} has routes to all ${wanted - 1} others`;
    await until(what, async () => (await missing(router, routers)) === 0, msecMax);
  }
}

async function missing(router: Router, all: readonly Router[]): Promise<number> {
  const known = new Set((await router.routes()).map(({ prefix }) => prefix));
  return all.filter((other) => other !== router && !known.has(other.prefix)).length;
}

/** Exchanges peer lines both ways. @param endpoints Where each is reached, `HOST:PORT`. */
export async function introduce(
  a: readonly [Router, string],
  b: readonly [Router, string],
): Promise<void> {
  const [routerA, endpointA] = a;
  const [routerB, endpointB] = b;
  await routerA.must('peer', 'add', (await lineOf(routerB, endpointB)).trim());
  await routerB.must('peer', 'add', (await lineOf(routerA, endpointA)).trim());
}

export const lineOf = (router: Router, endpoint: string): Promise<string> =>
  router.must('peer', 'line', '--endpoint', endpoint);

/** The router that is called `rN`. */
export function nth(routers: readonly Router[], n: number): Router {
  const router = routers[n - 1];
  if (router === undefined) throw new Error(`there is no r${n}`);
  return router;
}

/**
 * Routers `r1`, `r2`, … wired in a line; the device towards `rN` is called `toN`. They find each other.
 * @param options One a router, in their order; how many there are is the line's length.
 */
export async function line(
  stage: Stage,
  options: readonly Omit<RouterOptions, 'at' | 'name'>[],
  mtus: readonly number[] = [],
): Promise<Router[]> {
  const spaces: Namespace[] = [];
  for (const i of options.keys()) spaces.push(await stage.namespace(`r${i + 1}`));
  for (const i of options.keys()) {
    const [a, b] = [spaces[i], spaces[i + 1]];
    if (a === undefined || b === undefined) continue;
    await stage.wire({ at: a, device: `to${i + 2}` }, { at: b, device: `to${i + 1}` }, mtus[i]);
  }
  const start = (one: Omit<RouterOptions, 'at' | 'name'>, i: number): Promise<Router> =>
    Router.start(stage, { ...one, at: spaces[i] as Namespace, name: `r${i + 1}` });
  return await Promise.all(options.map(start));
}
