/** One router to a state directory: the kernel gives the lock back whatever ends the process. */
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../base/errors.js';
import { errno, errnoName, libc } from '../posix/libc.js';

const LOCK_EX = 2;
const LOCK_NB = 4;
const FILE = 'lock';

export interface DirectoryLock {
  /** Idempotent. The file stays: removing it would let two lock two different files. */
  release(): void;
}

/**
 * @param directory Must exist.
 * @throws UserError `in-use` with the other's pid, or `lock-failed`.
 */
export function lockDirectory(directory: string): DirectoryLock {
  const file = path.join(directory, FILE);
  const fd = openLock(file);
  if (libc().flock(fd, LOCK_EX | LOCK_NB) !== 0) {
    const code = errnoName(errno());
    closeSync(fd);
    throw code === 'EAGAIN' ? inUse(directory, file) : failed(file, code);
  }
  ftruncateSync(fd, 0);
  writeSync(fd, `${process.pid}\n`, 0);
  let held = true;
  return {
    release: () => {
      if (held) closeSync(fd);
      held = false;
    },
  };
}

function openLock(file: string): number {
  try {
    return openSync(file, 'a+', 0o600);
  } catch (error) {
    throw failed(file, error instanceof Error ? error.message : String(error), error);
  }
}

function inUse(directory: string, file: string): UserError {
  const pid = /^\d{1,10}/.exec(readFileSync(file, 'latin1'))?.[0];
  const who = pid === undefined ? 'another router' : `another router (pid ${pid})`;
  return new UserError(`${who} uses the state directory ${directory}`, {
    code: 'in-use',
    hint: 'stop it with `alamesh down`, or give this one a state directory of its own',
  });
}

const failed = (file: string, why: string, cause?: unknown): UserError =>
  new UserError(`cannot lock ${file}: ${why}`, { code: 'lock-failed', cause });
