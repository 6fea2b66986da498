#!/usr/bin/env bash
# Every fuzz target for FUZZ_SECONDS each, from its corpus in tests/corpus/TARGET.
#
# New inputs are kept in build/corpus/TARGET; an input that breaks a target is left in
# build/fuzz-findings and makes the run fail.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-60}
. tools/meson.sh
export CC=clang ASAN_OPTIONS=allocator_may_return_null=1
meson_folder build/fuzz -Dpython=false -Dfuzz=true -Dbuildtype=debugoptimized \
    -Db_sanitize=address,undefined -Db_lundef=false

mapfile -t targets < <(find build/fuzz/src build/fuzz/tests -type f -name '*_fuzz' -executable 2>/dev/null | sort)
if [ ${#targets[@]} = 0 ]; then
    echo "fuzz: no target was built" >&2
    exit 1
fi
mkdir -p build/fuzz-findings
failed=0
for target in "${targets[@]}"; do
    name=$(basename "$target")
    mkdir -p "build/corpus/$name"
    folders=("build/corpus/$name")
    [ ! -d "tests/corpus/$name" ] || folders+=("tests/corpus/$name")
    echo "== $name, $seconds s"
    if ! "$target" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=20 -print_final_stats=1 \
        -artifact_prefix="build/fuzz-findings/$name-" "${folders[@]}" >"build/$name.log" 2>&1; then
        tail -n 40 "build/$name.log"
        failed=1
    fi
    grep -E '^(Done|stat::(number_of_executed_units|peak_rss_mb))' "build/$name.log" || true
done
[ $failed = 0 ] && echo "fuzz: ${#targets[@]} targets, no finding"
exit $failed
