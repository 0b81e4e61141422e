/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled databases on disk: Hyperscan's compiler takes a second, reading its work takes none.
 *
 * A database is found by the hash of everything that it depends on: patterns, flags, numbers,
 * the library's version, what the processor can do and our own version. Its file holds a hash
 * of its bytes; it must be a plain file of ours (or root's) that nobody else can write, in such a
 * folder. What is not so, or damaged, is not used and is made anew. Files are written aside, synced
 * and renamed. Nothing depends on the cache: where it cannot be used, databases are compiled.
 *
 * The widths of patterns are kept beside them, by the same rules: once there is no compiling, to
 * have Hyperscan read every pattern for its width alone is half of a load.
 */
#ifndef RW_SCAN_DBCACHE_H
#define RW_SCAN_DBCACHE_H

#include "scan/needles.h"

enum { RW_DBCACHE_FILES = 16 }; /* kept in the folder: the ones used last */

/* This processor, as far as databases are to depend on it: what it can do, not which one it is. */
bool rw_dbcache_processor(hs_platform_info_t *out);

/*
 * True: *db is there, for this processor; the caller frees it by hs_free_database. What else there
 * is to say goes to note (or NULL).
 */
bool rw_dbcache_get(const char *dir, const struct rw_sack *s, hs_database_t **db,
		    void (*note)(const char *text));
void rw_dbcache_put(const char *dir, const struct rw_sack *s, const hs_platform_info_t *cpu,
		    const hs_database_t *db, void (*note)(const char *text));

/* Patterns as they are written, and what else their widths and what is asked of these depend on. */
struct rw_sources {
	const char **at;
	unsigned *kinds, n;
};

/* True: widths has one for each, in bytes, UINT32_MAX where there is no bound. False: nothing is
 * written to it. */
bool rw_dbcache_get_widths(const char *dir, const struct rw_sources *s, uint32_t *widths,
			   void (*note)(const char *text));
void rw_dbcache_put_widths(const char *dir, const struct rw_sources *s, const uint32_t *widths,
			   void (*note)(const char *text));

#endif
