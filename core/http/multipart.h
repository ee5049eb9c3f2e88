/* multipart - RFC 7578 form data from a body in memory or a spooled file.
 *
 * Strict: no preamble or epilogue, names and file names are UTF-8 without control bytes. Part
 * bodies are not copied.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

struct multipart_part {
    struct slice name;     /* of the field */
    struct slice filename; /* base name only, empty if none */
    struct slice content_type;
    struct slice body; /* points into the source */
};

/* `content_type` is the request's header. Source stays borrowed (map a spooled file).
 * ERR_MEDIA_TYPE when it is another type, ERR_TOO_LARGE over the limits, else ERR_MALFORMED. */
MUST_USE enum err multipart_parse(struct arena *arena, struct slice content_type,
                                  struct slice source, struct multipart_part **parts, int *count);
