#!/usr/bin/env bash
# Builds heaplens into a virtual environment of its own.
#
#   tools/build.sh VENV PYTHON
#
# The build folder is kept (build/wheel-VERSION), so a second call compiles only what changed.
set -euo pipefail
cd "$(dirname "$0")/.."

. tools/minors.sh
venv=$1 python=$2
span="${supported_minors[0]} to ${supported_minors[-1]}"

describe='
import platform, sys, sysconfig
free = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
print(platform.python_implementation(), "%d.%d" % sys.version_info[:2], platform.python_version(), "free-threaded" if free else "default")'
read -r kind minor version flavour < <("$python" -c "$describe") || {
    echo "build: $python does not run; choose another: make PYTHON=..." >&2
    exit 3
}
if [ "$kind" != CPython ] || [ "$flavour" != default ]; then
    echo "build: $python is $kind $version ($flavour); heaplens supports default builds of CPython $span: make PYTHON=..." >&2
    exit 3
fi
if [[ " ${supported_minors[*]} " != *" $minor "* ]]; then
    echo "build: $python is CPython $version; heaplens supports $span: make PYTHON=..." >&2
    exit 3
fi

inside=$PWD/$venv/bin
[[ $venv = /* ]] && inside=$venv/bin

# An environment made by another interpreter, or in another place, is made anew.
origin="$python $version $inside"
if [ "$(cat "$venv/.origin" 2>/dev/null)" != "$origin" ]; then
    rm -rf "$venv"
    "$python" -m venv "$venv"
    echo "$origin" >"$venv/.origin"
fi

tools/group.sh "$venv" build

# meson asks for one python; a build folder keeps the paths of the one it was made with.
export PATH=$inside:$PATH
folder=build/wheel-$version
mark=$folder/.venv
if [ -e "$mark" ] && [ "$(cat "$mark")" != "$inside" ]; then
    rm -rf "$folder"
fi
mkdir -p "$folder"
log=$folder.log
if ! "$inside/python" -m pip install --disable-pip-version-check --no-build-isolation --no-deps \
    --force-reinstall --no-index -Cbuild-dir="$folder" . >"$log" 2>&1 </dev/null; then
    cat "$log" >&2
    exit 1
fi
echo "$inside" >"$mark"
# Cores of other interpreters (tools/cores.sh) belonged to the build before this one.
rm -rf "$venv"/lib/python*/site-packages/heaplens/cores
echo "built heaplens for CPython $version: $venv/bin/heaplens" >&2
