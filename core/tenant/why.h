/* why - the one sentence that explains a failure at start-up or on the command line.
 *
 * Calls that have no arena of their own put the sentence into one static buffer: it is good until
 * the next failure in this folder, which is long enough to print it.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/err.h"

/* Formats the sentence into *why (NULL is fine) and hands e on. */
enum err why_say(const char **why, enum err e, const char *fmt, ...) PRINTF_LIKE(3, 4);
