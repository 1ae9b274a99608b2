/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The plugin's entry: registers the elements. It opens nothing and starts no
 * thread.
 */
#include <gst/gst.h>

#include <tachyon.h>

#include "gsttachyonsink.h"

GST_ELEMENT_REGISTER_DECLARE (tachyonsrc);

GST_DEBUG_CATEGORY_STATIC (tachyon_debug);
#define GST_CAT_DEFAULT tachyon_debug

/* The library tells what no return value can carry. This copy of it is the
 * plugin's own, so that nobody else's callback is replaced. */
static void
log_line (enum tachyon_log_level level, const char *line, void *data)
{
  GstDebugLevel gst_level = GST_LEVEL_DEBUG;

  switch (level) {
    case TACHYON_LOG_ERROR:
      gst_level = GST_LEVEL_ERROR;
      break;
    case TACHYON_LOG_WARNING:
      gst_level = GST_LEVEL_WARNING;
      break;
    case TACHYON_LOG_INFO:
      gst_level = GST_LEVEL_INFO;
      break;
    case TACHYON_LOG_DEBUG:
      gst_level = GST_LEVEL_DEBUG;
      break;
  }

  GST_CAT_LEVEL_LOG (tachyon_debug, gst_level, NULL, "%s", line);
}

static gboolean
plugin_init (GstPlugin *plugin)
{
  gboolean registered = FALSE;

  GST_DEBUG_CATEGORY_INIT (tachyon_debug, "tachyon", 0, "libtachyon");
  tachyon_log_set (log_line, NULL, TACHYON_LOG_DEBUG);

  registered |= GST_ELEMENT_REGISTER (tachyonsink, plugin);
  registered |= GST_ELEMENT_REGISTER (tachyonsrc, plugin);

  return registered;
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, tachyon,
    "Buffers between pipelines of several processes by shared memory, without a copy",
    plugin_init, VERSION, GST_LICENSE, GST_PACKAGE_NAME, GST_PACKAGE_ORIGIN)
