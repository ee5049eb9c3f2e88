/* why - one static sentence.
 *
 * SPDX-License-Identifier: MIT
 */
#include "tenant/why.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"

enum err why_say(const char **why, enum err e, const char *fmt, ...)
{
    static char sentence[LOG_LINE_MAX];
    char fresh[sizeof sentence]; /* an argument may be the old sentence itself */

    ASSERT(e);
    if (!why)
        return e;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(fresh, sizeof fresh, fmt, args);
    va_end(args);
    memcpy(sentence, fresh, sizeof sentence);
    *why = sentence;
    return e;
}
