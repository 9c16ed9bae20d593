#!/usr/bin/env bash
# Installs the release build into a folder of its own and builds a small project against it that
# knows nothing but find_package(patchbay).
set -euo pipefail
cd "$(dirname "$0")/.."

cmake --preset release ${CI:+-DPATCHBAY_PRECOMPILE_HEADERS=ON}  # it is there for its files, not to be built again
cmake --build --preset release
prefix=$PWD/build/install-check/prefix
rm -rf build/install-check
cmake --install build/release --prefix "$prefix" > /dev/null
cmake -S examples/find_package -B build/install-check/build -G Ninja -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=Release
cmake --build build/install-check/build
build/install-check/build/logit_difference tests/golden/tiny-gpt2
(cd build/install-check && build/head_sweep && test -s heads/activation_patching.json)
"$prefix/bin/patchbay" --version
test -s "$prefix/share/man/man1/patchbay-run.1" && test -s "$prefix/share/bash-completion/completions/patchbay"
cmp docs/schema/result.schema.json "$prefix/share/patchbay/schema/result.schema.json"
