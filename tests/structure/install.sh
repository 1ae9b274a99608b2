#!/bin/bash
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
#
# Installs a build into an empty directory, and uses what is there as a stranger would.
# Usage: install.sh BUILD CC [gst] [python]. Prints TAP.
set -u

build=$1
cc=$2
with_gst=
with_python=
for part in "${@:3}"; do
    case $part in
    gst) with_gst=yes ;;
    python) with_python=yes ;;
    esac
done

dest=$(mktemp -d "${TMPDIR:-/tmp}/tachyon-install-XXXXXX")
trap 'rm -rf "$dest"' EXIT
number=0
failed=0

check() {
    local name=$1
    shift
    number=$((number + 1))
    if "$@" >"$dest/output" 2>&1; then
        echo "ok $number - $name"
    else
        echo "not ok $number - $name"
        sed 's/^/# /' "$dest/output"
        failed=1
    fi
}


list_python_package() {
    local package
    package=$(dirname "$(find "$dest/root" -path '*/tachyon/py.typed')")
    package=$(realpath --relative-to="$dest/root$prefix" "$package") || return
    for module in "$(dirname "$0")"/../../bindings/python/src/tachyon/*.py* \
        "$(dirname "$0")"/../../bindings/python/src/tachyon/py.typed; do
        echo "$package/$(basename "$module")"
    done
    (cd "$dest/root$prefix" && ls "$package"/_ext.*.so)
}

only_what_belongs() {
    local libdir
    libdir=$(dirname "$(find "$dest/root" -name tachyon.pc)")/..
    libdir=$(realpath --relative-to="$dest/root$prefix" "$libdir") || return
    {
        echo include/tachyon.h
        for topic in "$(dirname "$0")"/../../lib/include/tachyon/*.h; do
            echo "include/tachyon/$(basename "$topic")"
        done
        echo "$libdir/libtachyon.a"
        echo "$libdir/libtachyon.so"
        echo "$libdir/libtachyon.so.0"
        echo "$libdir/libtachyon.so.$version"
        echo "$libdir/pkgconfig/tachyon.pc"
        if [ -n "$with_gst" ]; then
            echo "$libdir/gstreamer-1.0/libgsttachyon.so"
        fi
        if [ -n "$with_python" ]; then
            list_python_package
        fi
    } | sort >"$dest/expected"
    (cd "$dest/root$prefix" && find . ! -type d) | sed 's,^\./,,' | sort |
        diff "$dest/expected" -
}

option() {
    meson introspect "$build" --buildoptions |
        python3 -c 'import json, sys
print([o["value"] for o in json.load(sys.stdin) if o["name"] == sys.argv[1]][0])' "$1"
}

has_version() {
    [ "$(pkg-config --modversion tachyon)" = "$version" ]
}

compile_shared() {
    $cc "$dest/program.c" -o "$dest/shared" $(pkg-config --cflags --libs tachyon)
}

run_shared() {
    LD_LIBRARY_PATH=$(pkg-config --variable=libdir tachyon) "$dest/shared"
}

links_soname() {
    readelf -d "$dest/shared" | grep -q 'libtachyon\.so\.0\]'
}

compile_static() {
    $cc "$dest/program.c" -o "$dest/static" -static $(pkg-config --static --cflags --libs tachyon)
}

if ! command -v meson >/dev/null || ! command -v pkg-config >/dev/null; then
    echo "1..0 # SKIP meson or pkg-config is not in PATH"
    exit
fi

prefix=$(option prefix)
version=$(meson introspect "$build" --projectinfo |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["version"])')

cat >"$dest/program.c" <<'END'
#include <string.h>
#include <tachyon.h>

int main(void)
{
	return strcmp(tachyon_version(), VERSION) != 0;
}
END
sed -i "s/VERSION)/\"$version\")/" "$dest/program.c"

check "meson install works into an empty directory" \
    meson install -C "$build" --no-rebuild --destdir "$dest/root"

# As if the directory were the root of another machine.
PKG_CONFIG_PATH=$(dirname "$(find "$dest/root" -name tachyon.pc)")
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR="$dest/root"

check "it installs what belongs there, and nothing else" only_what_belongs
check "pkg-config knows the version" has_version
check "a program compiles against the shared library" compile_shared
check "the program runs" run_shared
check "it asks for the library by its soname" links_soname
check "a program links the static library" compile_static
check "the static program runs" "$dest/static"
echo "1..$number"
exit $failed
