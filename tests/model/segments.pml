/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Promela model of lib/PROTOCOL.md section 7, "Payload segments", and RETIRE and RETIRED: of lib/link.c, lib/pool.c and
 * lib/pool-memory.c the publisher's part, lib/mapping.c and lib/connection.c the subscriber's.
 *
 * Segments are told of on the socket, used in the ring: two channels, without order between them but that of who sends.  The
 * publisher's calls hold its lock: each is one step, in which a link may get a packet on its socket and a message in its ring.
 * LINKS subscribers, to each of which a frame goes, or to none (a publisher that waits); IDS segments are made, one after the
 * other, at most LIVE at a time; a segment may be retired, and taken back where nobody was asked to forget it yet.  Where only
 * some links had room they were told of a segment and not sent the frame; GIVEUPS times the publisher then does not try again.
 * A subscriber takes messages, keeps frames, returns them in any order; EAGER: it also reads its socket at any time, as one
 * does that takes urgent events.
 *
 * Asserted: what a ring names was announced, is not announced twice, and is not named after RETIRE; it is the segment that the
 * frame lies in (ids might be used again); what comes back is known.  No link is dropped for a full socket.  The monitor, when
 * nothing can happen: all frames were sent, and a subscriber maps what the publisher has, and nothing else.
 *
 * size      LINKS IDS(2 or 3) LIVE FRAMES RING SOCKET GIVEUPS RETIREMENTS(and takings back)
 * mutations M_FRAMEFIRST(the ring before the socket) M_NOREAD(an unknown id is an error at once) M_RETIRETWICE M_REVIVEASKED
 *           M_NOANSWER(gone once it was asked for, and the id is used again: fails with EAGER) M_DOOMKNOWN(gone while subscribers
 *           know it, and nobody is asked) M_NEVERRETIRE
 *           M_RETIREUSED(RETIRE although a block is out) with M_ANSWERFIRST(RETIRED although frames are held): one of the two
 *           rules would do
 * As many announcements as the socket has places, of segments that no ring ever names (GIVEUPS, or a link beside one that has
 * no room), and the link is dropped though it did nothing wrong.  In the C that is hundreds of segments, at one time.
 */
#ifndef LINKS
#define LINKS 1
#endif
#ifndef IDS
#define IDS 3
#endif
#ifndef LIVE
#define LIVE 2
#endif
#ifndef FRAMES
#define FRAMES 4
#endif
#ifndef RING
#define RING 2
#endif
#ifndef SOCKET
#define SOCKET 2
#endif
#ifndef GIVEUPS
#define GIVEUPS 0
#endif
#ifndef RETIREMENTS
#define RETIREMENTS IDS
#endif
#define UPS (FRAMES + IDS)

mtype = { FRAME, RETIRE, RETURN, RETIRED };
typedef Link {
  chan down = [RING] of { mtype, byte, byte };       /* id, which segment it really is */
  chan up = [UPS] of { mtype, byte };
  chan socket = [SOCKET] of { byte, byte };
  /* the subscriber's */
  bool knows[IDS]; bool retires[IDS]; byte held[IDS]; byte serial[IDS]
}
Link link[LINKS];

/* the publisher's */
typedef Segment { bool exists; bool is_retiring; byte known; byte asked; byte used; byte serial }
Segment seg[IDS];
byte next_id, serials, frames, giveups, retirements;
#define BIT(l) (1 << (l))
#define ROOM(k) (len(k.down) < RING)
#define SOCKET_ROOM(k) (len(k.socket) < SOCKET)
/* M_FRAMEFIRST: a packet that is still to be sent */
bool owed; byte owed_to, owed_id;

inline settle(i) {
#if defined(M_DOOMKNOWN)
  if
  :: seg[i].exists && seg[i].is_retiring && seg[i].used == 0 ->
#else
  if
  :: seg[i].exists && seg[i].is_retiring && seg[i].used == 0 && seg[i].known == 0 ->
#endif
     seg[i].exists = false; seg[i].is_retiring = false; seg[i].asked = 0; seg[i].known = 0
  :: else
  fi
}
#ifdef M_RETIRETWICE
#define WAS_ASKED(j, l) false
#else
#define WAS_ASKED(j, l) (seg[j].asked & BIT(l))
#endif
#if defined(M_NEVERRETIRE)
#define TO_RETIRE(j, l) false
#elif defined(M_RETIREUSED)
#define TO_RETIRE(j, l) (seg[j].exists && seg[j].is_retiring && (seg[j].known & BIT(l)) && !WAS_ASKED(j, l))
#else
#define TO_RETIRE(j, l) (seg[j].exists && seg[j].is_retiring && (seg[j].known & BIT(l)) && !WAS_ASKED(j, l) && seg[j].used == 0)
#endif
/* send_retires() */
inline sync(l) {
  j = 0;
  do
  :: j < IDS ->
     if
     :: ROOM(link[l]) && TO_RETIRE(j, l) ->
        link[l].down!RETIRE(j, seg[j].serial);
        seg[j].asked = seg[j].asked | BIT(l);
#ifdef M_NOANSWER
        seg[j].known = seg[j].known & ~BIT(l); seg[j].asked = 0;
        settle(j)
#endif
     :: else
     fi;
     j++
  :: else -> break
  od;
  j = 0
}
/* ok: the link can take a frame in segment i, and knows it */
inline has_room(l, i) {
  sync(l);
  if
  :: !ROOM(link[l]) -> ok = false
  :: ROOM(link[l]) && (seg[i].known & BIT(l))
  :: ROOM(link[l]) && !(seg[i].known & BIT(l)) && SOCKET_ROOM(link[l]) ->
#ifdef M_FRAMEFIRST
     owed = true; owed_to = l; owed_id = i;
#else
     link[l].socket!i,seg[i].serial;
#endif
     seg[i].known = seg[i].known | BIT(l)
  :: ROOM(link[l]) && !(seg[i].known & BIT(l)) && !SOCKET_ROOM(link[l]) ->
     assert(nempty(link[l].down));                   /* else it is dropped, and has done nothing wrong */
     ok = false
  fi
}
inline publish(i) {
  d_step {
    ok = true;
    has_room(0, i);
#if LINKS > 1
    if :: ok -> has_room(1, i) :: else fi;
#endif
    if
    :: ok ->
       frames++;
       link[0].down!FRAME(i, seg[i].serial); seg[i].used++;
#if LINKS > 1
       link[1].down!FRAME(i, seg[i].serial); seg[i].used++
#endif
    :: else
    fi
  };
#ifdef M_FRAMEFIRST
  atomic { if :: owed -> link[owed_to].socket!owed_id,seg[owed_id].serial; owed = false :: else fi }
#endif
}
/* has_room() of the first link, and no more: another had none, and the caller thinks better of it */
inline give_up(i) {
  d_step { giveups++; ok = true; has_room(0, i); ok = false }
}
inline take_up(l) {
  link[l].up?m,i;
  d_step {
  if
  :: m == RETURN -> assert(seg[i].exists && seg[i].used > 0); seg[i].used--
#ifdef M_NOANSWER
  :: m == RETIRED
#else
  :: m == RETIRED -> assert(seg[i].exists && (seg[i].asked & BIT(l)));
     seg[i].asked = seg[i].asked & ~BIT(l); seg[i].known = seg[i].known & ~BIT(l)
#endif
  fi;
  settle(i); m = 0; i = 0 }
}
#define ALIVE(i) (seg[i].exists && !seg[i].is_retiring)

#ifdef M_REVIVEASKED
#define REVIVABLE(i) (seg[i].exists && seg[i].is_retiring)
#else
#define REVIVABLE(i) (seg[i].exists && seg[i].is_retiring && seg[i].asked == 0)
#endif
/* something would come of it: a frame, an announcement, or the end of a link */
#define DROPS(l) (len(link[l].down) == 0)
#define CAN_TAKE(l, i) (ROOM(link[l]) && ((seg[i].known & BIT(l)) || SOCKET_ROOM(link[l]) || DROPS(l)))
#define CAN_TRY(i) (CAN_TAKE(0, i) && (!(seg[i].known & BIT(0)) || CAN_TAKE(LINKS - 1, i)))
/* what may be done with a segment */
#define CHOICES(i) \
  :: atomic { frames < FRAMES && ALIVE(i) && CAN_TRY(i) -> skip }; publish(i) \
  :: atomic { giveups < GIVEUPS && ALIVE(i) && seg[i].known == 0 -> skip }; give_up(i) \
  :: d_step { retirements < RETIREMENTS && ALIVE(i) -> retirements++; seg[i].is_retiring = true; settle(i) } \
  :: d_step { retirements < RETIREMENTS && REVIVABLE(i) -> retirements++; seg[i].is_retiring = false }
#if IDS > 2
#define TO_ASK(l) (TO_RETIRE(0, l) || TO_RETIRE(1, l) || TO_RETIRE(2, l))
#else
#define TO_ASK(l) (TO_RETIRE(0, l) || TO_RETIRE(1, l))
#endif
#define LIVE_NOW ((ALIVE(0) -> 1 : 0) + (ALIVE(1) -> 1 : 0) + ((IDS > 2 && ALIVE(IDS - 1)) -> 1 : 0))
proctype publisher() {
  byte i, j;
  mtype m;
  bool ok;
  do
  /* a new one: where the last was retired there has to be one */
  :: d_step { frames < FRAMES && next_id < IDS && LIVE_NOW < LIVE ->
#ifdef M_NOANSWER
       i = 0;
       do :: seg[i].exists -> i++ :: else -> break od;
#else
       i = next_id;
#endif
       next_id++; serials++;
       seg[i].exists = true; seg[i].serial = serials; i = 0 }
  CHOICES(0)
  CHOICES(1)
#if IDS > 2
  CHOICES(2)
#endif
  :: atomic { nempty(link[0].up) -> take_up(0) }
#if LINKS > 1
  :: atomic { nempty(link[1].up) -> take_up(1) }
#endif
  /* a dispatch: what else would ask to forget */
  :: d_step { ROOM(link[0]) && TO_ASK(0) -> sync(0) }
#if LINKS > 1
  :: d_step { ROOM(link[1]) && TO_ASK(1) -> sync(1) }
#endif
  od
}

/* take_packet() */
inline read_socket() {
  link[me].socket?i,s;
  assert(!link[me].knows[i]);                        /* announced twice */
  link[me].knows[i] = true; link[me].serial[i] = s
}
inline find(id) {
  do
  :: link[me].knows[id] -> break
  :: else ->
#ifdef M_NOREAD
     assert(false)
#else
     assert(nempty(link[me].socket));                /* named, and not announced */
     read_socket()
#endif
  od
}
inline forget_if_unused(id) {
  if
#ifdef M_ANSWERFIRST
  :: link[me].retires[id] ->
#else
  :: link[me].retires[id] && link[me].held[id] == 0 ->
#endif
     assert(link[me].held[id] == 0);                 /* else they lie in memory that is not mapped any more */
     link[me].knows[id] = false; link[me].retires[id] = false; link[me].serial[id] = 0;
     link[me].up!RETIRED(id)
  :: else
  fi
}
inline release(id) {
  d_step { link[me].held[id] > 0 -> link[me].up!RETURN(id); link[me].held[id]--; forget_if_unused(id) }
}
proctype subscriber(byte me) {
  byte i, s, a, b;
  mtype m;
  do
  /* one step: nothing of what is taken from the socket depends on when, once the ring names it */
  :: d_step { nempty(link[me].down) ->
       link[me].down?m,a,b;
       find(a);
       assert(!link[me].retires[a]);
       assert(link[me].serial[a] == b);
       if
       :: m == FRAME -> link[me].held[a]++
       :: m == RETIRE -> link[me].retires[a] = true; forget_if_unused(a)
       fi;
       m = 0; a = 0; b = 0; i = 0; s = 0 }
#ifdef EAGER
  :: d_step { nempty(link[me].socket) -> read_socket(); i = 0; s = 0 }
#endif
  :: release(0)
#if IDS > 1
  :: release(1)
#endif
#if IDS > 2
  :: release(2)
#endif
  od
}
proctype monitor() {                     /* runs only when nothing else can */
  byte i, l;
  timeout -> d_step {
    assert(frames == FRAMES || (next_id == IDS && LIVE_NOW == 0));
    do
    :: i < IDS ->
       assert(seg[i].used == 0);
       assert(!(seg[i].exists && seg[i].is_retiring));
       l = 0;
       do
       :: l < LINKS -> assert(!link[l].knows[i] || seg[i].exists); assert(empty(link[l].down)); l++
       :: else -> break
       od;
       i++
    :: else -> break
    od
  }
}
init {
  atomic {
    byte n = 0;
    run publisher();
    do :: n < LINKS -> run subscriber(n); n++ :: else -> break od;
    run monitor() }
}
