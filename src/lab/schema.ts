/**
 * What a containerlab file may say: the keys of its published schema (schemas/clab.schema.json).
 * Keys that a namespace cannot honour are accepted and left alone, unknown ones are errors.
 */
import * as v from 'valibot';

/** Kinds that run here; every other kind of the schema needs a container or a VM. */
export const KINDS_HERE = ['linux', 'bridge', 'host'] as const;
export type KindHere = (typeof KINDS_HERE)[number];

/** Every kind that containerlab's schema names. */
export const KINDS: readonly string[] = [
  ...KINDS_HERE,
  ...`nokia_srlinux nokia_srsim nokia_sros arista_ceos vyosnetworks_vyos juniper_crpd juniper_csrx
  sonic-vs sonic-vm dell_ftosv dell_sonic plvision_sonic juniper_vmx juniper_vsrx
  juniper_vjunosrouter juniper_vjunosswitch juniper_vjunosevolved cjunosevolved
  juniper_cjunosevolved aruba_aoscx cisco_xrd cisco_xrd_vrouter cisco_xrv cisco_xrv9k cisco_nxos
  cisco_n9kv cisco_csr cisco_cat9kv cisco_ftdv cisco_iol cisco_c8000 cisco_c8000v cisco_sdwan
  cisco_asav cisco_vios ovs-bridge ipinfusion_ocnos keysight_ixia-c-one checkpoint_cloudguard
  ciena_saos ext-container rare nvidia_cumulusvx openbsd freebsd openwrt huawei_vrp generic_vm
  fdio_vpp arrcus_arcos mikrotik_ros 6wind_vsr spirent_stc veesix_osvbng ostinato`.split(/\s+/),
];

/** Node keys that mean something to a container alone. */
const CONTAINER_ONLY = `image-pull-policy restart-policy license type startup-config startup-delay
enforce-startup-config suppress-startup-config auto-remove volumes ports credentials user hostname
runtime mgmt-ipv4 mgmt-ipv6 link-apply-mode cpu memory cpu-set extras config stages dns certificate
healthcheck components aliases shm-size cap-add privileged cgroupns-mode cgroup-parent pid-mode
tmpfs security-opts devices`.split(/\s+/);

/** Interface names: the kernel's limit is 15 bytes, without '/', ':' and spaces. */
const IFACE_BYTES_MAX = 15;
const iface = v.pipe(
  v.string(),
  v.regex(/^[^\s/:]+$/, 'an interface name'),
  v.maxLength(IFACE_BYTES_MAX, `an interface name of at most ${IFACE_BYTES_MAX} bytes`),
);
const scalar = v.union([v.string(), v.number(), v.boolean()], 'text, a number or true/false');
const scalars = v.nullish(v.record(v.string(), v.nullable(scalar)));
const strings = v.nullish(v.array(v.string()));
const mtu = v.optional(
  v.pipe(
    v.number(),
    v.integer('a whole number'),
    v.minValue(68, 'an MTU from 68 to 65535'),
    v.maxValue(65535, 'an MTU from 68 to 65535'),
  ),
);
const mac = v.optional(v.pipe(v.string(), v.mac48('a MAC address like 02:00:00:00:00:01')));
const prefix4 = v.optional(v.string());
const anything = v.optional(v.unknown());

export const nodeConfig = v.strictObject({
  ...Object.fromEntries(CONTAINER_ONLY.map((key) => [key, anything])),
  kind: v.optional(v.string()),
  image: v.optional(v.string()),
  group: v.optional(v.string()),
  cmd: v.optional(v.string()),
  entrypoint: v.optional(v.string()),
  exec: strings,
  binds: strings,
  env: scalars,
  'env-files': strings,
  labels: scalars,
  sysctls: scalars,
  'network-mode': v.optional(
    v.pipe(v.string(), v.regex(/^(host|none|bridge|container:.+)$/, 'host, none or bridge')),
  ),
});
export type NodeConfig = v.InferOutput<typeof nodeConfig>;

const nodeMap = v.nullish(v.record(v.string(), v.nullable(nodeConfig)));
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9._-]*$/;

export const topologyFile = v.strictObject({
  name: v.pipe(v.string(), v.regex(NAME, 'a name of letters, digits, ., _ and -')),
  prefix: v.optional(
    v.pipe(v.string(), v.regex(/^$|^__lab-name$|^[a-zA-Z0-9][\w.-]*$/, 'a prefix like "clab"')),
  ),
  mgmt: anything,
  settings: anything,
  debug: anything,
  topology: v.strictObject({
    defaults: v.nullish(nodeConfig),
    kinds: nodeMap,
    groups: nodeMap,
    nodes: v.nullish(v.record(v.string(), v.nullable(nodeConfig))),
    links: v.nullish(v.array(v.looseObject({}))),
  }),
});
export type TopologyFile = v.InferOutput<typeof topologyFile>;

const extended = { mtu, vars: anything, labels: anything };
const addresses = { ipv4: v.optional(v.array(v.string())), ipv6: v.optional(v.array(v.string())) };
const endpoint = v.strictObject({
  node: v.string(),
  interface: iface,
  mac,
  ipv4: prefix4,
  ipv6: prefix4,
  vars: anything,
});
export type Endpoint = v.InferOutput<typeof endpoint>;

export const briefLink = v.strictObject({
  endpoints: v.pipe(
    v.array(v.pipe(v.string(), v.regex(/^[^\s:]+:[^\s:]+$/, '"node:interface"'))),
    v.length(2, 'two endpoints'),
  ),
  mtu,
  vars: anything,
  ...addresses,
});
export type BriefLink = v.InferOutput<typeof briefLink>;

const pair = v.pipe(v.array(endpoint), v.length(2, 'two endpoints'));
const single = { endpoint, ...extended };
export const vethLink = v.strictObject({
  type: v.literal('veth'),
  endpoints: pair,
  ...extended,
  ...addresses,
});
export const hostLink = v.strictObject({
  type: v.literal('host'),
  'host-interface': iface,
  ...single,
});
export const dummyLink = v.strictObject({ type: v.literal('dummy'), ...single });
export const mgmtLink = v.strictObject({
  type: v.literal('mgmt-net'),
  'host-interface': anything,
  ...single,
});

/** Link types of the schema that need what a namespace lab does not have. */
export const LINKS_REFUSED = ['macvlan', 'vxlan', 'vxlan-stitch', 'veth-stitched'] as const;
export const LINKS_HERE = ['veth', 'host', 'dummy', 'mgmt-net'] as const;
