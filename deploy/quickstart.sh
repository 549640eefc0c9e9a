#!/usr/bin/env bash
# Builds srvd and runs it with a registry of its own, in memory. Then, in another terminal:
#   dig @127.0.0.1 -p 5300 SRV _hello._tcp
# Options are passed on to `srvd dev`. On Debian and Ubuntu all that is missing is
# installed by apt; elsewhere one line says what is.
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/packages.sh
need_build dig=bind9-dnsutils
cargo build --release --locked
exec "${CARGO_TARGET_DIR:-target}/release/srvd" dev "$@"
