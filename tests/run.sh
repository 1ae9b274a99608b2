#!/bin/bash
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
#
# Builds everything and runs every test on a Debian 12 machine, from nothing; as root or with sudo.
#
#   --quick   only the gcc build and its tests
#   --long    longer stress tests and fuzzing (TACHYON_TEST_LONG=1), the elements under valgrind
#   --matrix  the library and the elements in a Debian trixie root, too: see tests/matrix.sh
#
# The last line says how many tests passed and failed; so does the exit status.
set -u

is_quick=no
is_long=no
is_matrix=no
time_factor=1
for option in "$@"; do
    case $option in
    --quick) is_quick=yes ;;
    --matrix) is_matrix=yes ;;
    --long)
        is_long=yes
        export TACHYON_TEST_LONG=1
        time_factor=20
        ;;
    *)
        sed -n '5,11s/^# \?//p' "$0"
        exit 2
        ;;
    esac
done

cd "$(dirname "$0")/.." || exit 1
work=$(mktemp -d)
declare -A beside
trap 'kill -KILL "${beside[@]}" 2>/dev/null; rm -rf "$work"' EXIT
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

# begin WORD COMMAND...: beside other things, since it waits for the network, mostly.
begin() {
    local word=$1
    shift
    nice "$@" >"$work/$word.log" 2>&1 &
    beside[$word]=$!
}

# finish WORD: what it said, and its status.
finish() {
    local status
    [ -n "${beside[$1]:-}" ] || return
    wait "${beside[$1]}"
    status=$?
    unset "beside[$1]"
    cat "$work/$1.log"
    return $status
}

start_root() {
    tests/need.sh debootstrap gpgv && begin root tests/matrix.sh prepare
}

set_up() {
    local rust=()
    local valgrind=()
    # Debian 12's own cargo is older than the crates; the one it builds browsers with is not.
    command -v cargo >/dev/null || rust=(cargo-web)
    [ $is_long = no ] || valgrind=(valgrind libc6-dbg)
    say "set-up"
    tests/need.sh ca-certificates clang clang-format ffmpeg g++ gcc gir1.2-gst-plugins-base-1.0 \
        gir1.2-gstreamer-1.0 git gstreamer1.0-libav gstreamer1.0-plugins-bad \
        gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly \
        gstreamer1.0-tools libc6-dev libclang-rt-dev libgstreamer-plugins-base1.0-dev \
        libgstreamer1.0-dev meson ninja-build pkg-config python3 python3-dev python3-gi \
        python3-numpy python3-pip python3-pytest python3-torch python3-venv spin strace \
        "${rust[@]}" "${valgrind[@]}"
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

# run_tests NAME LOG COMMAND...: a `meson test`. TAP subtests are counted from its log, not from
# what is shown.
run_tests() {
    local name=$1 log=$2 status
    shift 2
    say "tests: $name"
    rm -f "$log"
    "$@" --no-rebuild --print-errorlogs -t "$time_factor" | grep -v '^ninja:\|^$\|^Full log'
    status=${PIPESTATUS[0]}
    printf 'suite\t%d\t%s\t%s\n' "$status" "$name" "$log" >>"$results"
}

# run_valgrind DIR: the harness forks a process for each test, and valgrind follows.
run_valgrind() {
    local name=testlog-valgrind
    TEST_TIMEOUT=600 G_SLICE=always-malloc run_tests valgrind "$1/meson-logs/$name.json" \
        meson test -C "$1" --logbase "$name" --suite gst --wrap "valgrind -q --leak-check=full \
            --show-leak-kinds=definite --errors-for-leak-kinds=definite --error-exitcode=9 \
            --num-callers=25 --suppressions=$PWD/tests/gst/valgrind.supp"
}

# build_rust: what the interop tests start. cargo builds by itself, beside ninja.
build_rust() {
    CARGO_TARGET_DIR=$PWD/build/bindings/rust/target LIBTACHYON_VENDORED=1 \
        cargo build --release --manifest-path bindings/rust/Cargo.toml --example interop \
        --example interop_stream
}

# Many a test sleeps: with more of them than there are processors, none of these does.
export MESON_TESTTHREADS=$(($(nproc) + 1))
bindings=(-Dpython=enabled -Drust=enabled)
[ $is_matrix = no ] || step "trixie: set-up" start_root
set_up
begin wheel bindings/python/tests/wheel.sh
if step "build with gcc" build build gcc -Dgst=enabled "${bindings[@]}"; then
    step "build with cargo" build_rust
    step "wheel" finish wheel && tail -n 1 "$work/log"
    MESON_TESTTHREADS=$(($(nproc) + 2)) \
        run_tests gcc build/meson-logs/testlog.json meson test -C build
    [ $is_long = no ] || run_valgrind build
    step "quickstart" examples/quickstart.sh && tail -n 1 "$work/log"
fi

if [ $is_quick = no ]; then
    # For its warnings, and its fuzzer: what is fuzzed is optimised all the same.
    if step "build with clang" build build-clang clang -Dgst=enabled -Dpython=enabled \
        -Doptimization=0 -Dfuzz=enabled; then
        step "fuzz" tests/fuzz/fuzz.py build-clang && grep '^fuzz ' "$work/log"
    fi

    # An interpreter bears ASan, and GStreamer does; cargo builds for itself. To optimise less takes
    # two thirds of the time to build, and adds little to that of testing.
    lib_only=(-Doptimization=1 -Drust=disabled -Dexamples=disabled -Dbench=disabled)
    time_factor=$((time_factor * 3))

    if step "build with ASan and UBSan" \
        build build-asan gcc -Db_sanitize=address,undefined -Db_lundef=false \
        -Dgst=enabled -Dpython=enabled "${lib_only[@]}"; then
        run_tests asan build-asan/meson-logs/testlog.json meson test -C build-asan
    fi

    # gcc 12's runtime dies where the kernel spreads addresses more than it knew.
    fixed_addresses=()
    setarch -R true 2>/dev/null && fixed_addresses=(setarch -R)
    if step "build with TSan" build build-tsan gcc -Db_sanitize=thread -Dgst=disabled \
        -Dpython=disabled "${lib_only[@]}"; then
        run_tests tsan build-tsan/meson-logs/testlog.json \
            "${fixed_addresses[@]}" meson test -C build-tsan
    fi
    time_factor=$((time_factor / 3))
fi

if [ $is_matrix = yes ] && step "trixie: root" finish root &&
    step "trixie: build" tests/matrix.sh build; then
    run_tests trixie "$(tests/matrix.sh log)" tests/matrix.sh test
fi

say "done"
if ! command -v python3 >/dev/null; then
    echo "0 passed, 1 failed"
    exit 1
fi
python3 tests/results.py "$results"
