import type { Command } from 'commander';

/** Adds `sim`. */
export function registerSim(program: Command): void {
  program.command('sim').description('the simulator, from the same topologies');
}
