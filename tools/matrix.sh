#!/usr/bin/env bash
# Every interpreter of this machine: builds heaplens with it, in an environment of its own below
# .venvs/, runs the Python tests there, and puts the built core beside the
# main environment's, so that `heaplens run --python OTHER` serves it.
#
# Looks on PATH, in /usr/bin, /usr/local/bin and in the version folders of pyenv and uv.
set -uo pipefail
cd "$(dirname "$0")/.."

wanted=(3.9 3.10 3.11 3.12 3.13 3.14 3.15)
describe='
import os, platform, sys, sysconfig
flavour = "free-threaded" if sysconfig.get_config_var("Py_GIL_DISABLED") else "debug" if hasattr(sys, "gettotalrefcount") else "default"
headers = os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h"))
print(platform.python_implementation(), "%d.%d" % sys.version_info[:2], platform.python_version(),
      flavour, "headers" if headers else "bare", os.path.realpath(sys.executable))'

candidates() {
    local folder
    local IFS=:
    for folder in $PATH /usr/bin /usr/local/bin; do
        case $folder in *[/.]venv/* | */shims) continue ;; esac
        ls -d "$folder"/python3 "$folder"/python3.[0-9] "$folder"/python3.[0-9][0-9] \
            "$folder"/python3.[0-9][0-9]t "$folder"/pypy3 "$folder"/graalpy 2>/dev/null
    done
    ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/python3 2>/dev/null
    ls -d "$HOME"/.local/share/uv/python/*/bin/python3 2>/dev/null
}

declare -A seen=() found=()
lines=() failed=0
say() { lines+=("$1") && echo "== $1"; }

try() { # PYTHON VERSION: builds, tests, gives the core to the main environment
    local python=$1 version=$2 venv=.venvs/$2 log=build/matrix-$2.log core to
    if ! tools/build.sh "$venv" "$python"; then
        say "$version  $python: does not build"
        return 1
    fi
    tools/group.sh "$venv" test
    if ! HEAPLENS_EXE=$PWD/$venv/bin/heaplens "$venv/bin/python" -m pytest -q tests </dev/null >"$log" 2>&1; then
        tail -n 60 "$log"
        say "$version  $python: $(tail -n 1 "$log")"
        return 1
    fi
    say "$version  $python: $(tail -n 1 "$log")"
    for core in "$venv"/lib/python*/site-packages/heaplens/_inside.*.so; do
        for to in .venv/lib/python*/site-packages/heaplens; do
            mkdir -p "$to/cores/$version"
            cp "$core" "$to/cores/$version/_inside.so"
        done
    done
}

while read -r python; do
    read -r kind minor version flavour headers real < <("$python" -c "$describe" 2>/dev/null) || continue
    [ -z "${seen[$real]:-}" ] || continue
    seen[$real]=1
    if [ "$kind" != CPython ]; then
        say "$version  $python: $kind keeps its heap in another way; not supported"
        continue
    fi
    case $minor in
    3.9 | 3.10 | 3.11 | 3.12 | 3.13) ;;
    3.[0-8]) continue ;;
    *)
        say "$version  $python: not supported yet"
        found[$minor]=1
        continue
        ;;
    esac
    found[$minor]=1
    if [ "$flavour" != default ]; then
        say "$version  $python: $flavour build, not supported yet"
    elif [ "$headers" != headers ]; then
        say "$version  $python: has no Python.h, cannot build with it"
    elif [ -n "${seen[$version]:-}" ]; then
        say "$version  $python: the same release as ${seen[$version]}"
    else
        seen[$version]=$python
        try "$python" "$version" || failed=1
    fi
done < <(candidates)

echo
echo "matrix:"
printf '  %s\n' "${lines[@]}"
lacking=()
for minor in "${wanted[@]}"; do
    [ -n "${found[$minor]:-}" ] || lacking+=("$minor")
done
[ ${#lacking[@]} = 0 ] || echo "  this machine has no CPython ${lacking[*]}"
[ $failed = 0 ] && echo "matrix: passed" || echo "matrix: failed"
exit $failed
