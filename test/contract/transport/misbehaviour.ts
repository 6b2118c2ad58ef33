/** Plugins that do what they must not, as text of modules: each is a file of a test. */

/** What all of them have; `${...}` of a case replaces a part. */
const PARTS = {
  scheme: "'bad'",
  capabilities: '{ reliable: false, relayed: false, maxDatagramBytes: 1472, batchMax: 64 }',
  listen: 'async (url) => url.replace(/:0$/, ":1")',
  open: '(remote) => ({ transport: "bad", local: null, remote, relayed: false, via: null })',
  send: '(path, datagrams) => datagrams.length',
  release: '() => {}',
  close: 'async () => {}',
  before: '',
  inside: '',
};

/** @param changes JavaScript for parts of a transport that otherwise does nothing, well. */
export function pluginText(changes: Partial<typeof PARTS>): string {
  const { scheme, capabilities, listen, open, send, release, close, before, inside } = {
    ...PARTS,
    ...changes,
  };
  return `${before}
const stranger = (n) => ({ transport: 'bad', local: null, remote: 'bad://host' + n + ':1', relayed: false, via: null });
export function createTransport(host, options) {
  ${inside}
  return {
    scheme: ${scheme}, capabilities: ${capabilities}, listen: ${listen}, open: ${open},
    send: ${send}, release: ${release}, close: ${close},
  };
}
`;
}
