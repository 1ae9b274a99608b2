/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Promela model of lib/PROTOCOL.md sections 4 (ring) and 5 (waiting): two nodes, one ring each way, TSO.
 *
 * Every store of a node to shared memory (and its write() on a doorbell) goes through a FIFO store buffer that another
 * process drains at any time, so a later load can pass an earlier store, as on x86.  membarrier = "own and peer's
 * buffer were empty at one instant".  A cell's first word is `seq`; payload cells hold X, the worst payload word there
 * is: non-zero, and no valid tag.  Payload, size and the zero of the next cell are one buffer entry (BODY): no receiver
 * can look at any of them before the tag.  The next cell is zeroed only where the last lap may have left payload in it;
 * else the tag of the last lap stands there, which the receiver takes for "not yet" as well.  Each atomic block holds one load or store of shared memory.
 *
 * size      N QTR MAXMSG KMAX SB SPUR(n spurious poll returns a node)
 * shape     DUPLEX  both nodes send and receive, each in one thread       HOLD  the receiver may keep a message
 *           BATCH   commit without flush       KILL  node 0 may die at any step, KILL_RECEIVER node 1     STALL  the receiver may stop calling
 *           SC  no store buffers (for questions of progress that are not about TSO)
 *           ROLLBACK(n a node)  a payload may be written for a message of two cells, which is then given up
 *           EARLY   the sleeper for space may ask to be woken before all of it is there
 * repairs   FIX_SLEEP   before it sleeps on any word a node publishes its head     FIX_ALWAYS  head stored at every release
 *           FIX_FLUSH   before it sleeps on any word a node flushes
 * mutations M_NOBARRIER M_HALFFENCE(waker fences, sleeper does not) M_FENCE(both fence, no membarrier: the fallback)
 *           M_NOZERO M_NOLAP(the zero is left out although payload stood there one lap ago) M_ROLLBACK(likewise after one)
 *           M_ONLYZERO(the receiver knows nothing of the last lap's tag) M_NOARMED M_NOEMPTY M_NOQTR M_FULLCAP M_ONELOAD M_LOADFIRST M_DRAINLATE M_NOEPOCH
 *           M_NORECHECK M_HUPFIRST M_NOHANGUP(nobody looks for one) M_ZEROLATE
 * The sleeper for space says how far the receiver must come (wtarget); the waker rings no earlier. The order of target
 * and armed word does not matter, on either side (M_TARGETLATE, M_TARGETFIRST find no error): the barrier orders both.
 */
#ifndef N
#define N 4
#endif
#ifndef QTR
#define QTR 2
#endif
#ifndef MAXMSG
#define MAXMSG 4
#endif
#ifndef KMAX
#define KMAX 2
#endif
#ifndef SB
#define SB 2
#endif
#ifndef SPUR
#define SPUR 0
#endif
#define X 255
#ifndef ROLLBACK
#define ROLLBACK 0
#endif
/* how BODY says that the next cell is to be zeroed */
#define ZERO 4
#if defined(M_NOZERO) || defined(M_ZEROLATE)
#define ZERO_NEXT false
#elif defined(M_NOLAP)
#define ZERO_NEXT (ppos[me] + k < pend[me])
#else
#define ZERO_NEXT (ppos[me] + k < pend[me] + N)
#endif
#ifdef M_ONLYZERO
#define NOT_YET(v, pos) (v == 0)
#else
#define NOT_YET(v, pos) (v == 0 || v + N == pos + 1)
#endif
#ifdef DUPLEX
#define FIN0 false
#else
#define FIN0 (me == 0)
#endif
#define NONE 254

mtype = { BODY, SCRIBBLE, SEQ, HEAD, WD, WS, WT, BELLD, BELLS };
typedef Ring { byte seq[N]; byte sz[N]; byte id[N] }
typedef Seg  { byte head; byte wdata; byte wspace; byte wtarget }
Ring ring[2]; Seg seg[2];
bool belld[2], bells[2];                            /* doorbells: node i sleeps on belld[i], bells[i] */
chan sb0 = [SB] of { mtype, byte, byte, byte };
chan sb1 = [SB] of { mtype, byte, byte, byte };
#ifdef SC                                            /* no store buffers: for the questions that are not about TSO */
#define PUSH(M,A,B,C) atomic { m = M; a = A; b = B; c = C; apply(me); m = 0; a = 0; b = 0; c = 0 }
#else
#define PUSH(m,a,b,c) if :: me == 0 -> sb0!m,a,b,c :: else -> sb1!m,a,b,c fi
#endif
#define BOTH_DRAINED (empty(sb0) && empty(sb1))
#define MY_DRAINED ((me == 0 && empty(sb0)) || (me == 1 && empty(sb1)))

/* private positions, global only so that assertions can see them */
byte ppos[2];                    /* end of what node i has written on its ring */
byte fpos[2];                    /* end of what it has flushed */
byte pend[2];                    /* end of the last cells that a payload may have been written to */
byte rpos[2];                    /* what node i has read on the peer's ring */
byte rel[2];                     /* what it has released there */
byte tgt[2];                     /* the head that node i last asked to be woken for */
byte need[2]; bool slp_d[2];     /* asleep for `need` cells; asleep for data */
bool dead[2], eof[2], fin[2];
byte nsent[2], nrecv[2];

inline apply(i) {
  if
  :: m == BODY ->                                   /* a = position, b = cells, and ZERO or not, c = id */
     assert(a + (b & 3) <= rel[1-i] + N - 1);       /* overwrites a cell that is not released? (the zero included) */
     ring[i].sz[a % N] = b & 3; ring[i].id[a % N] = c;
     if :: (b & 3) == 2 -> ring[i].seq[(a + 1) % N] = X :: else fi;
     if :: (b & ZERO) -> ring[i].seq[(a + (b & 3)) % N] = 0 :: else fi
  :: m == SCRIBBLE -> assert(a <= rel[1-i] + N - 1); ring[i].seq[a % N] = X
  :: m == SEQ   -> ring[i].seq[a % N] = b
  :: m == HEAD  -> assert(a >= seg[i].head); seg[i].head = a
  :: m == WD    -> seg[i].wdata = a
  :: m == WS    -> seg[i].wspace = a
  :: m == WT    -> seg[i].wtarget = a
  :: m == BELLD -> belld[1-i] = 1
  :: m == BELLS -> bells[1-i] = 1
  fi
}
proctype drain0() { mtype m; byte a, b, c;
end: do :: d_step { nempty(sb0) -> sb0?m,a,b,c; apply(0); m = 0; a = 0; b = 0; c = 0 } od }
proctype drain1() { mtype m; byte a, b, c;
end: do :: d_step { nempty(sb1) -> sb1?m,a,b,c; apply(1); m = 0; a = 0; b = 0; c = 0 } od }

inline membar() {                                   /* the sleeper */
#if defined(M_NOBARRIER) || defined(M_HALFFENCE)
  skip
#elif defined(M_FENCE)
  MY_DRAINED
#else
  BOTH_DRAINED
#endif
}
inline wakerfence() {
#if defined(M_FENCE) || defined(M_HALFFENCE)
  MY_DRAINED
#else
  skip
#endif
}
inline ring_data() {
  wakerfence();
  atomic {
#ifndef M_LOADFIRST
    w = seg[peer].wdata;
#endif
    if :: (w & 1) && w != rangd -> rangd = w; PUSH(BELLD,0,0,0) :: else fi; w = 0 }
}
inline do_flush() {
  if
  :: batch != NONE ->
     atomic {
#ifdef M_LOADFIRST
     w = seg[peer].wdata;
#endif
     PUSH(SEQ, batch, batch + 1, 0); fpos[me] = ppos[me]; batch = NONE };
     ring_data()
  :: else
  fi
}
inline pub_head() {
  atomic { PUSH(HEAD, rel[me], 0, 0); lastpub = rel[me] };
  wakerfence();
#ifdef M_TARGETFIRST
  t = seg[peer].wtarget;
#endif
#ifndef M_ONELOAD
  w = seg[peer].wspace;
#endif
  if
  :: (w & 1) && w != rangs ->
     atomic {
#ifndef M_TARGETFIRST
       t = seg[peer].wtarget;
#endif
       if :: rel[me] >= t -> rangs = w; PUSH(BELLS,0,0,0) :: else fi; w = 0; t = 0 }
  :: else -> w = 0; t = 0
  fi
}
inline before_sleep() {
#ifdef FIX_FLUSH
  do_flush();
#endif
#ifdef FIX_SLEEP
  if :: lastpub != rel[me] -> pub_head() :: else fi;
#endif
  skip
}
#ifdef M_FULLCAP
#define FITS (ppos[me] + k <= chead + N)
#else
#define FITS (ppos[me] + k + 1 <= chead + N)
#endif
/* the head at which k cells and the next message's first fit; 0 before the ring was ever full */
#define TARGET ((ppos[me] + k + 1 > N) -> (ppos[me] + k + 1 - N) : 0)
#ifdef M_NOEPOCH
#define BUMP(e) e = 1
#else
#define BUMP(e) e = e + 1
#endif
#ifdef KILL_RECEIVER
#define VICTIM 1
#elif defined(KILL)
#define VICTIM 0
#endif
#if defined(VICTIM) && !defined(M_NOHANGUP)
#define HUP (dead[peer] && BOTH_DRAINED)
#else
#define HUP false
#endif

inline send() {
  if :: k = 1 :: KMAX > 1 -> k = 2 fi;
  do
  :: atomic { FITS -> break }
  :: atomic { !FITS -> chead = seg[peer].head };
     if
     :: FITS -> break
     :: else ->
        before_sleep();
        atomic {
#ifdef EARLY
        if :: tgt[me] = TARGET :: TARGET > chead + 1 -> tgt[me] = TARGET - 1 fi
#else
        tgt[me] = TARGET
#endif
        };
#ifndef M_TARGETLATE
        PUSH(WT, tgt[me], 0, 0);
#endif
        atomic { BUMP(es); PUSH(WS, (es << 1) | 1, 0, 0) };
#ifdef M_TARGETLATE
        PUSH(WT, tgt[me], 0, 0);
#endif
        membar();
        atomic {
#ifndef M_NORECHECK
        chead = seg[peer].head;
#endif
        if :: FITS || chead >= tgt[me] -> goto awake_s :: else -> need[me] = k fi };
#ifdef M_DRAINLATE
        bells[me] = 0;
#endif
        if
        :: atomic { bells[me] -> need[me] = 0 }
        :: atomic { spur > 0 -> spur--; need[me] = 0 }
        :: atomic { HUP -> need[me] = 0; goto finish }
        fi;
#ifndef M_DRAINLATE
        bells[me] = 0;
#endif
awake_s: PUSH(WS, es << 1, 0, 0)
     fi
  od;
#if ROLLBACK
  if
  :: atomic { rb > 0 && ppos[me] + 3 <= chead + N -> rb--; PUSH(SCRIBBLE, ppos[me] + 1, 0, 0) };
#ifndef M_ROLLBACK
     pend[me] = ppos[me] + 2
#endif
  :: skip
  fi;
#endif
  if :: k == 2 -> pend[me] = ppos[me] + 2 :: else fi;
  atomic { PUSH(BODY, ppos[me], k | (ZERO_NEXT -> ZERO : 0), nsent[me]) };
  nsent[me]++;
  if
  :: atomic { batch == NONE -> batch = ppos[me]; ppos[me] = ppos[me] + k };
#ifdef BATCH
     if :: do_flush() :: skip fi
#else
     do_flush()
#endif
  :: atomic { batch != NONE -> PUSH(SEQ, ppos[me], ppos[me] + 1, 0); ppos[me] = ppos[me] + k };
     if :: do_flush() :: skip fi
  fi;
#ifdef M_ZEROLATE
  PUSH(SEQ, ppos[me], 0, 0);
#endif
  k = 0
}
inline release() {
  atomic { rel[me] = rel[me] + heldk; heldk = 0 };
#ifdef FIX_ALWAYS
  pub_head()
#else
  w = seg[peer].wspace;
  if
#ifndef M_NOEMPTY
  :: atomic { NOT_YET(ring[peer].seq[rel[me] % N], rel[me]) -> skip }; pub_head()
#endif
#ifndef M_NOQTR
  :: atomic { rel[me] - lastpub >= QTR -> skip }; pub_head()
#endif
#ifndef M_NOARMED
  :: atomic { (w & 1) -> skip }; pub_head()
#endif
  :: else -> w = 0
  fi
#endif
}
inline recv() {
  do
  :: atomic {
     v = ring[peer].seq[rpos[me] % N];
     if :: NOT_YET(v, rpos[me]) -> v = 0 :: else fi;
     if
     :: v != 0 ->
        assert(v == rpos[me] + 1);                         /* stale word or payload taken for a header */
        assert(ring[peer].id[rpos[me] % N] == nrecv[me]);  /* order, no loss, no duplicate */
        v = ring[peer].sz[rpos[me] % N]; assert(v >= 1 && v <= KMAX);
        nrecv[me]++; rpos[me] = rpos[me] + v
     :: else
     fi };
     if
     :: v != 0 ->
#ifdef HOLD
        if :: heldk > 0 -> release() :: else fi;
        heldk = v; v = 0;
        if :: release() :: skip fi;
#else
        heldk = v; v = 0; release();
#endif
        break
     :: else ->
        before_sleep();
        atomic { BUMP(ed); PUSH(WD, (ed << 1) | 1, 0, 0) };
        membar();
        atomic {
#ifndef M_NORECHECK
        v = ring[peer].seq[rpos[me] % N];
        if :: NOT_YET(v, rpos[me]) -> v = 0 :: else fi;
#endif
        if :: v != 0 -> goto awake_d :: else -> slp_d[me] = 1 fi };
#ifdef M_DRAINLATE
        belld[me] = 0;
#endif
        if
        :: atomic { belld[me] -> slp_d[me] = 0 }
        :: atomic { spur > 0 -> spur--; slp_d[me] = 0 }
        :: atomic { HUP -> slp_d[me] = 0;
#ifndef M_HUPFIRST
           v = ring[peer].seq[rpos[me] % N];
           if :: NOT_YET(v, rpos[me]) -> v = 0 :: else fi;
           if :: v != 0 -> skip :: else -> eof[me] = 1; goto finish fi }
#else
           eof[me] = 1; goto finish }
#endif
        fi;
#ifndef M_DRAINLATE
        belld[me] = 0;
#endif
awake_d: v = 0; PUSH(WD, ed << 1, 0, 0)
     fi
  od
}
proctype node(byte me) {
  byte peer = 1 - me;
#ifdef SC
  mtype m; byte a, b, c;
#endif
  byte k, w, v, t, lastpub, chead, es, ed, rangs, rangd, heldk, batch = NONE, spur = SPUR, rb = ROLLBACK;
  {
  do
#ifdef DUPLEX
  :: nsent[me] < MAXMSG -> send()
  :: recv()
#else
  :: me == 0 && nsent[me] < MAXMSG -> send()
  :: me == 1 -> recv()
#endif
#if defined(STALL)
  :: goto finish
#else
  :: FIN0 -> goto finish
#endif
  od
#ifdef VICTIM
  } unless { dead[me] };
#else
  };
#endif
finish: fin[me] = 1
}
#ifdef VICTIM
proctype killer() { if :: dead[VICTIM] = 1 :: skip fi }
#endif

proctype monitor() {                     /* runs only when nothing else can */
  timeout -> d_step {
    assert(dead[0] || fin[0] || slp_d[0] || need[0]); assert(dead[1] || fin[1] || slp_d[1] || need[1]);     /* the model is not stuck */
    assert(dead[0] || slp_d[0] == 0 || rpos[0] == fpos[1]);                                     /* nobody sleeps on a message */
    assert(dead[1] || slp_d[1] == 0 || rpos[1] == fpos[0]);
    assert(dead[0] || need[0] == 0 || (ppos[0] + need[0] + 1 > rel[1] + N && rel[1] < tgt[0])); /* nor on space */
    assert(dead[1] || need[1] == 0 || (ppos[1] + need[1] + 1 > rel[0] + N && rel[0] < tgt[1]));
#ifdef KILL_RECEIVER
    assert(!(dead[1] && need[0]));                                                   /* nobody waits for the dead */
#endif
#ifdef KILL
    assert(!(dead[0] && slp_d[1])); assert(!(eof[1] && rpos[1] < fpos[0]));          /* death is seen, after draining */
#endif
#ifdef WANT_FLUSHED
    assert((slp_d[0] == 0 && need[0] == 0) || fpos[0] == ppos[0]);                   /* no sleep on an unflushed batch */
    assert((slp_d[1] == 0 && need[1] == 0) || fpos[1] == ppos[1]);
#endif
  }
}
init { atomic { 
#ifndef SC
  run drain0(); run drain1();
#endif
  run node(0); run node(1);
#ifdef VICTIM
  run killer();
#endif
  run monitor() } }
