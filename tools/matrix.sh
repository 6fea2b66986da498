#!/usr/bin/env bash
# Every interpreter of this machine: builds heaplens with it, in an environment of its own below
# .venvs/, and runs there the tests of what depends on the interpreter, and one program a cause; then
# the starts, endings and audits under all of them, through the cores beside the one of .venv/.
# HEAPLENS_RELEASES=some: the ends and 3.12 (tools/interpreters.sh), without those starts and endings,
# which `make test` runs there.
# MATRIX_TESTS, a pytest -k expression, selects other programs; MATRIX_TESTS=test runs all of them.
set -uo pipefail
cd "$(dirname "$0")/.."

. tools/minors.sh
programs=${MATRIX_TESTS:-test_leak and (module_level or in_function or global_list or class_list or default_list or lru_none)}
declare -A found=()
lines=() failed=0
say() { lines+=("$1") && echo "== $1"; }

try() { # PYTHON VERSION
    local python=$1 version=$2 venv=.venvs/$2 log=build/matrix-$2.log
    if ! tools/build.sh "$venv" "$python"; then
        say "$version  $python: does not build"
        return 1
    fi
    tools/group.sh "$venv" test
    if ! HEAPLENS_EXE=$PWD/$venv/bin/heaplens "$venv/bin/python" -m pytest -q -n 2 \
        tests/inside tests/python tests/compat </dev/null >"$log" 2>&1 ||
        ! HEAPLENS_EXE=$PWD/$venv/bin/heaplens "$venv/bin/python" -m pytest -q -n 2 -k "$programs" \
            tests/verdict </dev/null >>"$log" 2>&1; then
        tail -n 60 "$log"
        say "$version  $python: $(tail -n 1 "$log")"
        return 1
    fi
    say "$version  $python: $(grep -E '^[0-9]+ (passed|failed)|, [0-9]+ passed' "$log" | tr '\n' ';')"
}

while IFS=$'\t' read -r version python why; do
    minor=${version%.*}
    found[$minor]=1
    if [ -n "$why" ]; then
        say "$version  $python: $why"
    else
        try "$python" "$version" || failed=1
    fi
done < <(tools/interpreters.sh)

if [ "${HEAPLENS_RELEASES:-all}" != some ]; then
    tools/group.sh .venv test
    log=build/matrix-run.log
    HEAPLENS_EXE=$PWD/.venv/bin/heaplens .venv/bin/python -m pytest -q -n 4 tests/run tests/native \
        </dev/null >"$log" 2>&1 || { tail -n 60 "$log" && failed=1; }
    say "starts, endings, audits: $(tail -n 1 "$log")"
fi

echo
echo "matrix:"
printf '  %s\n' "${lines[@]}"
lacking=()
for minor in "${supported_minors[@]}"; do
    [ -n "${found[$minor]:-}" ] || lacking+=("$minor")
done
[ ${#lacking[@]} = 0 ] || [ "${HEAPLENS_RELEASES:-all}" = some ] ||
    echo "  this machine has no CPython ${lacking[*]}: make interpreters fetches what the distribution has"
[ $failed = 0 ] && echo "matrix: passed" || echo "matrix: failed"
exit $failed
