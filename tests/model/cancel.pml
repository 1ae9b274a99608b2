/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Promela model of threads that wait in one bus while others cancel, resume and end it: lib/bus.c and lib/bus-life.c,
 * lib/PROTOCOL.md sections 4 (who flushes before a sleep) and 5; lib/include/tachyon/bus.h says what is promised.
 *
 * Thread 0 receives, CALLS times; thread 1 sends a batch, and waits for space, so that both may sleep.  Another cancels and
 * resumes CANCELS times.  One shuts the bus down at some point, and with DESTROY destroys it: when it begins, who is in a call
 * is asleep there, and no call begins after (that is asked of its caller).  The peer sends MESSAGES, and makes space once.
 * Memory is sequentially consistent here; what a sleep itself needs is ring.pml's.
 *
 * Asserted: a cancel ends every wait that was under way, also where it is taken back at once; the event is set afterwards
 * exactly if a cancel, or the end, is in force: no poll spins, none sleeps through it; the end is never forgotten; one thread
 * at a time is in the sending ring, and none sleeps on a batch of its own that the peer cannot see; nobody touches what was
 * destroyed.
 *
 * size      CALLS CANCELS MESSAGES
 * shape     DESTROY   NOEND  nobody shuts it down
 * mutations M_CLEARATONCE(a resume clears the event at once) M_NOCOUNT(a wait does not notice a cancel that was taken back)
 *           M_NOEVENT(a cancel sets no event) M_FORGETEND(a resume clears it also when the bus has ended) M_FLUSHANY(who sleeps
 *           flushes also another thread's batch) M_FLUSHNONE M_NOSLEEPERS(destroy waits for nobody) M_TAKEAFTER(what was waited
 *           for is taken when the wait was left: so does lib/bus.c today, see README.md)
 */
#ifndef CALLS
#define CALLS 2
#endif
#ifndef CANCELS
#define CANCELS 1
#endif
#ifndef MESSAGES
#define MESSAGES 1
#endif
#define NOBODY 255

byte lock = NOBODY;                                  /* sleep_lock */
byte sleepers, old_sleepers, cancels, resumes;
bool is_canceled, broken, event, destroyed, destroying;
byte data, space, sent;                              /* what there is to take */
bool bell[2];
byte unflushed, batch_owner = NOBODY, in_sender = NOBODY;
/* ghosts */
bool calls[2], waits[2], asleep[2], must_end[2], calls_off;

#define TOUCH assert(!destroyed)
#define LOCK atomic { lock == NOBODY -> TOUCH; lock = me }
#define UNLOCK atomic { TOUCH; lock = NOBODY }

inline flush() {
  atomic { TOUCH; assert(in_sender == NOBODY); in_sender = me };
  atomic { unflushed = 0; batch_owner = NOBODY; in_sender = NOBODY }
}
inline flush_own_batch() {
#if defined(M_FLUSHANY)
  if :: unflushed -> flush() :: else fi
#elif defined(M_FLUSHNONE)
  skip
#else
  if :: atomic { batch_owner == me -> TOUCH }; flush() :: atomic { batch_owner != me -> TOUCH } fi
#endif
}
/* With the lock. */
inline forget_cancel() {
  event = 0;
#ifndef M_FORGETEND
  if :: broken -> event = 1 :: else fi
#endif
}
#define MET ((me == 0 && data > 0) || (me == 1 && space > 0))
inline take() {
  atomic { TOUCH;
    if
    :: me == 0 && data > 0 -> data--
    :: me == 1 && space > 0 -> space--
    :: else
    fi }
}
#ifdef M_NOCOUNT
#define CANCELED is_canceled
#else
#define CANCELED (is_canceled || cancels != mine)
#endif

/* wait_for(): met, or it was interrupted */
inline wait_for() {
  flush_own_batch();
  LOCK;
  atomic { sleepers++; mine = cancels; waits[me] = true };
  UNLOCK;
  do
  :: atomic { why = broken || CANCELED; assert(!must_end[me] || why) };/* armed; the end first, then the need */
     atomic { met = MET;
       if
       :: !met && !why ->
          asleep[me] = true;
          assert(unflushed == 0 || batch_owner != me)
       :: else
       fi };
     if
     :: asleep[me] -> atomic { bell[me] || event -> asleep[me] = false; bell[me] = false }
     :: else
     fi;
     if
     :: met || why -> break
     :: else -> atomic { met = MET; if :: met -> break :: else fi }
     fi
  od;
#ifndef M_TAKEAFTER
  if :: met -> take() :: else fi;
#endif
  LOCK;
  atomic { sleepers--; waits[me] = false; must_end[me] = false;
    if
    :: cancels != mine ->
       assert(old_sleepers > 0);
       old_sleepers--;
       if :: old_sleepers == 0 && !is_canceled -> forget_cancel() :: else fi
    :: else
    fi };
  UNLOCK;
#ifdef M_TAKEAFTER
  if :: met -> take() :: else fi;
#endif
  atomic { met = false; why = false; mine = 0 }
}
#define BEGIN_CALL atomic { !destroying && !broken -> calls[me] = true }

proctype receiver(byte me) {
  byte n, mine; bool met, why;
  do
  :: n < CALLS -> n++;
     if
     :: BEGIN_CALL; wait_for(); calls[me] = false
     :: atomic { destroying || broken -> break }
     fi
  :: else -> break
  od
}
proctype sender(byte me) {
  byte mine; bool met, why;
  if
  :: BEGIN_CALL;
     atomic { TOUCH; assert(in_sender == NOBODY); in_sender = me };
     atomic { unflushed++; batch_owner = me; in_sender = NOBODY };
     calls[me] = false
  :: atomic { destroying || broken -> goto over }
  fi;
  if
  :: BEGIN_CALL;
     /* or one more of the batch, for which there is room */
     if
     :: wait_for()
     :: atomic { TOUCH; assert(in_sender == NOBODY); in_sender = me };
        atomic { unflushed++; batch_owner = me; in_sender = NOBODY };
        wait_for()
     fi;
     calls[me] = false
  :: atomic { destroying || broken -> skip }
  fi;
over: skip
}
proctype canceller(byte me) {
  byte n;
  do
  :: atomic { n < CANCELS && !destroying -> n++; calls_off = true };
     LOCK;
     atomic { cancels++; is_canceled = 1; old_sleepers = sleepers;
#ifndef M_NOEVENT
       event = 1;
#endif
       must_end[0] = waits[0]; must_end[1] = waits[1] };
     UNLOCK;
     calls_off = false;
     if
     :: atomic { resumes < n && !destroying -> calls_off = true };
        LOCK;
        is_canceled = 0;
#ifdef M_CLEARATONCE
        forget_cancel();
#else
        if :: old_sleepers == 0 -> forget_cancel() :: else fi;
#endif
        UNLOCK;
        atomic { resumes = n; calls_off = false }
     :: break
     fi
  :: atomic { n == CANCELS || destroying -> break }
  od
}
proctype peer() {
  do
  :: d_step { sent < MESSAGES -> sent++; data++; bell[0] = true }
  :: d_step { sent < MESSAGES -> sent++; space++; bell[1] = true }
  :: else -> break
  od
}
#define IN_SLEEP(i) (!calls[i] || asleep[i])
proctype ender(byte me) {
#ifdef DESTROY
  atomic { IN_SLEEP(0) && IN_SLEEP(1) && !calls_off -> destroying = true };
#endif
  flush_own_batch();
  broken = true;
  event = true;
#ifdef DESTROY
#ifndef M_NOSLEEPERS
  LOCK;
  do
  :: sleepers > 0 -> UNLOCK; atomic { sleepers == 0 -> skip }; LOCK
  :: else -> break
  od;
  UNLOCK;
#endif
  atomic { destroyed = true }
#endif
}
proctype monitor() {                     /* runs only when nothing else can */
  byte i;
  timeout -> d_step {
    assert(lock == NOBODY);
    assert(!must_end[0] && !must_end[1]);
    assert(!broken || (!calls[0] && !calls[1]));
    assert(destroyed || event == (is_canceled || broken));
    assert(!asleep[0] || data == 0);
    assert(!asleep[1] || space == 0)
  }
}
init { atomic { run receiver(0); run sender(1); run canceller(2); run peer();
#ifndef NOEND
  run ender(3);
#endif
  run monitor() } }
