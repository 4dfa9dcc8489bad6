#!/bin/sh
# The main job, for real, with no outside service: import a root file system, build, run, push, remove, pull, run again.
# Works as root and as an ordinary user. It leaves nothing behind. `make demo` runs it.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
work=$(mktemp -d "${TMPDIR:-/tmp}/scow-demo.XXXXXX")
registry=

SCOW_ROOT=$work/store
HOME=$work/home # a login or a setting of yours plays no part
export SCOW_ROOT HOME
unset DOCKER_CONFIG REGISTRY_AUTH_FILE XDG_DATA_HOME XDG_CONFIG_HOME 2>/dev/null || :
mkdir "$HOME"

leave() {
    status=$?
    trap - EXIT INT TERM
    [ -z "$registry" ] || { kill "$registry" 2>/dev/null || :; wait "$registry" 2>/dev/null || :; }
    [ "$status" = 0 ] || [ ! -s "$work/registry.log" ] || tail -n 20 "$work/registry.log" >&2
    scow system prune -a -f >/dev/null 2>&1 || : # files of mapped users go the way they came
    chmod -R u+rwX "$work" 2>/dev/null || :
    rm -rf "$work"
    [ "$status" = 0 ] || echo "demo: failed with exit code $status" >&2
    exit "$status"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() { printf '\n\033[1m# %s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n# %s\n' "$*"; }

# Shows a command as you would type it, then runs it.
run() {
    printf '$ %s\n' "$*"
    "$@"
}

# The path of a program; `command -v` would answer with the bare name for what is also built into the shell.
find_program() {
    for directory in /bin /usr/bin /sbin /usr/sbin $(echo "$PATH" | tr ':' ' '); do
        [ ! -x "$directory/$1" ] || { echo "$directory/$1"; return; }
    done
    echo "demo: this machine has no $1" >&2
    return 1
}

# Copies a program to /bin of $rootfs, and each shared library that it needs to the path where it is looked for.
add_program() {
    program=$(find_program "$1")
    cp -L "$program" "$rootfs/bin/$1"
    for library in $(ldd "$program" 2>/dev/null | grep -o '/[^ )]*'); do # none for a static program
        [ ! -e "$rootfs$library" ] || continue
        mkdir -p "$rootfs$(dirname "$library")"
        cp -L "$library" "$rootfs$library"
    done
}

say "A small root file system from this machine's own programs"
rootfs=$work/rootfs
mkdir -p "$rootfs/bin" "$rootfs/etc" "$rootfs/tmp" "$rootfs/proc" "$rootfs/dev" "$rootfs/sys"
chmod 1777 "$rootfs/tmp"
for name in sh cat echo ls mkdir rm uname id pwd true; do
    add_program "$name"
done
echo 'root:x:0:0:root:/:/bin/sh' >"$rootfs/etc/passwd"
echo 'root:x:0:' >"$rootfs/etc/group"
tar -C "$rootfs" -cf "$work/rootfs.tar" .
ls "$rootfs/bin"

say "It becomes an image"
run scow import "$work/rootfs.tar" localbase:1

say "A Dockerfile with two stages; .dockerignore keeps password.secret out"
run scow build -t demo:v1 "$here/demo"

say "Run it"
run scow run --rm demo:v1
run scow run --rm -e GREETING=Bonjour demo:v1
code=0
run scow run --rm demo:v1 sh -c 'exit 42' || code=$?
echo "exit code: $code"
[ "$code" = 42 ]

say "The same build again: everything comes from the cache"
run scow build -t demo:v1 "$here/demo"

say "A registry on this machine, scow's own"
"$python" -m scow.testing.registry --port 0 --root "$work/registry" >"$work/registry.log" 2>&1 &
registry=$!
address=
tries=0
while [ -z "$address" ]; do
    kill -0 "$registry" 2>/dev/null && [ "$tries" -lt 200 ] || { echo "demo: the registry did not start" >&2; exit 1; }
    address=$(sed -n 's/.*\(127\.0\.0\.1:[0-9][0-9]*\).*/\1/p' "$work/registry.log" | head -n 1)
    tries=$((tries + 1))
    sleep 0.1
done
echo "it listens on $address"

say "Push, remove, pull back, run again"
image=$address/demo:v1
run scow tag demo:v1 "$image"
run scow push "$image"
run scow rmi "$image" demo:v1
run scow builder prune -a -f # the cache holds the layers too: without it, they have to come from the registry
run scow pull "$image"
run scow run --rm "$image"

say "Look at it"
run scow images
run scow history "$image"
run scow inspect --format '{{json .Config.Env}}' "$image"
run scow system df

say "Done: imported, built, run, pushed, removed, pulled and run again, without a daemon"
