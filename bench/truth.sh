#!/usr/bin/env bash
# How far what tacho measures is from what the built-in engine did, with 32 streams at a time.
#
#   bench/truth.sh [GPU/MODEL ...]      (default: h800/llama-3-8b, and a model of short steps)
#
# The engine keeps the time at which it handed each token to the kernel. Printed are the mean and
# the 99th percentile of |measured - true|, for the time to the first token and for the gaps between
# tokens, in ms. They are never judged: they depend on the machine and on what else it does.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tacho=${TACHO_BINARY:-$root/build/release/tacho}
profiles=("$@")
((${#profiles[@]} > 0)) || profiles=(h800/llama-3-8b h200/qwen2.5-0.5b)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# The figures of one run directory, as a row of the table.
row() {
  python3 - "$1" <<'PYTHON'
import json, sys
truth = json.load(open(sys.argv[1] + "/run.json"))["truth"]["0"]
for name, key in (("TTFT", "ttft_error_ms"), ("gaps", "gap_error_ms")):
    mean, p99, most, n = (truth[key][part] for part in ("mean", "p99", "max", "n"))
    print(f"  {name}   mean {mean:.4f}   p99 {p99:.4f}   max {most:.4f} ms   n {n}")
PYTHON
}

read -r load _ </proc/loadavg
echo "|measured - true|, 32 streams, $(nproc) cores, load average $load"
for profile in "${profiles[@]}"; do
  run=$folder/${profile//\//-}
  "$tacho" bench --sim "$profile" --concurrency 32 --epochs 5 --input-tokens 512 \
    --output-tokens 128 --quiet --out "$run" >/dev/null
  echo "$profile"
  row "$run"
done
