# SPDX-License-Identifier: MIT
# Sourced by the scripts: ROOT, messages, and quiet builds in build/<name>.

ROOT=$(cd "$(dirname "$0")/.." && pwd)

say() { printf '%s\n' "$*" >&2; }
die() { say "$(basename "$0"): $*"; exit 1; }

# quietly LOG COMMAND…: the output is shown only when the command fails.
quietly() {
    _log=$1
    shift
    if "$@" >"$_log" 2>&1; then
        return 0
    fi
    cat "$_log" >&2
    return 1
}

# build NAME [cmake options…]: configures build/NAME when needed (without options: the preset NAME) and builds it. Two at a time take
# turns. A new commit changes the version, which is read when a build is configured.
build() {
    _name=$1
    _dir=$ROOT/build/$1
    shift
    mkdir -p "$_dir"
    exec 9>"$_dir/.lock"
    flock 9
    _head=$(git -C "$ROOT" rev-parse HEAD 2>/dev/null || echo none)
    if [ ! -f "$_dir/build.ninja" ] || { [ "$_name" = release ] && [ "$(cat "$_dir/.head" 2>/dev/null)" != "$_head" ]; }; then
        [ -f "$_dir/build.ninja" ] || say "building Ork in build/$_name (some minutes the first time)"
        if [ $# -eq 0 ]; then
            set -- --preset "$_name"
        else
            set -- -S . -B "build/$_name" -G Ninja "$@"
        fi
        (cd "$ROOT" && quietly "$_dir/.log" cmake "$@" 9>&-) || die "cmake failed; after a change of the system's libraries remove build/$_name and try again"
        printf '%s\n' "$_head" >"$_dir/.head"
    fi
    (cd "$ROOT" && quietly "$_dir/.log" ninja --quiet -C "$_dir" -j2 -k 20 9>&-) || die "the build failed (above); it is in build/$_name"
    exec 9>&-
}
