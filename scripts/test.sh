#!/usr/bin/env bash
# Installs what the checks need, then builds patchbay and runs them (scripts/check.sh).
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh --dev
scripts/check.sh
