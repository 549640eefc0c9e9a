#!/usr/bin/env bash
# Prints the crates that the binary links on Linux, with their licences, as Markdown:
#   deploy/third-party.sh > THIRD-PARTY.md
# Cargo knows both; a test compares the file with this.
set -euo pipefail
cd "$(dirname "$0")/.."
cat <<'HEAD'
# Third-party licences

The crates that the `srvd` binary links on Linux, by Cargo's metadata. Each crate's source, which
`cargo vendor` fetches, has the full text of its licence. [deny.toml](deny.toml) says which
licences are allowed. Written by `deploy/third-party.sh`; a test holds it to `Cargo.lock`.

| crate | licence |
| --- | --- |
HEAD
cargo tree --quiet --locked --edges normal,no-proc-macro --target x86_64-unknown-linux-gnu \
  --prefix none --format '{p}|{l}|{r}' |
  sed -nE 's, \(\*\)$,,; s/^(\S+) v(\S+)( \(.*\))?\|(.*)\|(.*)$/\1 \2 \4 \5/p' | LC_ALL=C sort -u | grep -v '^srvd ' |
  sed -E 's/^(\S+) (\S+) (.*) (\S*)$/| [\1 \2](\4) | \3 |/; s/\[([^]]*)\]\(\)/\1/'
