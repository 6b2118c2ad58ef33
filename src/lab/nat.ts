/**
 * NAT boxes: what each kind does, in RFC 4787's words, and the nftables rules that do it.
 * A box is a namespace that forwards between its inside interfaces and its outside one.
 *
 * | kind | mapping | filtering |
 * |---|---|---|
 * | full-cone | endpoint-independent | endpoint-independent |
 * | address-restricted | endpoint-independent | address-dependent |
 * | port-restricted | endpoint-independent | address and port-dependent |
 * | cgnat | endpoint-independent, to a port of the carrier's choice | address and port-dependent |
 * | symmetric | address and port-dependent | address and port-dependent |
 * | udp-blocked | as port-restricted; no UDP goes out, TCP to ports 80 and 443 alone | |
 * | public | none: it routes | none |
 */

export const NAT_KINDS = [
  'full-cone',
  'address-restricted',
  'port-restricted',
  'symmetric',
  'udp-blocked',
  'public',
  'cgnat',
] as const;
export type NatKind = (typeof NAT_KINDS)[number];

/** RFC 4787 REQ-5: a UDP mapping lives two minutes at least. */
export const MAPPING_SEC_DEFAULT = 120;
/** Ours: what a label may ask for. */
export const MAPPING_SEC_MAX = 3600;

/** Ours: the ports that a carrier's box maps to; RFC 6888 asks for a limit a subscriber. */
const CGNAT_PORTS = '32768-40959';
/** What a network lets out that allows the web and nothing else. */
const WEB_PORTS = '{ 80, 443 }';
/** Ours: mappings of a cone at once, and remote addresses that they were used with. */
const MAPPINGS_MAX = 65_535;

export const NAT_TABLE = 'alamesh_nat';

export interface NatBox {
  readonly kind: NatKind;
  readonly outside: string;
  readonly inside: readonly string[];
  /** How long a UDP mapping lives that nothing uses. */
  readonly mappingSec: number;
}

export const isNatKind = (text: string): text is NatKind =>
  (NAT_KINDS as readonly string[]).includes(text);

/** @returns For `nft -f`: the box's table alone, in place of an earlier one; its mappings are gone. */
export function natRules(box: NatBox): string {
  const table = `table ip ${NAT_TABLE}`;
  const anew = `${table} {}\ndelete ${table}\n`;
  if (box.kind === 'public') return anew;
  const chains = [...mappingChains(box), ...forwardChain(box), guard(box)];
  return `${anew}${table} {\n${chains.map((line) => `  ${line}\n`).join('')}}\n`;
}

const out = (box: NatBox): string => `oifname "${box.outside}"`;
const into = (box: NatBox): string => `iifname "${box.outside}"`;

function mappingChains(box: NatBox): string[] {
  switch (box.kind) {
    case 'full-cone':
      return [...source(box, 'masquerade'), ...cone(box, 'udp dport @open', '')];
    case 'address-restricted':
      return [...source(box, 'masquerade'), ...cone(box, 'ip saddr . udp dport @heard', HEARD)];
    case 'symmetric':
      return source(box, 'masquerade fully-random');
    case 'cgnat':
      return source(box, `meta l4proto { tcp, udp } masquerade to :${CGNAT_PORTS}`, 'masquerade');
    default:
      return source(box, 'masquerade');
  }
}

const source = (box: NatBox, ...ways: string[]): string[] => [
  'chain source { type nat hook postrouting priority 100;',
  ...ways.map((way) => `  ${out(box)} ${way}`),
  '}',
];

const HEARD = 'update @heard { ip daddr . udp sport }';

/**
 * Linux filters what comes in by address and port; a cone lets in more: each mapping, with its outside
 * port as the key, is kept in `open` as packets leave, and new ones from outside are sent to its host.
 */
function cone(box: NatBox, condition: string, remember: string): string[] {
  const limits = `flags dynamic,timeout; timeout ${box.mappingSec}s; size ${MAPPINGS_MAX};`;
  const mapping = 'update @open { udp sport : ct original ip saddr . ct original proto-src }';
  const ours = `${into(box)} fib daddr type local meta l4proto udp`;
  return [
    `map open { type inet_service : ipv4_addr . inet_service; ${limits} }`,
    `set heard { type ipv4_addr . inet_service; ${limits} }`,
    'chain remember { type filter hook postrouting priority 110;', // after the source is translated
    `  ${out(box)} meta l4proto udp ${mapping}`,
    ...(remember === '' ? [] : [`  ${out(box)} meta l4proto udp ${remember}`]),
    '}',
    'chain destination { type nat hook prerouting priority -100;',
    `  ${ours} ${condition} dnat ip to udp dport map @open`,
    '}',
  ];
}

/** Stateful: from outside come answers, and what a cone has given a destination. */
function forwardChain(box: NatBox): string[] {
  const blocked = [
    `${out(box)} meta l4proto udp drop`,
    `${out(box)} tcp dport != ${WEB_PORTS} reject with tcp reset`,
  ];
  return [
    'chain forward { type filter hook forward priority 0;',
    ...(box.kind === 'udp-blocked' ? blocked : []).map((rule) => `  ${rule}`),
    `  ${into(box)} ct state established,related accept`,
    `  ${into(box)} ct status dnat accept`,
    `  ${into(box)} drop`,
    '}',
  ];
}

/**
 * Without this an early packet of a peer to a port that is not mapped yet makes a conntrack entry of the
 * box's own, Linux then maps the host's packet to another port, and the cone is none.
 */
const guard = (box: NatBox): string =>
  `chain guard { type filter hook input priority -10; ${into(box)} meta l4proto udp drop; }`;
