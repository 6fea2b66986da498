# Sourced by the tools that compile: meson_folder FOLDER OPTION... sets a build folder up once and
# compiles in it (all, or what $meson_targets names). Expects the checkout as the current folder.
# shellcheck shell=bash
PATH=$PWD/.venv/bin:$PATH

meson_folder() {
    local folder=$1 asked
    shift
    asked="$PWD ${CC:-} $(.venv/bin/python -V) $*"
    if [ "$(cat "$folder/.asked" 2>/dev/null)" != "$asked" ]; then
        rm -rf "$folder"
        meson setup "$folder" "$@" >"$folder.log" 2>&1 || {
            cat "$folder.log" >&2
            return 1
        }
        echo "$asked" >"$folder/.asked"
    fi
    # shellcheck disable=SC2086
    ninja -C "$folder" ${meson_targets:-} >"$folder.log" 2>&1 || {
        grep -v '^\[[0-9]*/[0-9]*\] [CL]' "$folder.log" >&2
        return 1
    }
}
