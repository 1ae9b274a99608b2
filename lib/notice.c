/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The queue of notices.
 */
#include "notice.h"

#include <stdlib.h>

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

void tach_notices_add(struct tach_notices *notices, const struct tachyon_notice *public)
{
	struct tach_notice *notice = malloc(sizeof(*notice) + public->event.size);

	/* Without memory a notice is lost; what it tells of shows in the figures. */
	if (!notice)
		return;
	notice->next = NULL;
	notice->public = *public;
	if (public->event.size > 0)
		memcpy(notice->data, public->event.data, public->event.size);
	notice->public.event.data = notice->data;

	if (notices->count == NOTICES_MAX)
		free(unlink_first(notices));
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
