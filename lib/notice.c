/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The queue of notices.
 */
#include "notice.h"

#include <stdlib.h>

#define EVENTS_MAX 256u
#define EVENT_BYTES_MAX (64u << 10)
/* Where so many wait, who came and went unseen is forgotten. */
#define NOTICES_MAX 1024u

struct tach_notice {
	struct tach_notice *next;
	struct tachyon_notice public;
	uint8_t data[];
};

static struct tach_notice *unlink_first(struct tach_notices *notices)
{
	struct tach_notice *notice = notices->first;

	notices->first = notice->next;
	if (!notices->first)
		notices->last = NULL;
	notices->count--;
	return notice;
}

void tach_notices_fini(struct tach_notices *notices)
{
	while (notices->first)
		free(unlink_first(notices));
	free(notices->taken);
	*notices = (struct tach_notices){0};
}

static bool is_event_too_much(const struct tach_notices *notices,
			      const struct tachyon_notice *public)
{
	size_t bytes = public->event.size;
	uint32_t events = 1;

	for (const struct tach_notice *other = notices->first; other; other = other->next) {
		if (other->public.type != TACHYON_NOTICE_EVENT)
			continue;
		events++;
		if (other->public.subscriber == public->subscriber)
			bytes += other->public.event.size;
	}
	return events > EVENTS_MAX || bytes > EVENT_BYTES_MAX;
}

/* Somebody leaves whose coming nobody has seen yet: then nobody need see either. */
static bool forget_joined(struct tach_notices *notices, uint64_t subscriber)
{
	struct tach_notice *previous = NULL;

	for (struct tach_notice *notice = notices->first; notice; notice = notice->next) {
		if (notice->public.type == TACHYON_NOTICE_JOINED &&
		    notice->public.subscriber == subscriber) {
			if (previous)
				previous->next = notice->next;
			else
				notices->first = notice->next;
			if (notices->last == notice)
				notices->last = previous;
			notices->count--;
			free(notice);
			return true;
		}
		previous = notice;
	}
	return false;
}

void tach_notices_add(struct tach_notices *notices, const struct tachyon_notice *public)
{
	struct tach_notice *notice;

	if (public->type == TACHYON_NOTICE_EVENT && is_event_too_much(notices, public))
		return;
	if (public->type == TACHYON_NOTICE_LEFT && notices->count >= NOTICES_MAX &&
	    forget_joined(notices, public->subscriber))
		return;

	/* Without memory a notice is lost; what it tells of shows in the figures. */
	notice = malloc(sizeof(*notice) + public->event.size);
	if (!notice)
		return;
	notice->next = NULL;
	notice->public = *public;
	if (public->event.size > 0)
		memcpy(notice->data, public->event.data, public->event.size);
	notice->public.event.data = notice->data;

	if (notices->last)
		notices->last->next = notice;
	else
		notices->first = notice;
	notices->last = notice;
	notices->count++;
}

int tach_notices_take(struct tach_notices *notices, struct tachyon_notice *public)
{
	free(notices->taken);
	notices->taken = NULL;
	if (!notices->first)
		return 0;
	notices->taken = unlink_first(notices);
	*public = notices->taken->public;
	return 1;
}
