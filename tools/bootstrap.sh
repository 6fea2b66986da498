#!/usr/bin/env bash
# What a bare Debian machine needs to build heaplens, and with "dev" to test it.
#
#   tools/bootstrap.sh [dev]
#
# Installs what is missing where that is allowed (root, or sudo without a password); elsewhere it
# prints the one command to type and exits 1. Asks nothing, installs nothing that is there.
set -euo pipefail

python=${PYTHON:-python3}
mode=${1:-build}
case $mode in
build | dev) ;;
*)
    echo "usage: tools/bootstrap.sh [dev]" >&2
    exit 2
    ;;
esac

missing=()
need() { # PACKAGE COMMAND...: the package is missing unless the command succeeds
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}
has() { command -v "$1" >/dev/null; }
header() { "${CC:-cc}" -E -x c - <<<"#include <$1>"; }
finds() { "$python" -c 'import ctypes.util, sys; sys.exit(not ctypes.util.find_library(sys.argv[1]))' "$1"; }
links() { clang -x c - -o /dev/null "$@" <<<'int main(void) { return 0; }'; }

need gcc has "${CC:-cc}"
need libc6-dev header stdio.h
need make has make
need pkg-config has pkg-config
need libzstd-dev pkg-config --exists libzstd
need zlib1g-dev pkg-config --exists zlib
need libdw-dev pkg-config --exists libdw
need libprotobuf-c-dev pkg-config --exists libprotobuf-c
need protobuf-c-compiler has protoc-c
need python3 has "$python"
# Another interpreter than the system's brings its own headers and venv, or says that it lacks them.
if [ "$(command -v "$python" || echo /usr/bin/python3)" = /usr/bin/python3 ]; then
    need python3-venv "$python" -c 'import venv, ensurepip'
    need python3-dev "$python" -c '
import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")))'
fi
if [ "$mode" = dev ]; then
    need git has git
    need libcmocka-dev pkg-config --exists cmocka
    need clang has clang
    need clang-format has clang-format
    # Other allocators, to be preloaded; the name of the second tells its version.
    need libjemalloc2 finds jemalloc
    mimalloc=$(apt-cache search --names-only '^libmimalloc[0-9.]+$' 2>/dev/null | sed -n 's/ .*//p' | head -n 1)
    need "${mimalloc:-libmimalloc2.0}" finds mimalloc
    if has clang; then
        need "libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev" links -fsanitize=fuzzer-no-link,address,undefined
    else
        default=$(apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p' | head -n 1)
        missing+=("libclang-rt-${default:-14}-dev")
    fi
fi

[ ${#missing[@]} -gt 0 ] || exit 0
install="apt-get install -y --no-install-recommends ${missing[*]}"
if ! has apt-get; then
    echo "bootstrap: not a Debian machine; install what it calls: ${missing[*]}" >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    as_root=(env DEBIAN_FRONTEND=noninteractive)
elif has sudo && sudo -n true 2>/dev/null; then
    as_root=(sudo -n env DEBIAN_FRONTEND=noninteractive)
else
    echo "bootstrap: missing ${missing[*]}; as root: apt-get update && $install" >&2
    exit 1
fi
echo "bootstrap: $install" >&2
"${as_root[@]}" apt-get -qq update </dev/null || echo "bootstrap: package lists could not be refreshed, going on" >&2
# shellcheck disable=SC2086 # words are meant
"${as_root[@]}" $install </dev/null >&2
