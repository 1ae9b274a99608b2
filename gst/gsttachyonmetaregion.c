/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * GstVideoRegionOfInterestMeta, with its parameters.
 */
#include "gsttachyonmetacodec.h"
#include "gsttachyonname.h"
#include "gsttachyontext.h"
#include "gsttachyonwiremeta.h"

#include <string.h>

/* What a peer may claim. */
#define PARAMETERS_MAX 64

static gboolean
write_parameter (GByteArray *content, const GstStructure *parameter)
{
  gchar *text = gst_tachyon_structure_print (parameter);
  const guint32 size = text ? strlen (text) : 0;
  const gboolean good = text &&
      gst_tachyon_content_write (content, &size, sizeof size) &&
      gst_tachyon_content_write (content, text, size);

  g_free (text);
  return good;
}

static gboolean
encode_region (const GstMeta *meta, GByteArray *content)
{
  const GstVideoRegionOfInterestMeta *region =
      (const GstVideoRegionOfInterestMeta *) meta;
  const gchar *type =
      region->roi_type ? g_quark_to_string (region->roi_type) : "";
  const struct region_of_interest_record head = {
    .id = region->id,
    .parent_id = region->parent_id,
    .x = region->x,
    .y = region->y,
    .width = region->w,
    .height = region->h,
    .type_size = strlen (type),
    .parameter_count = g_list_length (region->params),
  };
  const GList *link;

  if (head.type_size > GST_TACHYON_NAME_SIZE_MAX ||
      head.parameter_count > PARAMETERS_MAX ||
      !g_utf8_validate (type, -1, NULL) ||
      !gst_tachyon_content_write (content, &head, sizeof head) ||
      !gst_tachyon_content_write (content, type, head.type_size))
    return FALSE;
  for (link = region->params; link; link = link->next) {
    if (!write_parameter (content, link->data))
      return FALSE;
  }
  return TRUE;
}

static GstStructure *
read_parameter (struct gst_tachyon_content *content)
{
  GstStructure *parameter = NULL;
  gchar *text;
  guint32 size;

  if (!gst_tachyon_content_read (content, &size, sizeof size))
    return NULL;
  text = gst_tachyon_content_read_text (content, size);
  if (text)
    parameter = gst_tachyon_structure_parse (text);
  g_free (text);
  return parameter;
}

/* Returns: FALSE when malformed; what was read so far is in @parameters */
static gboolean
read_parameters (struct gst_tachyon_content *content, guint32 count,
    GList **parameters)
{
  for (; count > 0; count--) {
    GstStructure *parameter = read_parameter (content);

    if (!parameter)
      return FALSE;
    *parameters = g_list_prepend (*parameters, parameter);
  }
  *parameters = g_list_reverse (*parameters);
  return TRUE;
}

static gboolean
decode_region (struct gst_tachyon_content *content,
    const struct gst_tachyon_stream *stream, GstBuffer *buffer)
{
  struct region_of_interest_record head;
  GstVideoRegionOfInterestMeta *meta;
  GList *parameters = NULL;
  gchar *type;

  if (!gst_tachyon_content_read (content, &head, sizeof head) ||
      head.width > G_MAXUINT32 - head.x || head.height > G_MAXUINT32 - head.y ||
      head.type_size > GST_TACHYON_NAME_SIZE_MAX ||
      head.parameter_count > PARAMETERS_MAX)
    return FALSE;
  type = gst_tachyon_content_read_text (content, head.type_size);
  if (!type || !gst_tachyon_name_admit (type) ||
      !read_parameters (content, head.parameter_count, &parameters))
    goto err_free;

  meta = gst_buffer_add_video_region_of_interest_meta_id (buffer,
      *type ? g_quark_from_string (type) : 0, head.x, head.y, head.width,
      head.height);
  meta->id = head.id;
  meta->parent_id = head.parent_id;
  meta->params = parameters;
  g_free (type);
  return TRUE;

err_free:
  g_list_free_full (parameters, (GDestroyNotify) gst_structure_free);
  g_free (type);
  return FALSE;
}

const struct gst_tachyon_meta_codec gst_tachyon_meta_region = {
  RECORD_REGION_OF_INTEREST,
  gst_video_region_of_interest_meta_api_get_type,
  encode_region,
  decode_region,
};
