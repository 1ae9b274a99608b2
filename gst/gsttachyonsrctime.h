/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * When the source's buffers are due. All on the streaming thread.
 */
#ifndef __GST_TACHYON_SRC_TIME_H__
#define __GST_TACHYON_SRC_TIME_H__

#include "gsttachyonsrcprivate.h"

G_BEGIN_DECLS

/*
 * Get ready for data: the segment that places it in our running time goes
 * first.
 *
 * @buffer: what is returned to the base class next, writable; NULL when
 *     something else is pushed next that needs the segment as well
 */
void gst_tachyon_src_time_place (GstTachyonSrc *self, GstBuffer *buffer);

/* The producer's base time and latency; posts a message when the latter is
 * new. */
void gst_tachyon_src_time_set_clock (GstTachyonSrc *self,
    const struct tachyon_clock *clock);

/*
 * After a flush, before what follows: the segment is sent anew.
 *
 * @reset_time: as the producer's flush said
 */
void gst_tachyon_src_time_flush (GstTachyonSrc *self, gboolean reset_time);

G_END_DECLS

#endif
