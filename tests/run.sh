#!/bin/bash
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
#
# Builds everything and runs every test on a Debian 12 machine, from nothing; as root or with sudo.
#
#   --quick   only the gcc build and its tests
#   --long    longer stress tests and fuzzing (TACHYON_TEST_LONG=1)
#
# The last line says how many tests passed and failed; so does the exit status.
set -u

is_quick=no
time_factor=1
for option in "$@"; do
    case $option in
    --quick) is_quick=yes ;;
    --long)
        export TACHYON_TEST_LONG=1
        time_factor=20
        ;;
    *)
        sed -n '5,10s/^# \?//p' "$0"
        exit 2
        ;;
    esac
done

cd "$(dirname "$0")/.." || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
results=$work/results
: >"$results"

say() {
    printf '[%3d s] %s\n' "$SECONDS" "$*"
}

# step NAME COMMAND...: its output is shown when it fails.
step() {
    local name=$1 status
    shift
    say "$name"
    "$@" >"$work/log" 2>&1
    status=$?
    [ $status -eq 0 ] || tail -n 60 "$work/log"
    printf 'step\t%d\t%s\n' $status "$name" >>"$results"
    return $status
}

set_up() {
    local rust=()
    # Debian 12's own cargo is older than the crates; the one it builds browsers with is not.
    command -v cargo >/dev/null || rust=(cargo-web)
    say "set-up"
    tests/need.sh ca-certificates clang clang-format ffmpeg g++ gcc gir1.2-gst-plugins-base-1.0 \
        gir1.2-gstreamer-1.0 git gstreamer1.0-libav gstreamer1.0-plugins-bad \
        gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly \
        gstreamer1.0-tools libc6-dev libgstreamer-plugins-base1.0-dev libgstreamer1.0-dev meson \
        ninja-build pkg-config python3 python3-dev python3-gi python3-numpy python3-pip \
        python3-pytest python3-torch python3-venv spin strace "${rust[@]}"
    printf 'step\t%d\t%s\n' $? "set-up" >>"$results"
}

# build DIR CC OPTION...
build() {
    local dir=$1 cc=$2
    shift 2
    if [ -d "$dir/meson-private" ]; then
        CC=$cc meson setup --reconfigure "$dir" -Dwerror=true "$@" ||
            CC=$cc meson setup --wipe "$dir" -Dwerror=true "$@" || return
    else
        CC=$cc meson setup "$dir" -Dwerror=true "$@" || return
    fi
    ninja -C "$dir"
}

# run_tests NAME DIR WRAPPER...: TAP subtests are counted from the log, not from what is shown.
run_tests() {
    local name=$1 dir=$2 status
    shift 2
    say "tests: $name"
    rm -f "$dir/meson-logs/testlog.json"
    "$@" meson test -C "$dir" --no-rebuild --print-errorlogs -t "$time_factor" |
        grep -v '^ninja:\|^$\|^Full log'
    status=${PIPESTATUS[0]}
    printf 'suite\t%d\t%s\t%s\n' "$status" "$name" "$dir/meson-logs/testlog.json" >>"$results"
}

# build_rust: what the interop tests start. cargo builds by itself, beside ninja.
build_rust() {
    CARGO_TARGET_DIR=$PWD/build/bindings/rust/target LIBTACHYON_VENDORED=1 \
        cargo build --release --manifest-path bindings/rust/Cargo.toml --example interop \
        --example interop_stream
}

bindings=(-Dpython=enabled -Drust=enabled)
set_up
if step "build with gcc" build build gcc -Dgst=enabled "${bindings[@]}"; then
    step "build with cargo" build_rust
    run_tests gcc build
    step "quickstart" examples/quickstart.sh && tail -n 1 "$work/log"
    step "wheel" bindings/python/tests/wheel.sh && tail -n 1 "$work/log"
fi

if [ $is_quick = no ]; then
    step "build with clang" build build-clang clang -Dgst=enabled -Dpython=enabled

    # GStreamer is not built with a sanitizer, nor are an interpreter and cargo.
    lib_only=(-Dgst=disabled -Drust=disabled -Dexamples=disabled -Dbench=disabled)
    time_factor=$((time_factor * 3))

    if step "build with ASan and UBSan" \
        build build-asan gcc -Db_sanitize=address,undefined -Db_lundef=false \
        -Dpython=enabled "${lib_only[@]}"; then
        run_tests asan build-asan
    fi

    # gcc 12's runtime dies where the kernel spreads addresses more than it knew.
    fixed_addresses=()
    setarch -R true 2>/dev/null && fixed_addresses=(setarch -R)
    if step "build with TSan" build build-tsan gcc -Db_sanitize=thread -Dpython=disabled \
        "${lib_only[@]}"; then
        run_tests tsan build-tsan "${fixed_addresses[@]}"
    fi
fi

say "done"
if ! command -v python3 >/dev/null; then
    echo "0 passed, 1 failed"
    exit 1
fi
python3 tests/results.py "$results"
