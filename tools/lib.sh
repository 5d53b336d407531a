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
