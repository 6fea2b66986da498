#!/usr/bin/env bash
# Fetches the CPythons this machine lacks, as packages of the Debian release after its own.
#
#   tools/fetch_interpreters.sh [MINOR...]        without any: what tools/interpreters.sh lacks
#
# Into ~/.cache/heaplens/interpreters/MINOR (HEAPLENS_INTERPRETERS=... elsewhere), where
# tools/interpreters.sh finds them; nothing is installed. Takes some 60 MB and half a minute each,
# needs no root. What cannot be had is said, and is no error: no network, no such package, no Debian.
#
# How a Python of a newer system runs on this one: it brings its own libc. Its packages are unpacked
# into a folder, and the executable is told to be loaded by the ld.so in there and to look for its
# libraries there (patchelf). So it is started like any other, and what it starts finds the system's.
set -uo pipefail
cd "$(dirname "$0")/.."
. tools/minors.sh

cache=${HEAPLENS_INTERPRETERS:-${XDG_CACHE_HOME:-$HOME/.cache}/heaplens/interpreters}
releases=(testing unstable)
archive_keys=/usr/share/keyrings/debian-archive-keyring.gpg

say() { echo "interpreters: $*" >&2; }

for tool in apt-get apt-cache dpkg-deb; do
    command -v "$tool" >/dev/null || { say "none fetched: $tool is missing, this is no Debian" && exit 0; }
done

wanted=("$@")
if [ ${#wanted[@]} = 0 ]; then
    here=" $(tools/interpreters.sh | awk -F'\t' '$3 == "" { sub(/\.[^.]*$/, "", $1); print $1 }' | tr '\n' ' ')"
    for minor in "${supported_minors[@]}"; do
        [[ $here == *" $minor "* ]] || wanted+=("$minor")
    done
fi
[ ${#wanted[@]} -gt 0 ] || { say "nothing is lacking" && exit 0; }

# An apt of its own: the machine's mirror, another release, a folder of ours. The first mirror of
# the distribution proper that apt is set up with will do.
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Label: Debian' 2>/dev/null | head -n 1)
[ -n "$mirror" ] || { say "none fetched: apt is set up with no mirror of Debian" && exit 0; }
apt=$cache/.apt
mkdir -p "$apt"/{lists/partial,archives/partial,etc} || exit 1
signed=
[ ! -e "$archive_keys" ] || signed="[signed-by=$archive_keys] "
for release in "${releases[@]}"; do
    echo "deb $signed$mirror $release main"
done >"$apt/etc/sources.list"
: >"$apt/status"
cat >"$apt/apt.conf" <<END
Dir::State "$apt";
Dir::State::status "$apt/status";
Dir::State::lists "$apt/lists";
Dir::Cache "$apt";
Dir::Etc::sourcelist "$apt/etc/sources.list";
Dir::Etc::sourceparts "$apt/etc";
Dir::Etc::preferencesparts "$apt/etc";
APT::Default-Release "${releases[0]}";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::Retries "2";
Acquire::http::Timeout "20";
END
if [ "$(id -u)" = 0 ]; then # apt would read as _apt, whom a home folder keeps out
    echo 'APT::Sandbox::User "root";' >>"$apt/apt.conf"
fi
own_apt() { APT_CONFIG=$apt/apt.conf "$@" </dev/null; }
if ! own_apt apt-get -qq update >"$apt/log" 2>&1; then
    say "none fetched: the package lists cannot be had ($(grep -m 1 '^[EW]:' "$apt/log" | cut -c1-120))"
    exit 0
fi

# Debian names what its Python finds in the system by its place in the system.
settle() { # ROOT MINOR
    local usr=$1/usr minor=$2 multiarch
    multiarch=$(cd "$usr/lib" && ls -d ./*-linux-gnu* | head -n 1) || return 1
    multiarch=${multiarch#./}
    sed -i "s#/usr/share/python-wheels#$usr/share/python-wheels#g" \
        "$usr/lib/python$minor"/_sysconfigdata_*.py "$usr/lib/python$minor"/_sysconfig_vars_*.json 2>/dev/null
    cp "$usr/include/$multiarch/python$minor/pyconfig.h" "$usr/include/python$minor/pyconfig.h" || return 1
    rm -f "$usr/lib/python$minor/EXTERNALLY-MANAGED"
    local libraries=$usr/lib/$multiarch loader
    loader=$(ls "$libraries"/ld-linux*.so.* | head -n 1) || return 1
    # rpath first: patchelf 0.18 makes an executable at a fixed address useless the other way round
    "$loader" --library-path "$libraries" "$usr/bin/patchelf" \
        --force-rpath --set-rpath "$libraries" "$usr/bin/python$minor" &&
        "$loader" --library-path "$libraries" "$usr/bin/patchelf" \
            --set-interpreter "$loader" "$usr/bin/python$minor"
}

fetch() { # MINOR
    local minor=$1 root=$cache/$1 packages file log=$apt/$1.log
    packages=("python$minor" "python$minor-venv" "libpython$minor-dev" patchelf)
    if ! own_apt apt-cache show "python$minor" >/dev/null 2>&1; then
        say "no CPython $minor: Debian ${releases[*]} has no package of it"
        return
    fi
    rm -f "$apt"/archives/*.deb
    if ! own_apt apt-get -y -qq install --download-only "${packages[@]}" >"$log" 2>&1; then
        say "no CPython $minor: $(grep -m 1 '^E:' "$log" | cut -c1-160)"
        return
    fi
    rm -rf "$root" && mkdir -p "$root" || return
    for file in "$apt"/archives/*.deb; do
        case ${file##*/} in
        libpython*) ;;
        *-dev_* | *-dev-bin_* | tzdata_* | debconf_* | ca-certificates_*) continue ;;
        esac
        dpkg-deb -x "$file" "$root" || { rm -rf "$root" && say "no CPython $minor: ${file##*/} does not unpack" && return; }
    done
    rm -f "$apt"/archives/*.deb
    if settle "$root" "$minor" >"$log" 2>&1 &&
        "$root/usr/bin/python$minor" -c 'import ctypes, ssl, sqlite3, venv, zlib' >>"$log" 2>&1; then
        # as an installed package would be: compiling the library each time is half a second of an import
        "$root/usr/bin/python$minor" -m compileall -q -x '/test/' "$root/usr/lib/python$minor" >>"$log" 2>&1
        say "$("$root/usr/bin/python$minor" -V) in $root"
    else
        rm -rf "$root"
        say "no CPython $minor: the packages were had, but it does not run here ($(tail -n 1 "$log" | cut -c1-160))"
    fi
}

for minor in "${wanted[@]}"; do
    fetch "$minor"
done
