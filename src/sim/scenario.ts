/**
 * What `alamesh sim run` does to a mesh: it comes up, loses a router and gets it back, loses a link and gets it back,
 * bears bad cables for a while, is parted and joined; a NAT box loses its table, and one blocks UDP. After each step it must come to rest, and everything is checked.
 */
import type { Crypto } from '../base/crypto.js';
import { adjacency, reachable, spareEdges, spareNodes } from './graph.js';
import { SimMesh } from './mesh.js';
import { PERFECT } from './network.js';
import { SeededEntropy } from './random.js';
import type { Topology } from './topology.js';

/** Cables of the bad weather: a tenth lost, later packets overtake earlier ones. */
const BAD = { loss: 0.1, duplicate: 0.05, jitterMsec: 30 } as const;
const BAD_MSEC = 60_000;
const SCENARIO_SALT = 4;

export interface Step {
  readonly name: string;
  /** Nodes or the cable that it was done to. */
  readonly target: string;
  /** Virtual, since the start. */
  readonly atMsec: number;
  /** From then to the last change of a route or session. */
  readonly settledMsec: number;
  /** UPDATEs of all nodes together. */
  readonly messages: number;
  readonly messagesPerNode: number;
}

/** Document `alamesh.sim.run/1`; wall-clock fields begin with `wall`, all others follow from name and seed. */
export interface SimRun {
  readonly name: string;
  readonly seed: number;
  readonly nodes: number;
  readonly links: number;
  /** UPDATEs per node for the withdrawal of one; null where no node may go without parting others. */
  readonly messagesPerNode: number | null;
  /** Found at rest; anything but 0 ends the run with a Violation. */
  readonly loops: number;
  readonly unreachable: number;
  /** Virtual time until every node first had every route. */
  readonly convergedMsec: number;
  readonly steps: readonly Step[];
  readonly datagrams: number;
  readonly events: number;
  readonly wallMsec: number;
}

export interface ScenarioOptions {
  readonly topology: Topology;
  readonly seed: number;
  /** How the router goes; default: either, by the seed. */
  readonly withdrawal?: 'crash' | 'shutdown';
  /** Only the withdrawal, not what follows it. */
  readonly withdrawalOnly?: boolean;
  readonly crypto?: Crypto;
  /** Milliseconds, for `wallMsec`. */
  readonly wallClock: () => number;
  /** Before each step. */
  readonly progress?: (step: string) => void;
}

/** @throws Violation when an invariant does not hold. */
export function runScenario(options: ScenarioOptions): SimRun {
  return new Scenario(options).run();
}

class Scenario {
  readonly #options: ScenarioOptions;
  readonly #mesh: SimMesh;
  readonly #random: SeededEntropy;
  readonly #steps: Step[] = [];

  constructor(options: ScenarioOptions) {
    const { topology, seed, crypto } = options;
    this.#options = options;
    this.#mesh = new SimMesh({ topology, seed, ...(crypto && { crypto }) });
    this.#random = new SeededEntropy(seed, SCENARIO_SALT);
  }

  run(): SimRun {
    const { topology, seed, wallClock, withdrawalOnly = false } = this.#options;
    const began = wallClock();
    const convergedMsec = this.#start();
    const withdrawal = this.#withdraw();
    if (!withdrawalOnly) {
      this.#flapLink();
      this.#troubleBoxes();
      this.#badWeather();
      this.#partition();
    }
    return {
      ...{ name: topology.name, seed },
      ...{ nodes: topology.nodes.length, links: topology.links.length },
      messagesPerNode: withdrawal?.messagesPerNode ?? null,
      ...{ loops: 0, unreachable: 0, convergedMsec: round(convergedMsec) },
      steps: this.#steps,
      datagrams: this.#mesh.datagrams,
      events: this.#mesh.scheduler.ran,
      wallMsec: Math.round(wallClock() - began),
    };
  }

  #start(): number {
    let convergedMsec = 0;
    this.#step('start', 'all', () => {
      this.#mesh.startAll();
      convergedMsec = this.#mesh.runUntilConverged();
    });
    return convergedMsec;
  }

  #withdraw(): Step | undefined {
    const { topology, withdrawal, withdrawalOnly = false } = this.#options;
    const how = withdrawal ?? (this.#random.chance(0.5) ? 'crash' : 'shutdown');
    const name = this.#random.pick(spareNodes(topology.nodes, topology.links));
    if (name === undefined) return undefined;
    const step = this.#step(how, name, () => this.#mesh[how](name));
    if (!withdrawalOnly) this.#step('restart', name, () => this.#mesh.start(name));
    return step;
  }

  #flapLink(): void {
    const { nodes, links } = this.#options.topology;
    const index = this.#random.pick(spareEdges(nodes, links));
    const cable = index === undefined ? undefined : this.#mesh.network.cables[index];
    if (cable === undefined) return;
    this.#step('cut', cable.name, () => this.#mesh.cut(cable));
    this.#step('heal', cable.name, () => this.#mesh.heal(cable));
  }

  #troubleBoxes(): void {
    const sites = this.#options.topology.internet?.sites ?? [];
    const name = this.#random.pick(sites.filter(({ nat }) => nat !== undefined))?.name;
    if (name === undefined) return;
    this.#step('reboot box', name, () => this.#mesh.rebootBox(name));
    this.#step('block UDP', name, () => this.#mesh.setBlocked(name, true));
    this.#step('allow UDP', name, () => this.#mesh.setBlocked(name, false));
  }

  #badWeather(): void {
    this.#step('impair', 'all', () => {
      this.#mesh.setQuality(BAD);
      this.#mesh.runFor(BAD_MSEC);
      const { loss, duplicate, jitterMsec } = PERFECT;
      this.#mesh.setQuality({ loss, duplicate, jitterMsec });
    });
  }

  #partition(): void {
    if (this.#mesh.network.cables.length === 0) return;
    const group = this.#half();
    let cables: ReturnType<SimMesh['partition']> = [];
    this.#step('partition', `${group.size} nodes`, () => {
      cables = this.#mesh.partition(group);
    });
    this.#step('join', `${cables.length} cables`, () => this.#mesh.heal(...cables));
  }

  /** The half of the nodes that is nearest to a random one. */
  #half(): Set<string> {
    const { nodes, links } = this.#options.topology;
    const from = this.#random.pick(nodes) as string;
    const near = reachable(adjacency(nodes, links), from);
    return new Set([...near].slice(0, Math.max(1, Math.floor(nodes.length / 2))));
  }

  #step(name: string, target: string, action: () => void): Step {
    this.#options.progress?.(`${name} ${target}`);
    const mesh = this.#mesh;
    const [before, began] = [mesh.updates, mesh.now];
    action();
    mesh.runUntilQuiet();
    const messages = mesh.updates - before;
    const step = {
      ...{
        name,
        target,
        atMsec: round(began),
        settledMsec: round(Math.max(mesh.changedAt - began, 0)),
      },
      ...{ messages, messagesPerNode: round(messages / Math.max(mesh.alive().length, 1)) },
    };
    this.#steps.push(step);
    return step;
  }
}

const round = (value: number): number => Math.round(value * 1000) / 1000;
