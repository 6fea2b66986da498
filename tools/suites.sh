#!/usr/bin/env bash
# The test suites of well-known packages, plainly and under `heaplens run`: each test must end the same.
#
#   tools/suites.sh [PACKAGE...]        (default: attrs click flask requests jinja2 aiohttp)
#
# HEAPLENS_EXE  the executable (default .venv/bin/heaplens), PYTHON the interpreter (default python3),
# WAYS the ways to call (default "module command"), SECONDS_EACH the time a run may take (default 3600).
# Packages, their sources and what their tests need come by name, into .venvs/suites-VERSION and
# build/suites. Every suite runs four times: `python -m pytest` and `pytest`, plainly and watched. A
# test whose outcome differs is printed, and the exit status is 1; tests with a deadline may differ
# where the machine has other work to do.
set -uo pipefail
cd "$(dirname "$0")/.."
exe=$(realpath "${HEAPLENS_EXE:-.venv/bin/heaplens}") || exit 2
python=${PYTHON:-python3}
version=$("$python" -c 'import platform; print(platform.python_version())') || exit 2
work=$PWD/build/suites
venv=$PWD/.venvs/suites-$version
[ $# -gt 0 ] || set -- attrs click flask requests jinja2 aiohttp
mkdir -p "$work"
# flask's tests know pytest 8
[ -x "$venv/bin/pytest" ] || { "$python" -m venv "$venv" && "$venv/bin/pip" -q install 'pytest<9'; } || exit 2

needs() {
    case $1 in
    attrs) echo hypothesis cloudpickle ;;
    flask) echo asgiref python-dotenv ;;
    requests) echo pytest-httpbin pytest-mock httpbin trustme PySocks ;;
    jinja2) echo trio ;;
    aiohttp) echo coverage pytest-mock pytest-timeout pytest-codspeed re-assert freezegun proxy.py trustme blockbuster \
        isal zlib-ng python-on-whales setuptools-git brotli aiodns ;;
    esac
}

status=0
for package; do
    echo "== $package"
    # shellcheck disable=SC2046
    "$venv/bin/pip" -q install "$package" $(needs "$package") || { status=2; continue; }
    release=$("$venv/bin/python" -c 'import sys, importlib.metadata as m; print(m.version(sys.argv[1]))' "$package")
    folder=$work/$package-$release
    if [ ! -d "$folder" ]; then
        "$venv/bin/pip" -q download --no-deps --no-binary "$package" -d "$work" "$package==$release" &&
            mkdir "$folder" && tar xzf "$work/$package-$release.tar.gz" --strip-components=1 -C "$folder" || { status=2; continue; }
        # beside its tests lies the package without what is written in C: the installed one is meant
        rm -rf "${folder:?}/$package"
    fi
    options=(-q -p no:cacheprovider)
    # its own options want several processes and coverage; the marks are those its makefile leaves out
    [ "$package" != aiohttp ] ||
        options+=(--override-ini addopts= -m 'not dev_mode and not autobahn and not internal')
    options+=(tests)
    run() { # NAME WORDS...
        (cd "$folder" && CI=1 PATH=$venv/bin:$PATH timeout "${SECONDS_EACH:-3600}" "${@:2}" "${options[@]}" --junitxml "$work/$package-$1.xml" \
            >"$work/$package-$1.log" 2>&1 </dev/null)
        echo "    $1: exit $?, $(grep -E '(passed|failed|error).* in ' "$work/$package-$1.log" | tail -1)"
    }
    for way in ${WAYS:-module command}; do
        if [ "$way" = module ]; then
            words=("$venv/bin/python" -m pytest)
            watched=(--python "$venv" -m pytest)
        else
            words=(pytest)
            watched=(pytest)
        fi
        run "$way" "${words[@]}"
        run "$way-watched" "$exe" run -f -o "$work/$package.hlens" "${watched[@]}"
        tools/outcomes.py "$work/$package-$way.xml" "$work/$package-$way-watched.xml" ||
            status=1
    done
done
exit $status
