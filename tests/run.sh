#!/usr/bin/env bash
# The whole fence and test suite, the same locally and in CI. On Debian and Ubuntu all
# that is missing is installed by apt; elsewhere one line says what is. No daemon is left
# running: the tests start their own etcd on free ports and end it.
# Arguments are passed on to the tests: tests/run.sh join
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/packages.sh
# Debian keeps nft where only root looks.
PATH="$PATH:/usr/sbin:/sbin"
need_build etcd=etcd-server etcdctl=etcd-client dig=bind9-dnsutils kdig=knot-dnsutils /bin/kill=procps \
  faketime=faketime nft=nftables ip=iproute2 unshare=util-linux \
  c++=g++ host=bind9-host drill=ldnsutils haproxy=haproxy dnsdist=dnsdist prometheus=prometheus kinit=krb5-user \
  curl=curl jq=jq chromium=chromium chromedriver=chromium-driver musl-gcc=musl-tools /usr/include/ares.h=libc-ares-dev nsd=nsd knotd=knot unbound=unbound named=bind9 \
  /bin/busybox=busybox-static lintian=lintian rpm=rpm rpmlint=rpmlint dpkg-shlibdeps=dpkg-dev runc=runc \
  /etc/ssl/certs/ca-certificates.crt=ca-certificates
# systemd-resolved, unpacked: installed, it would answer this machine's programs.
[ -d target/tools/resolved ] || ! command -v apt-get >/dev/null ||
  unpack target/tools/resolved systemd-resolved libsystemd-shared ||
  say "apt-get could not download systemd-resolved"
# The driver of MongoDB and old etcd clients, where there is Python; their tests say so where
# there is none.
[ -d target/tools/python/pymongo ] || ! command -v pip >/dev/null ||
  pip install --quiet --root-user-action ignore --target target/tools/python pymongo==4.20.1 dnspython==2.9.2 ||
  say "pip could not install pymongo"
[ -d target/tools/python/empusa ] || ! command -v pip >/dev/null ||
  pip install --quiet --root-user-action ignore --upgrade --target target/tools/python python-etcd==0.4.5 empusa==0.0.1 ||
  say "pip could not install python-etcd and empusa"
# The schemas of Kubernetes, where there is Python.
[ -d target/tools/python/kubernetes_validate ] || ! command -v pip >/dev/null ||
  pip install --quiet --root-user-action ignore --upgrade --target target/tools/python kubernetes-validate==1.37.0 ||
  say "pip could not install kubernetes-validate"
# bender's client and old etcd clients, where there is Node; their tests say so where there is none.
[ -d target/tools/node/node_modules/node-etcd ] || ! command -v npm >/dev/null ||
  npm install --silent --no-audit --no-fund --prefix target/tools/node bender-api@0.2.1 etcd-registry@2.1.1 node-etcd@7.0.0 ||
  say "npm could not install bender-api, etcd-registry and node-etcd"
# The schema of the Compose Specification, which a linter of Compose files keeps, likewise.
[ -d target/tools/node/node_modules/dclint ] || ! command -v npm >/dev/null ||
  npm install --silent --no-audit --no-fund --prefix target/tools/node dclint@3.1.0 ||
  say "npm could not install dclint"
# axe-core, which looks for what not everybody can use on the page, likewise.
[ -d target/tools/node/node_modules/axe-core ] || ! command -v npm >/dev/null ||
  npm install --silent --no-audit --no-fund --prefix target/tools/node axe-core@4.14.1 ||
  say "npm could not install axe-core"

step() { say "== $*"; "$@"; }
export RUSTDOCFLAGS="-D warnings"
step cargo fmt --check
# The fuzz targets have a lock file of their own, which a change of Cargo.toml makes old.
step cargo fetch --quiet --locked --manifest-path tests/fuzz/Cargo.toml
step cargo clippy --locked --all-targets -- -D warnings
# The client as a program links it. From cold it checks anew those crates that have fewer features
# then (tokio, hyper and what is above them), and the library: 3.4 min where seven other builds ran on
# the same two cores.
step cargo clippy --locked --lib --no-default-features --features client -- -D warnings
step cargo doc --locked --no-deps --quiet
# cargo-deny reads deny.toml. Its list of advisories comes from outside the package
# registry, so here licences, sources and bans are checked; advisories by
# `cargo deny check advisories` wherever that list is within reach.
# All at once, so that what they share is built once.
need_tools cargo-deny@0.20.2 cargo-deb@3.8.0 cargo-generate-rpm@0.21.1 cargo-cyclonedx@0.5.9
step cargo deny --locked --log-level error check bans licenses sources
# Packages have the static program: of the same crates, linked otherwise. It comes after that of
# the tests, since one that is older than theirs may be of other sources, and is left out.
step cargo test --quiet --locked --no-run
step cargo rustc --quiet --locked --bin srvd -- -C target-feature=+crt-static
cp "${CARGO_TARGET_DIR:-target}/debug/srvd" target/tools/srvd-static
# Most tests wait more than they work, so more run at a time than there are cores; the
# faults wait nearly always, and run by themselves.
if [ $# = 0 ]; then
  step cargo test --locked -- --test-threads 5 --skip faults::
  step tests/faults.sh
  step tests/newer_etcd.sh
  step tests/fuzz/run.sh 3
else
  step cargo test --locked -- "$@"
fi
