#!/usr/bin/env bash
# Looks, warnings, layers, types. Runs every check, then fails if one did.
set -uo pipefail
cd "$(dirname "$0")/.."
. tools/meson.sh
failed=()

check() { # NAME COMMAND...
    local name=$1
    shift
    echo "== $name"
    "$@" || failed+=("$name")
}

formatted() {
    git ls-files -z --cached --others --exclude-standard -- 'src/*.[ch]' 'tests/*.[ch]' 'bench/*.[ch]' |
        xargs -0 -r clang-format --dry-run -Werror
}

# A path of somebody's machine, or the host of a registry, in a file that everybody gets.
no_strays() {
    ! git grep --untracked -nIE '/(root|work|home)/[a-z]|\b(pypi|npmjs|crates)\.(org|io)\b' -- . ':!tools/lint.sh' ':!docs/man'
}

warnings() { # COMPILER
    local folder=build/warnings-$1
    CC=$1 meson_folder "$folder" -Dtests=true -Dwerror=true -Dbuildtype=debugoptimized
}

check format formatted
check strays no_strays
check layers python3 tools/layers.py
check "warnings, gcc" warnings gcc
check "warnings, clang" warnings clang
if tools/group.sh .venv lint; then
    check ruff .venv/bin/ruff check python tools bench examples tests
    check "ruff format" .venv/bin/ruff format --check python tools bench examples
    check mypy .venv/bin/mypy
else
    failed+=("ruff and mypy: not installed")
fi

if [ ${#failed[@]} -gt 0 ]; then
    printf 'lint: failed: %s\n' "${failed[@]}"
    exit 1
fi
echo "lint: clean"
