#!/usr/bin/env bash
# Tries what `tacho export dashboards` writes with a real Nightingale: builds it from its Go module,
# imports the boards and the rules, lets an alert fire, and reads a board back.
#
#   scripts/try-nightingale.sh [FOLDER]      (default: build/nightingale; kept, so that a second
#                                             try is quick)
#
# Needs go, curl, python3, prometheus and the programs of a PostgreSQL server. Everything listens on
# the loopback and is ended with the script. Prints what it finds; exit code 0: all of it was so.
# 4: something that it needs is not here.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tacho=${TACHO_BINARY:-$root/build/release/tacho}
folder=$(realpath -m "${1:-$root/build/nightingale}")
module=github.com/ccfos/nightingale/v6
version=v6.7.3            # The newest that the module's own path offers.
redis=github.com/alicebob/miniredis/v2@v2.40.0
port=17000

say() { echo "nightingale: $*" >&2; }
missing() { say "$1 is missing"; exit 4; }
for name in go curl python3 prometheus; do command -v $name >/dev/null || missing $name; done
postgres=$(compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -n 1) || missing PostgreSQL
[[ -x $tacho ]] || missing "$tacho"

pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  [[ ! -f $run/data/postmaster.pid ]] || as_user "$postgres/pg_ctl" -D "$run/data" -m fast stop \
    >/dev/null 2>&1 || true
  rm -rf "$run"
}
run=$(mktemp -d)
trap cleanup EXIT
chmod 755 "$run"

# A PostgreSQL server does not run as root.
as_user() {
  if ((EUID == 0)); then runuser -u nobody -- "$@"; else "$@"; fi
}

build() {
  mkdir -p "$folder/redis"
  if [[ ! -x $folder/center ]]; then
    say "building $module $version; this takes some minutes"
    # In its own folder: `go install` would first ask the proxy for the list of all versions.
    (cd "$folder" && go mod download "$module@$version" &&
      cd "$(go env GOMODCACHE)/$module@$version" && go build -o "$folder/center" ./cmd/center)
  fi
  [[ -x $folder/miniredis ]] && return
  cat >"$folder/redis/main.go" <<'GO'
package main

import "github.com/alicebob/miniredis/v2"

func main() {
	server := miniredis.NewMiniRedis()
	if err := server.StartAddr("127.0.0.1:16379"); err != nil {
		panic(err)
	}
	select {}
}
GO
  (cd "$folder/redis" && { [[ -f go.mod ]] || go mod init tried 2>/dev/null; } &&
    go get "$redis" 2>/dev/null && go build -o ../miniredis .)
}

start_postgres() {
  mkdir -p "$run/data" "$run/socket"
  ((EUID != 0)) || chown nobody "$run/data" "$run/socket"
  as_user "$postgres/initdb" -D "$run/data" -U root -A trust -E UTF8 >"$run/initdb.log"
  as_user "$postgres/pg_ctl" -D "$run/data" -w -l "$run/socket/log" \
    -o "-p 15432 -c listen_addresses=127.0.0.1 -k $run/socket" start >/dev/null
  "$postgres/createdb" -h 127.0.0.1 -p 15432 -U root n9e_v6
  "$postgres/psql" -q -h 127.0.0.1 -p 15432 -U root -d n9e_v6 >"$run/sql.log" 2>&1 \
    -f "$source_folder/docker/compose-postgres/initsql_for_postgres/a-n9e-for-Postgres.sql"
}

start_all() {
  local metrics=127.0.0.1:19860
  source_folder=$(go env GOMODCACHE)/$module@$version
  "$folder/miniredis" & pids+=($!)
  start_postgres
  "$tacho" sim --port 18000 --gpu h200 --model qwen2.5-0.5b >/dev/null & pids+=($!)
  "$tacho" monitor --engine http://127.0.0.1:18000 --listen $metrics 2>/dev/null & pids+=($!)
  # With this threshold the alert of the queue fires whatever waits.
  "$tacho" export dashboards --set TachoQueueLong=0 --to "$run/export" >/dev/null
  sed "s/127.0.0.1:9860/$metrics/; /alertmanagers/,/9093/d; /^alerting/d" \
    "$run/export/prometheus/prometheus.yml" >"$run/export/prometheus/short.yml"
  prometheus --config.file="$run/export/prometheus/short.yml" --storage.tsdb.path="$run/tsdb" \
    --web.listen-address=127.0.0.1:19090 >"$run/prometheus.log" 2>&1 & pids+=($!)
  cp -r "$source_folder/etc" "$run/etc" && chmod -R u+w "$run/etc"
  sed -i -e 's/^Host = "0.0.0.0"/Host = "127.0.0.1"/' \
    -e 's|^DSN=.*|DSN="host=127.0.0.1 port=15432 user=root dbname=n9e_v6 sslmode=disable"|' \
    -e 's/^DBType = .*/DBType = "postgres"/' -e 's/127.0.0.1:6379/127.0.0.1:16379/' \
    -e 's/127.0.0.1:9090/127.0.0.1:19090/' "$run/etc/config.toml"
  (cd "$run" && exec "$folder/center" -configs etc) >"$run/n9e.log" 2>&1 & pids+=($!)
}

build
start_all
if python3 "$root/scripts/try_nightingale.py" "http://127.0.0.1:$port" http://127.0.0.1:19090 \
  "$run/export/nightingale"; then
  exit 0
fi
tail -n 20 "$run/n9e.log" >&2
exit 1
