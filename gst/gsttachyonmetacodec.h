/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the kinds of metas are made of: codecs, each between one GstMeta and the
 * content of one record. gsttachyonmeta.c has the table of them.
 */
#ifndef __GST_TACHYON_META_CODEC_H__
#define __GST_TACHYON_META_CODEC_H__

#include <gst/gst.h>
#include <gst/audio/audio.h>
#include <gst/video/video.h>

#include "gsttachyoncontent.h"
#include "gsttachyonlayout.h"
#include "gsttachyonmeta.h"

G_BEGIN_DECLS

struct gst_tachyon_meta_codec
{
  guint32 record;
  /* NULL: the codec says itself what it is for */
  GType (*api) (void);
  /* Appends the record's content. FALSE: the meta cannot cross. The meta and
   * what belongs to it stay as they are. */
  gboolean (*encode) (const GstMeta *meta, GByteArray *content);
  /* Adds a meta. FALSE: the content is malformed, and nothing was added. */
  gboolean (*decode) (struct gst_tachyon_content *content,
      const struct gst_tachyon_stream *stream, GstBuffer *buffer);
};

/* gsttachyonmetavideo.c */
extern const struct gst_tachyon_meta_codec gst_tachyon_meta_video;
extern const struct gst_tachyon_meta_codec gst_tachyon_meta_crop;
extern const struct gst_tachyon_meta_codec gst_tachyon_meta_affine;

/* Adds the GstVideoMeta that the stream's layout means. */
gboolean gst_tachyon_meta_video_add_layout (
    const struct gst_tachyon_stream *stream, GstBuffer *buffer);

/* Whether a meta says nothing but what the layout says. */
gboolean gst_tachyon_meta_video_is_layout (const GstVideoMeta *meta,
    const struct tachyon_layout *layout);

/* gsttachyonmetaregion.c */
extern const struct gst_tachyon_meta_codec gst_tachyon_meta_region;

/* gsttachyonmetaoverlay.c */
extern const struct gst_tachyon_meta_codec gst_tachyon_meta_overlay;

/* gsttachyonmetabeside.c */
extern const struct gst_tachyon_meta_codec gst_tachyon_meta_caption;
extern const struct gst_tachyon_meta_codec gst_tachyon_meta_afd;
extern const struct gst_tachyon_meta_codec gst_tachyon_meta_bar;
extern const struct gst_tachyon_meta_codec gst_tachyon_meta_sei;
extern const struct gst_tachyon_meta_codec gst_tachyon_meta_codec_alpha;
#if GST_CHECK_VERSION(1, 24, 0)
extern const struct gst_tachyon_meta_codec gst_tachyon_meta_ancillary;
#endif
#if GST_CHECK_VERSION(1, 30, 0)
extern const struct gst_tachyon_meta_codec gst_tachyon_meta_hdr;
#endif

/* gsttachyonmetaaudio.c */
extern const struct gst_tachyon_meta_codec gst_tachyon_meta_audio;
extern const struct gst_tachyon_meta_codec gst_tachyon_meta_clipping;
extern const struct gst_tachyon_meta_codec gst_tachyon_meta_downmix;
extern const struct gst_tachyon_meta_codec gst_tachyon_meta_level;
#if GST_CHECK_VERSION(1, 24, 0)
extern const struct gst_tachyon_meta_codec gst_tachyon_meta_dsd;
#endif

/* gsttachyonmetatime.c */
extern const struct gst_tachyon_meta_codec gst_tachyon_meta_reference;
extern const struct gst_tachyon_meta_codec gst_tachyon_meta_time_code;

/* gsttachyonmetaorigin.c */
extern const struct gst_tachyon_meta_codec gst_tachyon_meta_net_address;
extern const struct gst_tachyon_meta_codec gst_tachyon_meta_rtp_source;

/* gsttachyonmetatext.c */
extern const struct gst_tachyon_meta_codec gst_tachyon_meta_protection;
extern const struct gst_tachyon_meta_codec gst_tachyon_meta_custom;

#if GST_CHECK_VERSION(1, 24, 0)
/* gsttachyonmetageneric.c */
extern const struct gst_tachyon_meta_codec gst_tachyon_meta_generic;
#endif

/* gsttachyonmeta.c */
/* Returns: (nullable): the codec for metas of a kind; the generic is no one's */
const struct gst_tachyon_meta_codec *gst_tachyon_meta_find_codec (
    const GstMetaInfo *info);

G_END_DECLS

#endif
