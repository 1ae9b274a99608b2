/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Runs inputs that are kept, without libFuzzer: all files of the folder FUZZ_CORPUS, or the one
 * file that it names.
 */
#include <dirent.h>
#include <sys/stat.h>

#include "fuzz.h"
#include "harness.h"

#define INPUT_MAX (1u << 20)

TEST_SETUP
{
	(void)LLVMFuzzerInitialize(NULL, NULL);
}

static void replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = malloc(INPUT_MAX);
	size_t size;

	CHECK(file && data);
	size = fread(data, 1, INPUT_MAX, file);
	CHECK(size < INPUT_MAX);
	fclose(file);
	/* Said before: it may not come back. */
	printf("# %s\n", path);
	fflush(stdout);
	/* Memory of just that size: ASan sees what reads beyond. */
	data = realloc(data, size > 0 ? size : 1);
	CHECK(data);
	(void)LLVMFuzzerTestOneInput(data, size);
	free(data);
}

static int is_no_dot(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void replay_folder(const char *folder)
{
	struct dirent **entries;
	const int count = scandir(folder, &entries, is_no_dot, alphasort);

	CHECK(count > 0);
	for (int i = 0; i < count; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		replay_file(path);
		free(entries[i]);
	}
	free(entries);
}

TEST_WITH_TIMEOUT(every_input_of_the_corpus_harms_nobody, 120)
{
	const char *const corpus = getenv("FUZZ_CORPUS");
	struct stat facts;

	CHECK(corpus);
	CHECK_EQ(stat(corpus, &facts), 0);
	if (S_ISDIR(facts.st_mode))
		replay_folder(corpus);
	else
		replay_file(corpus);
	fuzz_fini();
}
