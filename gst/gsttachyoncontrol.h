/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What a source and its producer say to each other beside the stream: requests
 * that wait for an answer, flushes, events out of band. A thread of its own
 * takes what arrives, whatever the streaming thread is blocked in.
 *
 * A flush is announced here (FLUSH, urgent), and its place in the stream is a
 * marker (FLUSH again, in the ring): in between, what arrives was sent before
 * it, and is let go. Who sought runs the flush itself, as it would in any other
 * source: a thread of the pipeline may seek from inside a chain function, which
 * another thread's flush would wait for. Other flushes run on our thread. The
 * streaming thread never runs one; it does not go past a marker whose flush is
 * not over.
 *
 * A session is a sink's random number: counts of another mean nothing.
 */
#ifndef __GST_TACHYON_CONTROL_H__
#define __GST_TACHYON_CONTROL_H__

#include <gst/gst.h>

#include "gsttachyonclient.h"
#include "gsttachyonwire.h"

G_BEGIN_DECLS

typedef struct
{
  /* Downstream forgets what it has, and the streaming thread starts anew. Not on
   * the streaming thread, unless that sought. @seqnum: of the seek, or 0 */
  void (*flush) (gpointer user_data, guint32 seqnum);
  /* An event out of band, of a GStreamer type. */
  void (*take) (gpointer user_data, const struct tachyon_event *event);
} GstTachyonControlFuncs;

typedef struct
{
  GstTachyonClient *client;
  const GstTachyonControlFuncs *funcs;
  gpointer user_data;
  GThread *thread;

  /* guards what follows; never held over a call of others */
  GMutex lock;
  GCond cond;
  gboolean is_running;
  guint32 last_id;
  GList *waiting;

  /* the last flush announced, by a packet or a marker */
  guint64 announced_session;
  guint32 announced;
  /* the last marker of this connection; session 0: none came */
  guint64 session;
  guint32 reached;

  /* flushes not over, and of these those that our thread is to run */
  guint pending;
  guint due;
  gboolean is_unlocked;
} GstTachyonControl;

/* What a marker means for the streaming thread. */
typedef enum
{
  /* the connection's first, or one that is known */
  GST_TACHYON_MARKER_PLAIN,
  /* what follows is what the flush was for */
  GST_TACHYON_MARKER_FLUSHED,
} GstTachyonMarker;

/* All three stay until gst_tachyon_control_clear(). */
void gst_tachyon_control_init (GstTachyonControl *self,
    GstTachyonClient *client, const GstTachyonControlFuncs *funcs,
    gpointer user_data);
void gst_tachyon_control_clear (GstTachyonControl *self);

/* The client is open from before start until after stop. Stopping ends all
 * that waits, and waits for a flush that is under way. Stopped, it does
 * nothing. */
void gst_tachyon_control_start (GstTachyonControl *self);
void gst_tachyon_control_stop (GstTachyonControl *self);

/* --- any thread --- */

/* The base class's unlock() and unlock_stop(). */
void gst_tachyon_control_set_unlocked (GstTachyonControl *self,
    gboolean unlocked);

/*
 * Ask the producer. Waits for the answer, @limit at most; a flush ends it, too,
 * since it could come from a thread that the flush waits for.
 *
 * Returns: TRUE when query was filled in
 */
gboolean gst_tachyon_control_query (GstTachyonControl *self, GstQuery *query,
    GstClockTime limit);

/* Returns: whether the producer did it in time. Its flush is over then. */
gboolean gst_tachyon_control_seek (GstTachyonControl *self, GstEvent *seek,
    GstClockTime limit);

/* --- the streaming thread --- */

/* It is connected anew, or not any more: no answer will come. */
void gst_tachyon_control_reset (GstTachyonControl *self);

GstTachyonMarker gst_tachyon_control_take_marker (GstTachyonControl *self,
    const struct flush_message *flush);

/* What arrives was sent before a flush. */
gboolean gst_tachyon_control_is_discarding (GstTachyonControl *self);

/*
 * Wait for flushes to be over. One that is under way has the base class call
 * unlock(): it waits for the streaming thread to leave.
 *
 * Returns: FALSE when unlocked
 */
gboolean gst_tachyon_control_wait_flushed (GstTachyonControl *self);

G_END_DECLS

#endif
