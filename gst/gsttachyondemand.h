/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What all subscribers of a sink need together, and whether upstream should hear
 * of it. Nothing here refuses anything: no subscriber can make a producer fail.
 *
 * Any thread.
 */
#ifndef __GST_TACHYON_DEMAND_H__
#define __GST_TACHYON_DEMAND_H__

#include "gsttachyonneeds.h"

G_BEGIN_DECLS

typedef struct _GstTachyonDemand GstTachyonDemand;

GstTachyonDemand *gst_tachyon_demand_new (void);
void gst_tachyon_demand_free (GstTachyonDemand *self);

/* What a subscriber says; it replaces what it said before. Takes @needs over. */
void gst_tachyon_demand_set (GstTachyonDemand *self, guint64 subscriber,
    GstTachyonNeeds *needs);
/* It has left. */
void gst_tachyon_demand_forget (GstTachyonDemand *self, guint64 subscriber);

/* The most of each; the wish is left out. For an answer to upstream, which is
 * remembered. */
void gst_tachyon_demand_propose (GstTachyonDemand *self,
    GstTachyonNeeds *together);

/* What is sent from now on. */
void gst_tachyon_demand_set_caps (GstTachyonDemand *self, GstCaps *caps);

/*
 * Whether upstream should ask anew. After each change; it is told once.
 *
 * @subscribers: how many there are, with those that said nothing
 * @has_own_layout: planes of what is sent do not stand where its caps put them
 */
gboolean gst_tachyon_demand_is_news (GstTachyonDemand *self, guint subscribers,
    gboolean has_own_layout);

/*
 * What to answer when upstream asks for caps.
 *
 * Returns: (transfer full): all of @filter, first what every subscriber takes, in
 *     the order of who came first; without a filter anything
 */
GstCaps *gst_tachyon_demand_get_caps (GstTachyonDemand *self, GstCaps *filter);

G_END_DECLS

#endif
