/* seen - see seen.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "seen.h"

#include <stdio.h>
#include <stdlib.h>

#include "help.h"

static enum err on_head(void *user, struct req *req, int64_t *body_max)
{
    struct seen *seen = user;
    seen->heads++;
    seen->last = *req;
    if (seen->body_max >= 0)
        *body_max = seen->body_max;
    return seen->head_answer;
}

static enum err on_body(void *user, struct req *req, struct slice bytes)
{
    struct seen *seen = user;
    assert_non_null(req);
    buf_put_slice(&seen->bodies, bytes);
    return seen->body_answer;
}

static void on_done(void *user, struct req *req)
{
    struct seen *seen = user;
    seen->dones++;
    seen->last = *req;
    buf_put_slice(&seen->paths, req->path);
    buf_put_char(&seen->paths, '|');
    buf_put_char(&seen->bodies, '|');
    buf_clear(&seen->encoded);
    req_encode(req, &seen->encoded);
    if (seen->answers_at_once)
        assert_int_equal(parser_next(seen->parser), ERR_OK);
}

static const struct parser_cbs cbs = {on_head, on_body, on_done};

void seen_init(struct seen *seen)
{
    *seen = (struct seen){.body_max = -1};
    seen->parser = parser_new(&cbs, seen);
}

void seen_release(struct seen *seen)
{
    parser_free(seen->parser);
    buf_release(&seen->bodies);
    buf_release(&seen->paths);
    buf_release(&seen->encoded);
}

enum err feed(struct seen *seen, struct slice bytes, size_t step)
{
    for (size_t i = 0; i < bytes.len; i += step) {
        size_t n = bytes.len - i < step ? bytes.len - i : step;
        char *piece = malloc(n);
        memcpy(piece, bytes.at + i, n);
        enum err e = parser_feed(seen->parser, slice_of(piece, n));
        free(piece);
        if (e)
            return e;
    }
    return ERR_OK;
}

void accepted(const char *raw, size_t len, void (*check)(const struct req *req))
{
    for (size_t step = 1; step <= len; step = step < 4 ? step + 1 : step * 3) {
        struct seen seen;
        seen_init(&seen);
        enum err e = feed(&seen, slice_of(raw, len), step);
        if (e)
            print_error("step %zu: %s %s\n", step, err_code(e), parser_why(seen.parser));
        assert_int_equal(e, ERR_OK);
        assert_int_equal(seen.heads, 1);
        assert_int_equal(seen.dones, 1);
        struct arena *arena = arena_new();
        struct req req;
        assert_int_equal(req_decode(arena, buf_slice(&seen.encoded), &req), ERR_OK);
        if (check)
            check(&req);
        arena_free(arena);
        seen_release(&seen);
    }
}

void refused(const char *raw, size_t len, enum err want, const char *why)
{
    for (size_t step = 1; step <= len; step = step < 4 ? step + 1 : step * 7) {
        struct seen seen;
        seen_init(&seen);
        enum err e = feed(&seen, slice_of(raw, len), step);
        if (e != want || (why && strcmp(parser_why(seen.parser), why) != 0))
            print_error("%.60s… step %zu: %s %s\n", raw, step, err_code(e),
                        parser_why(seen.parser));
        assert_int_equal(e, want);
        if (why)
            assert_string_equal(parser_why(seen.parser), why);
        assert_int_equal(seen.dones, 0);
        /* Nothing heals a broken parser. */
        assert_int_equal(parser_feed(seen.parser, SLICE("GET / HTTP/1.1\r\nHost: a\r\n\r\n")),
                         want);
        assert_int_equal(seen.dones, 0);
        seen_release(&seen);
    }
}

struct buf stretched(const char *before, const char *fill, size_t n, const char *after)
{
    struct buf b = BUF_INIT;
    buf_put_str(&b, before);
    for (size_t i = 0; i < n; i++)
        buf_put_str(&b, fill);
    buf_put_str(&b, after);
    return b;
}

void refused_long(struct buf raw, enum err want, const char *why)
{
    struct seen seen;
    seen_init(&seen);
    assert_int_equal(feed(&seen, buf_slice(&raw), 4096), want);
    assert_string_equal(parser_why(seen.parser), why);
    seen_release(&seen);
    buf_release(&raw);
}

void accepted_long(struct buf raw)
{
    struct seen seen;
    seen_init(&seen);
    assert_int_equal(feed(&seen, buf_slice(&raw), 4096), ERR_OK);
    assert_int_equal(seen.dones, 1);
    seen_release(&seen);
    buf_release(&raw);
}
