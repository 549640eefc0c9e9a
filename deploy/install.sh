#!/bin/sh
# Installs srvd with its man pages, completions, systemd units, licences and an example
# configuration, from a checkout (after deploy/build.sh or cargo build --release) or from the
# tarball:
#   deploy/install.sh              as root
#   deploy/install.sh uninstall    removes all of it but what is in /etc and /var
# Nothing is started or enabled. Variables, as usual:
#   PREFIX       /usr/local
#   SYSCONFDIR   /etc; a configuration that is there is left as it is
#   DESTDIR      goes before all of these, for packages
#   BINARY       the srvd to install [default: the tarball's, else the one that was built last]
#   RUNNER       what runs BINARY here, where this machine cannot: qemu-aarch64-static
set -eu
cd "$(dirname "$0")/.."
PREFIX=${PREFIX:-/usr/local} SYSCONFDIR=${SYSCONFDIR:-/etc} DESTDIR=${DESTDIR-}

fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

units="$DESTDIR$PREFIX/lib/systemd/system"
share="$DESTDIR$PREFIX/share"
etc="$DESTDIR$SYSCONFDIR/srvd"

# put MODE FILE DIRECTORY [NAME]: one file, in its place.
put() { install -D -m "$1" "$2" "$3/${4:-${2##*/}}"; }

# The program that is installed: of those that were built, the newest.
binary() {
  [ -z "${BINARY-}" ] || { echo "$BINARY"; return; }
  found=$(ls -t ./srvd target/package/bin/srvd-static "${CARGO_TARGET_DIR:-target}/release/srvd" 2>/dev/null | head -n 1)
  [ -n "$found" ] || fail "there is no srvd to install; run deploy/build.sh static, or name one: BINARY=/path/to/srvd $0"
  echo "$found"
}

# run ARGUMENT…: the program, which has its own documents.
run() { ${RUNNER-} "$program" "$@" || fail "$program does not run on this machine; for another, RUNNER names what runs it"; }

# Man pages and completions, made by the program itself.
documents() {
  made=$(mktemp -d)
  trap 'rm -rf "$made"' EXIT
  run man "$made/man"
  for page in "$made"/man/*; do
    # A pipe has neither name nor time: the same page is the same file.
    cat "$page" | gzip -9 >"$page.gz"
    put 644 "$page.gz" "$share/man/man${page##*.}"
  done
  for shell in bash zsh fish; do run completions $shell >"$made/$shell"; done
  put 644 "$made/bash" "$share/bash-completion/completions" srvd
  put 644 "$made/zsh" "$share/zsh/site-functions" _srvd
  put 644 "$made/fish" "$share/fish/vendor_completions.d" srvd.fish
}

# The units, which know where the program is.
services() {
  for unit in deploy/srvd*.service deploy/srvd*.socket; do
    put 644 "$unit" "$units"
    sed -i "s,/usr/local/bin/srvd,$PREFIX/bin/srvd,g; s,/etc/srvd/,$SYSCONFDIR/srvd/,g" "$units/${unit##*/}"
  done
}

# Licences: srvd's own, and those of what is in the program.
licences() {
  for text in LICENSE-MIT LICENSE-APACHE THIRD-PARTY.md CHANGELOG.md; do
    put 644 "$text" "$share/doc/srvd"
  done
  # Their texts, which deploy/build.sh puts together.
  for text in THIRD-PARTY-LICENSES.txt.gz target/package/THIRD-PARTY-LICENSES.txt.gz; do
    [ ! -f "$text" ] || put 644 "$text" "$share/doc/srvd"
  done
}

install_all() {
  program=$(binary)
  put 755 "$program" "$DESTDIR$PREFIX/bin" srvd
  documents
  services
  licences
  install -d "$etc/join"
  [ -e "$etc/srvd.toml" ] || put 644 deploy/srvd.toml "$etc"
  echo "installed srvd in $DESTDIR$PREFIX; name your etcd in $etc/srvd.toml, then: systemctl enable --now srvd"
}

uninstall_all() {
  rm -f "$DESTDIR$PREFIX/bin/srvd" "$share/man/man1/srvd.1.gz" "$share"/man/man1/srvd-*.1.gz \
    "$share/man/man5/srvd.toml.5.gz" "$share/bash-completion/completions/srvd" \
    "$share/zsh/site-functions/_srvd" "$share/fish/vendor_completions.d/srvd.fish" \
    "$units/srvd.service" "$units/srvd-join@.service" "$units/srvd.socket" "$units/srvd-http.socket"
  rm -rf "$share/doc/srvd"
  echo "removed srvd from $DESTDIR$PREFIX; left: $etc, /var/lib/srvd"
}

case "${1-}" in
  '') install_all ;;
  uninstall) uninstall_all ;;
  *) fail "unknown argument $1; usage: deploy/install.sh [uninstall]" ;;
esac
