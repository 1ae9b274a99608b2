/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Promela model of lib/PROTOCOL.md section 9 (streams): lib/slots.h, lib/beacon.h and lib/turnstile.h.
 *
 * WRITERS write WRITES values each; sleepers sleep on the word for the next value, watchers poll a descriptor for it;
 * each reads what it waited for, and waits for the next.  KILLS of all these may die, at any step: the kernel then frees
 * the lock, and nobody comes in their place.  Each atomic block holds one load or store of shared memory, or one system
 * call, and nothing is reordered: what stands in lib/ as release, acquire and fence is taken for granted, and M_NOTODD,
 * M_FINISHFIRST, M_PUBLISHFIRST and M_NORECHECK are what would happen without.  A value is two words with the same stamp,
 * of which each attempt to write has its own: so it is told also from one of the same count that nobody published.
 *
 * size      WRITERS WRITES SLEEPERS WATCHERS SLOTS KILLS(how many may die) TRIES(of a reader, before it takes the lock)
 * shape     TURNSTILE  waiting for the lock is modelled, too (else it is waited for)   ROLLBACK  a write may be given up
 *           NOREAD     readers look at the count alone (for questions of sleeping)
 * mutations slots:     M_NOTODD M_FINISHFIRST M_PUBLISHFIRST M_NORECHECK M_NOCOUNT M_SAMESLOT M_GIVEUPEVEN
 *           beacon:    M_TWOSTEPS(add, and then wake) M_NOSWAP(published by an addition, wherever somebody fell asleep)
 *                      M_TOUCHLATE M_NORINGING M_WATCHARMS M_NOREPAIR M_NOCOMPARE
 *           turnstile: M_FLAGLOCK(its holder's death does not free it) M_ARMONCE M_LEAVEFIRST M_NOAGAIN
 * A repair without the lock (M_REPAIRUNLOCKED) fails, too.
 */
#ifndef WRITERS
#define WRITERS 2
#endif
#ifndef WRITES
#define WRITES 1
#endif
#ifndef SLEEPERS
#define SLEEPERS 1
#endif
#ifndef WATCHERS
#define WATCHERS 1
#endif
#ifndef SLOTS
#define SLOTS 4
#endif
#ifndef KILLS
#define KILLS 0
#endif
#ifndef TRIES
#define TRIES 2
#endif
#define READERS (SLEEPERS + WATCHERS)
#define ALL (WRITERS + READERS)
#define NOBODY 255

/* the word: the newest value's count << 4, and these */
#define ASLEEP 1
#define WATCHED 2
#define RINGING 4
#define BITS 15
#define NEWEST (word >> 4)

typedef Slot { byte version; byte count; byte first; byte last }
Slot slot[SLOTS];
byte word, turn;
byte newest_slot;                /* in lib/ it is a part of the word: written and read with it here */
byte holder = NOBODY;            /* the kernel's: whose the lock is */

bool dead[ALL], fin[ALL];
bool slp[ALL], slp_turn[ALL];    /* asleep on the word; on the turnstile's */
bool poll[ALL], event[ALL];      /* in poll(); what the descriptor has to say */
byte want[ALL];
byte stamps;
byte published[WRITERS * WRITES + 1];
byte deaths;

/* --- the kernel --- */

inline wake_all() {
  d_step {
  i = 0;
  do :: i < ALL -> slp[i] = 0; i++ :: else -> break od;
  i = 0 }
}
inline touch() {
  d_step {
  i = WRITERS + SLEEPERS;
  do :: i < ALL -> event[i] = 1; i++ :: else -> break od;
  i = 0 }
}
inline wake_one() {              /* any of them */
  atomic {
  if
  :: slp_turn[0] -> slp_turn[0] = 0
#if ALL > 1
  :: slp_turn[1] -> slp_turn[1] = 0
#endif
#if ALL > 2
  :: slp_turn[2] -> slp_turn[2] = 0
#endif
#if ALL > 3
  :: slp_turn[3] -> slp_turn[3] = 0
#endif
  :: else
  fi }
}

/* --- turnstile.h --- */

inline enter() {
#ifndef TURNSTILE
  atomic { holder == NOBODY -> holder = me }
#else
  do
  :: atomic { holder == NOBODY -> holder = me; break }
  :: atomic { holder != NOBODY -> skip };
     do
     :: atomic { turn = turn | 1; w = turn };
#ifndef M_NOAGAIN
        if
        :: atomic { holder == NOBODY -> holder = me; w = 0; goto entered }
        :: atomic { holder != NOBODY -> skip }
        fi;
#endif
        if
        :: atomic { turn == w -> slp_turn[me] = 1; w = 0 };
           if
           :: !slp_turn[me]
           :: atomic { deaths > 0 && holder == NOBODY -> slp_turn[me] = 0 }    /* the slice ends */
           fi
        :: atomic { turn != w -> w = 0 }
        fi;
#ifdef M_ARMONCE
        if
        :: atomic { holder == NOBODY -> holder = me; goto entered }
        :: atomic { holder != NOBODY -> skip }
        fi
#endif
     od
  od;
entered: skip
#endif
}
inline leave() {
#ifndef TURNSTILE
  holder = NOBODY
#else
#ifdef M_LEAVEFIRST
  w = turn;
  holder = NOBODY;
#else
  holder = NOBODY;
  w = turn;
#endif
  if
  :: (w & 1) ->
     atomic {
     if
     :: turn == w -> turn = (turn & 254) + 2; w = 1
     :: else -> w = 0
     fi };
     if :: w -> w = 0; wake_one() :: else fi
  :: else -> w = 0
  fi
#endif
}
/* Never waits. */
#define FREE (holder == NOBODY)

/* --- beacon.h --- */

#define NEXT_WORD (((word >> 4) + 1) << 4)
/* In the same step. */
inline note_value() {
  assert(c == NEWEST);
  newest_slot = s;
  published[c] = stamp
}
inline announce() {
#ifdef M_NORINGING
  w = word;
#else
  atomic { w = word; word = word | RINGING };
#endif
  atomic { if :: (w & WATCHED) -> touch() :: else fi; w = 0 }
}
inline publish() {
#ifndef M_TOUCHLATE
  announce();
#endif
  w = word;
#ifdef M_NOSWAP
  if
  :: atomic { !(w & ASLEEP) -> word = NEXT_WORD; note_value() }
#else
  do
  :: atomic { !(w & ASLEEP) ->
     if
     :: word == w -> word = NEXT_WORD; note_value(); break
     :: else -> w = word
     fi }
#endif
  :: atomic { (w & ASLEEP) ->
#ifndef M_NORINGING
     assert((w & BITS) == (word & BITS));            /* else the addition would borrow */
#endif
     word = NEXT_WORD; note_value();
#ifndef M_TWOSTEPS
     wake_all()
#endif
     };
#ifdef M_TWOSTEPS
     wake_all();
#endif
#ifdef M_NOSWAP
  fi;
#else
     break
  od;
#endif
#ifdef M_TOUCHLATE
  atomic { if :: (w & WATCHED) -> touch() :: else fi }
#endif
  w = 0
}
/* Of who has the lock: nobody rings. */
inline repair() {
  atomic { word = word & ~RINGING }
}

/* --- a writer --- */

inline fill() {
#ifdef NOREAD
  skip
#else
  stamps++;
  stamp = stamps;
  slot[s].first = stamp;
  slot[s].last = stamp
#endif
}
inline begin() {
  atomic {
  c = NEWEST + 1;
#ifdef NOREAD
  skip
#elif defined(M_SAMESLOT)
  s = newest_slot
#else
  if                                                 /* any but the newest: which is a matter of speed */
  :: newest_slot != 0 -> s = 0
  :: newest_slot != 1 -> s = 1
#if SLOTS > 2
  :: newest_slot != 2 -> s = 2
#endif
#if SLOTS > 3
  :: newest_slot != 3 -> s = 3
#endif
  fi
#endif
  };
#if !defined(M_NOTODD) && !defined(M_FINISHFIRST) && !defined(NOREAD)
  slot[s].version = (slot[s].version + 1) | 1
#else
  skip
#endif
}
inline finish_slot() {
#ifdef NOREAD
  skip
#else
#ifdef M_FINISHFIRST
  slot[s].version = slot[s].version + 2;
#endif
  slot[s].count = c;
#ifdef M_NOTODD
  slot[s].version = slot[s].version + 2
#elif !defined(M_FINISHFIRST)
  slot[s].version = slot[s].version + 1
#else
  skip
#endif
#endif
}
inline complete() {
#ifdef M_PUBLISHFIRST
  stamps++; stamp = stamps;
  publish();
  slot[s].first = stamp; slot[s].last = stamp; finish_slot()
#elif defined(M_FINISHFIRST)
  stamps++; stamp = stamps;
  finish_slot();
  slot[s].first = stamp; slot[s].last = stamp;
  publish()
#else
  fill();
  finish_slot();
  publish()
#endif
}
proctype writer(byte me) {
  byte i, w, s, c, n, stamp;
  {
  do
  :: atomic { n < WRITES -> n++ };
     enter();
     begin();
#ifdef ROLLBACK
     if
     :: complete()
     :: stamps++; stamp = stamps; slot[s].first = stamp;
#ifdef M_GIVEUPEVEN
        slot[s].version = slot[s].version - 1
#endif
     fi;
#else
     complete();
#endif
     d_step { s = 0; c = 0; stamp = 0 };
     assert(holder == me);
     leave()
  :: else -> break
  od
  } unless { dead[me] };
  fin[me] = 1
}

/* --- a reader --- */

/* ok: that worked; else somebody wrote there meanwhile */
inline copy() {
  atomic { c = NEWEST; s = newest_slot };
  v = slot[s].version;
#ifdef M_NOCOUNT
  c = slot[s].count;
#else
  if
  :: atomic { slot[s].count != c -> v = 1 }
  :: atomic { slot[s].count == c -> skip }
  fi;
#endif
  if
  :: (v & 1)
  :: else ->
     a = slot[s].first;
     b = slot[s].last;
     atomic {
#ifdef M_NORECHECK
     v = slot[s].version;
#endif
     if
     :: slot[s].version == v ->
        ok = 1;
        assert(a == b);                              /* not torn */
        assert(a == published[c]);                   /* the value of that count, and a published one */
        assert(c >= want[me]);                       /* newer than the last, as was waited for */
        want[me] = c + 1
     :: else
     fi }
  fi;
  d_step { a = 0; b = 0; c = 0; s = 0; v = 0 }
}
inline read() {
#ifdef NOREAD
  atomic { want[me] = NEWEST + 1 }
#else
  do
  :: tries < TRIES -> tries++; copy(); if :: ok -> break :: else fi
  :: else ->
     enter();
     copy();
     assert(ok);                                     /* under the lock the newest value can be had */
     leave();
     break
  od;
  tries = 0; ok = 0
#endif
}
/* Somebody died while it rang, or is about to publish: who gets the lock knows which. */
inline try_repair() {
#ifdef M_NOREPAIR
  skip
#elif defined(M_REPAIRUNLOCKED)
  repair()
#else
  if
  :: atomic { FREE -> holder = me }; repair(); leave()
  :: atomic { !FREE -> skip }
  fi
#endif
}
/* armed: the word, with that bit; 0 where it has moved. */
inline arm(kind) {
  atomic {
#ifdef M_NOCOMPARE
  word = word | (kind); armed = word
#else
  if
  :: (seen & (kind)) -> armed = seen
  :: !(seen & (kind)) && word == seen -> word = word | (kind); armed = word
  :: else -> armed = 0
  fi
#endif
  }
}

proctype sleeper(byte me) {
  byte w, a, b, c, s, v, tries, seen, armed;
  bool ok;
  want[me] = 1;
  {
  do
  :: seen = word;
     if
     :: atomic { (seen >> 4) >= want[me] -> seen = 0 }; read()
     :: atomic { (seen >> 4) < want[me] -> skip };
        arm(ASLEEP);
        if
        :: atomic { armed == 0 -> seen = 0 }
        :: atomic { armed != 0 && word != armed -> seen = 0; armed = 0 }
        :: atomic { armed != 0 && word == armed -> seen = 0; armed = 0; slp[me] = 1 };
           !slp[me]
        fi
     fi
  od
  } unless { dead[me] };
  fin[me] = 1
}

proctype watcher(byte me) {
  byte i, w, a, b, c, s, v, tries, seen, armed;
  bool ok;
  want[me] = 1;
  {
  do
  :: seen = word;                                    /* arm_watch() */
     if
     :: atomic { (seen >> 4) >= want[me] -> seen = 0 }; read(); goto armed_again
#ifndef M_WATCHARMS
     :: atomic { (seen >> 4) < want[me] && (seen & RINGING) -> seen = 0 };
        touch();                                     /* itself: it polls, and finds it readable */
#ifdef M_NOREPAIR
        atomic { !(word & RINGING) -> skip }
#else
        atomic { !(word & RINGING) || FREE -> skip } /* until then it would find nothing new */
#endif
     :: atomic { (seen >> 4) < want[me] && !(seen & RINGING) -> skip };
#else
     :: atomic { (seen >> 4) < want[me] -> skip };
#endif
        arm(WATCHED);
        if
        :: atomic { armed == 0 -> seen = 0; goto armed_again }
        :: atomic { armed != 0 -> seen = 0; armed = 0 }
        fi
     fi;
     poll[me] = 1;
     atomic { event[me] -> poll[me] = 0 };
     if :: (word & RINGING) -> try_repair() :: else fi;  /* dispatch */
     event[me] = 0;
armed_again: skip
  od
  } unless { dead[me] };
  fin[me] = 1
}

#if KILLS
proctype killer() {
  byte i;
  do
  :: deaths < KILLS ->
     atomic {
     if
     :: !dead[0] && !fin[0] -> i = 0
#if ALL > 1
     :: !dead[1] && !fin[1] -> i = 1
#endif
#if ALL > 2
     :: !dead[2] && !fin[2] -> i = 2
#endif
#if ALL > 3
     :: !dead[3] && !fin[3] -> i = 3
#endif
     :: else -> goto none
     fi;
     deaths++; dead[i] = 1; slp[i] = 0; slp_turn[i] = 0; poll[i] = 0; want[i] = 0;
#ifndef M_FLAGLOCK
     if :: holder == i -> holder = NOBODY :: else fi;
#endif
     i = 0 }
  :: break
  od;
none: skip
}
#endif

proctype monitor() {                     /* runs only when nothing else can */
  byte i;
  timeout -> d_step {
    assert(holder == NOBODY);
    do
    :: i < WRITERS -> assert(fin[i]); i++            /* whoever lives got the lock */
    :: i >= WRITERS && i < ALL ->
       assert(dead[i] || slp[i] || poll[i]);         /* the model is not stuck */
       assert(dead[i] || NEWEST < want[i]);          /* nobody sleeps beside a published value */
       i++
    :: else -> break
    od
  }
}
init {
  atomic {
    byte p = 0;
    do
    :: p < WRITERS -> run writer(p); p++
    :: p >= WRITERS && p < WRITERS + SLEEPERS -> run sleeper(p); p++
    :: p >= WRITERS + SLEEPERS && p < ALL -> run watcher(p); p++
    :: else -> break
    od;
#if KILLS
    run killer();
#endif
    run monitor() }
}
