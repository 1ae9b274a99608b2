/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Error messages of the sink: the library's codes in GStreamer's domains.
 */
#include "gsttachyonsinkerror.h"

#include "gsttachyondmabuf.h"
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
    case -EBADF:
      return GST_RESOURCE_ERROR_SETTINGS;
    case TACHYON_ERR_DENIED:
      return GST_RESOURCE_ERROR_NOT_AUTHORIZED;
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

static const gchar *
explain_dmabuf (gint error)
{
  switch (error) {
    case GST_TACHYON_DMABUF_FOREIGN:
      return "it is in other memory, whatever its caps say";
    case GST_TACHYON_DMABUF_SHRINKS:
      return "its descriptor is neither a dma-buf nor a memory file sealed "
             "against shrinking, or is smaller than it";
    case GST_TACHYON_DMABUF_SEVERAL:
      return "its planes are behind several descriptors";
    default:
      return "its memories lie apart, and no GstVideoMeta tells what they are";
  }
}

void
gst_tachyon_sink_error_post_adopt (GstElement *element, gint fd, gint error)
{
  gst_element_message_full (element, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR,
      code_for_listen (error),
      g_strdup_printf ("Descriptor %d is no connection to a subscriber: %s.",
          fd, tachyon_strerror (error)),
      g_strdup_printf ("tachyon_publisher_adopt: %s (%d)", g_strerror (-error),
          error),
      __FILE__, GST_FUNCTION, __LINE__);
}

static GstResourceError
code_for_send (gint error)
{
  switch (error) {
    case GST_TACHYON_SENDER_NO_COPY:
      return GST_RESOURCE_ERROR_SETTINGS;
    case GST_TACHYON_SENDER_UNREADABLE:
      return GST_RESOURCE_ERROR_READ;
    case TACHYON_ERR_TOO_BIG:
    case -ENOMEM:
    case -ENOSPC:
    case -EMFILE:
      return GST_RESOURCE_ERROR_NO_SPACE_LEFT;
    default:
      return GST_RESOURCE_ERROR_WRITE;
  }
}

static const gchar *
explain_send (gint error)
{
  switch (error) {
    case GST_TACHYON_SENDER_NO_COPY:
      return "it is not in shared memory, and min-memory-size=-1 forbids to "
             "copy it";
    case GST_TACHYON_SENDER_UNREADABLE:
      return "its memory cannot be read";
    case TACHYON_ERR_TOO_BIG:
      return "it is too large to share";
    case -ENOMEM:
    case -ENOSPC:
    case -EMFILE:
      return "there is no shared memory for it";
    default:
      return tachyon_strerror (error);
  }
}

/* Returns: (transfer full): for texts */
static gchar *
describe_address (GstElement *element)
{
  gchar *path;
  gint fd;

  g_object_get (element, "socket-path", &path, "fd", &fd, NULL);
  return path ? path : g_strdup_printf ("fd %d", fd);
}

void
gst_tachyon_sink_error_post_send (GstElement *element, gsize size, gint error)
{
  gchar *const address = describe_address (element);

  switch (error) {
    case GST_TACHYON_DMABUF_FOREIGN:
    case GST_TACHYON_DMABUF_SHRINKS:
    case GST_TACHYON_DMABUF_SEVERAL:
    case GST_TACHYON_DMABUF_APART:
      GST_ELEMENT_ERROR (element, STREAM, FORMAT,
          ("A buffer cannot be sent as memory:DMABuf: %s.",
              explain_dmabuf (error)),
          ("%" G_GSIZE_FORMAT " bytes, \"%s\"", size, address));
      break;
    default:
      gst_element_message_full (element, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR,
          code_for_send (error),
          g_strdup_printf ("Could not send a buffer of %" G_GSIZE_FORMAT
                           " bytes to \"%s\": %s.",
              size, address, explain_send (error)),
          g_strdup_printf ("%s (%d)", g_strerror (-error), error), __FILE__,
          GST_FUNCTION, __LINE__);
      break;
  }
  g_free (address);
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
