#!/usr/bin/env bash
# Every fault at random, again and again, on a cluster of three with some `join`s and a
# writer, and the oracle after each:
#   tests/soak.sh MINUTES [SEED]
# Prints each fault with its time, and a table in the end; fails on a wrong answer. The same
# seed draws the same faults. On Debian and Ubuntu all that is missing is installed by apt.
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/packages.sh
case "${1-}" in '' | *[!0-9]*) fail "usage: tests/soak.sh MINUTES [SEED]" ;; esac
need_build etcd=etcd-server etcdctl=etcd-client /bin/kill=procps
export SOAK_MINUTES=$1 SOAK_SEED=${2-$RANDOM}
cargo test --locked --test main -- --ignored --exact faults::soak::soak --nocapture
