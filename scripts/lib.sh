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

# Runs a command, and shows what it printed only when it fails.
quietly() {
  local log status=0
  log=$(mktemp)
  "$@" >"$log" 2>&1 </dev/null || status=$?
  if ((status)); then cat "$log" >&2; fi
  rm -f "$log"
  return "$status"
}

is_root_on_debian() {
  [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null && [[ -e /etc/debian_version ]]
}
