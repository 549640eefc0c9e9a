#!/usr/bin/env bash
# Makes what is installed of srvd, into target/dist, with SHA256SUMS:
#   deploy/build.sh [static|glibc|tarball|deb|rpm|container|sbom|all]…    [default: tarball]
#   deploy/build.sh reproducible [KIND]…    these twice, from two directories, and compared
# The same commit gives the same octets, wherever its sources are. Variables:
#   PROFILE   release, or dev, which is made sooner and runs slower
#   BINARY    a srvd that is there already, so that none is built
#   TARGET    another machine's, as Rust names it; its standard library and a linker must be there
#   DIST      where to [default: target/dist]
#   REVISION  of a deb or rpm that is made again of the same version [default: 1]
# docs/install.md says what each kind is for.
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/packages.sh
umask 022

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
profile=${PROFILE:-release}
revision=${REVISION:-1}
dist=$(realpath -m "${DIST:-target/dist}")
# Where packages are laid out; Cargo.toml names it.
work=$PWD/target/package
# Programs of Cargo that make packages.
readonly CARGO_DEB=cargo-deb@3.8.0 CARGO_GENERATE_RPM=cargo-generate-rpm@0.21.1 CARGO_CYCLONEDX=cargo-cyclonedx@0.5.9
# The earliest date that is given to files where nothing says when the sources are of.
readonly LONG_AGO=1577836800

# The commit and its date: git's, else what `git archive` wrote.
sources() {
  local commit date
  if [ "$(git rev-parse --show-toplevel 2>/dev/null)" = "$PWD" ]; then
    read -r commit date < <(git log -1 --format='%H %ct')
    [ -z "$(git status --porcelain --untracked-files=no)" ] || commit+=-modified
  else
    read -r commit date <deploy/commit
    [ "${commit#\$}" = "$commit" ] || { say "there is neither .git nor a commit in deploy/commit"; commit=unknown date=$LONG_AGO; }
  fi
  export SRVD_COMMIT=${SRVD_COMMIT:-$commit} SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$date}
}

# has_std TARGET: whether Rust's standard library for it is here.
has_std() { [ -d "$(rustc --print sysroot)/lib/rustlib/$1/lib" ]; }

# What is built for: musl where a static program can be of it.
target_of() {
  local host machine
  host=$(rustc -vV | sed -n 's/^host: //p')
  target=${TARGET:-$host}
  machine=${target%%-*}
  [ "$1" != static ] || [ -n "${TARGET-}" ] || ! has_std "$machine-unknown-linux-musl" || target=$machine-unknown-linux-musl
  has_std "$target" || fail "Rust's standard library for $target is not installed; run: rustup target add $target"
}

# linker_of TARGET: the variable by which cargo links for another machine, where nothing else says how:
# the cross compiler that distributions have.
linker_of() {
  local variable gcc
  variable=CARGO_TARGET_$(tr a-z- A-Z_ <<<"$1")_LINKER
  gcc=${1%%-*}-linux-${1##*-}-gcc
  [ "${1%%-*}" = "$(uname -m)" ] || [ -n "${!variable-}" ] || ! command -v "$gcc" >/dev/null || echo "$variable=$gcc"
}

# Flags that keep this machine out of the program: no path of it, no symbols.
flags() {
  local cargo=${CARGO_HOME:-$HOME/.cargo} separator=$'\x1f'
  printf '%s' "--remap-path-prefix=$PWD=/srvd$separator--remap-path-prefix=$(realpath -m "$built")=/built$separator--remap-path-prefix=$cargo=/cargo$separator-Cstrip=symbols"
}

# Which programs this run has built: linking one takes minutes.
declare -A built_now=()

# compile static|glibc: builds srvd, and sets `program` to where it is.
compile() {
  program=${BINARY:-${built_now[$1]-}} target=
  [ -z "$program" ] || return 0
  need_build
  target_of "$1"
  local built=${CARGO_TARGET_DIR:-target}/package link=() cargo=${CARGO_HOME:-$HOME/.cargo}
  [ "$1" != static ] || link=(-C target-feature=+crt-static)
  # Both kinds are of the same crates; only how the program is linked differs.
  CFLAGS="${CFLAGS-} -ffile-prefix-map=$PWD=/srvd -ffile-prefix-map=$(realpath -m "$built")=/built -ffile-prefix-map=$cargo=/cargo" \
    CARGO_ENCODED_RUSTFLAGS=$(flags) CARGO_PROFILE_DEV_DEBUG=0 \
    env $(linker_of "$target") cargo rustc --quiet --locked --profile "$profile" --target "$target" --target-dir "$built" --bin srvd -- "${link[@]}"
  mkdir -p "$work/bin"
  program=$work/bin/srvd-$1 built_now[$1]=$work/bin/srvd-$1
  cp "$built/$target/$([ "$profile" = dev ] && echo debug || echo "$profile")/srvd" "$program"
}

# Whether a program needs nothing of the system but its kernel.
is_static() { ! readelf --dynamic --wide "$1" | grep -q NEEDED; }

# The machine that a program is for, as Rust names it.
machine_of() {
  case $(readelf --file-header "$1" | sed -n 's/^ *Machine: *//p') in
    *X86-64*) echo x86_64 ;;
    AArch64) echo aarch64 ;;
    *) uname -m ;;
  esac
}

# What a program is, in words.
describe() {
  local linked
  if is_static "$1"; then
    linked="static ($(grep -aq GLIBC_TUNABLES "$1" && echo glibc || echo musl)), needs nothing of the system"
  else
    linked="needs glibc $(readelf --version-info --wide "$1" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -n 1 | cut -c7-) or later"
  fi
  say "srvd $version for $(machine_of "$1"), $linked: $(stat -c %s "$1") octets"
}

# linked static|glibc: builds that program, and says what it is.
linked() {
  compile "$1"
  [ "$1" != static ] || is_static "$program" || fail "$program is not static"
  describe "$program"
}

# The program as it is, in a file whose name says for what.
program_alone() {
  linked "$1"
  cp "$program" "$dist/srvd-$version-$(machine_of "$program")-linux-$1"
}

# The texts of the licences of all that is in the program, once, for every kind to take along.
notices() {
  local texts=$work/THIRD-PARTY-LICENSES.txt
  deploy/third-party.sh texts >"$texts"
  # A static program has the C library in it.
  if [ -r /usr/share/doc/libc6-dev/copyright ]; then
    printf '%s\n' "The GNU C Library, in static programs (LGPL-2.1-or-later and others):" >>"$texts"
    cat /usr/share/doc/libc6-dev/copyright >>"$texts"
  fi
  gzip -9nf "$texts"
}

# archive OPTION FILE OWNER DIRECTORY NAME…: a tar of what is there, the same whoever makes it where
# and when.
archive() {
  tar "$1" "$2" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner="$3" --group="$3" --numeric-owner \
    --mode=u=rwX,go=rX --format=ustar -C "$4" "${@:5}"
}

# The static program with all that deploy/install.sh installs.
tarball() {
  linked static
  local name tree
  name=srvd-$version-$(machine_of "$program")-linux
  tree=$work/$name
  rm -rf "$tree"
  mkdir -p "$tree/deploy"
  cp "$program" "$tree/srvd"
  cp LICENSE-* THIRD-PARTY.md CHANGELOG.md "$work/THIRD-PARTY-LICENSES.txt.gz" "$tree"
  # Links lead to pages that are not there.
  sed -E 's/\[([^]]*)\]\([^)]*\)/\1/g' docs/install.md >"$tree/INSTALL.md"
  cp deploy/install.sh deploy/srvd.toml deploy/srvd*.service deploy/srvd*.socket "$tree/deploy"
  archive -cf - 0 "$work" "$name" | gzip -9n >"$dist/$name.tar.gz"
}

# The tree of an installation, for packages of distributions: they have a C library of their own.
laid_out() {
  linked glibc
  rm -rf "$work/glibc"
  BINARY=$program DESTDIR=$work/glibc PREFIX=/usr deploy/install.sh >/dev/null
}

# What dpkg wants to know of changes: where they are.
debian_changelog() {
  cat <<END
srvd ($version-$revision) unstable; urgency=medium

  * CHANGELOG.md in this directory says what changed.

 -- $(sed -n 's/^maintainer = "\(.*\)"/\1/p' Cargo.toml)  $(LC_ALL=C date -Rud "@$SOURCE_DATE_EPOCH")
END
}

# A Debian package. What is made of a program for tests is compressed in less time.
deb() {
  need_tools "$CARGO_DEB"
  need dpkg-shlibdeps=dpkg-dev
  laid_out
  debian_changelog >"$work/changelog"
  local quick=()
  [ -z "${BINARY-}" ] || quick=(--fast -Z gz)
  cargo deb --quiet --locked --no-build --no-strip --no-separate-debug-symbols --compress-system "${quick[@]}" \
    ${TARGET:+--target "$TARGET"} --deb-revision "$revision" --output "$dist/"
}

# An rpm, likewise. It asks for the libraries by name, whatever package has them.
rpm() {
  need_tools "$CARGO_GENERATE_RPM"
  laid_out
  local quick=()
  [ -z "${BINARY-}" ] || quick=(--payload-compress none)
  cargo generate-rpm "${quick[@]}" --auto-req builtin --set-metadata "release = \"$revision\"" \
    --arch "$(machine_of "$program")" --output "$dist/"
}

# What the image has: the program, authorities, names for its user, a configuration, licences.
image_root() {
  local root=$work/image/root it
  rm -rf "$work/image"
  mkdir -p "$work/image/volume/var/lib/srvd"
  command install -D -m 755 "$program" "$root/usr/bin/srvd"
  command install -D -m 644 deploy/container.toml "$root/etc/srvd/srvd.toml"
  command install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
  for it in LICENSE-MIT LICENSE-APACHE THIRD-PARTY.md "$work/THIRD-PARTY-LICENSES.txt.gz"; do
    command install -D -m 644 "$it" "$root/usr/share/doc/srvd/$(basename "$it")"
  done
  echo 'srvd:x:65532:65532:srvd:/:/nonexistent' >"$root/etc/passwd"
  echo 'srvd:x:65532:' >"$root/etc/group"
  printf 'passwd: files\ngroup: files\nhosts: files dns\n' >"$root/etc/nsswitch.conf"
}

# The digest of a file, which is its name in an image.
digest() { sha256sum "$1" | cut -d' ' -f1; }

# image_config LAYER: deploy/image.json with what this build knows.
image_config() {
  sed -e "s/@MACHINE@/$(machine_of "$program" | sed 's/x86_64/amd64/; s/aarch64/arm64/')/" \
    -e "s/@DATE@/$(date -ud "@$SOURCE_DATE_EPOCH" +%FT%TZ)/" -e "s/@VERSION@/$version/" \
    -e "s/@COMMIT@/$SRVD_COMMIT/" -e "s/@LAYER@/$1/" deploy/image.json
}

# An archive that docker, podman, skopeo and ctr load: one layer, from nothing. It is Docker's, since
# OCI's has no health check, and not made by a tool of theirs, which all write something random.
container() {
  need /etc/ssl/certs/ca-certificates.crt=ca-certificates
  linked static
  image_root
  local image=$work/image layer config
  archive -cf "$image/layer.tar" 0 "$image/root" etc usr
  # The one place that its user may write to; a volume made of it is the user's.
  archive -rf "$image/layer.tar" 65532 "$image/volume" var/lib/srvd
  layer=$(digest "$image/layer.tar")
  image_config "$layer" >"$image/config.json"
  config=$(digest "$image/config.json")
  mkdir "$image/archive"
  mv "$image/layer.tar" "$image/archive/$layer.tar"
  mv "$image/config.json" "$image/archive/$config.json"
  echo "[{\"Config\":\"$config.json\",\"RepoTags\":[\"localhost/srvd:$version\"],\"Layers\":[\"$layer.tar\"]}]" >"$image/archive/manifest.json"
  archive -cf "$dist/srvd-$version-$(machine_of "$program")-image.tar" 0 "$image/archive" "$config.json" "$layer.tar" manifest.json
}

# What the program is made of, for programs that look for advisories (CycloneDX).
sbom() {
  need_tools "$CARGO_CYCLONEDX"
  local target
  target_of glibc
  cargo cyclonedx --quiet --format json --spec-version 1.5 --target "$target" --no-build-deps --override-filename srvd-sbom
  # Where the sources are is nobody's business, and differs.
  sed "s,path+file://$PWD#,path+file:///srvd#,g" srvd-sbom.json >"$dist/srvd-$version-sbom.json"
  rm srvd-sbom.json
}

# Checksums of all that is there.
sums() { (cd "$dist" && find . -maxdepth 1 -type f ! -name SHA256SUMS -printf '%f\0' | LC_ALL=C sort -z | xargs -0r sha256sum >SHA256SUMS); }

# copied COMMIT DIRECTORY: the committed sources, without .git, as `git archive` gives them.
copied() {
  mkdir -p "$2"
  git archive "$1" | tar -xC "$2"
}

# reproducible KIND…: builds these twice, in directories of different names, and compares the sums.
reproducible() {
  local at once commit
  [ -z "$(git status --porcelain --untracked-files=no)" ] || fail "commit your changes first: what is built twice is a commit"
  commit=$(git rev-parse HEAD)
  once=$(mktemp -d)
  # Expanded now: when the trap runs, the function and its variables are gone.
  # shellcheck disable=SC2064
  trap "rm -rf '$once'" EXIT
  for at in "$once/one" "$once/another/below"; do
    copied "$commit" "$at"
    # Programs of Cargo that make packages need not be built again.
    mkdir -p "$at/target"
    [ ! -d target/tools ] || ln -s "$PWD/target/tools" "$at/target/tools"
    env -u CARGO_TARGET_DIR -u DIST "$at/deploy/build.sh" "$@" >/dev/null
    cp "$at/target/dist/SHA256SUMS" "$at.sums"
    mkdir -p "$dist"
    cp "$at"/target/dist/* "$dist"
    rm -rf "$at"
  done
  diff "$once/one.sums" "$once/another/below.sums" || fail "two builds of one commit differ"
  say "two builds, in two directories, are the same:"
  cat "$once/one.sums"
}

main() {
  local kind
  [ $# != 0 ] || set -- tarball
  if [ "$1" = reproducible ]; then reproducible "${@:2}"; return; fi
  [ "$*" != all ] || set -- static glibc tarball deb rpm container sbom
  mkdir -p "$dist" "$work"
  # One at a time: the layout is in one place.
  exec 9>"$work/lock"
  flock 9
  sources
  notices
  for kind in "$@"; do
    case $kind in
      static | glibc) program_alone "$kind" ;;
      tarball | deb | rpm | container | sbom) "$kind" ;;
      *) fail "there is no kind $kind; usage: deploy/build.sh [static|glibc|tarball|deb|rpm|container|sbom|all]…" ;;
    esac
  done
  sums
  say "in $dist:"
  cat "$dist/SHA256SUMS"
}

main "$@"
