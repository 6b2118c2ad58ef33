/** Published vectors lie beside the repository and are not part of it: tests skip, visibly, where they are absent. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fromHex } from '../../../src/base/bytes.js';

const root = path.resolve(process.cwd(), '../shared/data');

export function vectorText(test: Mocha.Context, name: string): string {
  const file = path.join(root, name);
  if (!existsSync(file)) test.skip();
  return readFileSync(file, 'utf8');
}

export const vectorJson = <T>(test: Mocha.Context, name: string): T =>
  JSON.parse(vectorText(test, name)) as T;

export function hex(text: string): Uint8Array {
  const bytes = fromHex(text);
  if (bytes === undefined) throw new Error(`not hex: ${text.slice(0, 40)}`);
  return bytes;
}
