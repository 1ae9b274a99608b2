#!/bin/bash
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
#
# The library and the elements where everything is newer: a Debian trixie root (GStreamer 1.26,
# gcc 14), made by debootstrap from the mirror that this machine's apt is set to.
#
#   matrix.sh prepare          makes the root, unless it is there and whole
#   matrix.sh build            copies the sources into it, and builds
#   matrix.sh test [OPTION...] runs the tests, with options of `meson test`
#   matrix.sh log              says where the log of the tests is
#   matrix.sh enter COMMAND... runs anything else in it
#
# As root or with sudo, where mounting is allowed. The root stays in TACHYON_MATRIX_ROOT, for the
# next time: 1.7 GB in /var/cache/tachyon/trixie.
set -u

suite=trixie
root=${TACHYON_MATRIX_ROOT:-/var/cache/tachyon/$suite}
here=$(cd "$(dirname "$0")" && pwd)
place=/tachyon
log=$root$place/build/meson-logs/testlog.json
packages=(ffmpeg gcc gstreamer1.0-libav gstreamer1.0-plugins-bad gstreamer1.0-plugins-base
    gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly gstreamer1.0-tools libc6-dev
    libgstreamer-plugins-base1.0-dev libgstreamer1.0-dev meson ninja-build pkgconf python3 strace)
# What a whole root holds, in a file that is written last.
mark="$suite: ${packages[*]}"

fail() {
    echo "matrix: $*" >&2
    exit 1
}

# become COMMAND...: in namespaces of its own. Whatever it mounts or starts ends with it, even if
# it is killed.
become() {
    unshare --mount --pid --fork --kill-child --mount-proc true ||
        fail "mounts of one's own are not allowed here; a privileged container allows them"
    exec unshare --mount --pid --fork --kill-child --mount-proc "$@"
}

# --- making the root ---

# Where apt would fetch from, each archive once.
archives() {
    apt-get --print-uris update |
        sed -n "s|^'\(.*\)/dists/[^' ]*/InRelease' .*|\1|p" | awk '!seen[$0]++'
}

# Those that apt's sources name, and Debian's own.
keyrings() {
    sed -nE 's/.*signed-by[=:] *([^] ]+\.(gpg|pgp)).*/\1/Ip' /etc/apt/sources.list \
        /etc/apt/sources.list.d/* 2>/dev/null
    ls /usr/share/keyrings/debian-archive-keyring.* /etc/apt/trusted.gpg.d/*.gpg 2>/dev/null
}

# fetch FILE URI: by apt, with its proxies, its certificates and its passwords.
fetch() {
    /usr/lib/apt/apt-helper -qq -o APT::Sandbox::User=root download-file "$2" "$1"
}

# choose_archive DIR: sets archive and keyring, whose key has signed the suite.
choose_archive() {
    local uri ring release=$1/InRelease tried=''
    for uri in $(archives); do
        fetch "$release" "$uri/dists/$suite/InRelease" >"$1/log" 2>&1 || {
            tried+="$uri: $(tail -n 1 "$1/log")"$'\n'
            continue
        }
        grep -qx 'Origin: Debian' "$release" && grep -qx "Codename: $suite" "$release" || continue
        for ring in $(keyrings); do
            if gpgv --keyring "$ring" "$release" >"$1/log" 2>&1; then
                archive=$uri keyring=$ring
                return
            fi
        done
        tried+="$uri: no keyring here knows who signed it; upgrade debian-archive-keyring"$'\n'
    done
    fail "no archive that apt is set to has Debian $suite"$'\n'"${tried:-apt is set to none}"
}

# debootstrap fetches by wget, which knows nothing of apt's settings.
give_wget() {
    mkdir -p "$1"
    cat >"$1/wget" <<'EOF'
#!/bin/sh
while [ "$1" != -O ]; do shift; done
exec /usr/lib/apt/apt-helper -qq -o APT::Sandbox::User=root download-file "$3" "$2"
EOF
    chmod +x "$1/wget"
}

# Of this machine's apt, all but what it does to this machine.
give_settings() {
    printf '#clear %s;\n' APT::Update::Post-Invoke APT::Update::Post-Invoke-Success \
        DPkg::Post-Invoke DPkg::Pre-Install-Pkgs >"$1/apt.conf"
}

# apt_for DIR WORK ARGUMENT...: it, about the packages of a root.
apt_for() {
    local dir=$1 work=$2
    shift 2
    apt-get -c "$work/apt.conf" -q -y -o APT::Sandbox::User=root -o Dir::State="$dir/var/lib/apt" \
        -o Dir::State::status="$dir/var/lib/dpkg/status" -o Dir::Cache="$dir/var/cache/apt" \
        -o Dir::Etc::SourceList="$dir/etc/apt/sources.list" -o Dir::Etc::SourceParts=- "$@"
}

# In namespaces of its own. Nobody needs the root after a power cut.
make() {
    local dir=$root.part work=$root.work
    set -e
    mkdir -p "$dir/etc/dpkg/dpkg.cfg.d"
    printf '%s\n' force-unsafe-io 'path-exclude=/usr/share/doc/*' 'path-exclude=/usr/share/man/*' \
        'path-exclude=/usr/share/locale/*' >"$dir/etc/dpkg/dpkg.cfg.d/tachyon"
    give_wget "$work/bin"
    give_settings "$work"
    PATH=$work/bin:$PATH debootstrap --variant=minbase --keyring="$keyring" "$suite" "$dir" "$archive"
    echo "deb [signed-by=$keyring] $archive $suite main" >"$dir/etc/apt/sources.list"
    apt_for "$dir" "$work" update
    apt_for "$dir" "$work" install --download-only --no-install-recommends "${packages[@]}"
    mount_in "$dir"
    chroot "$dir" env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-download \
        --no-install-recommends "${packages[@]}"
    chroot "$dir" apt-get clean
    echo "$mark" >"$dir/.whole"
    mv "$dir" "$root"
    rm -r "$work"
}

is_whole() {
    [ "$(cat "$root/.whole" 2>/dev/null)" = "$mark" ]
}

prepare() {
    local program
    is_whole && return
    for program in apt-get chroot debootstrap gpgv unshare; do
        command -v "$program" >/dev/null || fail "$program is missing"
    done
    rm -rf --one-file-system "$root" "$root.part" "$root.work" || fail "cannot clear $root"
    mkdir "$root.work" || fail "cannot make $root.work"
    choose_archive "$root.work"
    export archive keyring
    become "$0" make
}

# --- in the root ---

mount_in() {
    mount -t proc proc "$1/proc" && mount -t sysfs -o ro sysfs "$1/sys" &&
        mount --rbind /dev "$1/dev" && mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm" ||
        fail "cannot mount what a root needs"
}

# A root that was only changed into would allow no namespaces within. The first process of this
# one stays, to wait for orphans.
inside() {
    mount --bind "$root" "$root" || fail "cannot mount $root"
    mount_in "$root"
    cd "$root" && pivot_root . mnt && cd / && umount -l /mnt || fail "cannot move into $root"
    /usr/bin/env -i HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        MESON_TESTTHREADS="${MESON_TESTTHREADS:-$(nproc)}" \
        TACHYON_TEST_LONG="${TACHYON_TEST_LONG:-0}" "$@"
    exit $?
}

enter() {
    (become "$0" inside "$@")
}

# What is copied keeps its time, and ninja what it built of it.
copy_sources() {
    rm -rf "$root$place/source"
    mkdir -p "$root$place/source"
    tar -C "$here/.." --exclude-vcs --exclude='./build*' --exclude=target --exclude='.*_cache' \
        -c . | tar -C "$root$place/source" --no-same-owner -x
}

build() {
    local how=()
    copy_sources || fail "cannot copy the sources"
    [ ! -d "$root$place/build/meson-private" ] || how=(--reconfigure)
    enter meson setup "${how[@]}" "$place/build" "$place/source" -Dwerror=true -Dgst=enabled \
        -Dpython=disabled -Drust=disabled -Dexamples=disabled -Dbench=disabled &&
        enter ninja -C "$place/build"
}

# What differs there. That tests can fail was seen here, and so were leaks, unless there is time.
run_tests() {
    local long=()
    rm -f "$log"
    find "$root/tmp" -mindepth 1 -delete
    [ "${TACHYON_TEST_LONG:-0}" = 0 ] || long=(--suite tracers)
    enter meson test -C "$place/build" --suite lib --suite hostile --suite gst --suite media \
        --no-suite checks "${long[@]}" "$@"
}

# --- which of them ---

command=${1:-}
[ $# -eq 0 ] || shift
case $command in
log) echo "$log" && exit ;;
make | inside) "$command" "$@" && exit ;;
prepare | build | test | enter) ;;
*) sed -n '5,15s/^# \?//p' "$0" && exit 2 ;;
esac

if [ "$(id -u)" -ne 0 ]; then
    exec sudo --preserve-env=TACHYON_MATRIX_ROOT,TACHYON_TEST_LONG "$0" "$command" "$@"
fi
mkdir -p "$(dirname "$root")" && exec 9>"$root.lock" && flock 9 || fail "cannot lock $root"
[ "$command" = prepare ] || is_whole || fail "there is no root in $root: matrix.sh prepare"
case $command in
test) run_tests "$@" ;;
*) "$command" "$@" ;;
esac
