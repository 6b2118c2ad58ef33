/** What the lab commands print: documents and tables on stdout, everything else on stderr. */
import { table } from '../base/table.js';
import { conditionText, type LabView } from './inspect.js';
import type { Said } from './node.js';
import { isAlive } from './run.js';
import type { LabState } from './state.js';

export function progress(what: string, count: number, of: number): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(`\r${what} ${count}/${of}${count === of ? '\n' : ''}`);
}

export function tellExec({ node, line, status, output }: Said): void {
  say(`${node}: ${line}${status === 0 ? '' : ` (exit ${status})`}`);
  if (output !== '') say(output.replace(/^/gm, '  '));
}

export const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};
export const out = (text: string): void => {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
};
export const document = (name: string, fields: object): string =>
  JSON.stringify({ schema: `alamesh.${name}/1`, ...fields });

export const inspectDocument = (view: LabView): string => document('lab.inspect', view);

export function inspectText(view: LabView): string {
  const nodes = view.nodes.map((node) => [
    node.name,
    node.nat === null ? node.role : `nat ${node.nat}`,
    node.state,
    node.pid === null ? '' : String(node.pid),
    node.address ?? node.lanAddress ?? node.underlay.join(' '),
    node.ports.length > 6 ? `${node.ports.length} ports` : node.ports.join(' '),
  ]);
  const links = view.links.map((link) => [link.a, link.b ?? '(dummy)', conditionText(link)]);
  const heads = ['Node', 'Runs', 'State', 'PID', 'Address', 'Ports'];
  const upper = table(heads, nodes, { align: ['left', 'left', 'left', 'right'] });
  const lower = links.length === 0 ? '' : table(['Link', '', 'State'], links);
  return `${upper.trimEnd()}\n\n${lower}`.trimEnd();
}

export function list(states: readonly LabState[], json: boolean): void {
  const labs = states.map(({ name, file, phase, deployer, nodes }) => ({
    name,
    file,
    state: phase === 'running' || isAlive(deployer) ? phase : 'half made',
    nodes: nodes.length,
    routersRunning: nodes.filter((node) => node.role === 'router' && isAlive(node.main)).length,
  }));
  if (json) {
    out(document('lab.list', { labs }));
    return;
  }
  if (labs.length === 0) {
    say('no labs');
    return;
  }
  const rows = labs.map((lab) => [
    lab.name,
    lab.state,
    String(lab.nodes),
    String(lab.routersRunning),
    lab.file,
  ]);
  out(
    table(['Lab', 'State', 'Nodes', 'Routers', 'File'], rows, {
      align: ['left', 'left', 'right', 'right'],
    }),
  );
}
