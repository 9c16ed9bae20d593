#!/usr/bin/env bash
# Installs what patchbay needs from the distribution (Debian 12 or newer, Ubuntu 24.04 or newer).
#
#   scripts/setup.sh          to build and run
#   scripts/setup.sh --dev    to run the checks too
#
# Packages that are there already are left alone; with all of them there, nothing is asked of the
# network and no rights are needed.
set -euo pipefail

packages=(g++ cmake ninja-build libhwy-dev libfmt-dev libcli11-dev nlohmann-json3-dev libeigen3-dev libtomlplusplus-dev libxxhash-dev libcsv-dev
  zlib1g-dev libcurl4-openssl-dev libssl-dev ca-certificates pkg-config librsvg2-dev fonts-dejavu-core)
if [[ "${1:-}" == "--dev" ]]; then
  packages+=(libgtest-dev libbenchmark-dev clang libclang-rt-dev clang-format gcovr strace openssl python3 python3-jsonschema
    python3-venv unicode-data chromium)
  # Any Node.js from 18 on drives the browser; where there is one already, the distribution's may not fit beside it.
  command -v npm > /dev/null || packages+=(nodejs npm)
elif [[ $# -gt 0 ]]; then
  echo "usage: scripts/setup.sh [--dev]" >&2
  exit 2
fi

if ! command -v apt-get > /dev/null; then
  echo "scripts/setup.sh knows Debian and Ubuntu; elsewhere install: ${packages[*]}" >&2
  exit 1
fi
missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2> /dev/null || true)
  [[ "$status" == "installed" ]] || missing+=("$package")
done
if [[ ${#missing[@]} -eq 0 ]]; then
  echo "All packages are installed: ${packages[*]}"
  exit 0
fi

as_root=()
if [[ $(id -u) -ne 0 ]]; then
  if ! command -v sudo > /dev/null; then
    echo "Run this as root, or install sudo; missing packages: ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "Installing: ${missing[*]}"
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install --yes --no-install-recommends -qq "${missing[@]}" > /dev/null
