#!/usr/bin/env bash
# srvd beside its peers: UDP echo, NSD, Knot and BIND, side by side in one run. On Debian
# and Ubuntu all that is missing is installed by apt; elsewhere one line says what is. It
# starts its own servers on free ports of loopback and ends them.
# Words choose sections (udp names workers latency tcp encrypted churn large), --quick is quick;
# further words choose rows of `names` by their titles:
#   tests/bench/run.sh udp --quick
#   tests/bench/run.sh names skydns
# BENCH_BEFORE=FILE measures another build of srvd in the same run.
set -euo pipefail
cd "$(dirname "$0")/../.."
. deploy/packages.sh
# Debian keeps daemons where only root looks.
PATH="$PATH:/usr/sbin:/sbin"
[ "$(uname -s)" = Linux ] || fail "this needs Linux: recvmmsg, /proc and taskset"
need_build etcd=etcd-server /bin/kill=procps taskset=util-linux \
  nsd=nsd knotd=knot named=bind9 dnsperf=dnsperf
# The bench and all it starts are one group of processes, which ends with this one.
set -m
cargo bench --locked --bench peers -- "$@" &
group=$!
trap 'kill -TERM -- "-$group" 2>/dev/null' INT TERM HUP
wait "$group"
