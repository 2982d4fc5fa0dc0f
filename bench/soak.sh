#!/usr/bin/env bash
# Does tacho's memory stay flat over a long run?
#
#   bench/soak.sh [MINUTES [STREAMS]]      (default: 30 minutes, 200 streams of 50 tokens/s)
#
# A closed loop against the built-in engine. The memory (VmRSS) of both processes is read every
# second; printed is the highest of each tenth of the run, and last the memory of the report, which
# reads the run's records back from the disk. Nothing is judged but the run itself: its exit code.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tacho=${TACHO_BINARY:-$root/build/release/tacho}
minutes=${1:-30} streams=${2:-200}
folder=$(mktemp -d)
engine=
trap 'kill $engine 2>/dev/null || true; rm -rf "$folder"' EXIT

"$tacho" sim --timing fixed --port 0 --truth-max 1000 >"$folder/engine" 2>&1 &
engine=$!
until url=$(grep -om1 'http://[0-9.:]*' "$folder/engine"); do sleep 0.1; done

seconds=$(awk -v m="$minutes" 'BEGIN {print m * 60}')
"$tacho" bench --url "$url" --concurrency "$streams" --duration "${seconds}s" --input-tokens 64 \
  --output-tokens 200 --out "$folder/run" >"$folder/table" 2>"$folder/progress" &
client=$!

rss() { awk '/^VmRSS/ {print $2}' "/proc/$1/status" 2>/dev/null || true; }
start=$SECONDS
while kill -0 $client 2>/dev/null; do
  echo "$((SECONDS - start)) $(rss $client) $(rss $engine)"
  sleep 1
done >"$folder/memory"
code=0
wait $client || code=$?

awk -v seconds="$seconds" '
  NF == 3 {
    tenth = int(10 * $1 / seconds); if (tenth > 10) tenth = 10
    if ($2 > client[tenth]) client[tenth] = $2
    if ($3 > engine[tenth]) engine[tenth] = $3
  }
  END {
    print "  minutes      bench, MB   engine, MB"
    for (i = 0; i < 10; ++i)
      printf "  %4.1f–%-4.1f   %9.1f    %9.1f\n", i * seconds / 600, (i + 1) * seconds / 600,
             client[i] / 1024, engine[i] / 1024
    if (10 in client) printf "  the report   %9.1f\n", client[10] / 1024
  }' "$folder/memory"
records=$(wc -l <"$folder/run/requests.jsonl")
bytes=$(stat -c %s "$folder/run/requests.jsonl")
echo "  $records requests, $((bytes / 1048576)) MB of records on disk, exit code $code"
sed -n '/^ tacho:/,/VALID/p' "$folder/table"
exit "$code"
