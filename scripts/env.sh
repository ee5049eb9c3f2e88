# shellcheck shell=bash
# env - what every script shares: the folder, Node where scripts/deps brought it, the cache.
# SPDX-License-Identifier: MIT
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
node_dir=$PWD/build/deps/node/node_modules
if [ -x "$node_dir/node/bin/node" ]; then
  PATH=$node_dir/node/bin:$node_dir/.bin:$PATH
fi
if command -v ccache >/dev/null; then
  export CMAKE_C_COMPILER_LAUNCHER=ccache
fi
JOBS=$(nproc)

# npm_install <folder>: exactly what its lock file says, only when that has changed.
npm_install() {
  if [ ! -e "$1/node_modules/.package-lock.json" ] ||
    [ "$1/package-lock.json" -nt "$1/node_modules/.package-lock.json" ]; then
    npm --prefix "$1" ci --no-audit --no-fund --loglevel=error
    touch "$1/node_modules/.package-lock.json"
  fi
}

# cmake_build <preset>: configures once, then builds what changed.
cmake_build() {
  cmake --preset "$1" >"build/$1.log" 2>&1 || {
    cat "build/$1.log" >&2
    return 1
  }
  cmake --build "build/$1" -j"$JOBS" -- --quiet
}
