#!/usr/bin/env bash
# The core (the extension module alone) for every other interpreter of this machine, beside the one
# of a virtual environment, so that `heaplens run --python OTHER` serves it:
# VENV/lib/python*/site-packages/heaplens/cores/VERSION/_inside.so
#
#   tools/cores.sh VENV
#
# Build folders are kept (build/core-VERSION). One that does not build is said and passed over: the
# environment's own interpreter is served all the same.
set -uo pipefail
cd "$(dirname "$0")/.."
venv=$1
meson_targets=core
. tools/meson.sh
package=$(ls -d "$venv"/lib/python*/site-packages/heaplens)
own=$("$venv/bin/python" -c 'import platform; print(platform.python_version())')

while IFS=$'\t' read -r version python why; do
    [ -z "$why" ] && [ "$version" != "$own" ] || continue
    folder=build/core-$version
    mkdir -p "$folder"
    printf '[binaries]\npython = %s\n' "'$python'" >"$folder.ini"
    if meson_folder "$folder" --native-file "$folder.ini" -Dbuildtype=debugoptimized \
        -Db_ndebug=true; then
        mkdir -p "$package/cores/$version"
        cp "$folder"/src/inside/_inside.*.so "$package/cores/$version/_inside.so"
        echo "built its core for CPython $version ($python)" >&2
    else
        echo "no core for CPython $version ($python): it does not build" >&2
    fi
done < <(HEAPLENS_RELEASES=all tools/interpreters.sh)
