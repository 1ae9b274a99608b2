/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Error messages of the source: one for each cause, each naming the address.
 */
#include "gsttachyonsrcerror.h"

static void
post (GstElement *element, GQuark domain, gint code, gchar *text,
    const gchar *call, gint error)
{
  gst_element_message_full (element, GST_MESSAGE_ERROR, domain, code, text,
      g_strdup_printf ("%s: %s (%d)", call, g_strerror (-error), error),
      __FILE__, GST_FUNCTION, __LINE__);
}

static GstResourceError
code_for_connect (gint error)
{
  switch (error) {
    case TACHYON_ERR_TIMEDOUT:
    case -ENOENT:
    case -ENOTDIR:
      return GST_RESOURCE_ERROR_NOT_FOUND;
    case TACHYON_ERR_DENIED:
      return GST_RESOURCE_ERROR_NOT_AUTHORIZED;
    case TACHYON_ERR_IN_USE:
    case -EBUSY:
      return GST_RESOURCE_ERROR_BUSY;
    case -ENAMETOOLONG:
    case -EINVAL:
    case -EBADF:
      return GST_RESOURCE_ERROR_SETTINGS;
    case -EMFILE:
    case -ENFILE:
    case -ENOMEM:
      return GST_RESOURCE_ERROR_NO_SPACE_LEFT;
    default:
      return GST_RESOURCE_ERROR_OPEN_READ;
  }
}

void
gst_tachyon_src_error_post_connect (GstElement *element, const gchar *address,
    gint error)
{
  gchar *text = error == TACHYON_ERR_TIMEDOUT ?
      g_strdup_printf ("No producer at \"%s\" in the time given.", address) :
      g_strdup_printf ("Could not connect to \"%s\": %s.", address,
          tachyon_strerror (error));

  post (element, GST_RESOURCE_ERROR, code_for_connect (error), text,
      "tachyon_subscriber_connect", error);
}

static const gchar *
describe_end (enum tachyon_end end)
{
  switch (end) {
    case TACHYON_END_CLOSED:
      return "the producer closed it";
    case TACHYON_END_DIED:
      return "the producer died";
    case TACHYON_END_CORRUPT:
      return "the producer broke the protocol";
    case TACHYON_END_LOCAL:
      return "it was shut down here";
    case TACHYON_END_NONE:
      break;
  }
  return "unknown";
}

void
gst_tachyon_src_error_post_end (GstElement *element, const gchar *address,
    enum tachyon_end end)
{
  GST_ELEMENT_ERROR (element, RESOURCE, READ,
      ("The connection to \"%s\" ended: %s.", address, describe_end (end)),
      ("on-disconnect=error"));
}

void
gst_tachyon_src_error_post_receive (GstElement *element, const gchar *address,
    gint error)
{
  gchar *text = g_strdup_printf ("Could not receive from \"%s\": %s.", address,
      tachyon_strerror (error));

  if (error == TACHYON_ERR_CORRUPT)
    post (element, GST_STREAM_ERROR, GST_STREAM_ERROR_DECODE, text,
        "tachyon_subscriber_receive", error);
  else
    post (element, GST_RESOURCE_ERROR,
        error == TACHYON_ERR_TOO_BIG || error == -ENOMEM || error == -EMFILE ?
            GST_RESOURCE_ERROR_NO_SPACE_LEFT :
            GST_RESOURCE_ERROR_READ,
        text, "tachyon_subscriber_receive", error);
}
