#!/usr/bin/env bash
# Holds the rows of src/diagnose/known.def against the packages they speak of, in an environment of
# their own (.venvs/known): the newest releases, and for rows of old ones those releases.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=.venvs/known
[ -x "$venv/bin/python" ] || "${PYTHON:-python3}" -m venv "$venv"
tools/group.sh "$venv" known
HEAPLENS_EXE=$PWD/.venv/bin/heaplens HEAPLENS_KNOWN_PYTHON=$PWD/$venv/bin/python \
    .venv/bin/python -m pytest tests/known -q "$@"
