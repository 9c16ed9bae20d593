#!/usr/bin/env bash
# Installs what is missing, builds patchbay, and runs its main job on the model that ships with it.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh
cmake --preset release
cmake --build --preset release
build/release/cli/patchbay study ioi_lab --out results
echo
echo "Open $PWD/results/report.html in a browser; the result files are beside it; patchbay is $PWD/build/release/cli/patchbay"
