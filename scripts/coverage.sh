#!/usr/bin/env bash
# Which share of the lines the tests have run: of what parses bytes from outside at least 95 in 100, of library and command 85.
# Needs build/dev made with -DPATCHBAY_COVERAGE=ON, and its tests run.
set -euo pipefail
cd "$(dirname "$0")/.."

# Threads count without locks, so that some branches have counts below zero; gcovr says so for each, and lines are right.
gcovr --root . --object-directory build/dev --filter 'patchbay/' --filter 'cli/' -j 2 --exclude-throw-branches \
  --gcov-ignore-parse-errors --json build/dev/coverage.json build/dev > build/dev/coverage.log 2>&1 ||
  { tail -40 build/dev/coverage.log; exit 1; }
parsers=(patchbay/io/ patchbay/text/tokenizer patchbay/text/vocabulary patchbay/prompts/prompt_file patchbay/results/result_json_reader
  patchbay/results/study_result patchbay/results/cell_store patchbay/study/study patchbay/study/circuit_names patchbay/hooks/hook_name
  patchbay/runs/shard_record patchbay/circuits/circuit.cpp patchbay/families/gpt2 patchbay/families/llama patchbay/families/gguf_common)
filters=()
for parser in "${parsers[@]}"; do filters+=(--filter "$parser"); done
echo "parsers:"
gcovr --root . --add-tracefile build/dev/coverage.json "${filters[@]}" --fail-under-line 95 | tail -60
echo "library and command:"
gcovr --root . --add-tracefile build/dev/coverage.json --fail-under-line 85 | tail -3
