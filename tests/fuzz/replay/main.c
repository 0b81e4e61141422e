/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fuzz target without a fuzzer: feeds it each file of a folder as it is, and some hundred times
 * damaged, always in the same way. This is what the suite runs, so that a target whose own checks
 * no longer fit the code is seen at once; finding what is new is `make fuzz`.
 *
 *   NAME FOLDER    prints how many inputs there were; the target aborts if it is not content
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAMAGED = 200, ROOM = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

static uint64_t next(uint64_t *seed)
{
	/* xorshift64: Marsaglia, "Xorshift RNGs", 2003. */
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* In memory of exactly its size, so that ASan sees a byte read beyond it. */
static void feed(const uint8_t *data, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	if (!copy)
		abort();
	memcpy(copy, data, n);
	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

static void feed_damaged(const uint8_t *data, size_t n)
{
	static uint8_t changed[ROOM];
	uint64_t seed = 0x9e3779b97f4a7c15 ^ n;

	for (unsigned i = 0; n && i < DAMAGED; i++) {
		unsigned bytes = 1 + (unsigned)(next(&seed) % 3);
		size_t len = i % 4 ? n : (size_t)(next(&seed) % n);

		memcpy(changed, data, n);
		while (bytes--)
			changed[next(&seed) % n] = (uint8_t)next(&seed);
		feed(changed, len);
	}
}

static int replay(const char *folder, const char *name)
{
	static uint8_t data[ROOM];
	char path[4096];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "rb");
	if (!f) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return 1;
	}
	n = fread(data, 1, sizeof(data), f);
	fclose(f);
	/* What a failed check leaves as the last line says which input it was. */
	fprintf(stderr, "%s\n", path);
	feed(data, n);
	feed_damaged(data, n);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned inputs = 0;
	struct dirent *e;
	DIR *d;

	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	d = argc == 2 ? opendir(argv[1]) : NULL;
	if (!d) {
		fprintf(stderr, "usage: %s FOLDER: %s\n", argv[0], strerror(errno));
		return 2;
	}
	while ((e = readdir(d)))
		if (e->d_name[0] != '.') {
			if (replay(argv[1], e->d_name))
				return 1;
			inputs++;
		}
	closedir(d);
	printf("%u inputs\n", inputs);
	return 0;
}
