/** What the simulation tests share: topologies by name, and a failure that says how to replay it. */
import { sharedCrypto } from '../../src/sim/crypto.js';
import { SimMesh, type SimMeshOptions } from '../../src/sim/mesh.js';
import { SeededEntropy } from '../../src/sim/random.js';
import { runScenario, type ScenarioOptions, type SimRun } from '../../src/sim/scenario.js';
import { type Topology, topologyNamed } from '../../src/sim/topology.js';

/** As `sim run` makes it from this seed. */
export function topologyOf(name: string, seed: number): Topology {
  const topology = topologyNamed(name, new SeededEntropy(seed, 5));
  if (topology === undefined) throw new Error(`no topology is called ${name}`);
  return topology;
}

const crypto = sharedCrypto();

export function started(
  name: string,
  seed: number,
  options: Partial<SimMeshOptions> = {},
): SimMesh {
  const topology = options.topology ?? topologyOf(name, seed);
  const mesh = new SimMesh({ seed, crypto, ...options, topology });
  mesh.startAll();
  return mesh;
}

export function scenario(
  name: string,
  seed: number,
  options: Partial<ScenarioOptions> = {},
): SimRun {
  const topology = topologyOf(name, seed);
  return runScenario({ topology, seed, crypto, wallClock: () => performance.now(), ...options });
}

/** Adds to whatever goes wrong the seed, and for scenarios the command that replays it. */
export function replayable<T>(what: { name: string; seed: number; run: () => T }): T {
  try {
    return what.run();
  } catch (cause) {
    const { name, seed } = what;
    const text = (cause as Error).message;
    throw new Error(
      `${name}, seed ${seed}: ${text}\nreplay: alamesh sim run ${name} --seed ${seed}`,
      {
        cause,
      },
    );
  }
}
