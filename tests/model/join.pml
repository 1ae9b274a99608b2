/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Promela model of lib/PROTOCOL.md section 7, "State" and "Joining": lib/sticky.c, and of lib/link.c and lib/audience.c what
 * puts state and frames into the ring of one link.
 *
 * The publisher's calls hold its lock from end to end, so each is one step here; which comes next is open: state is set
 * (SETS times, any of KEYS keys), forgotten (FORGETS times), a frame is published (FRAMES times), the link appears, a
 * dispatch goes on with what the link has not seen.  The ring has room for RING messages; the subscriber takes one at any
 * time.  A piece of state is the version that setting it made, as in the C; its key is its place in the order.
 *
 * What the subscriber asserts, at each message:
 *   - of a key it gets newer and newer pieces, each once; first those that stood when the link was accepted, in the order
 *     of keys; then what was set since, in the order of setting;
 *   - at each frame it has, of every key, exactly the piece that stood when the frame was published (none is missed), or,
 *     where it was forgotten since, what it had;
 *   - frames come once, in order, and after one that it did not get the next one says so.
 * The monitor, when nothing can happen: it has seen all state there is, and every frame that was sent to it.
 *
 * size      KEYS SETS FRAMES FORGETS RING LAGS
 * shape     DROP  a link without room misses a frame (else the frame waits)
 * mutations M_WALKALL(the first walk takes what was set since it began, too) M_SINCENOW(what is set during the first walk is
 *           not taken after it) M_KEYORDER(what was set since is sent in the order of keys) M_NOSYNC(a frame goes before state
 *           that found no room) M_ADVANCE(a piece that found no room counts as sent) M_NORESTART(the first walk is by place
 *           in the table, not by key) M_NOHINT
 */
#ifndef KEYS
#define KEYS 2
#endif
#ifndef SETS
#define SETS 4
#endif
#ifndef FRAMES
#define FRAMES 2
#endif
#ifndef FORGETS
#define FORGETS 1
#endif
#ifndef RING
#define RING 2
#endif
#ifndef LAGS
#define LAGS 1
#endif
#define NOTHING 255

mtype = { STATE, FRAME };
/* STATE: key, version; FRAME: number, whether some were missed before it */
chan ring = [RING] of { mtype, byte, byte };

/* --- the publisher --- */
byte item[KEYS];                     /* version of each key's piece, 0: none */
byte version;                        /* of the last change */
byte sets, frames, forgets;
bool present, joined, missed;
byte lags; bool lag;                 /* the next piece finds no room, where a frame would: it is large, or wants a block */
/* the cursor: struct tach_sticky_cursor */
bool has_begun, is_past_start;
byte begun_at, seen_version;
byte walked;                         /* keys below it were walked; in M_NORESTART pieces */

/* --- ghosts --- */
typedef Snapshot { byte piece[KEYS]; bool forgotten[KEYS] }
Snapshot at[FRAMES];                 /* state as it stood at each frame */
bool forgotten[KEYS];                /* since it was last set */
bool was_sent[FRAMES];
byte accepted_at = NOTHING;          /* the version when the link appeared */
byte got[KEYS];                      /* what the subscriber has */
byte last_key = NOTHING, last_version, last_frame;
bool in_since;

/* next: the key of the piece that tach_sticky_peek() gives, or NOTHING */
inline peek() {
  next = NOTHING;
  if
  :: !has_begun -> has_begun = true; begun_at = version; seen_version = version
  :: else
  fi;
  if
  :: !is_past_start ->
     i = 0;
#ifdef M_NORESTART
     n = 0;
     do
     :: i < KEYS && next == NOTHING ->
        if
        :: item[i] != 0 && item[i] <= begun_at ->
           if :: n == walked -> next = i :: else fi;
           n++
        :: else
        fi;
        i++
     :: else -> break
     od;
#else
     do
     :: i < KEYS && next == NOTHING ->
        if
#ifdef M_WALKALL
        :: item[i] != 0 && i >= walked -> next = i
#else
        :: item[i] != 0 && item[i] <= begun_at && i >= walked -> next = i
#endif
        :: else
        fi;
        i++
     :: else -> break
     od;
#endif
     if
     :: next == NOTHING ->
        is_past_start = true;
#ifdef M_SINCENOW
        seen_version = version
#endif
     :: else
     fi
  :: else
  fi;
  if
  :: next == NOTHING ->
     i = 0;
     do
     :: i < KEYS ->
        if
#ifdef M_KEYORDER
        :: item[i] > seen_version && next == NOTHING -> next = i
#else
        :: item[i] > seen_version && (next == NOTHING || item[i] < item[next]) -> next = i
#endif
        :: else
        fi;
        i++
     :: else -> break
     od
  :: else
  fi;
  i = 0
}
inline advance() {
  if
  :: is_past_start -> seen_version = item[next]
#ifdef M_NORESTART
  :: else -> walked = walked + 1
#else
  :: else -> walked = next + 1
#endif
  fi
}
/* tach_link_sync(): ok, or it lags */
inline sync() {
  ok = true;
  peek();
  do
  :: next != NOTHING && nfull(ring) && !lag -> ring!STATE(next, item[next]); advance(); peek()
  :: next != NOTHING && (full(ring) || lag) ->
     ok = false; lag = false;
#ifdef M_ADVANCE
     advance();
#endif
     break
  :: next == NOTHING -> break
  od;
  next = NOTHING
}
inline try_join() {
  sync();
  if :: ok -> joined = true :: else fi
}
inline publish() {
#ifdef M_NOSYNC
  sync(); ok = true;
#else
  sync();
#endif
  ok = ok && nfull(ring);
  if
  :: ok ->
     i = 0;
     do
     :: i < KEYS -> at[frames].piece[i] = item[i]; at[frames].forgotten[i] = forgotten[i]; i++
     :: else -> break
     od;
     i = 0;
     was_sent[frames] = true;
#ifdef M_NOHINT
     ring!FRAME(frames, false);
#else
     ring!FRAME(frames, missed);
#endif
     missed = false;
     frames++
#ifdef DROP
  :: else -> missed = true; frames++
#else
  :: else
#endif
  fi
}

proctype publisher() {
  byte next = NOTHING, i, n, k;
  bool ok;
  do
  :: atomic { sets < SETS ->
       if :: k = 0 :: k = 1
#if KEYS > 2
          :: k = 2
#endif
       fi;
       d_step { sets++; version++; item[k] = version; forgotten[k] = false; k = 0;
         if :: joined -> sync() :: else fi; ok = false } }
  :: atomic { forgets < FORGETS && sets > 0 ->
       if :: k = 0 :: k = 1 fi;                      /* all pieces from that order on */
       d_step { forgets++;
         do :: k < KEYS -> if :: item[k] -> item[k] = 0; forgotten[k] = true :: else fi; k++ :: else -> break od;
         k = 0 } }
  :: atomic { lags < LAGS && !lag -> lags++; lag = true }
  :: d_step { frames < FRAMES && joined -> publish(); ok = false }
  :: d_step { !present -> present = true; accepted_at = version; try_join(); ok = false }
  /* a dispatch, or anybody's wait: where there is something to do */
  :: d_step { present && nfull(ring) && (!joined || !is_past_start || version > seen_version) ->
       if :: joined -> sync() :: else -> try_join() fi; ok = false; n = 0 }
  od
}

proctype subscriber() {
  byte a, b, i;
  do
  :: atomic { ring?STATE(a, b) ->
       d_step {
       assert(b > got[a]);                           /* newer than what it had: no piece twice */
       if
       :: b <= accepted_at ->
          assert(!in_since);
          assert(last_key == NOTHING || a > last_key);
          last_key = a
       :: else ->
          in_since = true;
          assert(b > last_version);
          last_version = b
       fi;
       got[a] = b; a = 0; b = 0 } }
  :: atomic { ring?FRAME(a, b) ->
       d_step {
       assert(a >= last_frame);
       assert((a > last_frame) == (b != 0));
       last_frame = a + 1;
       do
       :: i < KEYS -> assert(got[i] == at[a].piece[i] || at[a].forgotten[i]); i++
       :: else -> break
       od;
       i = 0; a = 0; b = 0 } }
  od
}

proctype monitor() {                     /* runs only when nothing else can */
  byte i;
  timeout -> d_step {
    assert(joined && empty(ring) && frames == FRAMES && sets == SETS);
    do
    :: i < KEYS -> assert(got[i] == item[i] || forgotten[i]); i++
    :: else -> break
    od;
    i = 0;
    do
    :: i < FRAMES -> assert(!was_sent[i] || last_frame > i); i++
    :: else -> break
    od
  }
}
init { atomic { run publisher(); run subscriber(); run monitor() } }
