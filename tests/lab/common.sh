# Shared by the lab's scripts: where the cache is, how they speak, and which packages they need.
LAB_CACHE=${ASTRA_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/astra-lab}

# lab_fail MESSAGE [HINT]: one clear line, a hint, and status 125 (a failure of the lab, never of the command in it).
lab_fail() {
    echo "lab: $1" >&2
    [ -z "${2:-}" ] || echo "lab: hint: $2" >&2
    exit 125
}

# lab_need PROGRAM PACKAGE: the program's path; fails naming the Debian package that brings it.
lab_need() {
    command -v "$1" || lab_fail "$1 is not installed" "apt-get install $2"
}
