#!/usr/bin/env bash
# Installs what is missing, builds patchbay, and runs its main job on the small model in the tree.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh
cmake --preset release
cmake --build --preset release
build/release/cli/patchbay predict --model tests/golden/tiny-gpt2 "When Mary and John went to"
