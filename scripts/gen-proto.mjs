#!/usr/bin/env node
/**
 * Makes src/wire/gen from proto/ with pbjs: the codec as TypeScript without checks, its types as declarations.
 *   node scripts/gen-proto.mjs           writes them
 *   node scripts/gen-proto.mjs --check   exits 1 when what is committed differs from what would be written
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const GEN = path.join(ROOT, 'src/wire/gen');
const NOTE = '// Made by scripts/gen-proto.mjs from proto/alamesh/v1. Do not edit.\n';
const UNUSED = ['create', 'verify', 'convert', 'delimited', 'service', 'typeurl'];

function pbjs(out, ...options) {
  const folder = path.join(ROOT, 'proto/alamesh/v1');
  const schemas = readdirSync(folder).filter((name) => name.endsWith('.proto'));
  execFileSync(
    process.execPath,
    [
      createRequire(import.meta.url).resolve('protobufjs-cli/bin/pbjs'),
      ...['--target', 'static-module', '--wrap', 'esm', '--root', 'alamesh', ...options],
      ...['--force-message', ...UNUSED.map((name) => `--no-${name}`)],
      ...['--path', path.join(ROOT, 'proto'), '--out', out],
      ...schemas.sort().map((name) => path.join(folder, name)),
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
}

/** Replaces exactly once: a newer pbjs that writes something else must not pass unnoticed. */
function swap(text, from, to) {
  if (text.split(from).length !== 2) throw new Error(`pbjs no longer writes: ${from}`);
  return text.replace(from, () => to);
}

function codec(js) {
  const typed = swap(
    js,
    'export const alamesh = $root.alamesh = ',
    'export const alamesh: typeof Types = $root.alamesh = ',
  );
  const imports = "import type { alamesh as Types } from './schema-types.js';\n";
  return `// @ts-nocheck\n${NOTE}${imports}${typed}`;
}

function declarations(dts) {
  const protobuf = 'import * as $protobuf from "protobufjs/minimal.js";';
  let text = swap(dts, protobuf, protobuf.replace('import', 'import type'));
  text = swap(
    text,
    'import Long = require("long");',
    'interface Long { readonly low: number; readonly high: number; readonly unsigned?: boolean }',
  );
  return NOTE + swap(text, 'export namespace alamesh', 'export declare namespace alamesh');
}

function generate() {
  const scratch = mkdtempSync(path.join(tmpdir(), 'alamesh-proto-'));
  try {
    const out = path.join(scratch, 'schema.js');
    pbjs(out, '--dts'); // makes its declarations from the comments
    const types = declarations(readFileSync(path.join(scratch, 'schema.d.ts'), 'utf8'));
    pbjs(out, '--no-comments');
    return { 'schema.ts': codec(readFileSync(out, 'utf8')), 'schema-types.ts': types };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function committed(name) {
  try {
    return readFileSync(path.join(GEN, name), 'utf8');
  } catch {
    return undefined;
  }
}

const check = process.argv.slice(2).includes('--check');
const stale = Object.entries(generate()).filter(([name, text]) => committed(name) !== text);
if (!check) mkdirSync(GEN, { recursive: true });
for (const [name, text] of stale) {
  if (check) console.error(`src/wire/gen/${name} is stale: run node scripts/gen-proto.mjs`);
  else writeFileSync(path.join(GEN, name), text);
}
if (check && stale.length > 0) process.exitCode = 1;
