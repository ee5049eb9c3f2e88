/* parser - bytes of a connection to requests: llhttp plus our own strict rules.
 *
 * The request line is gathered and judged here first (llhttp also takes RTSP and runs of spaces);
 * then it and all that follows goes through llhttp, which is paused behind the headers and behind
 * the message. So no callback of ours but `body` runs inside llhttp, and the byte where one request
 * ends is known exactly. Names and values are gathered in one buffer; slices are made of them once
 * nothing is added any more.
 *
 * SPDX-License-Identifier: MIT
 */
#include "http/parser.h"

#include <stdlib.h>

#include "base/limits.h"
#include "http/rules.h"

/* llhttp's method numbers share names with ours and are of no use here: they step aside while its
 * header is read. */
#define HTTP_DELETE  LLHTTP_DELETE
#define HTTP_GET     LLHTTP_GET
#define HTTP_HEAD    LLHTTP_HEAD
#define HTTP_OPTIONS LLHTTP_OPTIONS
#define HTTP_PATCH   LLHTTP_PATCH
#define HTTP_POST    LLHTTP_POST
#define HTTP_PUT     LLHTTP_PUT
#include "llhttp.h"
#undef HTTP_DELETE
#undef HTTP_GET
#undef HTTP_HEAD
#undef HTTP_OPTIONS
#undef HTTP_PATCH
#undef HTTP_POST
#undef HTTP_PUT

/* "ffffffff" CRLF before and CRLF behind each chunk, with room to spare: what framing may cost. */
#define CHUNK_FRAME_BYTES_MAX 32
#define HEAD_KEEP_BYTES       4096 /* a buffer larger than this is not kept between requests */

enum state {
    STATE_LINE,   /* in or before the request line */
    STATE_HEAD,   /* in the headers */
    STATE_BODY,   /* in the body, or behind headers without one */
    STATE_DONE,   /* whole; waits for parser_next */
    STATE_CLOSED, /* the last request was answered: the rest is dropped */
    STATE_BROKEN, /* after an error */
};

enum part { PART_NONE, PART_NAME, PART_VALUE };

struct field { /* offsets into parser.head */
    uint32_t name, name_len, value, value_len;
};

struct parser {
    const struct parser_cbs *cbs; /* borrowed */
    void *user;                   /* borrowed */
    struct arena *arena;          /* owned; of the request at hand */
    struct req *req;              /* in the arena */
    enum state state;
    bool running;       /* inside parser_run: a callback is calling us */
    bool blank_skipped; /* one empty line before a request is forgiven, RFC 9112 section 2.2 */
    bool last_chunk;    /* what follows is the trailer */
    enum err error;
    const char *why;
    llhttp_t llhttp;
    struct buf head; /* owned: request line, then names and values */
    struct buf kept; /* owned: bytes behind the request at hand */
    enum part part;
    size_t head_bytes;  /* of the header block as sent */
    int64_t body_max;   /* set by the head callback */
    int64_t body_bytes; /* decoded so far */
    int64_t raw_bytes;  /* of the body as sent */
    int64_t chunks;     /* chunk headers seen */
    size_t extension_bytes;
    int fields_count;
    struct field fields[HEADERS_MAX];
};

static enum err refuse(struct parser *p, enum err e, const char *why)
{
    p->why = why;
    return e;
}

/* ---- callbacks of llhttp ---- */

static int parser_fail(struct parser *p, enum err e, const char *why)
{
    p->error = e;
    p->why = why;
    return HPE_USER;
}

/* RFC 9110 section 5.6.2 token characters in lower case, 0 for all other bytes. */
static const char name_bytes[256] = {
    ['!'] = '!', ['#'] = '#', ['$'] = '$', ['%'] = '%', ['&'] = '&', ['\''] = '\'', ['*'] = '*',
    ['+'] = '+', ['-'] = '-', ['.'] = '.', ['^'] = '^', ['_'] = '_', ['`'] = '`',   ['|'] = '|',
    ['~'] = '~', ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4',   ['5'] = '5',
    ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9', ['A'] = 'a', ['B'] = 'b',   ['C'] = 'c',
    ['D'] = 'd', ['E'] = 'e', ['F'] = 'f', ['G'] = 'g', ['H'] = 'h', ['I'] = 'i',   ['J'] = 'j',
    ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n', ['O'] = 'o', ['P'] = 'p',   ['Q'] = 'q',
    ['R'] = 'r', ['S'] = 's', ['T'] = 't', ['U'] = 'u', ['V'] = 'v', ['W'] = 'w',   ['X'] = 'x',
    ['Y'] = 'y', ['Z'] = 'z', ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd',   ['e'] = 'e',
    ['f'] = 'f', ['g'] = 'g', ['h'] = 'h', ['i'] = 'i', ['j'] = 'j', ['k'] = 'k',   ['l'] = 'l',
    ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r',   ['s'] = 's',
    ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y',   ['z'] = 'z',
};

static int on_name(llhttp_t *llhttp, const char *at, size_t len)
{
    struct parser *p = llhttp->data;
    if (p->state != STATE_HEAD)
        return 0; /* a trailer */
    if (p->part != PART_NAME) {
        if (p->fields_count == HEADERS_MAX)
            return parser_fail(p, ERR_HEADERS_TOO_LARGE, "headers_count");
        p->fields[p->fields_count++] = (struct field){.name = (uint32_t)p->head.len};
        p->part = PART_NAME;
    }
    size_t from = p->head.len;
    buf_put(&p->head, at, len);
    for (size_t i = from; i < p->head.len; i++) {
        p->head.at[i] = name_bytes[(unsigned char)p->head.at[i]];
        if (p->head.at[i] == '\0')
            return parser_fail(p, ERR_MALFORMED, "header_name");
    }
    p->fields[p->fields_count - 1].name_len += (uint32_t)len;
    return 0;
}

static int on_name_complete(llhttp_t *llhttp)
{
    struct parser *p = llhttp->data;
    if (p->state != STATE_HEAD)
        return 0;
    if (p->fields_count == 0 || p->fields[p->fields_count - 1].name_len == 0)
        return parser_fail(p, ERR_MALFORMED, "header_name");
    p->fields[p->fields_count - 1].value = (uint32_t)p->head.len;
    p->part = PART_VALUE;
    return 0;
}

static int on_value(llhttp_t *llhttp, const char *at, size_t len)
{
    struct parser *p = llhttp->data;
    if (p->state != STATE_HEAD)
        return 0;
    if (p->part != PART_VALUE) /* a value goes on after its end only where lines are folded */
        return parser_fail(p, ERR_MALFORMED, "header_fold");
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)at[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return parser_fail(p, ERR_MALFORMED, "header_value");
    }
    buf_put(&p->head, at, len);
    p->fields[p->fields_count - 1].value_len += (uint32_t)len;
    return 0;
}

static int on_value_complete(llhttp_t *llhttp)
{
    struct parser *p = llhttp->data;
    p->part = PART_NONE;
    return 0;
}

static int on_headers_complete(llhttp_t *llhttp)
{
    (void)llhttp;
    return HPE_PAUSED;
}

static int on_chunk_header(llhttp_t *llhttp)
{
    struct parser *p = llhttp->data;
    p->chunks++;
    p->last_chunk = llhttp->content_length == 0;
    if (llhttp->content_length > (uint64_t)(p->body_max - p->body_bytes))
        return parser_fail(p, ERR_TOO_LARGE, "body");
    return 0;
}

static int on_chunk_extension(llhttp_t *llhttp, const char *at, size_t len)
{
    struct parser *p = llhttp->data;
    (void)at;
    p->extension_bytes += len;
    if (p->extension_bytes > CHUNK_EXT_BYTES_MAX)
        return parser_fail(p, ERR_MALFORMED, "chunk_extension");
    return 0;
}

static int on_body(llhttp_t *llhttp, const char *at, size_t len)
{
    struct parser *p = llhttp->data;
    ASSERT(p->state == STATE_BODY);
    p->body_bytes += (int64_t)len;
    if (p->body_bytes > p->body_max)
        return parser_fail(p, ERR_TOO_LARGE, "body");
    p->req->body_bytes = p->body_bytes;
    enum err e = p->cbs->body(p->user, p->req, slice_of(at, len));
    return e ? parser_fail(p, e, "body_refused") : 0;
}

static int on_message_complete(llhttp_t *llhttp)
{
    struct parser *p = llhttp->data;
    p->state = STATE_DONE;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_header_field = on_name,
    .on_header_field_complete = on_name_complete,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_chunk_header = on_chunk_header,
    .on_chunk_extension_name = on_chunk_extension,
    .on_chunk_extension_value = on_chunk_extension,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

/* ---- one step of each state ---- */

/* Feeds llhttp and says how much it took; *paused when one of its callbacks stopped it. */
static enum err llhttp_feed(struct parser *p, struct slice bytes, size_t *taken, bool *paused)
{
    enum llhttp_errno code = llhttp_execute(&p->llhttp, bytes.at, bytes.len);
    *paused = code == HPE_PAUSED;
    *taken = bytes.len;
    if (code == HPE_OK)
        return ERR_OK;
    if (code == HPE_PAUSED) {
        const char *at = llhttp_get_error_pos(&p->llhttp);
        ASSERT(at >= bytes.at && at <= bytes.at + bytes.len);
        *taken = (size_t)(at - bytes.at);
        return ERR_OK;
    }
    if (!p->error)
        (void)parser_fail(p, ERR_MALFORMED, llhttp_errno_name(code));
    return p->error;
}

static enum err line_done(struct parser *p)
{
    struct slice line = buf_slice(&p->head);
    if (line.len == 2 && !p->blank_skipped) {
        p->blank_skipped = true;
        buf_clear(&p->head);
        return ERR_OK;
    }
    p->req = arena_make(p->arena, struct req);
    enum err e = rules_line(slice_of(line.at, line.len - 2), p->req, &p->why);
    if (e)
        return e;

    llhttp_init(&p->llhttp, HTTP_REQUEST, &settings);
    p->llhttp.data = p;
    p->state = STATE_HEAD;
    size_t taken;
    bool paused;
    e = llhttp_feed(p, line, &taken, &paused);
    ASSERT(e || !paused);
    return e;
}

/* Gathers the request line up to its CRLF. No byte but that CRLF may be a control byte, so a client
 * that speaks TLS or noise is told at its first byte. */
static enum err run_line(struct parser *p, struct slice *rest)
{
    const char *end = memchr(rest->at, '\n', rest->len);
    size_t n = end ? (size_t)(end - rest->at) + 1 : rest->len;
    if (p->head.len + n > REQUEST_LINE_BYTES_MAX + 2)
        return refuse(p, ERR_URI_TOO_LONG, "request_line");

    size_t from = p->head.len;
    buf_put(&p->head, rest->at, n);
    *rest = slice_of(rest->at + n, rest->len - n);
    size_t text = p->head.len - (end ? 1 : 0);
    p->why = "request_line";
    for (size_t i = from > 0 ? from - 1 : 0; i < text; i++) {
        unsigned char c = (unsigned char)p->head.at[i];
        if (c == '\r' && i + 1 == text)
            break;
        if (c < 0x20 || c >= 0x7f)
            return ERR_MALFORMED;
    }
    if (!end)
        return ERR_OK;
    if (p->head.len < 2 || p->head.at[p->head.len - 2] != '\r')
        return ERR_MALFORMED;
    return line_done(p);
}

/* The buffer does not move any more: makes the request of it and asks whether to go on. */
static enum err head_done(struct parser *p)
{
    struct req *req = p->req;
    const char *at = p->head.at;
    struct slice line = slice_of(at, p->head.len);
    enum err e = rules_line(slice_split(&line, '\r'), req, &p->why);
    if (e)
        BUG("a request line that was good before");

    req->headers = arena_array(p->arena, struct req_pair, (size_t)p->fields_count);
    req->headers_count = p->fields_count;
    for (int i = 0; i < p->fields_count; i++) {
        const struct field *f = &p->fields[i];
        req->headers[i].name = slice_of(at + f->name, f->name_len);
        req->headers[i].value = slice_trim(slice_of(at + f->value, f->value_len));
    }
    e = rules_head(p->arena, req, &p->why);
    if (e)
        return e;

    p->body_max = BODY_ANONYMOUS_BYTES_MAX;
    p->why = "refused";
    e = p->cbs->head(p->user, req, &p->body_max);
    if (e)
        return e;
    ASSERT(p->body_max >= 0);
    if (req->content_length > p->body_max)
        return refuse(p, ERR_TOO_LARGE, "body");
    return ERR_OK;
}

static enum err run_head(struct parser *p, struct slice *rest)
{
    size_t room = HEADERS_BYTES_MAX - p->head_bytes;
    if (room == 0)
        return refuse(p, ERR_HEADERS_TOO_LARGE, "headers_bytes");

    size_t taken;
    bool paused;
    struct slice piece = slice_of(rest->at, rest->len < room ? rest->len : room);
    enum err e = llhttp_feed(p, piece, &taken, &paused);
    if (e)
        return e;
    p->head_bytes += taken;
    *rest = slice_of(rest->at + taken, rest->len - taken);
    if (!paused)
        return ERR_OK;

    e = head_done(p);
    if (e)
        return e;
    p->state = STATE_BODY;
    llhttp_resume(&p->llhttp);
    /* A request without a body is whole here, and llhttp says so only when asked again. */
    return llhttp_feed(p, slice_of(rest->at, 0), &taken, &paused);
}

/* Zeros before a size, empty extensions and trailers are counted by nobody else. */
static bool framing_is_bounded(const struct parser *p)
{
    int64_t most = CHUNK_EXT_BYTES_MAX + CHUNK_FRAME_BYTES_MAX * (p->chunks + 1);
    if (p->last_chunk)
        most += HEADERS_BYTES_MAX;
    return p->raw_bytes - p->body_bytes <= most;
}

static enum err run_body(struct parser *p, struct slice *rest)
{
    size_t taken;
    bool paused;
    /* In pieces, so that what is not counted by a callback is looked at often enough. */
    struct slice piece = slice_of(rest->at, rest->len < 16384 ? rest->len : 16384);
    enum err e = llhttp_feed(p, piece, &taken, &paused);
    if (e)
        return e;
    *rest = slice_of(rest->at + taken, rest->len - taken);
    p->raw_bytes += (int64_t)taken;
    return framing_is_bounded(p) ? ERR_OK : refuse(p, ERR_MALFORMED, "chunk_framing");
}

/* ---- the loop ---- */

static void parser_reset(struct parser *p)
{
    arena_clear(p->arena);
    if (p->head.cap > HEAD_KEEP_BYTES)
        buf_release(&p->head);
    buf_clear(&p->head);
    p->req = NULL;
    p->state = STATE_LINE;
    p->blank_skipped = p->last_chunk = false;
    p->part = PART_NONE;
    p->head_bytes = p->extension_bytes = 0;
    p->body_max = p->body_bytes = p->raw_bytes = p->chunks = 0;
    p->fields_count = 0;
}

/* Goes on until the bytes are used up or a request waits for its answer. */
static enum err parser_run(struct parser *p, struct slice *rest)
{
    ASSERT(!p->running);
    enum err e = ERR_OK;
    p->running = true;
    while (!e && rest->len > 0 && p->state < STATE_DONE) {
        if (p->state == STATE_LINE)
            e = run_line(p, rest);
        else if (p->state == STATE_HEAD)
            e = run_head(p, rest);
        else
            e = run_body(p, rest);
        if (!e && p->state == STATE_DONE)
            p->cbs->done(p->user, p->req);
    }
    p->running = false;
    if (e) {
        p->error = e;
        p->state = STATE_BROKEN;
        buf_release(&p->kept);
    } else if (p->state == STATE_CLOSED) {
        rest->len = 0;
    }
    return e;
}

enum err parser_feed(struct parser *p, struct slice bytes)
{
    ASSERT(!p->running);
    if (p->state == STATE_BROKEN)
        return p->error;
    if (p->state == STATE_CLOSED)
        return ERR_OK;
    enum err e = parser_run(p, &bytes);
    if (e || bytes.len == 0)
        return e;
    if (p->kept.len + bytes.len > PARSER_KEPT_BYTES_MAX) {
        p->state = STATE_BROKEN;
        p->why = "pipeline";
        return p->error = ERR_TOO_LARGE;
    }
    buf_put_slice(&p->kept, bytes);
    return ERR_OK;
}

enum err parser_next(struct parser *p)
{
    ASSERT(p->state == STATE_DONE);
    bool goes_on = p->req->keep_alive;
    parser_reset(p);
    if (!goes_on) {
        p->state = STATE_CLOSED;
        buf_release(&p->kept);
        return ERR_OK;
    }
    if (p->running || p->kept.len == 0)
        return ERR_OK;

    struct slice rest = buf_slice(&p->kept);
    enum err e = parser_run(p, &rest);
    if (e)
        return e;
    if (rest.len == 0)
        buf_release(&p->kept);
    else
        buf_consume(&p->kept, p->kept.len - rest.len);
    return ERR_OK;
}

/* ---- life and state ---- */

struct parser *parser_new(const struct parser_cbs *cbs, void *user)
{
    ASSERT(cbs && cbs->head && cbs->body && cbs->done);
    struct parser *p = calloc(1, sizeof(*p));
    ASSERT_MEMORY(p);
    p->cbs = cbs;
    p->user = user;
    p->arena = arena_new();
    buf_init(&p->head);
    buf_init(&p->kept);
    return p;
}

void parser_free(struct parser *p)
{
    if (!p)
        return;
    ASSERT(!p->running);
    arena_free(p->arena);
    buf_release(&p->head);
    buf_release(&p->kept);
    free(p);
}

bool parser_wants_pause(const struct parser *p)
{
    return p->kept.len >= PARSER_AHEAD_BYTES;
}

size_t parser_buffered(const struct parser *p)
{
    return p->kept.len;
}

bool parser_is_idle(const struct parser *p)
{
    return p->state == STATE_LINE && p->head.len == 0;
}

bool parser_in_body(const struct parser *p)
{
    return p->state == STATE_BODY;
}

const char *parser_why(const struct parser *p)
{
    return p->why ? p->why : "";
}

struct arena *parser_arena(struct parser *p)
{
    return p->arena;
}
