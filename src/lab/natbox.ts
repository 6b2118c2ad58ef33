/** Makes a namespace a NAT box, has it lose its mappings, and says what it maps at the moment. */
import { fileURLToPath } from 'node:url';
import { inNamespace } from './namespace.js';
import { type NatBox, natRules } from './nat.js';
import { run } from './run.js';

const FLUSH = fileURLToPath(new URL('conntrack.js', import.meta.url));

/** Sets the rules and how long mappings live; what was mapped through other rules is not forgotten. */
export async function setBox(namespace: string, box: NatBox): Promise<void> {
  await run(inNamespace(namespace, ['nft', '-f', '-']), { input: natRules(box) });
  const seconds = String(box.mappingSec);
  const write =
    'for one in "" _stream; do echo "$1" > /proc/sys/net/netfilter/nf_conntrack_udp_timeout$one; done';
  if (box.kind !== 'public') await run(inNamespace(namespace, ['sh', '-c', write, 'sh', seconds]));
}

/** As after a loss of power: no mapping is left, and nothing that comes in is expected. */
export async function rebootBox(namespace: string, box: NatBox): Promise<void> {
  await setBox(namespace, box);
  await run(inNamespace(namespace, [process.execPath, FLUSH]));
}
