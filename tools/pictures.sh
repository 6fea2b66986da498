#!/usr/bin/env bash
# Draws the pictures of the documentation anew, from the examples: docs/pictures/*.svg.
#
#   tools/pictures.sh [PYTHON [HEAPLENS]]    an interpreter that has heaplens, its executable (.venv's)
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-.venv/bin/python}
export HEAPLENS_EXE=${2:-.venv/bin/heaplens}
out=docs/pictures
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"

"$python" examples/pictures/cycle.py "$out/cycle.svg"
"$python" examples/pictures/closure.py "$out/closure.svg"
"$HEAPLENS_EXE" run -q --python "$python" -o "$work/cache.hlens" examples/leaky_cache.py >"$work/said" 2>&1
"$HEAPLENS_EXE" graph -q -f "$work/cache.hlens" Page -o "$out/cache.svg"
chmod 644 "$out"/*.svg
