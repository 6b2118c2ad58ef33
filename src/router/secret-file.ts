/** Files that hold one secret. */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { EXIT, UserError } from '../base/errors.js';

const SECRET_BYTES_MAX = 4_096;

/** The one line of a file that only its owner may read. @param what For messages. @throws UserError */
export function readSecretFile(file: string, what: string): string {
  const refuse = (message: string, hint: string, cause?: unknown): UserError =>
    new UserError(`${what} ${file}: ${message}`, {
      ...{ code: 'bad-secret-file', exit: EXIT.badFile, file, hint },
      ...(cause !== undefined && { cause }),
    });
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch (error) {
    throw refuse((error as Error).message.split(',')[0] ?? '', 'write the secret there', error);
  }
  try {
    const { mode, size } = fstatSync(fd);
    if ((mode & 0o077) !== 0) throw refuse('others may read it', `chmod 600 ${file}`);
    const hint = 'it holds the secret, on one line';
    if (size > SECRET_BYTES_MAX) throw refuse(`it is over ${SECRET_BYTES_MAX} bytes`, hint);
    const text = readFileSync(fd, 'utf8').replace(/\r?\n$/, '');
    if (text === '' || /[\r\n]/.test(text)) throw refuse('it is empty or has several lines', hint);
    return text;
  } finally {
    closeSync(fd);
  }
}
