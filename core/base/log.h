/* log - structured lines on stderr (or a file descriptor), one JSON object each.
 *
 * {"t":"2026-…Z","level":"info","role":"gateway 0","trace":"…","msg":"…", extra members}. One
 * write(2) per line, at most LOG_LINE_MAX bytes, so lines of several processes never mix. Where
 * nobody reads them, lines are lost and counted: the log never holds up a server. Never log
 * secrets: no passwords, tokens, cookies, bodies.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/err.h"
#include "base/slice.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_init(int fd, enum log_level least, const char *role); /* role is copied */
void log_trace(const char *trace); /* trace id of the request at hand, or NULL; borrowed */
bool log_wants(enum log_level level);
void log_line(enum log_level level, const char *members, const char *fmt, ...) PRINTF_LIKE(3, 4);
#define log_debug(...) log_line(LOG_DEBUG, NULL, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, NULL, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, NULL, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR, NULL, __VA_ARGS__)
/* `members`: JSON members without braces ("\"status\":200,\"ms\":3") put before msg, or NULL. */
