/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A subscriber's end of one publisher: the payload segments it mapped, the frames it holds, and
 * their way back. It outlives the subscriber until its last frame is released.
 */
#ifndef TACH_CONNECTION_H
#define TACH_CONNECTION_H

#include "block.h"
#include "bus.h"
#include "urgent.h"

struct tach_connection;

/*
 * Takes the bus on success. One reference, the caller's. is_private: whoever holds a frame may
 * write to it, and nobody else sees it. Urgent events that come go to urgents, until close.
 */
int tach_connection_create(struct tachyon_bus *bus, uint64_t max_bytes, bool is_private,
			   struct tach_urgents *urgents, struct tach_connection **connection);
/*
 * Gives up the caller's reference: takes no more, returns what was not received, and leaves once no
 * frame is held. NULL is fine.
 */
void tach_connection_close(struct tach_connection *connection);
/* Valid until close. */
struct tachyon_bus *tach_connection_bus(const struct tach_connection *connection);

/*
 * A FRAME or INLINE message, all of it: fills *frame, which then holds its block (INLINE: a private
 * copy). The message can be released. -EBADMSG: the publisher lies.
 */
int tach_connection_take_frame(struct tach_connection *connection,
			       const struct tachyon_message *message, struct tachyon_frame *frame);
/*
 * An OUTLINE message: the body of *type in malloc'ed memory, the caller's; the block was returned.
 */
int tach_connection_take_outline(struct tach_connection *connection,
				 const struct tachyon_message *message, uint32_t *type, void **body,
				 size_t *size);
/* A RETIRE message. */
int tach_connection_retire(struct tach_connection *connection,
			   const struct tachyon_message *message);

/* Whether the two sides exchange urgent events. */
bool tach_connection_has_urgent(const struct tach_connection *connection);
/*
 * Any thread: takes what came on the socket, some of it. 0: there may be more; -EAGAIN: not now;
 * else there will be none: it is not worth watching any more.
 */
int tach_connection_take_urgent(struct tach_connection *connection);
/* Any thread. 0, -EAGAIN, -EMSGSIZE, -ENOTSUP, TACHYON_ERR_CLOSED. */
int tach_connection_send_urgent(struct tach_connection *connection,
				const struct tachyon_event *event);

/* A message of our own that is not a return; -EAGAIN when it would take a return's place. */
int tach_connection_send(struct tach_connection *connection, uint32_t type, const void *body,
			 size_t size);

uint64_t tach_connection_held(struct tach_connection *connection);
uint64_t tach_connection_mapped_bytes(struct tach_connection *connection);

#endif
