/** Which plane moves the packets of this router. */
import { UserError } from '../base/errors.js';
import type { Instant } from '../base/time.js';
import type { PathInfo, Plane } from '../plane/types.js';
import { loadNative, type NativeBinding } from '../platform/native.js';
import type { PathFailure } from '../transport/types.js';
import type { RouterConfig } from './config/config.js';
import type { Log } from './log.js';

/** What the router needs of a plane of either kind. */
export interface RouterPlane extends Plane {
  /** Ends a pass. */
  flush(now: Instant): void;
  /** Datagrams that a transport of this process brought. */
  handleDatagrams(now: Instant, path: PathInfo, datagrams: readonly Uint8Array[]): void;
  handlePathFailed(now: Instant, path: PathInfo, failure: PathFailure): void;
}

/**
 * @returns undefined: the portable plane is to be used.
 * @throws UserError when the native one is asked for and is not there.
 */
export function nativeFor(plane: RouterConfig['plane'], log: Log): NativeBinding | undefined {
  if (plane === 'portable') return undefined;
  const loaded = loadNative();
  if (loaded.ok) return loaded.native;
  if (plane === 'auto') {
    log.info('plane', `portable: the native plane is not there (${loaded.reason})`);
    return undefined;
  }
  throw new UserError(`the native plane is not there: ${loaded.reason}`, {
    code: 'no-native-plane',
    hint: "install cargo and run `npm run build`, or use plane = 'auto' or 'portable'",
  });
}
