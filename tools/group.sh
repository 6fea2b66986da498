#!/usr/bin/env bash
# Installs dependency groups of pyproject.toml into a virtual environment, once.
#
#   tools/group.sh VENV GROUP...
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1
shift
for group; do
    mark=$venv/.group-$group
    [ ! "$mark" -nt pyproject.toml ] || continue
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check 'pip>=25.1' </dev/null
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --group "$group" </dev/null
    touch "$mark"
done
