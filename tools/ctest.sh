#!/usr/bin/env bash
# Builds and runs the C tests in build/NAME.
#
#   tools/ctest.sh NAME [MESON OPTION...]
#
# Uses the meson of .venv (tools/build.sh), so that the extension is built for its interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."
name=$1
shift
. tools/meson.sh
meson_folder "build/$name" -Dtests=true "$@"
meson test -C "build/$name" --print-errorlogs
