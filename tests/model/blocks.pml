/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Promela model of lib/PROTOCOL.md section 7, "Blocks", "References" and "Leaving": lib/pool.c, lib/pool-publication.c, and of
 * lib/link.c, lib/audience.c and lib/connection.c what sends a block, gives it back, and sweeps after who is gone.
 *
 * The publisher has two threads: one acquires a block, writes it (two words, two steps), publishes it to all who have room
 * (once, or with REPUBLISH twice), and lets go of it; the other takes what comes back, and lets links in and out.  Each call
 * of the pool is one step, as under its mutex.  A connection is a subscriber: CONNS of them, on SLOTS places, so that with one
 * place the second comes when the first is gone, and is the pool's same holder.  A subscriber keeps up to QUOTA frames, looks
 * at one's words when it likes, then at the block's generation, and gives frames back in any order.  Its ring up has room for
 * BACK cells.  Rings here keep order and lose nothing (ring.pml).
 *
 * KILLS   so many subscribers may die, at any step; the kernel then tells the publisher.
 * KICKS   so many links are dropped while their subscriber lives: it reads on, and returns into a ring that nobody reads.
 *
 * Asserted: a frame whose generation still stands has the words that were published, whatever happened to the link; while the
 * link lives, it stands.  What comes back is out with that subscriber, at that generation.  A return finds room.  The monitor,
 * when nothing can happen: every frame was published, who died is gone, nothing is out, and every block is free.
 *
 * size      BLOCKS CONNS SLOTS FRAMES QUOTA BACK KILLS KICKS EVENTS(other messages up, a subscriber)
 * shape     REPUBLISH
 * mutations M_NORAISE M_RAISELATE(after the first word of the new content) M_RAISEEARLY(at the first return of several: still read)
 *           M_LOOKFIRST(the reader loads the generation before the words) M_FREEEARLY(free at the first return) M_NOSWEEP
 *           M_SWEEPONE(of two publications the older alone) M_NODRAIN(who died: swept, but still marked as having room)
 *           M_NOQUOTA M_EVENTANY(an event goes whenever it fits) M_LATERETURN(a dropped link's ring is read on, for its place)
 */
#ifndef BLOCKS
#define BLOCKS 2
#endif
#ifndef CONNS
#define CONNS 2
#endif
#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef FRAMES
#define FRAMES 3
#endif
#ifndef QUOTA
#define QUOTA 2
#endif
#ifndef BACK
#define BACK 3
#endif
#ifndef KILLS
#define KILLS 0
#endif
#ifndef KICKS
#define KICKS 0
#endif
#ifndef EVENTS
#define EVENTS 0
#endif
#define NOBODY 255

mtype = { RETURN, EVENT };
typedef Conn {
  chan down = [FRAMES] of { byte, byte, byte };      /* block, generation, the stamp that its words should have */
  chan up = [BACK] of { mtype, byte, byte }          /* block, generation */
}
Conn conn[CONNS];
bool dead[CONNS], linked[CONNS], dropped[CONNS];
byte slot_of[CONNS];

/* the payload segment: what subscribers can read */
typedef Block { byte first; byte last; byte generation }
Block block[BLOCKS];

/* the pool's: private to the publisher */
bool is_held[BLOCKS];
byte oldest[BLOCKS], newest[BLOCKS];                 /* holders of two publications, as masks of slots; 0: over, or none */
byte user[SLOTS];                                    /* whose a place is, or NOBODY */
byte out[SLOTS];
byte frames, kills, kicks, conns;
bool raise_late[BLOCKS];

#define FREE(b) (!is_held[b] && oldest[b] == 0 && newest[b] == 0)
#define BIT(s) (1 << (s))

inline raise(b) {
#if defined(M_NORAISE)
  skip
#elif defined(M_RAISELATE)
  raise_late[b] = true
#else
  block[b].generation++
#endif
}
/* What is left of a block's publications; the generation is raised with the last. */
inline settle(b) {
  if
  :: oldest[b] == 0 -> oldest[b] = newest[b]; newest[b] = 0; if :: oldest[b] == 0 -> raise(b) :: else fi
  :: else
  fi
}
inline take_return(s, b, g) {
  assert(g == block[b].generation || raise_late[b]);
  assert((oldest[b] | newest[b]) & BIT(s));
  if
  :: oldest[b] & BIT(s) -> oldest[b] = oldest[b] & ~BIT(s)
  :: else -> newest[b] = newest[b] & ~BIT(s)
  fi;
#ifdef M_FREEEARLY
  oldest[b] = 0;
#endif
#ifdef M_RAISEEARLY
  block[b].generation++;
#else
  settle(b);
#endif
  out[s]--
}
inline drop(c) {
  linked[c] = false; dropped[c] = true;
  i = 0;
#ifndef M_NOSWEEP
  do
  :: i < BLOCKS ->
     if
     :: (oldest[i] | newest[i]) & BIT(slot_of[c]) ->
        oldest[i] = oldest[i] & ~BIT(slot_of[c]);
#ifndef M_SWEEPONE
        newest[i] = newest[i] & ~BIT(slot_of[c]);
#endif
        settle(i)
     :: else
     fi;
     i++
  :: else -> break
  od;
#endif
  i = 0;
#ifndef M_NODRAIN
  out[slot_of[c]] = 0;
#endif
  user[slot_of[c]] = NOBODY
}

/* mask: who gets a frame now */
inline choose() {
  s = 0; mask = 0;
  do
  :: s < SLOTS ->
     if
#ifdef M_NOQUOTA
     :: user[s] != NOBODY && nfull(conn[user[s]].down) -> mask = mask | BIT(s)
#else
     :: user[s] != NOBODY && out[s] < QUOTA -> mask = mask | BIT(s)
#endif
     :: else
     fi;
     s++
  :: else -> break
  od;
  s = 0
}
inline publish() {
  d_step {
    choose();
    if
    :: mask != 0 ->
       if :: oldest[b] == 0 -> oldest[b] = mask :: else -> newest[b] = mask fi;
       do
       :: s < SLOTS ->
          if
          :: mask & BIT(s) -> conn[user[s]].down!b,block[b].generation,stamp; out[s]++
          :: else
          fi;
          s++
       :: else -> break
       od;
       s = 0
    :: else
    fi;
    mask = 0
  }
}
proctype writer() {
  byte b, s, mask, stamp;
  do
  :: atomic { frames < FRAMES && FREE(0) -> b = 0; is_held[0] = true; frames++ };
     goto write
#if BLOCKS > 1
  :: atomic { frames < FRAMES && FREE(1) -> b = 1; is_held[1] = true; frames++ };
     goto write
#endif
  :: atomic { frames == FRAMES -> break };
write:
     stamp++;
     block[b].first = stamp;
     d_step { if :: raise_late[b] -> raise_late[b] = false; block[b].generation++ :: else fi };
     block[b].last = stamp;
     publish();
#ifdef REPUBLISH
     if :: publish() :: skip fi;
#endif
     atomic { is_held[b] = false; b = 0 }
  od
}
proctype service() {
  byte i, b, g, c;
  mtype m;
  do
  /* lets in the next connection, where there is a place */
  :: d_step { conns < CONNS && user[0] == NOBODY ->
       slot_of[conns] = 0; user[0] = conns; linked[conns] = true; conns++ }
#if SLOTS > 1
  :: d_step { conns < CONNS && user[0] != NOBODY && user[1] == NOBODY ->
       slot_of[conns] = 1; user[1] = conns; linked[conns] = true; conns++ }
#endif
  :: atomic {
       if :: nempty(conn[0].up) -> c = 0
#if CONNS > 1
          :: nempty(conn[1].up) -> c = 1
#endif
       fi;
       if
#ifdef M_LATERETURN
       :: conns > c -> conn[c].up?m,b,g;
          if
          :: m == RETURN && (linked[c] || (user[slot_of[c]] != NOBODY && ((oldest[b] | newest[b]) & BIT(slot_of[c])))) ->
             take_return(slot_of[c], b, g)
          :: else
          fi
#else
       :: linked[c] -> conn[c].up?m,b,g; if :: m == RETURN -> take_return(slot_of[c], b, g) :: else fi
       :: dropped[c] -> conn[c].up?m,b,g               /* nobody reads that any more: here, so that the model ends */
#endif
       fi;
       m = 0; b = 0; g = 0; c = 0 }
  /* a hang-up: what it said before is taken first */
  :: d_step { linked[0] && dead[0] && empty(conn[0].up) -> drop(0) }
#if CONNS > 1
  :: d_step { linked[1] && dead[1] && empty(conn[1].up) -> drop(1) }
#endif
#if KICKS
  :: d_step { kicks < KICKS && linked[0] -> kicks++; drop(0) }
#if CONNS > 1
  :: d_step { kicks < KICKS && linked[1] -> kicks++; drop(1) }
#endif
#endif
  od
}

inline look(n) {
#ifdef M_LOOKFIRST
  valid = (block[has[n]].generation == gen[n]);
#endif
  w = block[has[n]].first;
  w2 = block[has[n]].last;
  atomic {
#ifndef M_LOOKFIRST
  valid = (block[has[n]].generation == gen[n]);
#endif
  assert(!valid || (w == word[n] && w2 == word[n]));
  assert(valid || dropped[me]);
  w = 0; w2 = 0; valid = false }
}
inline give_back(n) {
  atomic {
    assert(nfull(conn[me].up));
    conn[me].up!RETURN(has[n], gen[n]);
    has[n] = 0; gen[n] = 0; word[n] = 0; holds[n] = false }
}
proctype subscriber(byte me) {
  bool holds[QUOTA], valid;
  byte has[QUOTA], gen[QUOTA], word[QUOTA], w, w2, events;
  {
  do
  :: atomic { !holds[0] && nempty(conn[me].down) -> conn[me].down?has[0],gen[0],word[0]; holds[0] = true }
  :: atomic { holds[0] -> skip }; look(0); give_back(0)
#if QUOTA > 1
  :: atomic { holds[0] && !holds[1] && nempty(conn[me].down) -> conn[me].down?has[1],gen[1],word[1]; holds[1] = true }
  :: atomic { holds[1] -> skip }; look(1); give_back(1)
#endif
#if EVENTS
#ifdef M_EVENTANY
  :: atomic { events < EVENTS && linked[me] && nfull(conn[me].up) -> events++; conn[me].up!EVENT(0, 0) }
#else
  :: atomic { events < EVENTS && linked[me] && len(conn[me].up) + 1 + QUOTA <= BACK -> events++; conn[me].up!EVENT(0, 0) }
#endif
#endif
  od
  } unless { dead[me] }
}
#if KILLS
proctype killer() {
  do
  :: atomic { kills < KILLS && conns > 0 && !dead[0] -> dead[0] = true; kills++ }
#if CONNS > 1
  :: atomic { kills < KILLS && conns > 1 && !dead[1] -> dead[1] = true; kills++ }
#endif
  :: break
  od
}
#endif
proctype monitor() {                     /* runs only when nothing else can */
  byte i;
  timeout -> d_step {
    assert(frames == FRAMES);
    do
    :: i < CONNS -> assert(!(dead[i] && linked[i])); i++
    :: else -> break
    od;
    i = 0;
    do
    :: i < SLOTS -> assert(out[i] == 0); i++
    :: else -> break
    od;
    i = 0;
    do
    :: i < BLOCKS -> assert(FREE(i)); i++
    :: else -> break
    od
  }
}
init {
  atomic {
    byte n = 0;
    do :: n < SLOTS -> user[n] = NOBODY; n++ :: else -> break od;
    n = 0;
    run writer(); run service();
    do :: n < CONNS -> run subscriber(n); n++ :: else -> break od;
#if KILLS
    run killer();
#endif
    run monitor() }
}
