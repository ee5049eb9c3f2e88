/* resp - an answer while it is being made, its frame form and its bytes on the wire.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "http/req.h"

struct resp_header {
    const char *name; /* as it is written on the wire */
    const char *value;
    struct resp_header *next;
};

struct resp {
    struct arena *arena;      /* borrowed: headers live here */
    int status;               /* 200 unless set */
    const char *content_type; /* NULL = "application/json; charset=utf-8" when there is a body */
    struct resp_header *headers;
    struct buf body;               /* owned */
    const char *file_path;         /* sent instead of body, then unlinked if it is temporary */
    int64_t file_from, file_bytes; /* so many bytes of it from there; file_bytes 0 = all of it */
    bool file_is_temporary;
    bool is_immutable; /* Cache-Control: public, max-age=31536000, immutable */
    bool close;        /* Connection: close after it */
    bool is_stream;    /* has no end: the gateway goes on writing; never in a frame */
};

void resp_init(struct resp *resp, struct arena *arena);
void resp_release(struct resp *resp);
void resp_clear(struct resp *resp); /* as after init, keeps memory */
/* Copies both. Order is kept. Control bytes in the value become spaces, so that nothing a person
 * typed can end the line. */
void resp_header(struct resp *resp, const char *name, const char *value);
/* Allow: the methods of the bit set that router_match gave. */
void resp_allow(struct resp *resp, unsigned methods);
/* The JSON error object with the status of e: code, message, fields grouped by name, trace and what
 * info->extra adds. 401 names the scheme, 429 and 503 say when to come back. info may be NULL. */
void resp_error(struct resp *resp, enum err e, const struct err_info *info, enum lang lang,
                const char *trace);
void resp_encode(const struct resp *resp, struct buf *out);
/* Makes *out as resp_init would and fills it; on failure *out is untouched. */
MUST_USE enum err resp_decode(struct arena *arena, struct slice bytes, struct resp *out);
#define RESP_LEN_BODY   (-1) /* the length is that of resp->body */
#define RESP_LEN_STREAM (-2) /* unknown: no Content-Length, and the connection ends the answer */
/* Status line and headers incl. Content-Length (body_len when ≥ 0), security headers, Date,
 * Connection. HEAD gets the same head; 204 and 304 have no length. A header set by the handler
 * replaces the default of that name. req is NULL when none could be parsed: then Connection: close.
 * The body itself is not appended. */
void resp_put_head(const struct resp *resp, const struct req *req, int64_t body_len,
                   struct buf *out);
const char *http_reason(int status);
