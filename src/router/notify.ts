/** systemd's `Type=notify`: says that the router is ready, when a socket for it is given. */
import { execFile } from 'node:child_process';

/** Through systemd's own command, which knows abstract sockets and credentials; its absence is no error. */
export function notifyReady(env: NodeJS.ProcessEnv): Promise<void> {
  if (!env.NOTIFY_SOCKET) return Promise.resolve();
  return new Promise((resolve) => {
    execFile('systemd-notify', ['--ready', `--pid=${process.pid}`], { timeout: 2000 }, () =>
      resolve(),
    );
  });
}
