#!/usr/bin/env bash
# The Python interpreters of this machine, one a line, each release once:
#
#   VERSION <tab> PATH <tab> "" or why heaplens cannot be built with it
#
# Looks on PATH, in /usr/bin, /usr/local/bin and in the version folders of pyenv and uv.
set -uo pipefail

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

declare -A seen=()

while read -r python; do
    read -r kind minor version flavour headers real < <("$python" -c "$describe" 2>/dev/null) || continue
    [ -z "${seen[$real]:-}" ] || continue
    seen[$real]=1
    why=
    if [ "$kind" != CPython ]; then
        why="$kind keeps its heap in another way; not supported"
    else
        case $minor in
        3.9 | 3.10 | 3.11 | 3.12 | 3.13) ;;
        3.[0-8]) continue ;;
        *) why="not supported yet" ;;
        esac
        if [ -n "$why" ]; then
            :
        elif [ "$flavour" != default ]; then
            why="$flavour build, not supported yet"
        elif [ "$headers" != headers ]; then
            why="has no Python.h, cannot build with it"
        elif [ -n "${seen[$version]:-}" ]; then
            why="the same release as ${seen[$version]}"
        else
            seen[$version]=$python
        fi
    fi
    printf '%s\t%s\t%s\n' "$version" "$python" "$why"
done < <(candidates)
