#!/usr/bin/env bash
# The fault suite alone, and its lines as a table:
#   tests/faults.sh
# Faults mostly wait, so more of them run at a time than there are cores; the suite itself
# bounds the number of its clusters.
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/packages.sh
# Debian keeps nft where only root looks.
PATH="$PATH:/usr/sbin:/sbin"
need_build etcd=etcd-server etcdctl=etcd-client /bin/kill=procps \
  faketime=faketime nft=nftables ip=iproute2 unshare=util-linux
lines=$(mktemp)
trap 'rm -f "$lines"' EXIT
status=0
cargo test --locked --test main -- faults:: --nocapture --test-threads 8 >"$lines" || status=$?
[ $status = 0 ] || cat "$lines" >&2
# CPU is that of one core, over the whole fault; `join` never has anything to do, `serve` answers
# some hundred questions a second. Lines at the end of which both rest say so.
work='[0-9.]+ % of a core, [0-9]+ wakeups\/s'
echo '| fault | wrong answers | right again after | `serve` | `join` | |'
echo '| --- | ---: | ---: | ---: | ---: | --- |'
sed -nE 's/^.*fault (.*): wrong answers ([0-9]+), right again after ([0-9.]+ s), serve ('"$work"'), join ('"$work"')( \((.*)\))?$/| \1 | \2 | \3 | \4 | \5 | \7 |/p
  s/^.*fault (.*): skipped, (.*)$/| \1 | – | – | – | – | skipped: \2 |/p' "$lines" | sort
exit $status
