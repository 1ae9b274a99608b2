/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Requests that wait for an answer, flushes, events out of band.
 */
#include "gsttachyoncontrol.h"

#include <string.h>

#include "gsttachyonrequest.h"

GST_DEBUG_CATEGORY_EXTERN (gst_tachyon_src_debug);
#define GST_CAT_DEFAULT gst_tachyon_src_debug

/* On the stack of who waits. */
struct request
{
  guint32 id;
  gboolean is_seek;
  guint32 seqnum;
  /* a seek that flushes: who waits runs the flush */
  gboolean runs_flushes;
  guint flushes_due;

  gboolean is_done;
  gboolean result;
  gchar *text;
};

void
gst_tachyon_control_init (GstTachyonControl *self, GstTachyonClient *client,
    const GstTachyonControlFuncs *funcs, gpointer user_data)
{
  memset (self, 0, sizeof *self);
  self->client = client;
  self->funcs = funcs;
  self->user_data = user_data;
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
}

void
gst_tachyon_control_clear (GstTachyonControl *self)
{
  gst_tachyon_control_stop (self);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->cond);
}

/* --- with the lock held --- */

/* Counts wrap. */
static gboolean
is_after (guint32 a, guint32 b)
{
  return (gint32) (a - b) > 0;
}

static gboolean
is_known (GstTachyonControl *self, const struct flush_message *flush)
{
  if (flush->session == self->announced_session &&
      !is_after (flush->count, self->announced))
    return TRUE;
  return flush->session == self->session &&
      !is_after (flush->count, self->reached);
}

static gboolean
is_discarding (GstTachyonControl *self)
{
  return self->session != 0 && self->announced_session == self->session &&
      is_after (self->announced, self->reached);
}

static void
finish_request (struct request *request, gboolean result, gchar *text)
{
  g_free (request->text);
  request->text = text;
  request->result = result;
  request->is_done = TRUE;
}

static void
finish_all (GstTachyonControl *self, gboolean seeks_too)
{
  GList *link;

  for (link = self->waiting; link; link = link->next) {
    struct request *request = link->data;

    if (!request->is_done && (seeks_too || !request->is_seek))
      finish_request (request, FALSE, NULL);
  }
  g_cond_broadcast (&self->cond);
}

/* The oldest seek that flushes: it is what the producer does now, or is about
 * to do. */
static struct request *
find_seeker (GstTachyonControl *self)
{
  GList *link;

  for (link = self->waiting; link; link = link->next) {
    struct request *request = link->data;

    if (request->runs_flushes)
      return request;
  }
  return NULL;
}

/* Stopped, it does nothing: the pads are about to flush anyway. */
static void
announce (GstTachyonControl *self, const struct flush_message *flush)
{
  struct request *seeker;

  self->announced_session = flush->session;
  self->announced = flush->count;
  if (!self->is_running)
    return;

  finish_all (self, FALSE);
  self->pending++;
  seeker = find_seeker (self);
  if (seeker)
    seeker->flushes_due++;
  else
    self->due++;
}

static void
run_flush (GstTachyonControl *self, guint32 seqnum)
{
  g_mutex_unlock (&self->lock);
  self->funcs->flush (self->user_data, seqnum);
  g_mutex_lock (&self->lock);
  self->pending--;
  g_cond_broadcast (&self->cond);
}

/* --- requests --- */

static gboolean
send_request (GstTachyonControl *self, const struct tachyon_event *event)
{
  return gst_tachyon_client_send_urgent (self->client, event) == 0;
}

/* Sends, and waits. Takes the request out again. */
static gboolean
ask (GstTachyonControl *self, struct request *request,
    const struct tachyon_event *event, GstClockTime limit)
{
  const gint64 end =
      g_get_monotonic_time () + (gint64) GST_TIME_AS_USECONDS (limit);
  gboolean has_time;

  /* Before the first word of a producer, or of one that is none of our sinks,
   * there is nobody to answer. A query could come from a thread that a flush
   * waits for. */
  g_mutex_lock (&self->lock);
  has_time = self->is_running && self->session != 0 &&
      (request->is_seek || self->pending == 0);
  if (has_time)
    self->waiting = g_list_append (self->waiting, request);
  g_mutex_unlock (&self->lock);
  if (!has_time)
    return FALSE;

  has_time = send_request (self, event);

  g_mutex_lock (&self->lock);
  for (;;) {
    if (request->flushes_due > 0) {
      run_flush (self, request->seqnum);
      request->flushes_due--;
    } else if (request->is_done || !has_time) {
      break;
    } else {
      has_time = g_cond_wait_until (&self->cond, &self->lock, end);
    }
  }
  self->waiting = g_list_remove (self->waiting, request);
  g_mutex_unlock (&self->lock);
  return request->result;
}

static guint32
next_id (GstTachyonControl *self)
{
  guint32 id;

  g_mutex_lock (&self->lock);
  id = ++self->last_id;
  g_mutex_unlock (&self->lock);
  return id;
}

gboolean
gst_tachyon_control_query (GstTachyonControl *self, GstQuery *query,
    GstClockTime limit)
{
  struct request request = { .id = next_id (self) };
  GByteArray *bytes = g_byte_array_new ();
  struct tachyon_event event;
  gboolean good;

  good = gst_tachyon_request_from_query (query, request.id, bytes, &event) &&
      ask (self, &request, &event, limit) && request.text &&
      gst_tachyon_answer_apply (request.text, query);
  g_free (request.text);
  g_byte_array_unref (bytes);
  return good;
}

gboolean
gst_tachyon_control_seek (GstTachyonControl *self, GstEvent *seek,
    GstClockTime limit)
{
  struct request request = { .id = next_id (self) };
  GByteArray *bytes = g_byte_array_new ();
  struct tachyon_event event;
  GstSeekFlags flags;
  gboolean good;

  gst_event_parse_seek (seek, NULL, NULL, &flags, NULL, NULL, NULL, NULL);
  request.is_seek = TRUE;
  request.seqnum = gst_event_get_seqnum (seek);
  request.runs_flushes = (flags & GST_SEEK_FLAG_FLUSH) != 0;

  good = gst_tachyon_request_from_seek (seek, request.id, bytes, &event) &&
      ask (self, &request, &event, limit);
  g_free (request.text);
  g_byte_array_unref (bytes);
  return good;
}

/* --- what arrives --- */

static void
take_answer (GstTachyonControl *self, const struct tachyon_event *event)
{
  struct answer_message head;
  gchar *text;
  GList *link;

  if (!gst_tachyon_answer_parse (event, &head, &text))
    return;

  g_mutex_lock (&self->lock);
  for (link = self->waiting; link; link = link->next) {
    struct request *request = link->data;

    if (request->id == head.id && !request->is_done) {
      finish_request (request, head.result != 0, g_steal_pointer (&text));
      g_cond_broadcast (&self->cond);
      break;
    }
  }
  g_mutex_unlock (&self->lock);
  g_free (text);
}

static void
take_announcement (GstTachyonControl *self, const struct tachyon_event *event)
{
  struct flush_message flush;

  if (!gst_tachyon_flush_parse (event, &flush) || flush.session == 0)
    return;

  GST_DEBUG ("flush %u is announced", flush.count);
  g_mutex_lock (&self->lock);
  if (!is_known (self, &flush))
    announce (self, &flush);
  g_mutex_unlock (&self->lock);
}

static void
take (GstTachyonControl *self, const struct tachyon_event *event)
{
  switch (event->type) {
    case MESSAGE_FLUSH:
      take_announcement (self, event);
      break;
    case MESSAGE_ANSWER:
      take_answer (self, event);
      break;
    default:
      self->funcs->take (self->user_data, event);
      break;
  }
}

static void
run_due_flushes (GstTachyonControl *self)
{
  g_mutex_lock (&self->lock);
  while (self->due > 0 && self->is_running) {
    self->due--;
    run_flush (self, 0);
  }
  g_mutex_unlock (&self->lock);
}

/* It was called out of its wait, to run a flush; or to end. */
static void
wait_again (GstTachyonControl *self)
{
  g_mutex_lock (&self->lock);
  if (self->is_running)
    tachyon_subscriber_resume_urgent (self->client->subscriber);
  g_mutex_unlock (&self->lock);
}

static gboolean
is_running (GstTachyonControl *self)
{
  gboolean running;

  g_mutex_lock (&self->lock);
  running = self->is_running;
  g_mutex_unlock (&self->lock);
  return running;
}

static gpointer
run (gpointer data)
{
  GstTachyonControl *const self = data;
  struct tachyon_subscriber *const subscriber = self->client->subscriber;
  struct tachyon_event event;

  while (is_running (self)) {
    const gint ret = tachyon_subscriber_receive_urgent (subscriber, &event, -1);

    if (ret == TACHYON_ERR_CANCELED)
      wait_again (self);
    else if (ret < 0)
      break;
    /* What was announced before is flushed before an answer is told. */
    run_due_flushes (self);
    if (ret == 0)
      take (self, &event);
    run_due_flushes (self);
  }
  return NULL;
}

void
gst_tachyon_control_start (GstTachyonControl *self)
{
  g_mutex_lock (&self->lock);
  self->is_running = TRUE;
  self->announced_session = self->session = 0;
  self->due = 0;
  self->pending = 0;
  g_mutex_unlock (&self->lock);

  tachyon_subscriber_resume_urgent (self->client->subscriber);
  self->thread = g_thread_new ("tachyon-control", run, self);
}

void
gst_tachyon_control_stop (GstTachyonControl *self)
{
  if (!self->thread)
    return;

  g_mutex_lock (&self->lock);
  self->is_running = FALSE;
  finish_all (self, TRUE);
  tachyon_subscriber_cancel_urgent (self->client->subscriber);
  self->pending -= self->due;
  self->due = 0;
  while (self->pending > 0)
    g_cond_wait (&self->cond, &self->lock);
  g_mutex_unlock (&self->lock);

  g_thread_join (self->thread);
  self->thread = NULL;
}

/* --- the streaming thread --- */

void
gst_tachyon_control_reset (GstTachyonControl *self)
{
  g_mutex_lock (&self->lock);
  self->session = 0;
  self->reached = 0;
  finish_all (self, TRUE);
  g_mutex_unlock (&self->lock);
}

GstTachyonMarker
gst_tachyon_control_take_marker (GstTachyonControl *self,
    const struct flush_message *flush)
{
  gboolean is_first, is_new;

  g_mutex_lock (&self->lock);
  is_first = flush->session != self->session;
  is_new = !is_first && is_after (flush->count, self->reached);
  if (is_new && !is_known (self, flush)) {
    /* The packet is late, or lost. */
    announce (self, flush);
    if (self->is_running)
      tachyon_subscriber_cancel_urgent (self->client->subscriber);
  }
  self->session = flush->session;
  if (is_first || is_new)
    self->reached = flush->count;
  g_mutex_unlock (&self->lock);
  return is_new ? GST_TACHYON_MARKER_FLUSHED : GST_TACHYON_MARKER_PLAIN;
}

gboolean
gst_tachyon_control_is_discarding (GstTachyonControl *self)
{
  gboolean discarding;

  g_mutex_lock (&self->lock);
  discarding = is_discarding (self);
  g_mutex_unlock (&self->lock);
  return discarding;
}

void
gst_tachyon_control_set_unlocked (GstTachyonControl *self, gboolean unlocked)
{
  g_mutex_lock (&self->lock);
  self->is_unlocked = unlocked;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

gboolean
gst_tachyon_control_wait_flushed (GstTachyonControl *self)
{
  gboolean unlocked;

  g_mutex_lock (&self->lock);
  while (self->pending > 0 && !self->is_unlocked)
    g_cond_wait (&self->cond, &self->lock);
  unlocked = self->is_unlocked;
  g_mutex_unlock (&self->lock);
  return !unlocked;
}
