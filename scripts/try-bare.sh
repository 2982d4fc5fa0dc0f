#!/usr/bin/env bash
# Proves that ./run and ./test need nothing but a bare Debian 12: makes one, puts a clone in, runs
# both.
#
#   scripts/try-bare.sh FOLDER        (as root, with debootstrap; FOLDER is made and kept)
#
# Nothing of this machine is in it but /proc and /dev. With TACHO_BARE_HOST_CONFIG=1 it also gets
# copies of this machine's own settings for names, apt, pip, npm and cargo, for networks where
# packages come through a mirror; TACHO_BARE_MIRROR names one for debootstrap. What was printed is
# kept in FOLDER.log; the exit code is ./test's.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

fail() { echo "try-bare: $*" >&2; exit 4; }

(($# == 1)) || { sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2; }
((EUID == 0)) || fail "only root can make and enter a root folder; run it with sudo"
command -v debootstrap >/dev/null || fail "debootstrap is missing; apt-get install debootstrap"
mkdir -p "$1" || fail "cannot make the folder $1"
bare=$(cd "$1" && pwd)
log=$bare.log
# What the trial sees of our environment: a path, a home that is empty, and the settings asked for.
environment=(HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)

# Copies files and folders of this machine to the same place in the bare one.
copy_settings() {
  local path
  for path in "$@"; do
    [[ -e $path ]] || continue
    mkdir -p "$bare${path%/*}" && cp -rL "$path" "$bare${path%/*}/"
  done
}

if [[ ! -e $bare/usr/bin/apt-get ]]; then
  debootstrap --variant=minbase bookworm "$bare" ${TACHO_BARE_MIRROR:+"$TACHO_BARE_MIRROR"} ||
    fail "debootstrap could not fill $bare"
fi
if [[ ${TACHO_BARE_HOST_CONFIG:-} == 1 ]]; then
  rm -f "$bare/etc/apt/sources.list"
  copy_settings /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt /.cargo/config.toml \
    /etc/apt/sources.list /etc/apt/sources.list.d /etc/apt/apt.conf.d /etc/apt/keyrings \
    /etc/apt/trusted.gpg.d /usr/share/keyrings /etc/pip.conf /etc/npmrc \
    ~/.config/pip ~/.pip ~/.npmrc ~/.cargo/config ~/.cargo/config.toml
  # Proxies, and certificates of a network that looks into TLS; a setting may be the name of a file.
  wanted='^(https?_proxy|no_proxy)$|^(PIP|NPM_CONFIG|npm_config)_|CERT'
  for name in $(compgen -e | grep -E "$wanted"); do
    environment+=("$name=${!name}")
    [[ ${!name} == /* ]] && copy_settings "${!name}"
  done
  environment+=("HOME=$HOME")
  mkdir -p "$bare$HOME"
fi

rm -rf "$bare/tacho"
git clone --quiet "$root" "$bare/tacho" || fail "cannot clone the tree"
for folder in proc dev; do
  mountpoint -q "$bare/$folder" && continue
  mount --rbind "/$folder" "$bare/$folder" || fail "cannot show /$folder to the bare machine"
  mount --make-rslave "$bare/$folder"  # Else the unmount at the end would reach this machine's own.
done
# Lazily, because the processes of the trial may still be leaving.
trap 'umount -l "$bare/proc" "$bare/dev"' EXIT

enter() { chroot "$bare" /usr/bin/env -i "${environment[@]}" "$@" </dev/null; }

{
  echo "== ./run" && time enter /tacho/run
  echo "exit code $?"
  echo "== ./test" && time enter /tacho/test
  status=$?
  echo "exit code $status"
  (exit $status)
} 2>&1 | tee "$log"
exit "${PIPESTATUS[0]}"
