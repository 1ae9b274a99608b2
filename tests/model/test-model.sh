#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
#
# test-model.sh [MODEL...]: the protocol's models, all or those named. Each configuration is explored fully and holds; each
# mutation, a rule of lib/PROTOCOL.md left out, fails. TACHYON_TEST_LONG=1 adds the large configurations.
cd "$(dirname "$0")" || exit 99

if ! command -v spin >/dev/null; then
	echo "1..0 # SKIP spin is not installed"
	exit 0
fi

number=0
failed=0
long=${TACHYON_TEST_LONG:-0}

# expect STATUS NAME "-Dflags", of $model
expect() {
	number=$((number + 1))
	verdict=$(./check.sh "$model" "$3")
	status=$?
	if [ $status = "$1" ]; then
		echo "ok $number - $model: $2: $verdict"
	else
		echo "not ok $number - $model: $2: $verdict (status $status, expected $1)"
		failed=1
	fi
}

# large "-Dflags" NAME: in the long form only
large() {
	[ "$long" != 1 ] || expect 0 "$2" "$1"
}

# holds "-Dflags" NAME
holds() {
	expect 0 "$2" "$1"
}

# fails "-Dflags" MUTATION...
fails() {
	flags=$1
	shift
	for mutation in "$@"; do
		expect 1 "without its rule: $mutation" "$flags -DM_$mutation"
	done
}

ring() {
	flags='-DFIX_ALWAYS'
	laps='-DFIX_ALWAYS -DN=3 -DKMAX=1 -DMAXMSG=4 -DROLLBACK=1'
	receiver='-DFIX_ALWAYS -DKILL_RECEIVER -DN=3 -DMAXMSG=2'

	holds "$flags -DMAXMSG=3"                        'one way'
	holds "$flags -DMAXMSG=3 -DM_FENCE"              'one way, both sides fence'
	holds "$flags -DMAXMSG=3 -DSTALL"                'a receiver that stops calling'
	holds "$flags -DDUPLEX -DN=3 -DKMAX=1 -DMAXMSG=2" 'both directions'
	holds "$flags -DFIX_FLUSH -DWANT_FLUSHED -DBATCH -DKMAX=1" 'batches, none left before a sleep'
	holds "$flags -DKILL -DMAXMSG=2"                 'a producer killed at any step'
	holds "$receiver"                                'a receiver killed at any step'
	holds "$flags -DEARLY -DSPUR=1 -DMAXMSG=2"       'targets short of what is needed'
	# Laps in which no cell is zeroed, and payload that was written and given up.
	holds "$laps"                                    'tags of the last lap'
	holds "$flags -DN=4 -DMAXMSG=4 -DROLLBACK=1 -DSC" 'tags and payload of the last lap'
	large "$flags -DMAXMSG=4"                        'one way, 4 messages'
	large "$flags -DHOLD -DSC"                       'a receiver that keeps a message'
	large "$flags -DDUPLEX -DSC -DN=3 -DKMAX=1 -DMAXMSG=3" 'both directions, 3 messages'
	large "$flags -DEARLY -DSPUR=1 -DMAXMSG=3"       'targets short of need, 3 messages'
	large "$flags -DN=3 -DMAXMSG=4 -DROLLBACK=1 -DSC -DFIX_FLUSH -DWANT_FLUSHED -DBATCH" \
		'tags of the last lap, batches'
	large "$flags -DKILL -DN=3 -DKMAX=1 -DMAXMSG=4"  'tags of the last lap, killed'
	large "$flags -DKILL_RECEIVER -DMAXMSG=3"        'a receiver killed at any step, 3 messages'
	fails "$flags -DMAXMSG=3" NOBARRIER HALFFENCE NOZERO ZEROLATE FULLCAP ONELOAD LOADFIRST DRAINLATE \
		NOEPOCH NORECHECK NOLAP
	fails "$laps" ONLYZERO ROLLBACK
	fails "$flags -DKILL -DMAXMSG=2" HUPFIRST NOHANGUP
	fails "$receiver" NOHANGUP
}

stream() {
	writers='-DTURNSTILE -DNOREAD -DSLOTS=2 -DSLEEPERS=0 -DWATCHERS=0 -DWRITERS=3'
	values='-DWATCHERS=0'
	sleep='-DNOREAD -DSLOTS=2'
	watchers='-DNOREAD -DSLOTS=2 -DSLEEPERS=0 -DWATCHERS=2 -DKILLS=1'

	holds "$values -DSLOTS=2 -DWRITERS=1 -DWRITES=5"   'a reader that is lapped'
	holds "$values -DSLOTS=2 -DWRITES=2 -DKILLS=1"     'values, killed at any step'
	holds "$values -DSLOTS=3 -DKILLS=1"                'three slots, one killed'
	holds "$values -DSLOTS=2 -DWRITERS=1 -DWRITES=4 -DROLLBACK" 'values that are given up'
	holds "$sleep -DKILLS=1"                           'sleeping, killed at any step'
	holds "$sleep -DSLEEPERS=2 -DWATCHERS=0 -DKILLS=1" 'two sleepers, one killed'
	holds "$watchers -DWRITERS=1 -DWRITES=2"           'two watchers of one writer, one killed'
	holds "$writers -DWRITES=2"                        'the lock, nobody killed'
	holds "$writers -DKILLS=1"                         'the lock, killed at any step'
	large "$values -DWRITES=2"                         'four slots'
	large "$values -DSLOTS=2 -DWRITES=2 -DKILLS=1 -DROLLBACK" 'values, given up or killed'
	large "$sleep -DSLEEPERS=2 -DWATCHERS=0 -DKILLS=2" 'two sleepers, two killed'
	large "$sleep -DSLEEPERS=0 -DKILLS=3"              'a watcher, all killed'
	large "$watchers"                                  'two watchers of two writers, one killed'
	fails "$values -DSLOTS=2 -DWRITERS=1 -DWRITES=3" NOTODD FINISHFIRST NORECHECK NOCOUNT
	fails "$values -DSLOTS=2 -DKILLS=1" PUBLISHFIRST SAMESLOT
	fails "$values -DSLOTS=2 -DWRITERS=1 -DWRITES=4 -DROLLBACK" GIVEUPEVEN
	fails "$sleep -DKILLS=1" TWOSTEPS NOSWAP TOUCHLATE NORINGING WATCHARMS REPAIRUNLOCKED NOREPAIR NOCOMPARE
	fails "$writers" ARMONCE LEAVEFIRST NOAGAIN
	fails "$writers -DKILLS=1" FLAGLOCK
}

join() {
	holds '-DRING=1'                   'state and frames, a ring of one message'
	holds ''                           'state and frames'
	holds '-DDROP'                     'frames that a slow subscriber misses'
	holds '-DKEYS=3 -DRING=1'          'three keys, a ring of one message'
	holds '-DKEYS=3 -DDROP'            'three keys, frames that are missed'
	large '-DKEYS=3 -DSETS=5 -DFRAMES=3 -DRING=3 -DDROP' 'five changes, three frames'
	fails '-DRING=1' WALKALL SINCENOW KEYORDER NOSYNC ADVANCE NORESTART
	fails '-DRING=1 -DDROP' NOHINT
}

blocks() {
	twice='-DCONNS=1 -DSLOTS=1 -DKICKS=1 -DREPUBLISH'
	events='-DCONNS=1 -DSLOTS=1 -DEVENTS=2 -DFRAMES=4'
	quota='-DCONNS=1 -DSLOTS=1 -DFRAMES=4 -DREPUBLISH -DBACK=2'

	holds ''                           'two subscribers'
	holds '-DKILLS=1'                  'two subscribers, one killed at any step'
	holds "$twice"                     'dropped while it reads, blocks that are out twice'
	holds '-DSLOTS=1 -DKICKS=1 -DKILLS=1' 'one after the other in one place, dropped or killed'
	holds "$events"                    'returns among other messages'
	holds "$quota"                     'a ring for the quota alone'
	large '-DREPUBLISH -DKILLS=1'      'blocks that are out twice, one killed'
	large '-DKILLS=2 -DKICKS=1'        'two subscribers, killed and dropped'
	fails "$twice" NORAISE RAISELATE LOOKFIRST NOSWEEP SWEEPONE
	fails '' RAISEEARLY FREEEARLY
	fails '-DSLOTS=1 -DKICKS=1' LATERETURN
	fails '-DSLOTS=1 -DKILLS=1' NODRAIN NOSWEEP
	fails "$events" EVENTANY
	fails "$quota" NOQUOTA
}

segments() {
	holds ''                           'segments come and go'
	holds '-DGIVEUPS=1'                'one that was announced and never used'
	holds '-DGIVEUPS=1 -DEAGER'        'a subscriber that reads its socket at any time'
	holds '-DLINKS=2 -DIDS=2 -DFRAMES=3' 'two links'
	large '-DLINKS=2 -DIDS=3 -DFRAMES=3 -DSOCKET=3' 'two links, three segments'
	fails '' FRAMEFIRST NOREAD RETIRETWICE REVIVEASKED DOOMKNOWN NEVERRETIRE
	fails '-DEAGER' NOANSWER
	fails '-DM_ANSWERFIRST' RETIREUSED
}

release() {
	holds ''                           'frames released by two threads, closed by another'
	holds '-DKEEP'                     'one frame is kept'
	large '-DTHREADS=3 -DFRAMES=4'     'four frames, three threads'
	fails '' NOMUTEX LASTOUTSIDE CLOSEFIRST COUNTLATE POINTER
	fails '-DKEEP' NOUNREAD NODRAINING
}

cancel() {
	quiet='-DNOEND -DMESSAGES=0'

	holds ''                           'cancelled, resumed, shut down'
	holds '-DNOEND'                    'cancelled, resumed'
	holds "$quiet -DCANCELS=2"         'twice, where nothing comes'
	holds '-DDESTROY'                  'destroyed under who sleeps'
	large '-DDESTROY -DMESSAGES=2 -DCANCELS=2' 'destroyed, two messages, cancelled twice'
	fails '' FORGETEND FLUSHANY FLUSHNONE
	fails "$quiet" CLEARATONCE NOCOUNT NOEVENT
	fails '-DDESTROY' NOSLEEPERS TAKEAFTER
}

[ $# -gt 0 ] || set -- ring stream join blocks segments release cancel
for model in "$@"; do
	case $model in
	ring | stream | join | blocks | segments | release | cancel) $model ;;
	*) echo "Bail out! no model $model"; exit 99 ;;
	esac
done

echo "1..$number"
exit $failed
