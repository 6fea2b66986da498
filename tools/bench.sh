#!/usr/bin/env bash
# The numbers of bench/RESULTS.md: builds heaplens and the measuring programs, installs the peers
# into an environment of their own, and runs bench/capture.py with the options given.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/build.sh .venvs/bench "${PYTHON:-python3}"
tools/group.sh .venvs/bench bench
. tools/meson.sh
meson_folder build/open-bench -Dpython=false -Dbench=true -Dbuildtype=debugoptimized -Db_ndebug=true
mkdir -p build/bench
cp build/open-bench/bench/open_bench build/bench/
exec .venvs/bench/bin/python bench/capture.py "$@"
