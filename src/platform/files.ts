/** Files that are whole or absent, bounded when read; what goes wrong is a UserError that names the file. */
import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, link, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { EXIT, type ExitCode, UserError } from '../base/errors.js';

export interface WriteOptions {
  /** Default true; false refuses (code `exists`), also against a writer at the same moment. */
  readonly replace?: boolean;
}

export interface BoundedFile {
  readonly bytes: Uint8Array;
  readonly stats: Stats;
}

/**
 * Writes all of a file or nothing: temporary file beside it, fsync, rename, fsync of the directory.
 * @param mode Permission bits, whatever the umask.
 * @throws UserError; no temporary file is left behind.
 */
export async function writeFileAtomic(
  file: string,
  data: string | Uint8Array,
  mode = 0o600,
  { replace = true }: WriteOptions = {},
): Promise<void> {
  const folder = path.dirname(file);
  const suffix = randomBytes(6).toString('hex');
  const temporary = path.join(folder, `.${path.basename(file)}.${suffix}.tmp`);
  try {
    await writeSynced(temporary, data, mode);
    if (replace) await rename(temporary, file);
    else await link(temporary, file); // unlike rename, fails where there is a file already
    await syncDirectory(folder);
  } catch (error) {
    throw fileError(error, file, 'write');
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

async function writeSynced(file: string, data: string | Uint8Array, mode: number): Promise<void> {
  const handle = await open(file, 'wx', mode);
  try {
    await handle.chmod(mode);
    await handle.writeFile(data);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncDirectory(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes the directory and its missing parents with `mode`; one that is there keeps its own. */
export async function ensureDirectory(folder: string, mode = 0o700): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode });
    if (!(await stat(folder)).isDirectory()) throw withCode('ENOTDIR');
  } catch (error) {
    throw fileError(error, folder, 'make directory');
  }
}

/** @throws UserError when it cannot be read (exit 4) or has more than `maxBytes`. */
export async function readBounded(file: string, maxBytes: number): Promise<Uint8Array> {
  return (await readBoundedFile(file, maxBytes)).bytes;
}

/** As `readBounded`, with the state of the very file that was read. */
export async function readBoundedFile(file: string, maxBytes: number): Promise<BoundedFile> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, 'r');
    const stats = await handle.stat();
    const bytes = await readUpTo(handle, maxBytes + 1);
    if (bytes.length > maxBytes) throw tooLarge(file, maxBytes);
    return { bytes, stats };
  } catch (error) {
    throw fileError(error, file, 'read');
  } finally {
    await handle?.close();
  }
}

async function readUpTo(handle: FileHandle, limit: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(limit);
  let length = 0;
  while (length < limit) {
    const { bytesRead } = await handle.read(buffer, length, limit - length, null);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.slice(0, length);
}

function tooLarge(file: string, maxBytes: number): UserError {
  const options = { code: 'file-too-large', exit: EXIT.badFile, file };
  return new UserError(`${file} is larger than ${maxBytes} bytes`, options);
}

const REASONS: Readonly<Record<string, readonly [code: string, words: string, hint: string]>> = {
  ENOENT: ['not-found', 'no such file or directory', ''],
  EACCES: ['permission-denied', 'permission denied', 'Check who owns it, or run as that user.'],
  EPERM: ['permission-denied', 'not permitted', 'Check who owns it, or run as that user.'],
  EEXIST: ['exists', 'it is there already', ''],
  EISDIR: ['is-directory', 'it is a directory', ''],
  ENOTDIR: ['not-a-directory', 'not a directory', ''],
  ENOSPC: ['disk-full', 'no space left on the device', 'Free some space and try again.'],
  EROFS: ['read-only', 'the file system is read-only', ''],
};

type Action = 'read' | 'write' | 'make directory';

function fileError(error: unknown, file: string, action: Action): UserError {
  if (error instanceof UserError) return error;
  const errno = codeOf(error);
  const [code, words, hint] = REASONS[errno] ?? ['io-error', errno, ''];
  const exit: ExitCode = action === 'read' ? EXIT.badFile : EXIT.failed;
  return new UserError(`cannot ${action} ${file}: ${words}`, {
    ...{ code, hint, exit, file, cause: error },
  });
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}

const withCode = (code: string): Error => Object.assign(new Error(code), { code });
