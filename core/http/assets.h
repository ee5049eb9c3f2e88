/* assets - static files below one folder: type, ETag, pre-compressed siblings.
 *
 * Names are checked against traversal and dot files; only regular files are served; symlinks are
 * not followed. `.br` and `.gz` siblings are used when the client accepts them. Paths whose name
 * carries a content hash ("app-B3x9kQz2.js") are immutable, others revalidate by ETag. There are no
 * ranges. Files up to ASSET_INLINE_BYTES_MAX are answered from memory, larger ones by file_path.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "http/req.h"
#include "http/resp.h"

#define ASSET_INLINE_BYTES_MAX (256 << 10)

/* Fills resp with 200 or 304. `path` is relative, without leading '/'. ERR_NOT_FOUND also for what
 * may not be served; ERR_METHOD unless GET or HEAD. */
MUST_USE enum err assets_serve(const char *folder, struct slice path, const struct req *req,
                               struct resp *resp);
const char *assets_type(struct slice path); /* MIME type by ending */
