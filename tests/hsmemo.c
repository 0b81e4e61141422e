/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Remembers what Hyperscan compiled, for the tests (LD_PRELOAD, tests/conftest.py): each gateway
 * that a test starts, and each unit test of rules, compiles the same patterns; under a sanitizer
 * that is four seconds of a processor. The library is not what is tested, and gives the same
 * database for the same patterns, mode and processor. What is remembered is in the folder
 * RW_HS_MEMO; without it, or when anything goes wrong, the library does as always.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hs/hs.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

/* By dlsym: most programs that this is loaded into have no Hyperscan. */
#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

enum { BYTES_MAX = 64 << 20 };

static void path_of(char out[4096], const char *folder, const char *const *sources,
		    const unsigned *flags, const unsigned *ids, unsigned n, unsigned mode,
		    const hs_platform_info_t *platform)
{
	XXH3_state_t state;
	XXH128_hash_t sum;
	hs_platform_info_t cpu = {0};
	const char *version = REAL(hs_version)();

	if (platform)
		cpu = *platform;
	else
		REAL(hs_populate_platform)(&cpu);
	XXH3_128bits_reset(&state);
	XXH3_128bits_update(&state, version, strlen(version) + 1);
	XXH3_128bits_update(&state, &cpu, sizeof(cpu));
	XXH3_128bits_update(&state, &mode, sizeof(mode));
	for (unsigned i = 0; i < n; i++) {
		unsigned words[2] = {flags ? flags[i] : 0, ids ? ids[i] : 0};

		XXH3_128bits_update(&state, sources[i], strlen(sources[i]) + 1);
		XXH3_128bits_update(&state, words, sizeof(words));
	}
	sum = XXH3_128bits_digest(&state);
	snprintf(out, 4096, "%s/%016llx%016llx", folder, (unsigned long long)sum.high64,
		 (unsigned long long)sum.low64);
}

static bool recall(const char *path, hs_database_t **db)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *bytes = NULL;
	bool ok = false;

	if (fd < 0)
		return false;
	if (!fstat(fd, &st) && st.st_size > 0 && st.st_size < BYTES_MAX &&
	    (bytes = malloc((size_t)st.st_size)))
		ok = read(fd, bytes, (size_t)st.st_size) == st.st_size &&
		     REAL(hs_deserialize_database)(bytes, (size_t)st.st_size, db) == HS_SUCCESS;
	free(bytes);
	close(fd);
	return ok;
}

/* Under a name of its own first: others may be reading. */
static void keep(const char *path, const hs_database_t *db)
{
	char part[4096 + 16], *bytes = NULL;
	size_t n = 0;
	int fd;

	if (REAL(hs_serialize_database)(db, &bytes, &n) != HS_SUCCESS)
		return;
	snprintf(part, sizeof(part), "%s.%d", path, (int)getpid());
	fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd >= 0) {
		if (write(fd, bytes, n) != (ssize_t)n || rename(part, path))
			unlink(part);
		close(fd);
	}
	free(bytes);
}

hs_error_t hs_compile_multi(const char *const *expressions, const unsigned *flags,
			    const unsigned *ids, unsigned elements, unsigned mode,
			    const hs_platform_info_t *platform, hs_database_t **db,
			    hs_compile_error_t **error)
{
	const char *folder = getenv("RW_HS_MEMO");
	char path[4096];
	hs_error_t rc;

	if (!folder)
		return REAL(hs_compile_multi)(expressions, flags, ids, elements, mode, platform, db,
					      error);
	path_of(path, folder, expressions, flags, ids, elements, mode, platform);
	if (recall(path, db))
		return HS_SUCCESS;
	rc = REAL(hs_compile_multi)(expressions, flags, ids, elements, mode, platform, db, error);
	if (rc == HS_SUCCESS)
		keep(path, *db);
	return rc;
}
