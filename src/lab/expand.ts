/** Small text rules of containerlab: variables in the file, and words of a command line. */

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Puts environment variables into a topology's text as containerlab does: `$NAME`, `${NAME}`,
 * `${NAME:-default}` (also `-`, `:=`, `=`) and `${NAME:+other}`. A variable that is not set and
 * has no default stays as it is written, so that a node's `cmd` can use the node's own.
 */
export function expandVariables(text: string, variables: Variables): string {
  return text.replace(
    /\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?[-=+])([^}]*))?\})/g,
    (whole, plain: string | undefined, braced: string | undefined, operator = '', word = '') => {
      const value = variables[plain ?? braced ?? ''];
      const there = operator.startsWith(':')
        ? value !== undefined && value !== ''
        : value !== undefined;
      if (operator.endsWith('+')) return there ? word : '';
      if (there) return value ?? '';
      return operator === '' ? whole : word;
    },
  );
}

/**
 * Splits a command line into words by the shell's rules of quoting; nothing is expanded.
 * @returns The words, or undefined where a quote is not closed.
 */
export function splitWords(line: string): string[] | undefined {
  const words: string[] = [];
  const token = /\s+|'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|\\([\s\S])|([^\s'"\\]+)/y;
  let word: string | undefined;
  while (token.lastIndex < line.length) {
    const match = token.exec(line);
    if (match === null) return undefined;
    const [, single, double, escaped, plain] = match;
    const part = single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? escaped ?? plain;
    if (part !== undefined) word = (word ?? '') + part;
    else if (word !== undefined) {
      words.push(word);
      word = undefined;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}
