#!/bin/sh
# A router that makes its identity itself when it has none, in the realm of labs, named as its container.
# ALAMESH_LAN=eth2 gives that interface the first address of the router's /64, for hosts behind it.
set -eu

export ALAMESH_AUTO_INIT=1
export ALAMESH_NAME="${ALAMESH_NAME:-$(hostname)}"
export ALAMESH_REALM="${ALAMESH_REALM:-lab}"
export ALAMESH_WORK="${ALAMESH_WORK:-0}"

# The prefix is known once the router runs, and containerlab adds interfaces after the start.
address_lan() {
  prefix=""
  while [ -z "$prefix" ] || ! ip link show dev "$1" >/dev/null 2>&1; do
    sleep 0.5
    prefix=$(alamesh status --json 2>/dev/null | sed -n 's/.*"prefix":"\([0-9a-f:]*\)::\/64".*/\1/p')
  done
  ip link set "$1" up
  ip -6 addr replace "$prefix::1/64" dev "$1" nodad
}

if [ -n "${ALAMESH_LAN:-}" ]; then
  address_lan "$ALAMESH_LAN" &
fi
exec alamesh up
