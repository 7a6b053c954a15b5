# shellcheck shell=bash
# Functions that the scripts share; sourced by each of them.
set -euo pipefail

# Resolve symbolic links before the working directory changes.
script=$(readlink -f "$0")
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"
# Import the project's modules from its root, and nothing else before them.
unset PYTHONPATH PYTHONHOME VIRTUAL_ENV

# Print the comment at the head of the running script.
help() {
  sed -n '2,${/^#/!q;s/^# \{0,1\}//p;}' "$script"
}

say() {
  printf '%s\n' "$*"
}

# Print an error and exit.
die() {
  printf '%s: %s\n' "scripts/$(basename "$script")" "$*" >&2
  exit 1
}

# Show the elapsed seconds until standard input is closed: in place on a terminal,
# otherwise a line every ten seconds.
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

# Run a command, append its output to a file, and show the elapsed seconds meanwhile.
with_progress() {
  local status=0 over ticker
  # Also closed if this script is killed.
  exec {over}> >(tick)
  ticker=$!
  "${@:2}" >>"$1" 2>&1 </dev/null {over}>&- || status=$?
  exec {over}>&-
  wait "$ticker" || true
  if [[ -t 1 ]]; then printf '\r%12s\r' ''; fi
  return "$status"
}

# Run a command, and show its output only if it fails.
quietly() {
  local output status=0
  output=$(mktemp)
  with_progress "$output" "$@" || status=$?
  if ((status)); then cat "$output" >&2; fi
  rm -f "$output"
  return "$status"
}

is_root_on_debian() {
  [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null && [[ -e /etc/debian_version ]]
}
