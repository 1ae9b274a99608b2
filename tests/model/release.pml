/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Promela model of frames that any thread releases, while another closes the connection: lib/connection.c and
 * lib/connection-frame.c, lib/subscriber-connect.c; lib/PROTOCOL.md section 7, "Leaving".
 *
 * One thread of the subscriber receives, hands frames to THREADS others, which release them (or, with KEEP, may keep one for
 * good), and closes at any point; one more sends an event, through the subscriber's pointer to its connection.  The mutex of
 * the connection orders what they put into its one ring up.  A put is two steps: two threads inside it at once would be two
 * senders.  Whoever finds that it was the last destroys the connection: memory that nobody may touch afterwards.
 *
 * Asserted: one sender at a time; nobody touches what was destroyed, and it is destroyed once.  The publisher asserts that a
 * frame comes back once.  The monitor, when nothing can happen: a connection that was closed is destroyed, unless a frame is
 * kept; then all others have come back, those that were never received as well.
 *
 * size      THREADS FRAMES
 * shape     KEEP
 * mutations M_NOMUTEX(returns are put without it) M_LASTOUTSIDE(who was last is found out without it) M_CLOSEFIRST(closing is
 *           said before what was not received is returned) M_NOUNREAD(that is not returned) M_COUNTLATE(a frame counts once it
 *           was handed on) M_POINTER(the event's sender looks at the pointer, then uses it, without the subscriber's lock)
 *           M_NODRAINING(the publisher is not told, and goes on sending)
 */
#ifndef THREADS
#define THREADS 2
#endif
#ifndef FRAMES
#define FRAMES 3
#endif
#define NOBODY 255

chan down = [FRAMES] of { byte };
chan up = [FRAMES + 1] of { byte };
chan handed = [FRAMES] of { byte };                  /* to the threads */
#define EVENT 254

byte mutex = NOBODY, lock = NOBODY, in_ring = NOBODY; /* the connection's, the subscriber's; who is putting */
byte held, returned[FRAMES], sent, kept;
bool is_closing, is_destroyed, is_draining, has_connection = true, closed;

#define TOUCH assert(!is_destroyed)

inline take_mutex() { atomic { mutex == NOBODY -> TOUCH; mutex = me } }
inline give_mutex() { atomic { TOUCH; mutex = NOBODY } }
inline put(what) {
  atomic { TOUCH; assert(in_ring == NOBODY); in_ring = me };
  atomic { TOUCH; up!what; in_ring = NOBODY }
}
inline destroy() { atomic { assert(!is_destroyed); is_destroyed = true } }

inline release(f) {
#ifdef M_NOMUTEX
  put(f);
  take_mutex();
#else
  take_mutex();
  put(f);
#endif
  atomic { held--;
#ifndef M_LASTOUTSIDE
  last = is_closing && held == 0
#endif
  };
  give_mutex();
#ifdef M_LASTOUTSIDE
  atomic { TOUCH; last = is_closing && held == 0 };
#endif
  if :: last -> last = false; destroy() :: else fi
}
inline take(f) {
#ifndef M_COUNTLATE
  take_mutex(); held++; give_mutex()
#else
  skip
#endif
}

proctype thread(byte me) {
  byte f; bool last;
  do
  :: handed?f ->
#ifdef KEEP
     if
     :: atomic { kept == 0 -> kept++; returned[f] = 1 }; goto again
     :: skip
     fi;
#endif
     release(f);
again: f = 0
  od
}
proctype receiver(byte me) {
  byte f; bool last;
  do
  :: atomic { down?f -> TOUCH };
     take(f);
     handed!f;
#ifdef M_COUNTLATE
     take_mutex(); held++; give_mutex();
#endif
     f = 0
  :: break
  od;
  /* tach_subscriber_leave() */
  atomic { lock == NOBODY -> lock = me };
  has_connection = false;
  lock = NOBODY;
  /* tach_connection_close() */
#ifndef M_NODRAINING
  atomic { TOUCH; is_draining = true };
#endif
#ifdef M_CLOSEFIRST
  take_mutex(); is_closing = true; give_mutex();
#endif
#ifndef M_NOUNREAD
  take_mutex(); last = held > 0; give_mutex();
  if
  :: last ->
     last = false;
     do
     :: atomic { nempty(down) -> TOUCH; down?f }; take(f); release(f); f = 0
     :: atomic { empty(down) -> TOUCH; break }
     od
  :: else
  fi;
#endif
  take_mutex();
  atomic { is_closing = true; last = held == 0 };
  give_mutex();
  if :: last -> destroy() :: else fi;
  closed = true
}
proctype talker(byte me) {
#ifdef M_POINTER
  if
  :: has_connection -> take_mutex(); if :: !is_closing -> put(EVENT) :: else fi; give_mutex()
  :: else
  fi
#else
  atomic { lock == NOBODY -> lock = me };
  if
  :: has_connection -> take_mutex(); if :: !is_closing -> put(EVENT) :: else fi; give_mutex()
  :: else
  fi;
  lock = NOBODY
#endif
}
proctype publisher() {
  byte f;
  do
  :: d_step { sent < FRAMES && !is_draining && !is_destroyed -> down!sent; sent++ }
  :: d_step { up?f -> if :: f != EVENT -> assert(returned[f] == 0); returned[f] = 1 :: else fi; f = 0 }
  od
}
proctype monitor() {                     /* runs only when nothing else can */
  byte f;
  timeout -> d_step {
    assert(closed && mutex == NOBODY && lock == NOBODY);
    assert(is_destroyed == (kept == 0));
    do
    :: f < sent -> assert(is_destroyed || returned[f]); f++
    :: else -> break
    od
  }
}
init {
  atomic {
    byte n = 0;
    do :: n < THREADS -> run thread(n); n++ :: else -> break od;
    run receiver(THREADS); run talker(THREADS + 1); run publisher(); run monitor() }
}
