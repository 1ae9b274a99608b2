/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Metas that say where from: GstNetAddressMeta, GstRTPSourceMeta.
 */
#include "gsttachyonmetacodec.h"
#include "gsttachyonwiremeta.h"

#include <string.h>

#include <gst/net/gstnetaddressmeta.h>
#include <gst/rtp/gstrtpmeta.h>

/* --- GstNetAddressMeta --- */

/* PROTOCOL.md 8: Linux's numbers. */
#define FAMILY_IPV4 2
#define FAMILY_IPV6 10

/* Returns: 0 for what is neither */
static guint32
wire_family (GSocketFamily family)
{
  switch (family) {
    case G_SOCKET_FAMILY_IPV4:
      return FAMILY_IPV4;
    case G_SOCKET_FAMILY_IPV6:
      return FAMILY_IPV6;
    default:
      return 0;
  }
}

static gboolean
encode_net_address (const GstMeta *meta, GByteArray *content)
{
  GSocketAddress *socket_address = ((const GstNetAddressMeta *) meta)->addr;
  struct net_address_record record = { 0 };
  GInetSocketAddress *inet;
  GInetAddress *address;

  if (!socket_address || !G_IS_INET_SOCKET_ADDRESS (socket_address))
    return FALSE;
  inet = G_INET_SOCKET_ADDRESS (socket_address);
  address = g_inet_socket_address_get_address (inet);
  record.family = wire_family (g_inet_address_get_family (address));
  record.port = g_inet_socket_address_get_port (inet);
  if (record.family == FAMILY_IPV6) {
    record.flow_info = g_inet_socket_address_get_flowinfo (inet);
    record.scope_id = g_inet_socket_address_get_scope_id (inet);
  }
  memcpy (record.address, g_inet_address_to_bytes (address),
      MIN (g_inet_address_get_native_size (address), sizeof record.address));
  return record.family != 0 &&
      gst_tachyon_content_write (content, &record, sizeof record);
}

static gboolean
decode_net_address (struct gst_tachyon_content *content,
    const struct gst_tachyon_stream *stream, GstBuffer *buffer)
{
  struct net_address_record record;
  GSocketAddress *socket_address;
  GInetAddress *address;

  if (!gst_tachyon_content_read (content, &record, sizeof record) ||
      (record.family != FAMILY_IPV4 && record.family != FAMILY_IPV6) ||
      record.port > G_MAXUINT16)
    return FALSE;

  address = g_inet_address_new_from_bytes (record.address,
      record.family == FAMILY_IPV4 ? G_SOCKET_FAMILY_IPV4 :
                                     G_SOCKET_FAMILY_IPV6);
  socket_address = g_object_new (G_TYPE_INET_SOCKET_ADDRESS, "address", address,
      "port", record.port, "flowinfo", record.flow_info, "scope-id",
      record.scope_id, NULL);
  gst_buffer_add_net_address_meta (buffer, socket_address);
  g_object_unref (socket_address);
  g_object_unref (address);
  return TRUE;
}

const struct gst_tachyon_meta_codec gst_tachyon_meta_net_address = {
  RECORD_NET_ADDRESS,
  gst_net_address_meta_api_get_type,
  encode_net_address,
  decode_net_address,
};

/* --- GstRTPSourceMeta --- */

static gboolean
encode_rtp_source (const GstMeta *meta, GByteArray *content)
{
  const GstRTPSourceMeta *source = (const GstRTPSourceMeta *) meta;
  struct rtp_source_record record = {
    .ssrc = source->ssrc_valid ? source->ssrc : 0,
    .has_ssrc = source->ssrc_valid != FALSE,
    .csrc_count = source->csrc_count,
  };

  if (record.csrc_count > G_N_ELEMENTS (record.csrc))
    return FALSE;
  memcpy (record.csrc, source->csrc, record.csrc_count * sizeof *record.csrc);
  return gst_tachyon_content_write (content, &record, sizeof record);
}

static gboolean
decode_rtp_source (struct gst_tachyon_content *content,
    const struct gst_tachyon_stream *stream, GstBuffer *buffer)
{
  struct rtp_source_record record;

  if (!gst_tachyon_content_read (content, &record, sizeof record) ||
      record.csrc_count > G_N_ELEMENTS (record.csrc))
    return FALSE;
  gst_buffer_add_rtp_source_meta (buffer, record.has_ssrc ? &record.ssrc : NULL,
      record.csrc, record.csrc_count);
  return TRUE;
}

const struct gst_tachyon_meta_codec gst_tachyon_meta_rtp_source = {
  RECORD_RTP_SOURCE,
  gst_rtp_source_meta_api_get_type,
  encode_rtp_source,
  decode_rtp_source,
};
