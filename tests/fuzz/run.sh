#!/usr/bin/env bash
# Runs every fuzz target for some seconds, one after the other, and says how many inputs
# each of them tried: tests/fuzz/run.sh [SECONDS]. A fault ends it, with the input's path
# and how to see it again.
#
# What the fuzzer finds worth going on from is kept below target/; what the tests should
# run again goes into tests/fuzz/corpus/, by MERGE=1. `cargo fuzz` works here as well.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-3}
found=target/fuzz
mkdir -p "$found"

RUSTC_WRAPPER="$PWD/tests/fuzz/instrument.sh" cargo build --quiet --locked \
  --manifest-path tests/fuzz/Cargo.toml --target-dir target

sum=0
for check in tests/fuzz/targets/*.rs; do
  check=$(basename "$check" .rs)
  corpus=$found/$check kept=tests/fuzz/corpus/$check
  mkdir -p "$corpus"
  if [ "${MERGE:-}" ]; then
    target/debug/"$check" -merge=1 -max_len=400 "$kept" "$corpus" 2>&1 | tail -n 1
    continue
  fi
  log=$found/$check.log
  # Larger inputs are slower and seldom say more. A tenth of a second of one input is a fault.
  if ! target/debug/"$check" -max_total_time="$seconds" -print_final_stats=1 -verbosity=0 \
    -timeout=10 -rss_limit_mb=1024 -max_len=1000 -artifact_prefix="$found/$check-" \
    "$corpus" "$kept" >"$log" 2>&1; then
    grep -a -A 3 -m 1 -e panicked -e ERROR "$log" >&2 || tail -n 20 "$log" >&2
    input=$(sed -n 's/.*Test unit written to //p' "$log")
    echo "error: $check does not hold; see it again with: target/debug/$check $input" >&2
    exit 1
  fi
  tried=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  printf '%-10s %10d inputs\n' "$check" "$tried"
  sum=$((sum + tried))
done
[ "${MERGE:-}" ] || printf '%-10s %10d inputs, no fault\n' together "$sum"
