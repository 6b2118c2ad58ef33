/** `alamesh registry check`: findings as `file:line message`, or one document. */
import { EXIT } from '../base/errors.js';
import { Git } from '../platform/git.js';
import { checkRange } from '../router/registry/read.js';

interface CheckWords {
  readonly dir: string;
  readonly range: string;
  readonly json: boolean;
  readonly anyAuthor: boolean;
}

/** @returns The exit code: 1 when there are findings. */
export async function check(
  { dir, range, json, anyAuthor }: CheckWords,
  write: (text: string) => void,
): Promise<number> {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const checked = await checkRange(new Git(dir), { range, nowSeconds, anyAuthor });
  const { findings, members } = checked;
  const ok = findings.length === 0;
  if (json) write(`${JSON.stringify({ schema: 'alamesh.registry.check/1', ok, ...checked })}\n`);
  else if (ok)
    write(`${members} ${members === 1 ? 'node' : 'nodes'}, nothing to find fault with\n`);
  else for (const finding of findings) write(lineOf(finding));
  return ok ? 0 : EXIT.failed;
}

interface Shown {
  readonly file: string;
  readonly line: number;
  readonly message: string;
  readonly fix: string;
}

/** Paths come from strangers: nothing that a terminal obeys is printed. */
function lineOf({ file, line, message, fix }: Shown): string {
  const text = `${file}:${line} ${message}${fix === '' ? '' : ` (${fix})`}`;
  return `${text.replace(/[^\x20-\x7e’…]/g, '?')}\n`;
}
