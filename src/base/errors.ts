/** What the person who runs us can put right; every command ends in one of these or in success. */

/** Exit codes that scripts rely on (CLI.md). */
export const EXIT = { failed: 1, usage: 2, noRouter: 3, badFile: 4 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface UserErrorOptions {
  /** Stable, for scripts: lowercase words joined by `-`. */
  readonly code: string;
  /** What to do about it, one sentence; empty when there is nothing to do. */
  readonly hint?: string;
  /** Default 1. */
  readonly exit?: ExitCode;
  readonly file?: string;
  /** 1-based. */
  readonly line?: number;
  /** 1-based. */
  readonly column?: number;
  readonly cause?: unknown;
}

/** Says what happened, to what, and what to do. Shown without a stack. */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly code: string;
  readonly hint: string;
  readonly exit: ExitCode;
  readonly file: string | undefined;
  readonly line: number | undefined;
  readonly column: number | undefined;

  constructor(message: string, options: UserErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.hint = options.hint ?? '';
    this.exit = options.exit ?? EXIT.failed;
    this.file = options.file;
    this.line = options.line;
    this.column = options.column;
  }

  /** `file:line:column`, as far as they are known; empty without a file. */
  get place(): string {
    const parts = [this.file, this.line, this.column];
    const end = parts.indexOf(undefined);
    return (end < 0 ? parts : parts.slice(0, end)).join(':');
  }
}
