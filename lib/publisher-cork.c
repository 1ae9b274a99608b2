/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Batches: what is published shows all at once (PROTOCOL.md 4).
 */
#include "publisher.h"

void tach_publisher_show(struct tachyon_publisher *publisher)
{
	uint64_t mask = publisher->audience.present;

	if (publisher->corks == 0)
		return;
	for (unsigned int slot; tach_next_slot(&mask, &slot);)
		tach_link_show(&publisher->audience.links[slot]);
}

static void cork_links(struct tachyon_publisher *publisher, bool is_corked)
{
	uint64_t mask = publisher->audience.present;

	for (unsigned int slot; tach_next_slot(&mask, &slot);)
		publisher->audience.links[slot].is_corked = is_corked;
}

void tachyon_publisher_cork(struct tachyon_publisher *publisher)
{
	if (tach_publisher_lock(publisher) < 0)
		return;
	publisher->corks++;
	cork_links(publisher, true);
	tach_publisher_unlock(publisher, 0);
}

void tachyon_publisher_uncork(struct tachyon_publisher *publisher)
{
	if (tach_publisher_lock(publisher) < 0)
		return;
	if (publisher->corks == 1) {
		tach_publisher_show(publisher);
		cork_links(publisher, false);
	}
	if (publisher->corks > 0)
		publisher->corks--;
	tach_publisher_unlock(publisher, 0);
}
