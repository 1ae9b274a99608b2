/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Error messages of the sink: the library's codes in GStreamer's domains.
 */
#include "gsttachyonsinkerror.h"

#include "gsttachyonnewest.h"
#include "gsttachyonsender.h"

static GstResourceError
code_for_listen (gint error)
{
  switch (error) {
    case TACHYON_ERR_IN_USE:
      return GST_RESOURCE_ERROR_BUSY;
    case -ENOENT:
    case -ENOTDIR:
      return GST_RESOURCE_ERROR_NOT_FOUND;
    case -ENAMETOOLONG:
    case -EINVAL:
      return GST_RESOURCE_ERROR_SETTINGS;
    case -ENOSPC:
    case -ENOMEM:
      return GST_RESOURCE_ERROR_NO_SPACE_LEFT;
    default:
      return GST_RESOURCE_ERROR_OPEN_READ_WRITE;
  }
}

void
gst_tachyon_sink_error_post_listen (GstElement *element, const gchar *address,
    gint error)
{
  gst_element_message_full (element, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR,
      code_for_listen (error),
      g_strdup_printf ("Could not listen at \"%s\": %s.", address,
          tachyon_strerror (error)),
      g_strdup_printf ("tachyon_publisher_create: %s (%d)", g_strerror (-error),
          error),
      __FILE__, GST_FUNCTION, __LINE__);
}

void
gst_tachyon_sink_error_post_send (GstElement *element, gsize size, gint error)
{
  switch (error) {
    case GST_TACHYON_SENDER_NO_COPY:
      GST_ELEMENT_ERROR (element, RESOURCE, SETTINGS,
          ("A buffer is not in shared memory, and min-memory-size=-1 forbids "
           "to copy it."),
          ("%" G_GSIZE_FORMAT " bytes", size));
      break;
    case GST_TACHYON_SENDER_UNREADABLE:
      GST_ELEMENT_ERROR (element, RESOURCE, READ,
          ("The memory of a buffer cannot be read."),
          ("%" G_GSIZE_FORMAT " bytes", size));
      break;
    case TACHYON_ERR_TOO_BIG:
      GST_ELEMENT_ERROR (element, RESOURCE, NO_SPACE_LEFT,
          ("A buffer of %" G_GSIZE_FORMAT " bytes is too large to share.",
              size),
          ("%s", tachyon_strerror (error)));
      break;
    case -ENOMEM:
    case -ENOSPC:
    case -EMFILE:
      GST_ELEMENT_ERROR (element, RESOURCE, NO_SPACE_LEFT,
          ("No shared memory for a buffer of %" G_GSIZE_FORMAT " bytes: %s.",
              size, tachyon_strerror (error)),
          (NULL));
      break;
    default:
      GST_ELEMENT_ERROR (element, RESOURCE, WRITE,
          ("Could not send a buffer of %" G_GSIZE_FORMAT " bytes: %s.", size,
              tachyon_strerror (error)),
          (NULL));
      break;
  }
}

static GstResourceError
code_for_stream (gint error)
{
  switch (error) {
    case -EEXIST:
      return GST_RESOURCE_ERROR_BUSY;
    case -EINVAL:
    case -ENAMETOOLONG:
      return GST_RESOURCE_ERROR_SETTINGS;
    case -ENOSPC:
    case -ENOMEM:
      return GST_RESOURCE_ERROR_NO_SPACE_LEFT;
    default:
      return GST_RESOURCE_ERROR_WRITE;
  }
}

static const gchar *
explain_stream (gint error)
{
  switch (error) {
    case -EEXIST:
      return "there is one of that name with another array; unlink it, or set "
             "another stream-name";
    case GST_TACHYON_NEWEST_NO_ARRAY:
      return "a buffer is no array of a fixed size; only raw video and "
             "audio can be streams";
    case GST_TACHYON_NEWEST_OTHER_SIZE:
      return "a buffer has another size than the stream, or cannot be read; "
             "such buffers are skipped";
    default:
      return tachyon_strerror (error);
  }
}

void
gst_tachyon_sink_error_post_stream (GstElement *element, GstMessageType type,
    const gchar *name, gint error)
{
  gst_element_message_full (element, type, GST_RESOURCE_ERROR,
      code_for_stream (error),
      g_strdup_printf ("No stream \"%s\" of the newest buffer: %s.", name,
          explain_stream (error)),
      g_strdup_printf ("%s (%d)", g_strerror (-error), error), __FILE__,
      GST_FUNCTION, __LINE__);
}
