#!/usr/bin/env bash
# The suites that talk to etcd, once more against a newer one than the system's:
#   tests/newer_etcd.sh                  the ones listed below
#   tests/newer_etcd.sh access::members  these
# Debian's package of its next release is one static program. apt fetches it from the mirror
# that this system uses, with lists of its own below target/, and nothing is installed. Where
# that cannot be done, one line says why, and nothing is tested. A program of another origin
# is used where it is named: ETCD=/opt/etcd/etcd tests/newer_etcd.sh
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/packages.sh
# Debian keeps nft where only root looks.
PATH="$PATH:/usr/sbin:/sbin"

SUITE=sid
DIRECTORY=$PWD/target/tools/etcd-newer
SUITES=(::real:: registry_api::etcdctl registry_api::gateway etcd_v2::keys etcd_v2::waits access:: serve::quiet serve::members serve::outage
  serve::history serve::large serve::audit join::loss
  faults::members faults::network faults::past faults::crowds)

# Says why nothing is tested, and ends well.
skip() { say "newer etcd: skipped, $*"; exit 0; }

# The mirror of the distribution: where its own packages come from.
mirror() {
  apt-get download --print-uris base-files 2>/dev/null | sed -n "s|^'\(.*\)/pool/.*|\1|p" | head -n 1
}

# Unpacks the program of the other release.
fetch() {
  command -v apt-get >/dev/null && command -v dpkg >/dev/null || skip "there is no apt here; name a program with ETCD=PATH"
  local mirror lists=$DIRECTORY/apt keys=/usr/share/keyrings/debian-archive-keyring.gpg
  mirror=$(mirror)
  [ -n "$mirror" ] && [ -e "$keys" ] || skip "this is no Debian with a mirror; name a program with ETCD=PATH"
  mkdir -p "$lists"/{lists/partial,cache/archives/partial,state}
  : >"$lists/status"
  echo "deb [signed-by=$keys] $mirror $SUITE main" >"$lists/sources.list"
  local apt=(apt-get -qq -o Dir::Etc::SourceList="$lists/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o Dir::State="$lists/state" -o Dir::State::Lists="$lists/lists" -o Dir::State::status="$lists/status"
    -o Dir::Cache="$lists/cache" -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none)
  say "fetching etcd of Debian $SUITE"
  "${apt[@]}" update || skip "the lists of Debian $SUITE are not to be had from the system's mirror"
  (cd "$lists" && rm -f ./*.deb && "${apt[@]}" download etcd-server) || skip "Debian $SUITE has no etcd-server to download"
  dpkg -x "$lists"/etcd-server_*.deb "$lists/unpacked"
  mv "$lists/unpacked/usr/bin/etcd" "$DIRECTORY/etcd"
  rm -r "$lists"
}

if [ -z "${ETCD:-}" ]; then
  [ -x "$DIRECTORY/etcd" ] || fetch
  ETCD=$DIRECTORY/etcd
fi
version=$("$ETCD" --version | sed -n 's/^etcd Version: //p') || skip "$ETCD does not run here"
say "newer etcd: $version"
export ETCD
[ $# = 0 ] || SUITES=("$@")
# This one counts on a lease that outlives its holder's password, which these versions do not
# renew any more: whether it still stands after the restart is a matter of seconds.
cargo test --locked --test main -- "${SUITES[@]}" --test-threads 5 --skip a_password_is_changed_under_us
