# Sourced by deploy/quickstart.sh, tests/run.sh and tests/bench/run.sh: installs what is
# missing, on Debian and Ubuntu by apt, elsewhere by saying what is needed. Starts no daemon.

# The package that carries each command, by family of distributions.
#   command      Debian, Ubuntu      Fedora               Arch         Alpine           macOS (brew)
#   cc           gcc libc6-dev       gcc                  base-devel   build-base       Xcode tools
#   protoc       protobuf-compiler   protobuf-compiler    protobuf     protobuf-dev     protobuf
#   (includes)   libprotobuf-dev     protobuf-devel       protobuf     protobuf-dev     protobuf
#   dig          bind9-dnsutils      bind-utils           bind         bind-tools       bind
#   etcd         etcd-server         etcd                 etcd (AUR)   etcd             etcd
#   kill         procps              procps-ng            procps-ng    procps           (there)
#   etcdctl      etcd-client         etcd                 etcd (AUR)   etcd-ctl         etcd
# Only for the tests of faults:
#   faketime     faketime            libfaketime          libfaketime  libfaketime      libfaketime
#   nft          nftables            nftables             nftables     nftables         –
#   ip           iproute2            iproute              iproute2     iproute2         –
#   unshare      util-linux          util-linux           util-linux   util-linux       –
# Only for the tests of clients (what is missing is left out there):
#   host         bind9-host          bind-utils           bind         bind-tools       bind
#   drill        ldnsutils           ldns-utils           ldns         drill            ldns
#   haproxy      haproxy             haproxy              haproxy      haproxy          haproxy
#   prometheus   prometheus          prometheus           prometheus   prometheus       prometheus
#   kinit        krb5-user           krb5-workstation     krb5         krb5             krb5
#   musl-gcc     musl-tools          musl-gcc             musl         musl-dev         –
#   unbound      unbound             unbound              unbound      unbound          unbound
#   named        bind9               bind                 bind         bind             bind
#   systemd-resolved (unpacked, not installed: systemd-resolved libsystemd-shared; Debian and Ubuntu alone)
#   (ares.h)     libc-ares-dev       c-ares-devel         c-ares       c-ares-dev       c-ares
# Only for deploy/build.sh deb, and the tests of packages (what is missing is left out there):
#   dpkg-shlibdeps dpkg-dev          dpkg-dev             dpkg         dpkg-dev         –
#   lintian      lintian             –                    –            –                –
#   rpm          rpm                 rpm                  rpm-tools    rpm              –
#   rpmlint      rpmlint             rpmlint              rpmlint      –                –
#   runc         runc                runc                 runc         runc             –
#   busybox      busybox-static      busybox              busybox      busybox-static   –
# Only for the tests of the page (left out where there is none):
#   chromium     chromium            chromium             chromium     chromium         chromium
#   chromedriver chromium-driver     chromedriver         chromium     chromium-chromedriver chromedriver
# Only for tests/fuzz/run.sh:
#   c++          g++                 gcc-c++              base-devel   build-base       Xcode tools
# Only for tests/differential and tests/bench/run.sh:
#   nsd          nsd                 nsd                  nsd          nsd              nsd
#   knotd        knot                knot                 knot         knot             knot
# Only for tests/bench/run.sh:
#   dnsperf      dnsperf             dnsperf              dnsperf      dnsperf          dnsperf
#   taskset      util-linux          util-linux           util-linux   util-linux       –

say() { printf '%s\n' "$*" >&2; }

# Ends with one clear line.
fail() { say "error: $*"; exit 1; }

# Runs a command as root.
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# install PACKAGE…: installs Debian packages without starting what they bring.
install() {
  command -v apt-get >/dev/null ||
    fail "this needs $* (names of Debian's packages; deploy/packages.sh lists other systems'); install them, then run this again"
  [ "$(id -u)" = 0 ] || command -v sudo >/dev/null || fail "run this as root once, or install by hand: $*"
  say "installing $*"
  local policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  as_root apt-get update -qq || fail "apt-get update failed; is the package mirror within reach?"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
    fail "apt-get could not install: $*"
  if [ "$(trap -p EXIT)" ]; then as_root rm -f "$policy"; trap - EXIT; fi
}

# need COMMAND-OR-FILE=PACKAGE…: installs the packages of what is not there.
need() {
  local missing=() pair
  for pair in "$@"; do
    command -v "${pair%%=*}" >/dev/null || [ -e "${pair%%=*}" ] || missing+=("${pair#*=}")
  done
  [ ${#missing[@]} = 0 ] || install "${missing[@]}"
}

# unpack DIRECTORY PACKAGE…: what is in Debian packages, in a directory, nothing installed.
unpack() {
  local debs it
  debs=$(mktemp -d)
  # Whoever downloads may write there.
  chmod 755 "$debs"
  (cd "$debs" && { apt-get download -qq "${@:2}" || { as_root apt-get update -qq && apt-get download -qq "${@:2}"; }; } >/dev/null 2>&1) &&
    mkdir -p "$1" && for it in "$debs"/*.deb; do dpkg -x "$it" "$1"; done
  local result=$?
  rm -rf "$debs"
  return $result
}

# The compiler of Rust, at least the version that Cargo.toml asks for.
need_rust() {
  command -v cargo >/dev/null || [ ! -x "$HOME/.cargo/bin/cargo" ] || PATH="$HOME/.cargo/bin:$PATH"
  local wanted have
  wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
  command -v cargo >/dev/null || fail "cargo is missing; install Rust $wanted or later from https://rustup.rs, then run this again"
  have=$(cargo --version | cut -d' ' -f2)
  [ "$(printf '%s\n%s\n' "$wanted" "$have" | sort -V | head -n 1)" = "$wanted" ] ||
    fail "Rust $have is too old, $wanted is needed; run: rustup update stable"
}

# need_build [COMMAND=PACKAGE…]: what a build needs, and more. etcd's client generates code
# from etcd's protocol files.
need_build() {
  need_rust
  need cc=gcc cc=libc6-dev protoc=protobuf-compiler \
    /usr/include/google/protobuf/descriptor.proto=libprotobuf-dev "$@"
}

# need_tools CRATE@VERSION…: programs that come from Cargo, in target/tools, and where they are.
# They are built in little time, but for what computes checksums: packages are large.
need_tools() {
  PATH="$PATH:$PWD/target/tools/bin"
  local missing=() fast=() it
  for it in "$@"; do command -v "${it%@*}" >/dev/null || missing+=("$it"); done
  [ ${#missing[@]} != 0 ] || return 0
  for it in block-buffer digest generic-array md-5 sha1 sha2 sha3; do
    fast+=(--config "profile.dev.package.$it.opt-level=3")
  done
  say "building ${missing[*]}"
  cargo install --quiet --locked --debug "${fast[@]}" --root target/tools --target-dir target/tools/build "${missing[@]}"
}
