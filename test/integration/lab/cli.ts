/** The lab commands alone, as a program: what the tests start, interrupt and kill. */
import { Command } from 'commander';
import { UserError } from '../../../src/base/errors.js';
import { registerLab } from '../../../src/lab/commands.js';

const program = new Command('alamesh');
registerLab(program);
try {
  await program.parseAsync(process.argv);
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  process.stderr.write(`${error.place} ${error.message}\n${error.hint}\n`);
  process.exitCode = error.exit;
}
