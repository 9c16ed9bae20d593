#!/usr/bin/env bash
# clang-tidy over the library and the command, with the settings of .clang-tidy; any finding fails.
# Needs the compile commands of the asan preset, which clang compiles.
set -euo pipefail
cd "$(dirname "$0")/.."

git ls-files 'patchbay/*.cpp' 'cli/*.cpp' | grep -v unicode_tables |
  xargs --max-procs=2 --max-args=4 clang-tidy --quiet -p build/asan --warnings-as-errors='*' 2> >(grep -v 'warnings generated' >&2 || true)
