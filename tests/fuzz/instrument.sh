#!/bin/sh
# The compiler, for tests/fuzz/run.sh: srvd and what reads its input are compiled so that
# libFuzzer sees which way an input takes. All other crates are as the tests have them, and
# so they are not compiled again. Stable compilers know these options; a sanitizer, which
# would need a nightly one, has nothing to find in safe code.
case " $* " in
*" --crate-name srvd "* | *" --crate-name srvd_fuzz "* | *" --crate-name hickory_proto "* | *" --crate-name serde_json "*)
  set -- "$@" -Cpasses=sancov-module -Ccodegen-units=1
  for option in level=4 inline-8bit-counters pc-table trace-compares stack-depth; do
    set -- "$@" "-Cllvm-args=-sanitizer-coverage-$option"
  done
  ;;
esac
exec "$@"
