#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
#
# lib/ring.c and lib/wait.c as they are, under GenMC: every execution of the programs in c/ that C11's memory model (RC11)
# allows, weak machines' reorderings included. Then with each of their orderings weakened, which must fail.
#
# GenMC is not packaged. Version 0.10.3 of https://github.com/MPI-SWS/genmc (commit "Release GenMC v0.10.3"), with
# LLVM 14, is what this was written for; on Debian 12, in its sources:
#     apt install g++ make autoconf automake clang-14 llvm-14-dev libclang-14-dev libedit-dev libffi-dev zlib1g-dev
#     autoreconf --install && ./configure --with-llvm=/usr/lib/llvm-14 && make
# Then: GENMC=/path/to/genmc tests/model/genmc.sh, or with genmc in PATH. CLANG and OPT name clang and opt of the same LLVM.
# TACHYON_TEST_LONG=1 adds longer programs.
here=$(cd "$(dirname "$0")" && pwd)
lib=$here/../../lib
genmc=$(command -v "${GENMC:-genmc}")
clang=$(command -v "${CLANG:-clang-14}")
opt=$(command -v "${OPT:-opt-14}")

if [ -z "$genmc" ] || [ -z "$clang" ] || [ -z "$opt" ]; then
	echo "1..0 # SKIP needs genmc, clang-14 and opt-14: the head of genmc.sh tells how to get them"
	exit 0
fi
for include in "$(dirname "$genmc")/include" "$(dirname "$genmc")/../include/genmc"; do
	[ -f "$include/genmc.h" ] && break
done

dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT || exit 99
number=0
failed=0

# run LIB PROGRAM "-Dflags": 0 and what was explored; 1 and the error; 2: neither.
# GenMC takes struct copies apart only where LLVM's sroa did so before, and chokes on what is not used.
run() {
	# shellcheck disable=SC2086
	"$clang" -c -emit-llvm -O0 -w -Xclang -disable-O0-optnone -D__CONFIG_GENMC_INODE_DATA_SIZE=64 $3 \
		-I"$include" -I"$1" -I"$1/include" "$here/c/$2.c" -o "$dir/program.bc" || return 2
	"$opt" -internalize-public-api-list=main -passes='internalize,globaldce,function(sroa)' \
		"$dir/program.bc" -o "$dir/small.bc" || return 2
	timeout "${SECONDS_MAX:-900}" "$genmc" --rc11 --check-liveness --disable-ipr --disable-estimation \
		--input-from-bitcode-file "$dir/small.bc" >"$dir/out" 2>&1
	executions=$(sed -n 's/^Number of complete executions explored: //p' "$dir/out")
	blocked=$(sed -n 's/^Number of blocked executions seen: //p' "$dir/out")
	grep -m1 '^Error: ' "$dir/out" && return 1
	grep -q '^No errors were detected' "$dir/out" || { tail -n 3 "$dir/out"; return 2; }
	echo "$executions executions, ${blocked:-0} blocked"
	[ "${executions:-0}" -gt 0 ] || return 2
}

# expect STATUS LIB PROGRAM "-Dflags" NAME
expect() {
	number=$((number + 1))
	verdict=$(run "$2" "$3" "$4")
	status=$?
	if [ $status = "$1" ]; then
		echo "ok $number - $5: $verdict"
	else
		echo "not ok $number - $5: $verdict (status $status, expected $1)"
		failed=1
	fi
}

# holds PROGRAM "-Dflags" NAME
holds() {
	expect 0 "$lib" "$1" "$2" "$3"
}

# fails FILE SED PROGRAM "-Dflags" NAME: with one change of a copy of lib/.
fails() {
	rm -rf "$dir/lib"
	cp -r "$lib" "$dir/lib"
	sed -i "$2" "$dir/lib/$1"
	if cmp -s "$lib/$1" "$dir/lib/$1"; then
		number=$((number + 1))
		failed=1
		echo "not ok $number - $5: nothing in $1 matches the change"
		return
	fi
	expect 1 "$dir/lib" "$3" "$4" "without its rule: $5"
}

# order.c: "script" [more flags]; see there what the letters mean
script() {
	echo "-DSCRIPT=\"$1\" $2"
}

laps=$(script LSSSSS)
membarrier='-DWITH_MEMBARRIER'
space='-DSPACE -DCELLS=2'

holds order "$laps"                         'a payload where headers come to stand'
holds order "$(script SSSSSSSS)"            'short messages, two laps'
holds order "$(script LLLLL)"               'messages of two cells'
holds order "$(script BBSBBSBS)"            'batches'
holds order "$(script SSSSRSSS)"             'a reservation that was given up'
holds order "$(script SSSSSS -DHELD=3)"     'a full ring held'
holds order "$(script LBSLBSLS '-DCELLS=8 -DHELD=2')" 'batches of both lengths'
holds sleep ''                              'sleeping for data, both fence'
holds sleep '-DCELLS=2'                     'sleeping for data, a ring of one message'
holds sleep "$space -DMESSAGES=3"           'sleeping for space, both fence'
holds sleep '-DBOTH_SLEEP -DCELLS=2'        'sleeping for both'
holds sleep "$membarrier"                   'sleeping for data, the sleeper pays'
holds sleep "$membarrier -DCELLS=2"         'sleeping for data, the sleeper pays, a ring of one message'
holds sleep "$membarrier $space -DMESSAGES=3" 'sleeping for space, the sleeper pays'
if [ "${TACHYON_TEST_LONG:-0}" = 1 ]; then
	holds order "$(script BLBSLSRSSSSL)"            'all of it'
	holds order "$(script LSSSSSSSSS)"              'a payload where headers come to stand, three laps'
	holds sleep '-DMESSAGES=3'                      'sleeping for data, both fence, 3 messages'
	holds sleep "$membarrier -DMESSAGES=3"          'sleeping for data, the sleeper pays, 3 messages'
fi

relaxed='s/memory_order_\(release\|acquire\)/memory_order_relaxed/'
weaker='s/atomic_thread_fence(memory_order_seq_cst)/atomic_thread_fence(memory_order_acq_rel)/'
hoisted='s/word = atomic_load_explicit(waker->word, memory_order_relaxed)/word = hoisted_word/
	s/atomic_signal_fence(memory_order_seq_cst);//'

fails ring.h "/bool tach_ring_flush/,/^}/ $relaxed"        order "$laps" 'the release of a flush'
fails ring.h "/int tach_ring_receive/,/^}/ $relaxed"       order "$laps" 'the acquire of a receive'
fails ring.h "/int tach_ring_release/,/^}/ $relaxed"       order "$laps" 'the release of a head'
fails ring.c "/int tach_ring_refresh_head/,/^}/ $relaxed"  order "$laps" 'the acquire of a head'
fails ring.h 's/if (tach_unlikely(next < .*size))/if (0)/' order "$laps" 'the zero of the next header'
fails ring.h 's/next < sender->payload_end + sender->size/next < sender->payload_end/' \
	order "$laps" 'the zero after a lap'
fails ring.h '/sender->payload_end = sender->sent + bytes/d' \
	order "$(script SSSSRSSS)" 'the zero after a rollback'
fails wait.h "$weaker"                 sleep ''             'the fence of the waker, for data'
fails wait.h "$weaker"                 sleep "$space"       'the fence of the waker, for space'
fails wait.c "$weaker"                 sleep ''             'the fence of the sleeper, for data'
fails wait.c "$weaker"                 sleep "$space"       'the fence of the sleeper, for space'
fails wait.c 's/ret = tach_os_membarrier();/ret = 0;/' \
	sleep "$membarrier" 'membarrier, for data'
fails wait.c 's/ret = tach_os_membarrier();/ret = 0;/' \
	sleep "$membarrier $space" 'membarrier, for space'
fails wait.h "$hoisted"                sleep "$membarrier -DHOISTED" 'the fence for the compiler'
fails wait.c 's/wait->epoch = (wait->epoch + 1).*/wait->epoch = 1;/' \
	sleep '-DMESSAGES=3' 'a new epoch for each sleep'

echo "1..$number"
exit $failed
