#!/usr/bin/env bash
# The tracker's checking build, on every interpreter of this machine: each stack it tells is compared
# with a whole walk, over tests/track/stress.py, with the default horizon and without one.
#
#   tools/track_check.sh [VERSION...]
#
# Needs `make build`, whose package it borrows; its cores lie below build/check/.
set -uo pipefail
cd "$(dirname "$0")/.."
meson_targets=core
. tools/meson.sh
package=$(ls -d .venv/lib/python*/site-packages/heaplens)
failed=0
while IFS=$'\t' read -r version python why; do
    [ -z "$why" ] || continue
    [ $# = 0 ] || [[ " $* " == *" $version "* ]] || continue
    folder=build/check-$version
    printf '[binaries]\npython = %s\n' "'$python'" >"build/check-$version.ini"
    meson_folder "$folder" --native-file "build/check-$version.ini" -Dtrack_check=true \
        -Dbuildtype=debugoptimized || { failed=1 && continue; }
    home=build/check/$version/heaplens
    mkdir -p "$home/cores/$version"
    cp "$package"/*.py "$home/"
    cp "$folder"/src/inside/_inside.*.so "$home/cores/$version/_inside.so"
    # stacks that change under the interpreter; an interpreter greenlets are not released for has none
    [ -e "$home/../greenlet" ] || .venv/bin/python -m pip install --quiet --disable-pip-version-check \
        --python-version "${version%.*}" --only-binary :all: --target "${home%/heaplens}" greenlet </dev/null >/dev/null 2>&1 || true
    for horizon in 32 0; do
        PYTHONPATH=${home%/heaplens} timeout 300 "$python" tests/track/stress.py $horizon || failed=1
    done
done < <(tools/interpreters.sh)
[ $failed = 0 ] && echo "track_check: passed" || echo "track_check: failed"
exit $failed
