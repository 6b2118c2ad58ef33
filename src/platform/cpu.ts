/** What this CPU can do, as Linux tells it. */
import { readFileSync } from 'node:fs';
import { arch } from 'node:os';

/** Instructions for AES and for the carry-less multiplication of GCM, by architecture, as in /proc/cpuinfo. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  x64: ['aes', 'pclmulqdq'],
  arm64: ['aes', 'pmull'],
};

/** @param cpuinfo The text of /proc/cpuinfo. @param architecture As `os.arch()`. */
export function namesAes(cpuinfo: string, architecture: string): boolean {
  const needed = NEEDED[architecture];
  const listed = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(cpuinfo)?.[1]?.split(/\s+/) ?? [];
  return needed?.every((one) => listed.includes(one)) ?? false;
}

/** false where it cannot be found out. Without the instructions AES is slower than ChaCha20, and not constant in time. */
export function hasAesInstructions(): boolean {
  try {
    return namesAes(readFileSync('/proc/cpuinfo', 'latin1'), arch());
  } catch {
    return false;
  }
}
