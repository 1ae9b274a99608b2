/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A word to publish by and to sleep on. tests/model/stream.pml is the proof that it holds
 * wherever a writer dies.
 *
 * All that is done to the word are sequentially consistent read-modify-writes: it is one word,
 * whose modifications have one order, and a write makes two of them beside two system calls for
 * the lock.
 */
#include "beacon.h"

uint32_t tach_beacon_look(const _Atomic uint32_t *word)
{
	/* Pairs with the read-modify-writes in publish(), and with the kernel's. */
	return atomic_load(word);
}

static void announce(_Atomic uint32_t *word, int file)
{
	/*
	 * Pairs with the read-modify-write in tach_beacon_arm(): who armed as WATCHED before this
	 * is woken now, and finds RINGING, or what is published; who comes later finds RINGING.
	 */
	const uint32_t found = atomic_fetch_or(word, TACH_BEACON_RINGING);

	if (found & TACH_BEACON_WATCHED)
		tach_os_touch(file);
}

void tach_beacon_publish(_Atomic uint32_t *word, int file, uint32_t mark)
{
	const uint32_t wanted = mark << TACH_MARK_SHIFT;
	uint32_t seen;

	announce(word, file);
	seen = atomic_load(word);
	while (!(seen & TACH_BEACON_ASLEEP)) {
		/*
		 * Pairs with the load in tach_beacon_look(). It fails where somebody fell asleep
		 * meanwhile.
		 */
		if (atomic_compare_exchange_weak(word, &seen, wanted))
			return;
	}
	/* Nobody but us changes the mark; of the bits only ASLEEP is set meanwhile, and it is. */
	tach_os_futex_add_and_wake(word, (int)(wanted - seen));
}

void tach_beacon_repair(_Atomic uint32_t *word)
{
	/* Whoever armed stays armed: nothing was published. */
	atomic_fetch_and(word, ~TACH_BEACON_RINGING);
}

uint32_t tach_beacon_arm(_Atomic uint32_t *word, uint32_t seen, uint32_t bit)
{
	const uint32_t armed = seen | bit;

	/* Pairs with the read-modify-writes in publish(): if one came first, this fails. */
	if (armed == seen || atomic_compare_exchange_strong(word, &seen, armed))
		return armed;
	return 0;
}
