#!/usr/bin/env bash
# Installs what is missing, builds patchbay, and runs its main job on the model that ships with it.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh
cmake --preset release
cmake --build --preset release
build/release/cli/patchbay study ioi_lab --out results
echo
echo "The result files are in $PWD/results; patchbay is $PWD/build/release/cli/patchbay"
