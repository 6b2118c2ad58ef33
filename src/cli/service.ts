/** The router as a systemd service. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { UserError } from '../base/errors.js';
import { writeFileAtomic } from '../platform/files.js';

const UNIT = 'alamesh.service';
const UNIT_FILE = path.join('/etc/systemd/system', UNIT);

/** @throws UserError before anything is done where there is no systemd, or no right to tell it. */
export function refuseWithoutSystemd(): void {
  if (!existsSync('/run/systemd/system')) {
    const hint = 'leave --service out, and run it as your system runs services';
    throw new UserError('systemd does not run here', { code: 'no-systemd', hint });
  }
  if (process.getuid?.() !== 0) {
    const hint = 'run it with sudo';
    throw new UserError('only root may install a service', { code: 'no-permission', hint });
  }
}

/** Writes the unit and starts it, now and at every boot. */
export async function installService(dir: string): Promise<void> {
  const bin = fileURLToPath(new URL('../../../bin/alamesh', import.meta.url));
  await writeFileAtomic(UNIT_FILE, unitText({ node: process.execPath, bin, dir }), 0o644);
  const run = promisify(execFile);
  try {
    await run('systemctl', ['daemon-reload']);
    await run('systemctl', ['enable', '--now', UNIT]);
  } catch (error) {
    throw new UserError(`systemd does not start ${UNIT}: ${(error as Error).message}`, {
      ...{ code: 'service', hint: `see \`journalctl -u ${UNIT}\`` },
    });
  }
}

/** Paths are quoted as systemd wants them: `%` is doubled, `"` and `\` escaped. */
export function unitText(paths: { node: string; bin: string; dir: string }): string {
  const quoted = (text: string): string =>
    `"${text.replace(/["\\]/g, '\\$&').replace(/%/g, '%%').replace(/\$/g, '$$$$')}"`;
  const { node, bin, dir } = paths;
  return `[Unit]
Description=alamesh: the router of ALANET
After=network-online.target
Wants=network-online.target

[Service]
Type=notify
NotifyAccess=all
ExecStart=${quoted(node)} ${quoted(bin)} --dir ${quoted(dir)} up
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=2
CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW CAP_NET_BIND_SERVICE CAP_DAC_OVERRIDE
NoNewPrivileges=yes
PrivateTmp=yes

[Install]
WantedBy=multi-user.target
`;
}
