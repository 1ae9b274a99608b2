/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* What a frame, a caps text and an event of a stress run have in them. */
#include "content.h"

#include <stdio.h>
#include <string.h>

#include "pattern.h"
#include "stress.h"

#define RECORD_TYPE 77u
#define RECORD_HEADER 8u
#define CAPS_BEGIN "video/x-stress, number=(guint64)"
/* Blocks are pages; a ring's quarter is 16 KiB. */
static const uint32_t classes[] = {3000, 4096, 4097, 20000, 65536, 120000, 4096, CONTENT_LARGEST};

static const uint16_t borders[] = {0, 1, 7, 8, 47, 48, 49, 64, 100, 255, 256, 257, 300};

size_t content_size(uint64_t content, uint64_t caps)
{
	const uint64_t dice = mix(content + 11);
	const uint64_t most = classes[caps % (sizeof(classes) / sizeof(classes[0]))];

	if (dice % 8 < 3)
		return borders[dice / 8 % (sizeof(borders) / sizeof(borders[0]))];
	if (dice % 8 < 5)
		return most - dice / 8 % 3;
	return 1 + dice / 8 % most;
}

size_t content_metadata_size(uint64_t frame)
{
	const uint64_t dice = mix(frame + 12);

	if (dice % 128 == 0)
		return METADATA_LARGEST;
	return dice % 4 == 0 ? RECORD_HEADER + dice / 4 % 64 * 8 : 0;
}

void content_fill(uint64_t content, void *data, size_t size)
{
	pattern_fill(mix(content + 13), data, size);
}

bool content_is(uint64_t content, const void *data, size_t size)
{
	return pattern_is(mix(content + 13), data, size);
}

void content_fill_metadata(uint64_t frame, void *buffer, struct tachyon_frame *into)
{
	static uint64_t content[METADATA_LARGEST / 8];
	const size_t size = content_metadata_size(frame);
	size_t used = 0;

	into->metadata = NULL;
	into->metadata_size = size;
	if (size == 0)
		return;
	pattern_fill(mix(frame + 14), content, size - RECORD_HEADER);
	expect(tachyon_record_append(buffer, METADATA_LARGEST, &used, RECORD_TYPE, content,
				     size - RECORD_HEADER),
	       0, "record_append");
	expect(used == size, true, "the size of a record");
	into->metadata = buffer;
}

bool content_is_metadata(const struct tachyon_frame *frame)
{
	const size_t size = content_metadata_size(frame->pts);
	struct tachyon_record record;
	size_t position = 0;

	if (size == 0)
		return tachyon_record_next(frame, &position, &record) == 0;
	return tachyon_record_next(frame, &position, &record) == 1 && record.type == RECORD_TYPE &&
	       record.size == size - RECORD_HEADER &&
	       pattern_is(mix(frame->pts + 14), record.data, record.size) &&
	       tachyon_record_next(frame, &position, &record) == 0;
}

/* --- caps: most are short; some are more than what goes into a ring at once --- */

static size_t padding_of(uint64_t caps)
{
	return caps % 7 == 3 ? CAPS_LARGEST - 100 : caps % 5 * 20;
}

void content_write_caps(uint64_t caps, char *text)
{
	const size_t padding = padding_of(caps);
	const int used = snprintf(text, CAPS_LARGEST, CAPS_BEGIN "%lu, padding=(string)",
				  (unsigned long)caps);

	memset(text + used, 'a' + (int)(caps % 26), padding);
	text[(size_t)used + padding] = '\0';
}

uint64_t content_read_caps(const char *text)
{
	static _Thread_local char expected[CAPS_LARGEST];
	unsigned long caps;

	if (sscanf(text, CAPS_BEGIN "%lu,", &caps) != 1)
		return 0;
	content_write_caps(caps, expected);
	return strcmp(text, expected) == 0 ? caps : 0;
}

/* --- events --- */

static size_t event_size(uint32_t type, uint64_t number)
{
	const uint64_t dice = mix(number * 8 + type);

	return dice % 16 == 0 ? EVENT_LARGEST : 16 + dice / 16 % 200;
}

size_t content_write_event(uint32_t type, uint64_t number, void *data)
{
	const size_t size = event_size(type, number);
	const uint64_t head[2] = {type, number};

	memcpy(data, head, sizeof(head));
	pattern_fill(mix(number) + type, (uint8_t *)data + sizeof(head), size - sizeof(head));
	return size;
}

uint64_t content_read_event(const struct tachyon_event *event)
{
	uint64_t head[2];

	if (event->size < sizeof(head))
		return 0;
	memcpy(head, event->data, sizeof(head));
	if (head[0] != event->type || event->size != event_size(event->type, head[1]) ||
	    !pattern_is(mix(head[1]) + event->type, (const uint8_t *)event->data + sizeof(head),
			event->size - sizeof(head)))
		return 0;
	return head[1];
}
