/** TOML files of one exact form: `key = value` lines in a fixed order after one comment, a newline at the end. */
import { parse, TomlError } from 'smol-toml';
import { utf8Text } from '../base/bytes.js';
import { bad, good, type Parsed } from '../base/result.js';

/** Ours: every file of a registry; a record of 2 KiB, its repetition and base64 fit twice. */
export const FILE_BYTES_MAX = 16_384;

export type Value = string | number | boolean | readonly string[];
export type Fields = Readonly<Record<string, Value>>;

export interface FormFault {
  readonly message: string;
  /** 1-based, where it can be told. */
  readonly line: number | undefined;
}

/** JSON strings without control characters are TOML basic strings. */
function toToml(value: Value): string {
  if (typeof value !== 'object') return JSON.stringify(value);
  return `[${value.map((item) => JSON.stringify(item)).join(', ')}]`;
}

/** @param note The comment above the fields, without `# `. */
export const formatForm = (note: string, fields: Fields): string =>
  `# ${note}\n${Object.entries(fields)
    .map(([key, value]) => `${key} = ${toToml(value)}\n`)
    .join('')}`;

/** Bytes as they lie in a repository, to text: UTF-8 without a BOM, bounded, no control characters. */
export function readText(bytes: Uint8Array): Parsed<string, FormFault> {
  if (bytes.length > FILE_BYTES_MAX) return fault(`has more than ${FILE_BYTES_MAX} bytes`);
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    return fault('begins with a byte order mark', 1);
  }
  const text = utf8Text(bytes);
  if (text === undefined) return fault('is not UTF-8');
  if (text.startsWith('version https://git-lfs')) return fault('is a pointer of Git LFS', 1);
  const control = [...text].findIndex((char) => char !== '\n' && (char < ' ' || char === '\x7f'));
  if (control < 0) return good(text);
  return fault('has a control character', [...text].slice(0, control).join('').split('\n').length);
}

/** Total. Says nothing of which fields there are. */
export function parseForm(text: string): Parsed<Readonly<Record<string, unknown>>, FormFault> {
  try {
    return good(parse(text, { maxDepth: 4 }));
  } catch (error) {
    return fault('is not valid TOML', error instanceof TomlError ? error.line : undefined);
  }
}

/** The first line where a text is not what it should be. */
export function firstUnlike(text: string, canonical: string): number {
  const wanted = canonical.split('\n');
  const found = text.split('\n').findIndex((line, i) => line !== wanted[i]);
  return found < 0 ? wanted.length : found + 1;
}

/** The line of a top-level key. */
export function lineOfKey(text: string, key: string): number | undefined {
  const at = text.split('\n').findIndex((line) => line.startsWith(`${key} =`));
  return at < 0 ? undefined : at + 1;
}

const fault = (message: string, line?: number): Parsed<never, FormFault> => bad({ message, line });
