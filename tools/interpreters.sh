#!/usr/bin/env bash
# The Python interpreters of this machine, one a line, each release once:
#
#   VERSION <tab> PATH <tab> "" or why heaplens cannot be built with it
#
# HEAPLENS_RELEASES=some leaves of those it can be built with the oldest, the newest, and 3.12: the
# first with immortal objects and a lock and an allocator for each interpreter. (All: make matrix.)
#
# Looks on PATH, in /usr/bin, /usr/local/bin, below /opt, in the version folders of pyenv and uv, in the
# environments of conda, and where tools/fetch_interpreters.sh leaves what it fetched.
set -uo pipefail
. "$(dirname "$0")/minors.sh"

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
    ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/python3 \
        "${UV_PYTHON_INSTALL_DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/uv/python}"/*/bin/python3 \
        /opt/*/bin/python3 /opt/*/bin/pypy3 2>/dev/null
    for folder in "$HOME"/{mini,ana}conda3 "$HOME"/{miniforge3,mambaforge,micromamba} /opt/{mini,ana}conda3 /opt/conda; do
        ls -d "$folder"/bin/python3 "$folder"/envs/*/bin/python3 2>/dev/null
    done
    ls -d "${HEAPLENS_INTERPRETERS:-${XDG_CACHE_HOME:-$HOME/.cache}/heaplens/interpreters}"/*/usr/bin/python3.[0-9]* \
        "${HEAPLENS_INTERPRETERS:-${XDG_CACHE_HOME:-$HOME/.cache}/heaplens/interpreters}"/*/usr/bin/pypy3 2>/dev/null |
        grep -v -e '-config$'
}

declare -A seen=()

all() {
    while read -r python; do
        read -r kind minor version flavour headers real < <("$python" -c "$describe" 2>/dev/null) || continue
        [ -z "${seen[$real]:-}" ] || continue
        seen[$real]=1
        why=
        if [ "$kind" != CPython ]; then
            why="$kind keeps its heap in another way; not supported"
        else
            [[ $minor != 3.[0-8] ]] || continue
            [[ " ${supported_minors[*]} " == *" $minor "* ]] || why="not supported yet"
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
}

some() { # the ends of what can be built with, by release, and 3.12
    sort -t . -k 2,2n -k 3,3n |
        awk -F '\t' '$3 != "" { print; next } { can[++n] = $0 }
            END { for (i = 1; i <= n; i++) if (i == 1 || i == n || can[i] ~ /^3\.12\./) print can[i] }'
}

if [ "${HEAPLENS_RELEASES:-all}" = some ]; then all | some; else all; fi
