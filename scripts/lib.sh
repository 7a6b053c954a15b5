# shellcheck shell=bash
# What the scripts share. Sourced by each of them, never run by itself.
set -euo pipefail

# As it is named here, wherever a link to it is; asked before the folder changes.
script=$(readlink -f "$0")
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"
# The project's modules are imported from its root; nothing else may stand before them.
unset PYTHONPATH PYTHONHOME VIRTUAL_ENV

# Prints the comment at the head of the running script.
help() {
  sed -n '2,${/^#/!q;s/^# \{0,1\}//p;}' "$script"
}

say() {
  printf '%s\n' "$*"
}

# A sentence for the person who reads it, and the end.
die() {
  printf '%s: %s\n' "scripts/$(basename "$script")" "$*" >&2
  exit 1
}

# Shows that something takes its time, until its input is closed: the seconds in place on
# a terminal, elsewhere a line every ten of them.
tick() {
  local began=$SECONDS seconds next=10 status
  while true; do
    status=0
    read -rt 1 || status=$?
    if ((status <= 128)); then return; fi
    seconds=$((SECONDS - began))
    if [[ -t 1 ]]; then
      printf '\r   %d s' "$seconds"
    elif ((seconds >= next)); then
      say "   $seconds s so far"
      next=$((seconds + 10))
    fi
  done
}

# Runs a command, adds what it prints to a file, and shows meanwhile that it takes its time.
patiently() {
  local status=0 over ticker
  # Closed as well by the death of this script, in whatever way it dies.
  exec {over}> >(tick)
  ticker=$!
  "${@:2}" >>"$1" 2>&1 </dev/null {over}>&- || status=$?
  exec {over}>&-
  wait "$ticker" || true
  if [[ -t 1 ]]; then printf '\r%12s\r' ''; fi
  return "$status"
}

# Runs a command, and shows what it printed only when it fails.
quietly() {
  local said status=0
  said=$(mktemp)
  patiently "$said" "$@" || status=$?
  if ((status)); then cat "$said" >&2; fi
  rm -f "$said"
  return "$status"
}

is_root_on_debian() {
  [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null && [[ -e /etc/debian_version ]]
}
