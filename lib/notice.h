/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What subscribers did, waiting for the publisher's owner to ask: a bounded queue. The
 * publisher's lock guards it.
 */
#ifndef TACH_NOTICE_H
#define TACH_NOTICE_H

#include <tachyon/frame.h>

#include "base.h"

struct tach_notice;

struct tach_notices {
	struct tach_notice *first;
	struct tach_notice *last;
	struct tach_notice *taken; /* what the caller looks at until it asks again */
	uint32_t count;
};

void tach_notices_fini(struct tach_notices *notices);
/* Copies the event's data. What is dropped when: tachyon_publisher_next_notice(). */
void tach_notices_add(struct tach_notices *notices, const struct tachyon_notice *notice);
/* 1, or 0 when there is none. */
int tach_notices_take(struct tach_notices *notices, struct tachyon_notice *notice);

#endif
