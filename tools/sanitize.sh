#!/usr/bin/env bash
# The C tests under the address and undefined behaviour sanitizers, those with threads under the
# thread sanitizer, and the command line tests against a sanitized executable.
set -euo pipefail
cd "$(dirname "$0")/.."
export ASAN_OPTIONS=abort_on_error=1:detect_leaks=1:allocator_may_return_null=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1

echo "== address, undefined"
tools/ctest.sh asan -Dpython=false -Dbuildtype=debug -Db_sanitize=address,undefined
echo "== thread"
tools/ctest.sh tsan -Dpython=false -Dbuildtype=debug -Db_sanitize=thread
