#!/usr/bin/env bash
# Builds the fuzz targets (tests/fuzz/*.cpp) with clang and lets each of them look for findings.
#
#   scripts/fuzz.sh [MINUTES [TARGET ...]]     (10 minutes each, all targets, if nothing is said)
#
# MINUTES may be a fraction; 0 only plays the corpora in tests/fuzz/corpus. TACHO_FUZZ_JOBS targets
# run at a time (1 if not set). What was learned is kept in build/fuzz/corpus and used by the next
# call, the logs are in build/fuzz/logs, an input that breaks something in build/fuzz/findings.
# A finding is fixed with a unit test that fails without the fix.
#
# Prints "PASS target: what it did" or "FAIL target: where to look"; the last line is
# "N targets, M findings". Exit code 1 when there are findings, 4 when the targets cannot be built.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 4
case ${1:-} in -h | --help) sed -n '2,13s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
minutes=${1:-10}
(($# > 0)) && shift
folder=$root/build/fuzz
mkdir -p "$folder"/{corpus,logs,findings}

# Undefined behaviour ends a target, as a crash does.
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1}

if ! command -v clang++-16 >/dev/null; then
  echo "fuzz: there is no clang++-16; install clang-16 and libclang-rt-16-dev" >&2
  exit 4
fi
scripts/build.sh fuzz fuzz >"$folder/logs/build.log" 2>&1 || {
  tail -n 25 "$folder/logs/build.log" >&2
  exit 4
}

targets=("$@")
if ((${#targets[@]} == 0)); then
  for source in tests/fuzz/*.cpp; do targets+=("$(basename "$source" .cpp)"); done
fi
seconds=$(awk -v m="$minutes" 'BEGIN {printf "%d", m * 60}')

# fuzz_one TARGET: its verdict, as the line that is printed.
fuzz_one() {
  local name=$1 log=$folder/logs/$1.log limits=(-runs=0) runs
  ((seconds > 0)) && limits=(-max_total_time="$seconds")
  mkdir -p "$folder/corpus/$name"
  # By the clock, so a busy machine needs some room: a unit of two minutes hangs, one of 2 GB has no
  # bound.
  "$folder/tests/fuzz/fuzz_$name" "${limits[@]}" -timeout=120 -rss_limit_mb=2048 -max_len=8192 \
    -print_final_stats=1 -artifact_prefix="$folder/findings/$name-" \
    "$folder/corpus/$name" "tests/fuzz/corpus/$name" >"$log" 2>&1
  if (($? != 0)); then
    echo "FAIL $name: $(grep -aoE 'BROKEN: .*|ERROR: .*|runtime error: .*' "$log" | head -n 1)" \
      "(build/fuzz/logs/$name.log, build/fuzz/findings)"
    return
  fi
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  [[ -n $runs ]] || runs=$(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' "$log")
  echo "PASS $name: ${runs:-0} inputs in $seconds s"
}

for name in "${targets[@]}"; do
  if [[ ! -x $folder/tests/fuzz/fuzz_$name ]]; then
    echo "fuzz: '$name' is no target; the targets are the files tests/fuzz/*.cpp" >&2
    exit 2
  fi
done
verdicts=$folder/logs/verdicts
: >"$verdicts"
for name in "${targets[@]}"; do
  while (($(jobs -rp | wc -l) >= ${TACHO_FUZZ_JOBS:-1})); do wait -n; done
  fuzz_one "$name" | tee -a "$verdicts" &
done
wait
findings=$(grep -c '^FAIL ' "$verdicts")
echo "${#targets[@]} targets, $findings findings"
((findings == 0))
