# Sourced by the scripts of this folder: where the project is, and how they speak.
# shellcheck shell=sh

top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 1
build=${BUILD_DIR:-$top/build}
case $build in
/*) ;;
*) build=$top/$build ;;
esac

say() {
    printf '%s\n' "$*" >&2
}

die() {
    printf '%s: %s\n' "$(basename -- "$0")" "$*" >&2
    exit 1
}

has() {
    command -v "$1" >/dev/null 2>&1
}

# as_root COMMAND...: by sudo when we are somebody else.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif has sudo; then
        sudo "$@"
    else
        die "needs root for: $*"
    fi
}

# sources [PATTERN...]: tracked and new C files, one a line, relative to $top.
sources() {
    git -C "$top" ls-files --cached --others --exclude-standard -- "$@" | sort -u |
        while IFS= read -r path; do
            [ -f "$top/$path" ] && printf '%s\n' "$path"
        done
}

# objects: "SOURCE OBJECT" a line, for each source of src/ that is neither test nor
# generated; the first object where several programs compile the same source.
objects() {
    awk -F '"' '
    $2 == "directory" { folder = $4 }
    $2 == "file" { file = $4; made = file ~ /^src\//; sub(/^.*\/src\//, "src/", file) }
    $2 == "output" && file ~ /^src\// && !made && file !~ /(_test|\.pb-c)\.c$/ && !(file in seen) {
        seen[file] = 1
        print file, folder "/" $4
    }' "$build/compile_commands.json"
}
