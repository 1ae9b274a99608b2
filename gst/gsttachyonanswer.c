/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What subscribers ask is asked of upstream.
 *
 * A seek may take long, and waits for streaming threads: nothing of it runs on
 * the thread that serves subscribers. GStreamer's pool of threads has no limit,
 * so there is one here.
 */
#include "gsttachyonanswer.h"

#include <gst/base/gstbasesink.h>

#include "gsttachyonrequest.h"

GST_DEBUG_CATEGORY_EXTERN (gst_tachyon_sink_debug);
#define GST_CAT_DEFAULT gst_tachyon_sink_debug

/* Under way at a time. */
#define SUBSCRIBER_MAX 4
#define ALL_MAX 32

/* Seeks of other processes whose numbers are remembered. */
#define SEEKS_MAX 16

struct _GstTachyonAnswers
{
  gint refs;
  GstTachyonPublisher *publisher;

  GMutex lock;
  /* a guint64, the subscriber, for each that is under way */
  GArray *under_way;
};

struct task
{
  GstTachyonAnswers *answers;
  guint64 subscriber;
  guint32 pid;
  struct request_message head;
  gchar *text;
};

GstTachyonAnswers *
gst_tachyon_answers_new (GstTachyonPublisher *publisher)
{
  GstTachyonAnswers *const self = g_new0 (GstTachyonAnswers, 1);

  self->refs = 1;
  self->publisher = gst_tachyon_publisher_ref (publisher);
  g_mutex_init (&self->lock);
  self->under_way = g_array_new (FALSE, FALSE, sizeof (guint64));
  return self;
}

static GstTachyonAnswers *
ref (GstTachyonAnswers *self)
{
  g_atomic_int_inc (&self->refs);
  return self;
}

void
gst_tachyon_answers_unref (GstTachyonAnswers *self)
{
  if (!self || !g_atomic_int_dec_and_test (&self->refs))
    return;

  gst_tachyon_publisher_unref (self->publisher);
  g_array_unref (self->under_way);
  g_mutex_clear (&self->lock);
  g_free (self);
}

/* --- how many --- */

static guint
count (GstTachyonAnswers *self, guint64 subscriber)
{
  guint i, found = 0;

  for (i = 0; i < self->under_way->len; i++)
    found += g_array_index (self->under_way, guint64, i) == subscriber;
  return found;
}

static gboolean
begin (GstTachyonAnswers *self, guint64 subscriber)
{
  gboolean has_room;

  g_mutex_lock (&self->lock);
  has_room = self->under_way->len < ALL_MAX &&
      count (self, subscriber) < SUBSCRIBER_MAX;
  if (has_room)
    g_array_append_val (self->under_way, subscriber);
  g_mutex_unlock (&self->lock);
  return has_room;
}

static void
end (GstTachyonAnswers *self, guint64 subscriber)
{
  guint i;

  g_mutex_lock (&self->lock);
  for (i = 0; i < self->under_way->len; i++) {
    if (g_array_index (self->under_way, guint64, i) == subscriber) {
      g_array_remove_index_fast (self->under_way, i);
      break;
    }
  }
  g_mutex_unlock (&self->lock);
}

/* --- telling --- */

static void
answer (GstTachyonAnswers *self, guint64 subscriber, guint32 id,
    gboolean result, const GstQuery *query)
{
  GByteArray *const bytes = g_byte_array_new ();
  struct tachyon_publisher *publisher;
  struct tachyon_event event;
  gint ret = TACHYON_ERR_CLOSED;

  if (!gst_tachyon_answer_encode (id, result, query, bytes, &event))
    gst_tachyon_answer_encode (id, FALSE, NULL, bytes, &event);

  publisher = gst_tachyon_publisher_enter (self->publisher);
  if (publisher) {
    ret = tachyon_publisher_send_urgent (publisher, subscriber, &event);
    gst_tachyon_publisher_leave (self->publisher);
  }
  if (ret < 0)
    GST_DEBUG ("request %u is not answered: %s", id, tachyon_strerror (ret));
  g_byte_array_unref (bytes);
}

/* What one does must not be felt by others. */
static gboolean
is_alone (GstTachyonAnswers *self)
{
  struct tachyon_publisher *const publisher =
      gst_tachyon_publisher_enter (self->publisher);
  gboolean alone;

  if (!publisher)
    return FALSE;
  alone = tachyon_publisher_subscribers (publisher) == 1;
  gst_tachyon_publisher_leave (self->publisher);
  return alone;
}

/* Who has the answer may ask again. */
static void
finish (struct task *task, gboolean result, const GstQuery *query)
{
  end (task->answers, task->subscriber);
  answer (task->answers, task->subscriber, task->head.id, result, query);
}

/* --- asking --- */

/*
 * A pipeline that seeks has each of its sinks seek, by one number, and a demuxer
 * here does it once if it sees that number twice. The number is another
 * process's, so it stands for one of ours.
 */
static guint32
map_seqnum (guint32 pid, guint32 seqnum)
{
  static GMutex lock;
  static struct
  {
    guint32 pid;
    guint32 theirs;
    guint32 ours;
  } seeks[SEEKS_MAX];
  static guint next;
  guint32 ours;
  guint i;

  g_mutex_lock (&lock);
  for (i = 0; i < SEEKS_MAX; i++) {
    if (seeks[i].ours != 0 && seeks[i].pid == pid && seeks[i].theirs == seqnum)
      break;
  }
  if (i == SEEKS_MAX) {
    i = next++ % SEEKS_MAX;
    seeks[i].pid = pid;
    seeks[i].theirs = seqnum;
    seeks[i].ours = gst_util_seqnum_next ();
  }
  ours = seeks[i].ours;
  g_mutex_unlock (&lock);
  return ours;
}

static void
run_seek (GstElement *sink, struct task *task)
{
  guint32 seqnum;
  GstEvent *seek = gst_tachyon_request_to_seek (task->text, &seqnum);
  gboolean done;

  if (seek && !is_alone (task->answers)) {
    GST_DEBUG_OBJECT (sink, "not the only subscriber: %" GST_PTR_FORMAT, seek);
    gst_clear_event (&seek);
  }
  if (seek) {
    GST_DEBUG_OBJECT (sink, "for a subscriber: %" GST_PTR_FORMAT, seek);
    gst_event_set_seqnum (seek, map_seqnum (task->pid, seqnum));
  }
  done = seek && gst_pad_push_event (GST_BASE_SINK_PAD (sink), seek);
  finish (task, done, NULL);
}

static void
run_query (GstElement *sink, struct task *task)
{
  GstQuery *query = gst_tachyon_request_to_query (&task->head, task->text);
  GstFormat format;
  gboolean done = query && gst_pad_peer_query (GST_BASE_SINK_PAD (sink), query);

  /* It is, but not for one of several. */
  if (done && GST_QUERY_TYPE (query) == GST_QUERY_SEEKING &&
      !is_alone (task->answers)) {
    gst_query_parse_seeking (query, &format, NULL, NULL, NULL);
    gst_query_set_seeking (query, format, FALSE, 0, -1);
  }
  GST_DEBUG_OBJECT (sink, "for a subscriber: %d, %" GST_PTR_FORMAT, done,
      query);
  finish (task, done, done ? query : NULL);
  g_clear_pointer (&query, gst_query_unref);
}

static void
run (GstElement *sink, gpointer user_data)
{
  struct task *const task = user_data;

  if (task->head.kind == REQUEST_SEEK)
    run_seek (sink, task);
  else
    run_query (sink, task);
}

static void
free_task (gpointer data)
{
  struct task *const task = data;

  gst_tachyon_answers_unref (task->answers);
  g_free (task->text);
  g_free (task);
}

void
gst_tachyon_answers_take (GstTachyonAnswers *self, GstElement *sink,
    const struct tachyon_notice *notice)
{
  struct request_message head;
  struct task *task;
  gchar *text;

  if (!gst_tachyon_request_parse (&notice->event, &head, &text)) {
    GST_DEBUG_OBJECT (sink, "ignoring a malformed request");
    return;
  }
  if ((head.kind != REQUEST_SEEK && head.kind != REQUEST_QUERY) ||
      !begin (self, notice->subscriber)) {
    GST_DEBUG_OBJECT (sink, "refusing request %u", head.id);
    answer (self, notice->subscriber, head.id, FALSE, NULL);
    g_free (text);
    return;
  }

  task = g_new0 (struct task, 1);
  task->answers = ref (self);
  task->subscriber = notice->subscriber;
  task->pid = notice->pid;
  task->head = head;
  task->text = text;
  gst_element_call_async (sink, run, task, free_task);
}
