#!/usr/bin/env bash
# Makes the result files in tests/golden/report, from which the tests draw every figure:
#
#   scripts/make_report_goldens.sh build/release/cli/patchbay
#   PATCHBAY_WRITE_GOLDENS=1 build/dev/tests/patchbay_tests --gtest_filter='Figures.*'
set -euo pipefail
cd "$(dirname "$0")/.."

patchbay=${1:?the program that runs the experiments}
folder=tests/golden/report
mkdir -p "$folder"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# NAME EXPERIMENT OPTIONS...
result() {
  local name=$1
  shift
  "$patchbay" run "$@" --quiet --out "$scratch" > /dev/null
  mv "$scratch/$1.json" "$folder/$name.json"
}

"$patchbay" study figure_3b --quiet --out "$scratch/study" > /dev/null
cp "$scratch/study/study.json" "$folder/study.json"
result heads activation_patching --task ioi --prompts 12
result heads_bos activation_patching --task ioi --prompts 12 --bos
result mlps activation_patching --task ioi --prompts 6 --site mlp_out --axes layer
result stream activation_patching --task ioi_lab --prompts 1 --site resid_post --axes layer,position
result accuracy accuracy --task ioi --prompts 6
result lens logit_lens --task ioi --prompts 6
result patterns attention_patterns --task ioi --prompts 3 --nodes 1.2,2.1 --dest-positions every --src-positions every --side clean
result projection attention_projection --task ioi --prompts 5
result circuit find_circuit --task ioi --prompts 8
result alone faithfulness --task ioi --prompts 8 --circuit "movers: 1.1 1.2 2.2 @ END"
