/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * How far a clock is from CLOCK_MONOTONIC, out of readings that are noisy.
 *
 * The estimate is a straight line through the readings of the last seconds. A
 * reading that was interrupted took long, and weighs little; one that is far
 * from the others is left out. What is reckoned with follows the line only
 * when it is off by more than the line is uncertain.
 *
 * The constants were chosen by simulation: tests/gst/test-drift.c.
 */
#include "gsttachyondrift.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Between readings. The first ones follow each other sooner: then it is soon
 * known how the clock drifts. */
#define INTERVAL (100 * GST_MSECOND)
#define YOUNG_INTERVAL (20 * GST_MSECOND)
#define YOUNG_READINGS 10
/* A line needs a few; before that, the first reading is good enough. */
#define LINE_READINGS 5
/* A clock's rate may change: older readings tell of another line. */
#define READING_LIFETIME (10 * GST_SECOND)
/* Readings that take less are as good as each other, ns. */
#define WIDTH_FLOOR 1000.0
/* Left out: this many times as far off as the middle one, and a floor, ns. */
#define OUTLIER_FACTOR 6.0
#define OUTLIER_FLOOR 2000.0
/* How sure the line must be before it moves anything, in standard errors. */
#define CERTAINTY 3.0

typedef struct
{
  gdouble x, y, weight;
} Point;

void
gst_tachyon_drift_init (GstTachyonDrift *self)
{
  memset (self, 0, sizeof *self);
}

/* Differences wrap as the clocks' own values may. */
static GstClockTimeDiff
difference (guint64 a, guint64 b)
{
  return (GstClockTimeDiff) (a - b);
}

static guint64
magnitude (GstClockTimeDiff difference)
{
  return difference < 0 ? -(guint64) difference : (guint64) difference;
}

/* Seen from the newest reading. Returns: how many are young enough */
static guint
collect_points (const GstTachyonDrift *self, Point *points)
{
  const GstTachyonReading *newest = &self->readings[self->newest];
  guint count;

  for (count = 0; count < self->count; count++) {
    const GstTachyonReading *reading =
        &self->readings[(self->newest + GST_TACHYON_DRIFT_READINGS - count) %
            GST_TACHYON_DRIFT_READINGS];
    const gdouble width = (gdouble) reading->width + WIDTH_FLOOR;

    if (newest->time - reading->time > READING_LIFETIME)
      break;
    points[count] = (Point){
      .x = (gdouble) difference (reading->time, newest->time),
      .y = (gdouble) difference (reading->offset, newest->offset),
      .weight = WIDTH_FLOOR * WIDTH_FLOOR / (width * width),
    };
  }
  return count;
}

/* Least squares. Returns: FALSE when the points say nothing about a slope */
static gboolean
fit_line (GstTachyonDrift *self, const Point *points, guint count)
{
  gdouble w = 0, x = 0, y = 0, xx = 0, xy = 0, squares = 0, determinant;
  guint i, used = 0;

  for (i = 0; i < count; i++) {
    const Point *p = &points[i];

    used += p->weight > 0;
    w += p->weight;
    x += p->weight * p->x;
    y += p->weight * p->y;
    xx += p->weight * p->x * p->x;
    xy += p->weight * p->x * p->y;
  }
  determinant = w * xx - x * x;
  if (used < 3 || !(determinant > 0))
    return FALSE;

  self->slope = (w * xy - x * y) / determinant;
  self->level = (y - self->slope * x) / w;
  for (i = 0; i < count; i++) {
    const gdouble off = points[i].y - self->level - self->slope * points[i].x;

    squares += points[i].weight * off * off;
  }
  squares /= used - 2;
  self->error = sqrt (squares * xx / determinant);
  /* A slope that is not sure is none. */
  self->sure_slope =
      fabs (self->slope) - CERTAINTY * sqrt (squares * w / determinant);
  self->sure_slope = MAX (self->sure_slope, 0);
  return TRUE;
}

static gint
compare (gconstpointer a, gconstpointer b)
{
  const gdouble difference = *(const gdouble *) a - *(const gdouble *) b;

  return (difference > 0) - (difference < 0);
}

static gdouble
distance (const GstTachyonDrift *self, const Point *point)
{
  return fabs (point->y - self->level - self->slope * point->x);
}

static void
leave_outliers_out (const GstTachyonDrift *self, Point *points, guint count)
{
  gdouble sorted[GST_TACHYON_DRIFT_READINGS], limit;
  guint i;

  for (i = 0; i < count; i++)
    sorted[i] = distance (self, &points[i]);
  qsort (sorted, count, sizeof *sorted, compare);
  limit = MAX (OUTLIER_FACTOR * sorted[count / 2], OUTLIER_FLOOR);

  for (i = 0; i < count; i++) {
    if (distance (self, &points[i]) > limit)
      points[i].weight = 0;
  }
}

static void
draw_line (GstTachyonDrift *self)
{
  Point points[GST_TACHYON_DRIFT_READINGS];
  const guint count = collect_points (self, points);

  self->has_line = count >= LINE_READINGS && fit_line (self, points, count);
  if (!self->has_line)
    return;
  leave_outliers_out (self, points, count);
  self->has_line = fit_line (self, points, count);
}

/* Where the line says that the offset is at @time; without one, where it was. */
static GstClockTimeDiff
expect (const GstTachyonDrift *self, GstClockTime time)
{
  const GstTachyonReading *newest = &self->readings[self->newest];
  gdouble move;

  if (!self->has_line)
    return self->offset;
  move = self->level + self->slope * (gdouble) (time - newest->time);
  return difference (newest->offset, -(guint64) (gint64) move);
}

static gboolean
is_far_off (const GstTachyonDrift *self, const GstTachyonReading *reading)
{
  const guint64 off =
      magnitude (difference (reading->offset, expect (self, reading->time)));

  return off > reading->width && off - reading->width > GST_TACHYON_DRIFT_JUMP;
}

/* Nothing from before tells about now. */
static void
begin_anew (GstTachyonDrift *self, const GstTachyonReading *reading)
{
  self->readings[0] = *reading;
  self->newest = 0;
  self->count = 1;
  self->has_line = FALSE;
  self->is_doubtful = FALSE;
  if (!self->is_known ||
      magnitude (difference (reading->offset, self->offset)) >
          GST_TACHYON_DRIFT_TOLERANCE)
    self->offset = reading->offset;
  self->is_known = TRUE;
}

static void
follow (GstTachyonDrift *self, GstClockTime elapsed)
{
  const GstTachyonReading *newest = &self->readings[self->newest];
  const GstClockTimeDiff off =
      difference (expect (self, newest->time), self->offset);
  const GstClockTimeDiff limit = MAX (GST_TACHYON_DRIFT_STEP, elapsed / 1000) +
      (GstClockTime) (self->sure_slope * (gdouble) elapsed);

  if ((gdouble) magnitude (off) <=
      MAX ((gdouble) GST_TACHYON_DRIFT_TOLERANCE, CERTAINTY * self->error))
    return;
  if (magnitude (off) > GST_TACHYON_DRIFT_JUMP)
    self->offset += off;
  else
    self->offset += CLAMP (off, -limit, limit);
}

gboolean
gst_tachyon_drift_add (GstTachyonDrift *self, const GstTachyonReading *reading)
{
  const GstClockTime elapsed =
      reading->time - self->readings[self->newest].time;

  /* Another thread was faster. */
  if (self->is_known && elapsed > G_MAXINT64)
    return TRUE;
  if (!self->is_known || elapsed > READING_LIFETIME) {
    begin_anew (self, reading);
    return TRUE;
  }
  if (is_far_off (self, reading)) {
    if (self->is_doubtful)
      begin_anew (self, reading);
    else
      self->is_doubtful = TRUE;
    return !self->is_doubtful;
  }

  self->is_doubtful = FALSE;
  self->newest = (self->newest + 1) % GST_TACHYON_DRIFT_READINGS;
  self->count = MIN (self->count + 1, GST_TACHYON_DRIFT_READINGS);
  self->readings[self->newest] = *reading;
  draw_line (self);
  if (self->has_line)
    follow (self, elapsed);
  return TRUE;
}

GstClockTime
gst_tachyon_drift_interval (const GstTachyonDrift *self)
{
  return self->count < YOUNG_READINGS ? YOUNG_INTERVAL : INTERVAL;
}

GstClockTimeDiff
gst_tachyon_drift_get (const GstTachyonDrift *self)
{
  return self->offset;
}
