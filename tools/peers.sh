#!/usr/bin/env bash
# The tests of the tools whose names heaplens.compat has, held against ours: each
# tests/peers/*/run.py in turn, all of them even where one fails; ends with 1 if any did.
#
#   tools/peers.sh
set -uo pipefail
cd "$(dirname "$0")/.."
failed=()
for run in tests/peers/*/run.py; do
    name=$(basename "$(dirname "$run")")
    echo "== $name"
    python3 "$run" || failed+=("$name")
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "peers: failed: ${failed[*]}"
    exit 1
fi
echo "peers: passed"
