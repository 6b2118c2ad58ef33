import { readFileSync } from 'node:fs';

let known: string | undefined;

/** The package's version: dist/src/router is three folders below the root. */
export function version(): string {
  if (known === undefined) {
    const file = new URL('../../../package.json', import.meta.url);
    known = (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
  }
  return known;
}
