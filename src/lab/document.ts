/** A YAML file whose errors know their place: `file:line:column`, what was expected, what may have been meant. */

import * as v from 'valibot';
import type { Document, LineCounter } from 'yaml';
import { EXIT, UserError } from '../base/errors.js';
import { nearest } from '../base/suggest.js';

export type Path = readonly (string | number)[];

export interface Fault {
  readonly message: string;
  readonly hint?: string;
  readonly at: Path;
  /** The place of the last key of `at` instead of its value's. */
  readonly onKey?: boolean;
}

export class YamlFile {
  readonly file: string;
  readonly value: unknown;
  readonly #document: Document;
  readonly #lines: LineCounter;

  private constructor(file: string, document: Document, lines: LineCounter) {
    this.file = file;
    this.#document = document;
    this.#lines = lines;
    this.value = document.toJS();
  }

  /** @throws UserError with exit 4 where the text is no YAML. */
  static async parse(file: string, text: string): Promise<YamlFile> {
    const { LineCounter, parseDocument } = await import('yaml');
    const lines = new LineCounter();
    const document = parseDocument(text, { lineCounter: lines, merge: true, prettyErrors: false });
    const [error] = document.errors;
    if (error !== undefined) {
      const { line, col } = lines.linePos(error.pos[0]);
      throw new UserError(`not YAML: ${error.message}`, {
        code: 'bad-lab-file',
        hint: 'Correct the file at the place named.',
        exit: EXIT.badFile,
        file,
        line,
        column: col,
      });
    }
    try {
      return new YamlFile(file, document, lines);
    } catch (cause) {
      const said = cause instanceof Error ? cause.message : String(cause);
      throw new UserError(`not usable YAML: ${said}`, {
        code: 'bad-lab-file',
        exit: EXIT.badFile,
        file,
        cause,
      });
    }
  }

  /** The error of one place of this file. */
  fault({ message, hint, at, onKey }: Fault): UserError {
    const { line, column } = this.#place(at, onKey === true);
    const code = 'bad-lab-file';
    return new UserError(message, {
      code,
      hint: hint ?? '',
      exit: EXIT.badFile,
      file: this.file,
      line,
      column,
    });
  }

  /** Checks one value of the file. @throws UserError of the first thing that is wrong. */
  check<S extends v.GenericSchema>(schema: S, value: unknown, at: Path): v.InferOutput<S> {
    const result = v.safeParse(schema, value, { abortEarly: true });
    if (result.success) return result.output;
    throw this.#issueFault(result.issues[0], schema, at);
  }

  #issueFault(issue: v.BaseIssue<unknown>, schema: v.GenericSchema, at: Path): UserError {
    const inner = (issue.path ?? []).map((item) => item.key as string | number);
    const path = [...at, ...inner];
    const key = String(path.at(-1) ?? '');
    const onKey = issue.type === 'strict_object' && issue.expected === 'never';
    if (onKey) {
      const known = keysAt(schema, inner.slice(0, -1));
      const meant = nearest(key, known);
      const hint =
        meant === undefined ? `Known here: ${known.join(', ')}.` : `Did you mean "${meant}"?`;
      return this.fault({ message: `unknown key "${key}"`, hint, at: path, onKey });
    }
    const missing = issue.type.endsWith('object') && issue.received === 'undefined';
    if (missing) return this.fault({ message: `"${key}" is missing`, at: path.slice(0, -1) });
    const expected = issue.expected ?? issue.message;
    const wanted = issue.kind === 'validation' || issue.type === 'union' ? issue.message : expected;
    const where = path.length > 0 ? `${path.join('.')}: ` : '';
    return this.fault({
      message: `${where}expected ${words(wanted)}, got ${shown(issue.input)}`,
      at: path,
    });
  }

  #place(at: Path, onKey: boolean): { line: number; column: number } {
    for (let length = at.length; length >= 0; length -= 1) {
      const offset = this.#offset(at.slice(0, length), onKey && length === at.length);
      if (offset === undefined) continue;
      const { line, col } = this.#lines.linePos(offset);
      return { line, column: col };
    }
    return { line: 1, column: 1 };
  }

  #offset(at: Path, onKey: boolean): number | undefined {
    const parent: unknown = onKey ? this.#document.getIn(at.slice(0, -1), true) : undefined;
    const items = (parent as { items?: { key?: unknown }[] } | undefined)?.items ?? [];
    const named = items.find((item) => keyText(item.key) === String(at.at(-1)));
    const node = onKey ? named?.key : this.#document.getIn(at, true);
    return (node as { range?: [number, number, number] } | undefined)?.range?.[0];
  }
}

const keyText = (key: unknown): string | undefined =>
  key === undefined || key === null ? undefined : String((key as { value?: unknown }).value ?? key);

/** valibot's words for a type, in ours. */
function words(expected: string): string {
  const plain: Record<string, string> = { string: 'text', Array: 'a list', Object: 'a map' };
  return plain[expected] ?? expected;
}

function shown(input: unknown): string {
  if (input === null || input === undefined) return 'nothing';
  if (Array.isArray(input)) return 'a list';
  if (typeof input === 'object') return 'a map';
  return JSON.stringify(input).slice(0, 60);
}

/** The keys that the object schema at `path` knows. */
function keysAt(schema: v.GenericSchema, path: Path): string[] {
  let at: unknown = schema;
  for (const key of path) at = step(unwrap(at), key);
  const { entries } = unwrap(at) as { entries?: Record<string, unknown> };
  return Object.keys(entries ?? {});
}

function unwrap(schema: unknown): Record<string, unknown> {
  let at = schema as Record<string, unknown>;
  while (at?.wrapped !== undefined) at = at.wrapped as Record<string, unknown>;
  return at ?? {};
}

function step(schema: Record<string, unknown>, key: string | number): unknown {
  const entries = schema.entries as Record<string, unknown> | undefined;
  return entries?.[key] ?? schema.value ?? schema.item;
}
