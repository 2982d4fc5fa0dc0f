#!/usr/bin/env bash
# Configures a preset if that was not done yet, and builds it: what ./run and ./test share.
#
#   scripts/build.sh PRESET [TARGET ...]       (without a target: everything)
#
# Prints ninja's own progress; one line when nothing is to be done. Exit code 4 when it fails.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
preset=$1
shift
folder=$root/build/$preset
log=$root/build/configure-$preset.log

# shellcheck disable=SC1091 # setup.sh writes it where the compilers are not the default ones.
[[ -f $root/build/toolchain.env ]] && . "$root/build/toolchain.env"

# A compile takes up to a gigabyte with the sanitizers, so memory bounds the jobs as cores do.
memory_gib=$(awk '/^MemAvailable/ {print int($2 / 1048576)}' /proc/meminfo)
jobs=$(nproc)
((jobs > memory_gib && memory_gib > 0)) && jobs=$memory_gib
export CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-$jobs}
export CARGO_BUILD_JOBS=${CARGO_BUILD_JOBS:-$jobs}
export NINJA_STATUS='[%f/%t] '

# A tree that was copied from elsewhere carries a build folder that only fits its old place.
home=CMAKE_HOME_DIRECTORY:INTERNAL=$root
if [[ -f $folder/CMakeCache.txt ]] && ! grep -qxF "$home" "$folder/CMakeCache.txt"; then
  rm -rf "$folder"
fi

if [[ ! -f $folder/build.ninja ]]; then
  echo "build: configuring the preset '$preset' (build/configure-$preset.log)"
  mkdir -p "$root/build"
  if ! (cd "$root" && cmake --preset "$preset") >"$log" 2>&1 </dev/null; then
    tail -n 25 "$log"
    echo "build: cmake could not configure '$preset'; the cause is above" >&2
    exit 4
  fi
fi

# The line about globs is part of every build; on a terminal ninja overwrites it itself.
build=(cmake --build "$folder")
(($# > 0)) && build+=(--target "$@")
if [[ -t 1 ]]; then
  "${build[@]}" </dev/null
  status=$?
else
  "${build[@]}" </dev/null | grep -v 'Re-checking globbed'
  status=${PIPESTATUS[0]}
fi
((status == 0)) || { echo "build: '$preset' does not build; the cause is above" >&2; exit 4; }
