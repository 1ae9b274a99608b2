#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
#
# The protocol's model: each configuration is explored fully and holds; each mutation, a rule of
# lib/PROTOCOL.md left out, fails. TACHYON_TEST_LONG=1 adds the large configurations.
cd "$(dirname "$0")" || exit 99

if ! command -v spin >/dev/null; then
	echo "1..0 # SKIP spin is not installed"
	exit 0
fi

number=0
failed=0

# expect STATUS NAME "-Dflags"
expect() {
	number=$((number + 1))
	verdict=$(./check.sh "-DFIX_ALWAYS $3")
	status=$?
	if [ $status = "$1" ]; then
		echo "ok $number - $2: $verdict"
	else
		echo "not ok $number - $2: $verdict (status $status, expected $1)"
		failed=1
	fi
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

echo "1..$number"
exit $failed
