#!/usr/bin/env bash
# Every check of the project, in one command. By default the quick ones: layout, the build with
# warnings as errors, the tests. With CI=true all of them: also the tokenizer's oracle, the
# sanitizers, clang, clang-tidy, fuzz targets, the installed package used by another project, the
# same bytes from several builds, and coverage.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s (%ss)\n' "$1" "$SECONDS"; }
complete=${CI:-false}

step "include directions, one definition each"
python3 scripts/check_includes.py
python3 scripts/check_definitions.py

step "format"
# Other versions format a few lines differently.
if clang-format --version | grep -q "version 14\."; then
  git ls-files '*.cpp' '*.h' | xargs clang-format --dry-run --Werror
else
  echo "left out: the code is formatted with clang-format 14; here is $(clang-format --version)"
fi

if [[ "$complete" == "true" ]]; then
  step "the tokenizer's oracle"
  python3 -m venv build/oracle
  build/oracle/bin/pip install --quiet --disable-pip-version-check tokenizers==0.23.3
  build/oracle/bin/python scripts/tokenizer_oracle.py tests/golden/gpt2-tokenizer build/oracle.jsonl
  export PATCHBAY_TOKENIZER_ORACLE=$PWD/build/oracle.jsonl
  python3 scripts/generate_unicode_tables.py --check
fi

step "build (g++)"
# In the complete check clang-tidy parses every file with what it includes itself, so that builds need not.
coverage=OFF
[[ "$complete" != "true" ]] || coverage=ON
cmake --preset dev -DPATCHBAY_COVERAGE=$coverage -DPATCHBAY_PRECOMPILE_HEADERS=$coverage
cmake --build --preset dev
if [[ "$complete" == "true" ]]; then
  step "clang, with sanitizers"
  cmake --preset asan
  cmake --build --preset asan
  ctest --preset asan --parallel 2

  step "clang, with the thread sanitizer"
  cmake --preset tsan
  cmake --build --preset tsan
  ctest --preset tsan --parallel 2

  step "fuzz targets, ten seconds each"
  scripts/fuzz.sh

  step "clang-tidy"
  scripts/tidy.sh

  step "install and use from another project"
  scripts/check_install.sh

  step "the same bytes from every build"
  scripts/reproducibility.py --quick build/release/cli/patchbay --once build/dev/cli/patchbay build/asan/cli/patchbay

  # After the sanitizers' tests, which would take many minutes on a real model.
  step "a real model for the tests that follow"
  PATCHBAY_SMOLLM2_GGUF=$(scripts/fetch_smollm2.sh)
  export PATCHBAY_SMOLLM2_GGUF
fi

# Late, so that the run closes with the test program's own count and what it covered.
step "tests"
[[ "$complete" != "true" ]] || find build/dev -name '*.gcda' -delete  # what earlier runs counted
ctest --preset dev --parallel 2
if [[ "$complete" == "true" ]]; then
  step "coverage"
  scripts/coverage.sh
fi
