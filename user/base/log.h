/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's log: one line per call to standard error, whole lines only,
 * "ringwall: warning: text". Never prompts, answers, keys or secrets.
 * Safe from every thread.
 */
#ifndef RW_BASE_LOG_H
#define RW_BASE_LOG_H

enum rw_log_level { RW_LOG_DEBUG, RW_LOG_INFO, RW_LOG_WARN, RW_LOG_ERROR };

/* Lines below level are not written; the default is RW_LOG_INFO. */
void rw_log_set_level(enum rw_log_level level);
void rw_log(enum rw_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define rw_debug(...) rw_log(RW_LOG_DEBUG, __VA_ARGS__)
#define rw_info(...)  rw_log(RW_LOG_INFO, __VA_ARGS__)
#define rw_warn(...)  rw_log(RW_LOG_WARN, __VA_ARGS__)
#define rw_err(...)   rw_log(RW_LOG_ERROR, __VA_ARGS__)

#endif
