#!/usr/bin/env bash
# Makes the virtual environment of a real engine (llama.cpp behind an OpenAI-compatible server) and
# a tiny model for it. The live tests measure that engine; users of tacho never need it.
#
#   scripts/setup_engine.sh [--limit SECONDS]
#
# Prints the folder that then holds bin/python, tiny.gguf and tokenizer.json. Silent and quick when
# all is there. pip builds the engine from source where no ready one fits the machine: some minutes,
# a C++ compiler and 200 MB. Exit code 4: it could not be made; the last line says why.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tacho
folder=$cache/engine-venv
log=$cache/engine-venv.log
# gguf and tokenizers are pinned because make_tiny_model.py is written against them.
packages=('llama-cpp-python[server]' 'gguf==0.19.0' 'tokenizers==0.23.2')
limit_s=1800
[[ ${1:-} == --limit ]] && limit_s=${2:?seconds}

fail() { echo "setup_engine: $*" >&2; exit 4; }

# step WHAT COMMAND...: runs a command within what is left of the time, its output in the log.
step() {
  local what=$1
  shift
  timeout --kill-after=5 $((limit_s - SECONDS > 1 ? limit_s - SECONDS : 1)) "$@" \
    >>"$log" 2>&1 </dev/null
  case $? in
    0) ;;
    124 | 137) fail "$what took more than $limit_s s" ;;
    *) fail "$what failed: $(tail -n 1 "$log") (all of it: $log)" ;;
  esac
}

mkdir -p "$cache" || fail "cannot make $cache"
# Two test runs at a time make it once.
exec 9>"$cache/engine-venv.lock" && flock 9

if [[ $(cat "$folder/tacho-ready" 2>/dev/null) != "${packages[*]}" ]]; then
  : >"$log"
  step 'making the virtual environment' python3 -m venv --clear "$folder"
  step "installing ${packages[*]}" "$folder/bin/python" -m pip install --disable-pip-version-check \
    --no-input --progress-bar off "${packages[@]}"
  echo "${packages[*]}" >"$folder/tacho-ready"
fi
recipe=$root/scripts/make_tiny_model.py
for made in "$folder/tiny.gguf" "$folder/tokenizer.json"; do
  if [[ ! $made -nt $recipe || ! $made -nt $root/data/conversations.json ]]; then
    : >"$log"
    step 'making the tiny model' "$folder/bin/python" "$recipe" "$folder"
    break
  fi
done
echo "$folder"
