#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
#
# The protocol's models: each configuration is explored fully and holds; each mutation, a rule of
# lib/PROTOCOL.md left out, fails. TACHYON_TEST_LONG=1 adds the large configurations.
cd "$(dirname "$0")" || exit 99

if ! command -v spin >/dev/null; then
	echo "1..0 # SKIP spin is not installed"
	exit 0
fi

number=0
failed=0

# explore MODEL STATUS NAME "-Dflags"
explore() {
	number=$((number + 1))
	verdict=$(./check.sh "$1" "$4")
	status=$?
	if [ $status = "$2" ]; then
		echo "ok $number - $3: $verdict"
	else
		echo "not ok $number - $3: $verdict (status $status, expected $2)"
		failed=1
	fi
}

# expect STATUS NAME "-Dflags"
expect() {
	explore ring "$1" "$2" "-DFIX_ALWAYS $3"
}

expect 0 'one way'                           '-DMAXMSG=3'
expect 0 'one way, both sides fence'         '-DMAXMSG=3 -DM_FENCE'
expect 0 'a receiver that stops calling'     '-DMAXMSG=3 -DSTALL'
expect 0 'both directions'                   '-DDUPLEX -DN=3 -DKMAX=1 -DMAXMSG=2'
expect 0 'batches, none left before a sleep' '-DFIX_FLUSH -DWANT_FLUSHED -DBATCH -DKMAX=1'
expect 0 'a producer killed at any step'     '-DKILL -DMAXMSG=2'
expect 0 'targets short of what is needed'   '-DEARLY -DSPUR=1 -DMAXMSG=2'
# Laps in which no cell is zeroed, and payload that was written and given up.
expect 0 'tags of the last lap'              '-DN=3 -DKMAX=1 -DMAXMSG=4 -DROLLBACK=1'
expect 0 'tags and payload of the last lap'  '-DN=4 -DMAXMSG=4 -DROLLBACK=1 -DSC'
if [ "${TACHYON_TEST_LONG:-0}" = 1 ]; then
	expect 0 'one way, 4 messages'               '-DMAXMSG=4'
	expect 0 'a receiver that keeps a message'   '-DHOLD -DSC'
	expect 0 'both directions, 3 messages'       '-DDUPLEX -DSC -DN=3 -DKMAX=1 -DMAXMSG=3'
	expect 0 'targets short of need, 3 messages' '-DEARLY -DSPUR=1 -DMAXMSG=3'
	expect 0 'tags of the last lap, batches'     '-DN=3 -DMAXMSG=4 -DROLLBACK=1 -DSC -DFIX_FLUSH -DWANT_FLUSHED -DBATCH'
	expect 0 'tags of the last lap, killed'      '-DKILL -DN=3 -DKMAX=1 -DMAXMSG=4'
fi

for mutation in NOBARRIER HALFFENCE NOZERO ZEROLATE FULLCAP ONELOAD LOADFIRST DRAINLATE NOEPOCH \
	NORECHECK NOLAP; do
	expect 1 "without its rule: $mutation" "-DMAXMSG=3 -DM_$mutation"
done
for mutation in ONLYZERO ROLLBACK; do
	expect 1 "without its rule: $mutation" "-DN=3 -DKMAX=1 -DMAXMSG=4 -DROLLBACK=1 -DM_$mutation"
done
expect 1 'without its rule: HUPFIRST' '-DKILL -DMAXMSG=2 -DM_HUPFIRST'

# --- streams ---

# expect_stream STATUS NAME "-Dflags"
expect_stream() {
	explore stream "$1" "streams: $2" "$3"
}

only_writers='-DTURNSTILE -DNOREAD -DSLOTS=2 -DSLEEPERS=0 -DWATCHERS=0 -DWRITERS=3'
only_values='-DWATCHERS=0'
only_sleep='-DNOREAD -DSLOTS=2'

expect_stream 0 'a reader that is lapped'      "$only_values -DSLOTS=2 -DWRITERS=1 -DWRITES=5"
expect_stream 0 'values, killed at any step'   "$only_values -DSLOTS=2 -DWRITES=2 -DKILLS=1"
expect_stream 0 'three slots, one killed'      "$only_values -DSLOTS=3 -DKILLS=1"
expect_stream 0 'values that are given up'     "$only_values -DSLOTS=2 -DWRITERS=1 -DWRITES=4 -DROLLBACK"
expect_stream 0 'sleeping, killed at any step' "$only_sleep -DKILLS=1"
expect_stream 0 'two sleepers, one killed'     "$only_sleep -DSLEEPERS=2 -DWATCHERS=0 -DKILLS=1"
expect_stream 0 'two watchers, one killed'     "$only_sleep -DSLEEPERS=0 -DWATCHERS=2 -DKILLS=1"
expect_stream 0 'the lock, nobody killed'      "$only_writers -DWRITES=2"
expect_stream 0 'the lock, killed at any step' "$only_writers -DKILLS=1"
if [ "${TACHYON_TEST_LONG:-0}" = 1 ]; then
	expect_stream 0 'four slots'                 "$only_values -DWRITES=2"
	expect_stream 0 'values, given up or killed' "$only_values -DSLOTS=2 -DWRITES=2 -DKILLS=1 -DROLLBACK"
	expect_stream 0 'two sleepers, two killed'   "$only_sleep -DSLEEPERS=2 -DWATCHERS=0 -DKILLS=2"
	expect_stream 0 'a watcher, all killed'      "$only_sleep -DSLEEPERS=0 -DKILLS=3"
fi

for mutation in NOTODD FINISHFIRST NORECHECK NOCOUNT; do
	expect_stream 1 "without its rule: $mutation" "$only_values -DSLOTS=2 -DWRITERS=1 -DWRITES=3 -DM_$mutation"
done
for mutation in PUBLISHFIRST SAMESLOT; do
	expect_stream 1 "without its rule: $mutation" "$only_values -DSLOTS=2 -DKILLS=1 -DM_$mutation"
done
expect_stream 1 'without its rule: GIVEUPEVEN' "$only_values -DSLOTS=2 -DWRITERS=1 -DWRITES=4 -DROLLBACK -DM_GIVEUPEVEN"
for mutation in TWOSTEPS NOSWAP TOUCHLATE NORINGING WATCHARMS REPAIRUNLOCKED NOREPAIR NOCOMPARE; do
	expect_stream 1 "without its rule: $mutation" "$only_sleep -DKILLS=1 -DM_$mutation"
done
for mutation in ARMONCE LEAVEFIRST NOAGAIN; do
	expect_stream 1 "without its rule: $mutation" "$only_writers -DM_$mutation"
done
expect_stream 1 'without its rule: FLAGLOCK' "$only_writers -DKILLS=1 -DM_FLAGLOCK"

echo "1..$number"
exit $failed
