import { expect } from 'chai';
import { UserError } from '../../../src/base/errors.js';
import { newConfig, parseConfig } from '../../../src/router/config/config.js';

const FILE = 'alamesh.toml';
const KEY = Buffer.alloc(32, 7).toString('base64');

function faultsOf(text: string, env: NodeJS.ProcessEnv = {}): UserError {
  try {
    parseConfig(text, FILE, env);
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error(`accepted: ${text}`);
}

describe('the configuration', () => {
  it('has a default for everything', () => {
    expect(parseConfig('', FILE)).to.deep.equal({
      ...{ name: undefined, realm: undefined, transit: 'full', plane: 'auto' },
      ...{ listen: ['udp://[::]:4242'], probeIntervalMsec: 1000, probeCount: 3 },
      ...{ idleProbeMsec: 25_000, discoveryInterfaces: ['*'], tunName: 'ala0', tunMtu: 1420 },
      ...{ dnsListen: undefined, browserRoute: false, peers: [], ignored: [] },
      relay: 'peers',
      registry: {
        ...{ url: undefined, mirrors: [], intervalSeconds: 3_600 },
        policy: { peers: 'auto', most: 8, handles: [], tags: [], relaysFirst: false },
      },
      webhook: undefined,
      transports: [],
    });
  });

  it('is read from every setting', () => {
    const text = `
      name = "berlin"
      realm = "lab"
      transit = "stub"
      relay = "anyone"
      plane = "portable"
      listen = ["udp://[::]:1", "udp://0.0.0.0:2"]
      probe_interval_ms = 50
      probe_count = 5
      idle_probe_s = 10
      [discovery]
      interfaces = ["eth[1-9]*"]
      [tun]
      name = "mesh7"
      mtu = 1280
      [registry]
      url = "https://git.example/realm.git"
      mirrors = ["file:///srv/realm.git"]
      peers_max = 3
      handles = ["ada"]
      tags = ["eu"]
      relays_first = true
      [webhook]
      listen = "0.0.0.0:8099"
      secret_file = "webhook.secret"
      [dns]
      listen = "127.0.0.1:5300"
      browser_route = true
      [[peers]]
      key = "${KEY}"
      endpoints = ["udp://203.0.113.7:4242"]
      [[peers]]
      key = "${Buffer.alloc(32, 8).toString('base64url')}"
      name = "stock"
      allowed_ips = ["fd00:1::/64"]
      preshared_key_file = "psk"
      persistent_keepalive_s = 25
      [[transports]]
      module = "./unix.js"
      directory = "/run/links"
      deep = { list = [1, 2] }`;
    expect(parseConfig(text, FILE)).to.deep.equal({
      ...{ name: 'berlin', realm: 'lab', transit: 'stub', plane: 'portable' },
      ...{ listen: ['udp://[::]:1', 'udp://0.0.0.0:2'], probeIntervalMsec: 50, probeCount: 5 },
      transports: [
        { module: './unix.js', options: { directory: '/run/links', deep: { list: [1, 2] } } },
      ],
      ...{ idleProbeMsec: 10_000, discoveryInterfaces: ['eth[1-9]*'] },
      relay: 'anyone',
      registry: {
        ...{ url: 'https://git.example/realm.git', mirrors: ['file:///srv/realm.git'] },
        intervalSeconds: 3_600,
        policy: { peers: 'auto', most: 3, handles: ['ada'], tags: ['eu'], relaysFirst: true },
      },
      webhook: { listen: '0.0.0.0:8099', path: '/hook', secretFile: 'webhook.secret' },
      ...{
        tunName: 'mesh7',
        tunMtu: 1280,
        dnsListen: '127.0.0.1:5300',
        browserRoute: true,
        ignored: [],
      },
      peers: [
        { key: KEY, endpoints: ['udp://203.0.113.7:4242'] },
        {
          ...{ key: Buffer.alloc(32, 8).toString('base64url'), name: 'stock' },
          ...{ allowedIps: ['fd00:1::/64'], presharedKeyFile: 'psk' },
          persistentKeepaliveSeconds: 25,
        },
      ],
    });
  });

  it('that init writes is good, and says what it was given', () => {
    expect(parseConfig(newConfig('berlin', 'lab'), FILE)).to.include({
      ...{ name: 'berlin', realm: 'lab' },
    });
  });

  const FAULTS: readonly (readonly [string, string, RegExp])[] = [
    ['transitt = "full"', '1:1', /unknown setting 'transitt'; did you mean 'transit'\?/],
    ['\n  zzz = 1', '2:3', /unknown setting 'zzz'; known here: name, realm/],
    ['[discovery]\ninterfacs = []', '2:1', /did you mean 'interfaces'\?/],
    ['discovery.interfacs = []', '1:1', /did you mean 'interfaces'\?/],
    ['discovery = { interfacs = [] }', '1:1', /did you mean 'interfaces'\?/],
    ['transit = "ful"', '1:1', /one of full, stub, none, not 'ful'; did you mean 'full'\?/],
    ['name = 7', '1:1', /letters, digits.*in quotes, not 7/],
    ['name = "a b"', '1:1', /expected 1 to 63 letters/],
    ['realm = "Lab"', '1:1', /a-z/],
    ['probe_count = 0', '1:1', /whole number from 1 to 20, not 0/],
    ['probe_interval_ms = 1.5', '1:1', /whole number from 20 to 60000, not 1\.5/],
    ['idle_probe_s = "25"', '1:1', /whole number from 1 to 3600, not '25'/],
    ['listen = "udp://[::]:1"', '1:1', /a list of texts, not 'udp/],
    ['listen = ["[::]:1"]', '1:1', /a URL like udp:/],
    ['discovery = "eth0"', '1:1', /expected a table, \[discovery\]/],
    ['discovery = [1]', '1:1', /expected a table/],
    ['peers = "x"', '1:1', /expected tables, \[\[peers\]\]/],
    ['peers = [1]', '1:1', /expected tables, \[\[peers\]\]/],
    ['[peers]', '1:1', /expected tables, \[\[peers\]\]/],
    ['[[peers]]\nname = "x"', '1:1', /lacks its key/],
    ['[[peers]]\nkey = "AAAA"', '2:1', /32 bytes in base64/],
    [`[[peers]]\nkey = "${KEY}"\n[[peers]]\nkey = "${KEY}"`, '4:1', /this key is above/],
    [`[[peers]]\nkey = "${KEY}"\naddress = "::1"`, '3:1', /fd00::\/8/],
    [`[[peers]]\nkey = "${KEY}"\nallowed_ips = ["fd00::/129"]`, '3:1', /an IPv6 prefix/],
    ['[[transports]]\ndirectory = "x"', '1:1', /this transport lacks its module/],
    ['[[transports]]\nmodule = 7', '2:1', /a file or the name of a package, in quotes, not 7/],
    ['[tun]\nmtu = 1279', '2:1', /from 1280 to 65535/],
    ['[tun]\nname = "a name that is long"', '2:1', /at most 15/],
    ['[webhook]\nlisten = 8099', '2:1', /an address and port like/],
    ['[webhook]\nsecret = "x"', '1:1', /lacks listen/],
    ['[webhook]\nlisten = "[::]:80"', '1:1', /needs secret or secret_file/],
    ['relay = "all"', '1:1', /one of off, peers, anyone/],
    ['when = 1979-05-27', '1:1', /unknown setting 'when'/],
    ['name = ', '1:8', /./],
    ['name = "a"\nname = "b"', '2:1', /./],
  ];
  for (const [text, place, said] of FAULTS) {
    it(`refuses ${JSON.stringify(text.replaceAll(KEY, 'KEY'))} at ${place}`, () => {
      const error = faultsOf(text);
      expect(error.exit).to.equal(4);
      expect(error.message).to.match(said).and.include(`${FILE}:${place}: `);
      expect(error.place).to.equal(`${FILE}:${place}`);
    });
  }

  it('names all faults at once, in the order of the file', () => {
    const { message } = faultsOf('zzz = 1\nprobe_count = 99\n[tun]\nmtu = 1\n[[peers]]\n');
    const places = message.split('\n').map((line) => /:(\d+):/.exec(line)?.[1]);
    expect(places).to.deep.equal(['1', '2', '4', '5']);
  });

  it('tells which settings this version does not act on', () => {
    const text = 'relay = "peers"\n[bmp]\ncollector = "127.0.0.1:53"\n[[bgp4]]\nremote_as = 1';
    expect(parseConfig(text, FILE).ignored).to.deep.equal(['bmp', 'bgp4']);
  });

  it('is overridden by variables', () => {
    const env = {
      ...{ ALAMESH_PLANE: 'portable', ALAMESH_NAME: 'oslo', ALAMESH_REALM: 'lab' },
      ...{ ALAMESH_LISTEN: 'udp://[::]:1, udp://[::]:2', ALAMESH_DISCOVERY: 'eth1,eth2' },
      ...{ ALAMESH_PROBE_INTERVAL_MS: '50', ALAMESH_TRANSIT: '' },
    };
    expect(parseConfig('name = "berlin"\ntransit = "stub"', FILE, env)).to.deep.include({
      ...{ plane: 'portable', name: 'oslo', realm: 'lab', transit: 'stub', probeIntervalMsec: 50 },
      ...{ listen: ['udp://[::]:1', 'udp://[::]:2'], discoveryInterfaces: ['eth1', 'eth2'] },
    });
    expect(parseConfig('', FILE, { ALAMESH_DISCOVERY: '' }).discoveryInterfaces).to.deep.equal([]);
  });

  it('names the variable that is wrong', () => {
    for (const [name, value] of Object.entries({
      ...{ ALAMESH_PLANE: 'fast', ALAMESH_NAME: 'a.b', ALAMESH_LISTEN: '4242' },
      ALAMESH_PROBE_INTERVAL_MS: 'often',
    })) {
      const { message, exit } = faultsOf('', { [name]: value });
      expect(message).to.match(new RegExp(`^${name}: expected`));
      expect(exit).to.equal(4);
    }
  });
});
