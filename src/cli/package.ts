/** What package.json says of this program. */
import { readFileSync } from 'node:fs';

/** dist/src/cli is three folders below the root. */
export function packageVersion(): string {
  const file = new URL('../../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
