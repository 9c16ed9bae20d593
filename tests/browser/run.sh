#!/usr/bin/env bash
# Installs what drives the browser into a build folder, unless it is there, and runs report_test.mjs:
#
#   tests/browser/run.sh PATCHBAY FOLDER
#
# Screenshots of what was tested stay in FOLDER/screenshots.
set -euo pipefail

patchbay=$1
folder=$2
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$folder"
if ! cmp -s "$here/package.json" "$folder/package.json" || [[ ! -d "$folder/node_modules" ]]; then
  cp "$here/package.json" "$folder/package.json"
  (cd "$folder" && npm install --no-package-lock --no-audit --no-fund --silent)
fi
cp "$here/report_test.mjs" "$folder/report_test.mjs"
cd "$folder"
PATCHBAY=$patchbay node --test report_test.mjs
