#!/usr/bin/env bash
# Prints the crates that the binary links on Linux, with their licences, as Markdown:
#   deploy/third-party.sh > THIRD-PARTY.md
# Cargo knows both; a test compares the file with this. And the texts of these licences, for
# packages, from the crates' sources:
#   deploy/third-party.sh texts
set -euo pipefail
cd "$(dirname "$0")/.."

# A line for each crate: name, version, repository (or -), licence.
crates() {
  cargo tree --quiet --locked --edges normal,no-proc-macro --target x86_64-unknown-linux-gnu \
    --prefix none --format '{p}|{l}|{r}' |
    sed -nE 's, \(\*\)$,,; s/^(\S+) v(\S+)( \(.*\))?\|(.*)\|(.*)$/\1 \2 \5 \4/p' |
    sed -E 's/^(\S+ \S+)  /\1 - /' | LC_ALL=C sort -u | grep -v '^srvd '
}

table() {
  cat <<'HEAD'
# Third-party licences

The crates that the `srvd` binary links on Linux, by Cargo's metadata. Packages have the texts of
their licences beside this list; `deploy/third-party.sh texts` prints them. [deny.toml](deny.toml) says
which licences are allowed. Written by `deploy/third-party.sh`; a test holds it to `Cargo.lock`.

| crate | licence |
| --- | --- |
HEAD
  crates | sed -E 's/^(\S+) (\S+) (\S*) (.*)$/| [\1 \2](\3) | \4 |/; s/\[([^]]*)\]\(-\)/\1/'
}

# texts_of NAME VERSION: the files in which its authors, or those of what it has in it, say so.
texts_of() {
  find "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/"$1-$2" -maxdepth 4 -type f \
    \( -iname 'licen[sc]e*' -o -iname 'copying*' -o -iname 'notice*' -o -iname 'copyright*' \) \
    ! -name '*.rs' ! -name '*.toml' ! -path '*/tests/*' 2>/dev/null | LC_ALL=C sort
}

# Each text once, below the crates that it is of. A crate that has none is of a repository that
# another crate has it of.
texts() {
  local name version repository licence file sum found
  declare -A crates_of=() file_of=() of_repository=()
  local order=()
  while read -r name version repository licence; do
    found=$(texts_of "$name" "$version")
    [ -n "$found" ] || found=${of_repository[$repository]-}
    [ -n "$found" ] || { echo "error: no licence text of $name $version; run cargo fetch, or add it" >&2; exit 1; }
    of_repository[$repository]=$found
    while read -r file; do
      sum=$(sha256sum <"$file")
      [ -n "${file_of[$sum]-}" ] || { file_of[$sum]=$file; order+=("$sum"); }
      crates_of[$sum]+="$name $version ($licence)"$'\n'
    done <<<"$found"
  done < <(crates)
  echo "What srvd has in it of others: the standard library of Rust (MIT OR Apache-2.0), and these crates."
  for sum in "${order[@]}"; do
    printf '%s\n' "================================================================================"
    uniq <<<"${crates_of[$sum]%$'\n'}"
    printf '%s\n' "--------------------------------------------------------------------------------"
    cat "${file_of[$sum]}"
    echo
  done
}

case "${1-}" in
  '') table ;;
  texts) texts ;;
  *) echo "usage: deploy/third-party.sh [texts]" >&2; exit 1 ;;
esac
