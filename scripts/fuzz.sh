#!/usr/bin/env bash
# Fuzzes every parser, two targets at a time, from its corpus, and keeps what crashed.
#
#   scripts/fuzz.sh                                      10 seconds for each target
#   scripts/fuzz.sh -runs=2000000 -max_total_time=1200   so many executions for each, or twenty minutes
#   scripts/fuzz.sh -max_total_time=60 -seed=7           any options of libFuzzer
#
# What is found grows build/fuzz/corpus. An input that breaks a promise is left in build/fuzz/crashes as
# TARGET-crash-…; it belongs into tests/fuzz/corpus/TARGET, which every test run replays.
set -euo pipefail
cd "$(dirname "$0")/.."

export given=${*:--max_total_time=10}
cmake --preset asan > /dev/null
cmake --build --preset asan
mkdir -p build/fuzz/crashes build/fuzz/logs

fuzz() {
  local target=$1 options=(-max_len=4096 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 -seed=1)
  local dictionary=tests/fuzz/dictionaries/$target.dict
  [[ ! -f $dictionary ]] || options+=("-dict=$dictionary")
  mkdir -p "build/fuzz/corpus/$target"
  if ! build/asan/tests/fuzz/fuzz_"$target" "${options[@]}" $given "-artifact_prefix=build/fuzz/crashes/$target-" \
    "build/fuzz/corpus/$target" "tests/fuzz/corpus/$target" > "build/fuzz/logs/$target" 2>&1; then
    echo "$target: a promise is broken"
    tail -40 "build/fuzz/logs/$target"
    return 1
  fi
  # The last line with a coverage, and the one at half of the executions.
  awk -v target="$target" '
    /cov: / { split($1, at, "#"); for (i = 1; i < NF; ++i) if ($i == "cov:") { n += 1; runs[n] = at[2]; cov[n] = $(i + 1) } }
    /stat::number_of_executed_units/ { units = $2 }
    END {
      half = cov[1]
      for (i = 1; i <= n; ++i) if (runs[i] <= units / 2) half = cov[i]
      printf "%-18s %10d executions, coverage %5d, at half of them %5d\n", target, units, cov[n], half
    }' "build/fuzz/logs/$target"
}
export -f fuzz
for source in tests/fuzz/targets/*.cpp; do basename "$source" .cpp; done |
  xargs --max-procs=2 --max-args=1 bash -c 'fuzz "$0"'
