/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * How far a clock is from CLOCK_MONOTONIC, out of readings that are noisy.
 * Pure: whoever reads the clocks tells what was read.
 *
 * A clock that drifts is followed in small steps, since each one moves all
 * later frames; noise moves nothing; a clock that was set is followed at once.
 */
#ifndef __GST_TACHYON_DRIFT_H__
#define __GST_TACHYON_DRIFT_H__

#include <gst/gst.h>

G_BEGIN_DECLS

/* At most this much at a time, beside what the clock drifted since the last
 * reading; where that is long ago, one part in 1000 of the time since. */
#define GST_TACHYON_DRIFT_STEP (100 * GST_USECOND)
/* An error that is borne. It is more for a clock that is read with errors. */
#define GST_TACHYON_DRIFT_TOLERANCE (50 * GST_USECOND)
/* More than any drift or noise: the clock was set. */
#define GST_TACHYON_DRIFT_JUMP (20 * GST_MSECOND)

#define GST_TACHYON_DRIFT_READINGS 64

typedef struct
{
  GstClockTime time; /* on CLOCK_MONOTONIC */
  GstClockTimeDiff offset;
  GstClockTime width; /* the time that it took: offset is that uncertain */
} GstTachyonReading;

typedef struct
{
  GstTachyonReading readings[GST_TACHYON_DRIFT_READINGS];
  guint count;
  guint newest;
  gboolean is_doubtful; /* the last reading may have been a mistake */

  /* the line through the readings, at the newest one */
  gboolean has_line;
  gdouble level; /* less than the newest reading's offset by this */
  gdouble slope;
  gdouble sure_slope; /* how steep it is at least */
  gdouble error;      /* of the level, standard */

  gboolean is_known;
  GstClockTimeDiff offset;
} GstTachyonDrift;

/* Nothing is known. */
void gst_tachyon_drift_init (GstTachyonDrift *self);

/*
 * Take a reading, the newest.
 *
 * Returns: FALSE when it is so far off that another one must tell, at once,
 *     whether that was a mistake
 */
gboolean gst_tachyon_drift_add (GstTachyonDrift *self,
    const GstTachyonReading *reading);

/* How long a reading is good for: each frame's would cost, and tell nothing. */
GstClockTime gst_tachyon_drift_interval (const GstTachyonDrift *self);

/* What to reckon with: the clock less CLOCK_MONOTONIC. */
GstClockTimeDiff gst_tachyon_drift_get (const GstTachyonDrift *self);

G_END_DECLS

#endif
