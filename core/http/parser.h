/* parser - bytes of a connection to requests: llhttp plus our own strict rules.
 *
 * llhttp is a parser, not a policy: security.md section 3 lists the rules added here, each with a
 * test. After an error the parser stays broken: answer, close, never feed it again.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/limits.h"
#include "http/req.h"

#define PARSER_READ_BYTES_MAX (2 * READ_BYTES) /* a read, and a TLS record held back */
#define PARSER_AHEAD_BYTES    (REQUEST_LINE_BYTES_MAX + HEADERS_BYTES_MAX)
#define PARSER_KEPT_BYTES_MAX (PARSER_AHEAD_BYTES + PARSER_READ_BYTES_MAX)

struct parser;

struct parser_cbs {
    /* Headers are complete and valid. Decide: ERR_OK to go on (set *body_max to the most bytes of
     * body accepted; BODY_ANONYMOUS_BYTES_MAX unless set), else that error is answered and the
     * connection closes. req lives in the parser's memory of this request until parser_next. */
    enum err (*head)(void *user, struct req *req, int64_t *body_max);
    /* A part of the body, decoded from chunks. */
    enum err (*body)(void *user, struct req *req, struct slice bytes);
    /* The request is whole. The parser pauses until parser_next, which may be called in here. */
    void (*done)(void *user, struct req *req);
};

struct parser *parser_new(const struct parser_cbs *cbs, void *user);
void parser_free(struct parser *parser);
/* Consumes bytes; stops behind a complete request and keeps the rest for later (pipelining), at
 * most PARSER_KEPT_BYTES_MAX: more is ERR_TOO_LARGE, so heed parser_wants_pause after every feed.
 * Error: what to answer; parser_why names the rule. Not to be called, nor the parser freed, in a
 * callback.
 */
MUST_USE enum err parser_feed(struct parser *parser, struct slice bytes);
/* The request at hand has been answered: clears its arena, goes on with kept bytes. After a request
 * that is the connection's last, whatever still comes is dropped unread. */
MUST_USE enum err parser_next(struct parser *parser);
/* As much is kept as a next request's head may need: stop reading until parser_next. */
bool parser_wants_pause(const struct parser *parser);
size_t parser_buffered(const struct parser *parser);
/* Nothing of a next request has been read. */
bool parser_is_idle(const struct parser *parser);
bool parser_in_body(const struct parser *parser);
const char *parser_why(const struct parser *parser); /* after an error: a short word for the log */
struct arena *parser_arena(struct parser *parser);
