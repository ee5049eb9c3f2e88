/* client - one HTTP connection: bytes to requests, answers to bytes, one request at a time.
 *
 * Admission happens when the headers are complete: only then is 100-continue sent or a byte of body
 * read. Bodies of nobody stay in memory and small; larger bodies of known users go to a file in the
 * tenant's tmp/. Deadlines: headers, body with a least rate, idle.
 *
 * SPDX-License-Identifier: MIT
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "http/parser.h"
#include "process/gateway.h"
#include "process/live.h"
#include "tenant/folder.h"

/* Which deadline runs: set when it begins, not with every byte, or a byte a second would hold it
 * off for ever. */
enum client_clock { CLOCK_NONE, CLOCK_IDLE, CLOCK_HEAD };

struct client {
    struct exchange exchange;
    struct client *previous, *next; /* of the gateway */
    struct conn *conn;
    struct parser *parser;
    struct buf body; /* of the request at hand, until it is spooled */
    int spool_fd;    /* -1 = none */
    enum client_clock clock;
    bool is_operator;
    bool is_refused;            /* the answer stands; the body is read and dropped */
    bool is_waiting;            /* an exchange is under way */
    bool is_closed;             /* the connection has gone; freed when nothing is under way */
    bool in_feed;               /* parser_feed or parser_next is on the stack */
    bool answered_now;          /* an answer came while in_feed: go on when it returns */
    bool is_last;               /* close after this answer */
    struct live_stream *stream; /* its answer goes on; NULL = none */
    int64_t body_started_us, body_bytes;
};

static void client_try_free(struct client *client)
{
    if (!client->is_closed || client->is_waiting || client->in_feed)
        return;
    if (client->spool_fd >= 0)
        close(client->spool_fd);
    if (client->exchange.req && client->exchange.req->body_path)
        unlink(client->exchange.req->body_path);
    if (client->exchange.call)
        exchange_end(&client->exchange);
    parser_free(client->parser);
    buf_release(&client->body);
    struct gateway *gateway = client->exchange.gateway;
    gateway->clients--;
    if (client->previous)
        client->previous->next = client->next;
    else
        gateway->first_client = client->next;
    if (client->next)
        client->next->previous = client->previous;
    free(client);
}

/* --- answering ----------------------------------------------------------------------------------
 */

static void client_write_file(struct client *client, struct buf *head)
{
    struct exchange *x = &client->exchange;
    int fd = open(x->resp.file_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    int64_t from = x->resp.file_from, bytes = x->resp.file_bytes;
    if (fd < 0 || fstat(fd, &st) != 0 || (bytes && from > st.st_size - bytes)) {
        if (fd >= 0)
            close(fd);
        log_error("an answer's file has gone: %s", x->resp.file_path);
        resp_clear(&x->resp);
        resp_error(&x->resp, ERR_INTERNAL, NULL, LANG_ZH, x->req->trace);
        resp_put_head(&x->resp, x->req, RESP_LEN_BODY, head);
        buf_put_slice(head, buf_slice(&x->resp.body));
        conn_write(client->conn, head);
        return;
    }
    if (x->resp.file_is_temporary)
        unlink(x->resp.file_path);
    if (!bytes)
        bytes = st.st_size;
    resp_put_head(&x->resp, x->req, bytes, head);
    conn_write(client->conn, head);
    if (x->req->method == HTTP_HEAD)
        close(fd);
    else
        conn_send_file(client->conn, fd, from, bytes);
}

/* Wherever the answer was made: what was admitted here is counted here. */
static void client_tell_rate(struct exchange *x)
{
    const struct call_rate *rate = x->call ? &x->call->rate : NULL;
    char number[16];
    if (!rate || rate->limit == 0)
        return;
    snprintf(number, sizeof number, "%d", rate->limit);
    resp_header(&x->resp, "RateLimit-Limit", number);
    snprintf(number, sizeof number, "%d", rate->left);
    resp_header(&x->resp, "RateLimit-Remaining", number);
    snprintf(number, sizeof number, "%d", rate->whole_s);
    resp_header(&x->resp, "RateLimit-Reset", number);
}

static void client_write(struct client *client)
{
    struct exchange *x = &client->exchange;
    struct buf head = BUF_INIT;
    client_tell_rate(x);
    if (x->gateway->stopping)
        x->resp.close = true;
    client->is_last =
        client->is_last || x->resp.close || !x->req || !x->req->keep_alive || x->resp.is_stream;
    if (x->resp.file_path) {
        client_write_file(client, &head);
    } else {
        resp_put_head(&x->resp, x->req, x->resp.is_stream ? RESP_LEN_STREAM : RESP_LEN_BODY, &head);
        bool has_body = x->resp.status != 204 && x->resp.status != 304;
        if (has_body && (!x->req || x->req->method != HTTP_HEAD))
            buf_put_slice(&head, buf_slice(&x->resp.body));
        conn_write(client->conn, &head);
    }
    buf_release(&head);
}

/* After an answer: forgets the request and goes on with what was read ahead. */
static void client_next(struct client *client);

/* The answer goes on: the request stays, for it is admitted again and again. */
static void client_stream(struct client *client)
{
    exchange_end(&client->exchange);
    client->is_waiting = false;
    if (client->is_closed)
        client_try_free(client);
}

static void client_finish(struct client *client)
{
    struct exchange *x = &client->exchange;
    if (x->resp.is_stream && x->req->method == HTTP_GET && !client->is_closed)
        client->stream = live_open(x, client->conn);
    if (!client->is_closed)
        client_write(client);
    if (client->stream) {
        client_stream(client);
        return;
    }
    if (x->req && x->req->body_path)
        unlink(x->req->body_path); /* a handler that keeps it has renamed it */
    exchange_end(x);
    x->req = NULL;
    client->is_waiting = false;
    client->is_refused = false;
    buf_clear(&client->body);
    if (client->is_closed) {
        client_try_free(client);
        return;
    }
    if (client->is_last) {
        conn_close(client->conn, true);
        return;
    }
    if (client->in_feed)
        client->answered_now = true;
    else
        client_next(client);
}

static void client_answered(struct exchange *x)
{
    x->gateway->exchanges--;
    client_finish(x->owner);
}

/* --- deadlines ----------------------------------------------------------------------------------
 */

static void client_timed_out(void *arg)
{
    struct client *client = conn_user(arg);
    if (client->is_waiting)
        return;
    conn_close(client->conn, false);
}

static void client_clock(struct client *client, enum client_clock clock)
{
    if (client->clock == clock)
        return;
    client->clock = clock;
    conn_deadline(client->conn, clock == CLOCK_IDLE ? IDLE_TIMEOUT_MS : HEADER_TIMEOUT_MS,
                  client_timed_out);
}

/* The least rate is judged over the whole body so far, after a first grace. */
static void client_body_check(void *arg)
{
    struct client *client = conn_user(arg);
    int64_t ms = (clock_mono_us() - client->body_started_us) / 1000;
    if (client->body_bytes * 1000 < ms * BODY_RATE_BYTES_S || !client->exchange.call) {
        conn_close(client->conn, false);
        return;
    }
    conn_deadline(client->conn, BODY_TIMEOUT_MS, client_body_check);
}

/* --- reading ------------------------------------------------------------------------------------
 */

static bool is_trusted_proxy(const struct config *config, const char *address)
{
    for (const char **proxy = config->trusted_proxies; proxy && *proxy; proxy++)
        if (strcmp(*proxy, address) == 0)
            return true;
    return false;
}

static bool is_address(const char *text)
{
    struct in6_addr parsed;
    return inet_pton(AF_INET, text, &parsed) == 1 || inet_pton(AF_INET6, text, &parsed) == 1;
}

/* Forwarded headers count only from configured proxies: the last address that is not one of them.
 * Proxies write it behind what the client has sent, some as a header line of its own. */
static const char *client_address(struct client *client, const struct req *req)
{
    struct arena *arena = parser_arena(client->parser);
    const struct config *config = &client->exchange.gateway->slot.config;
    const char *best = conn_address(client->conn);
    if (!is_trusted_proxy(config, best))
        return arena_strdup(arena, best);
    for (int i = 0; i < req->headers_count; i++) {
        struct slice list = req->headers[i].value;
        if (!slice_is(req->headers[i].name, "x-forwarded-for"))
            continue;
        while (list.len) {
            const char *one = arena_str(arena, slice_trim(slice_split(&list, ',')));
            if (is_address(one) && !is_trusted_proxy(config, one))
                best = one;
        }
    }
    return arena_strdup(arena, best);
}

static const char *trace_new(struct arena *arena)
{
    uint8_t random[8];
    crypto_random(random, sizeof(random));
    struct buf hex = BUF_INIT;
    crypto_put_hex(&hex, slice_of((const char *)random, sizeof(random)));
    const char *trace = arena_str(arena, buf_slice(&hex));
    buf_release(&hex);
    return trace;
}

static enum err client_head(void *user, struct req *req, int64_t *body_max)
{
    struct client *client = user;
    struct exchange *x = &client->exchange;
    struct arena *arena = parser_arena(client->parser);
    client->clock = CLOCK_NONE; /* the head is whole */
    req->trace = trace_new(arena);
    req->address = client_address(client, req);
    req->is_operator = client->is_operator;
    req->is_tls = conn_is_tls(client->conn) ||
                  (is_trusted_proxy(&x->gateway->slot.config, conn_address(client->conn)) &&
                   slice_is(req_header(req, "x-forwarded-proto"), "https"));
    x->req = req;
    x->started_us = clock_mono_us();
    resp_init(&x->resp, arena);
    x->call = pipeline_call_new(&x->gateway->slot.app, arena, req, &x->resp);
    enum err e = exchange_admit(x, body_max);
    client->is_refused = e != ERR_OK;
    /* A body that is not worth reading, or that waits for our word: answered and closed. */
    if (e && req->has_body &&
        (req->expects_continue || req->content_length > BODY_ANONYMOUS_BYTES_MAX))
        return e;
    if (e)
        *body_max = BODY_ANONYMOUS_BYTES_MAX;
    if (req->has_body) {
        client->body_started_us = x->started_us;
        client->body_bytes = 0;
        conn_deadline(client->conn, BODY_TIMEOUT_MS, client_body_check);
        if (req->expects_continue && !e) {
            struct buf b = BUF_INIT;
            buf_put_str(&b, "HTTP/1.1 100 Continue\r\n\r\n");
            conn_write(client->conn, &b);
            buf_release(&b);
        }
    }
    return ERR_OK;
}

/* A full disk, or a file that may not grow, is told as such; anything else is a fault of ours. */
static enum err spool_err(int error)
{
    return folder_err(error) == ERR_FULL ? ERR_FULL : ERR_IO;
}

static enum err client_spool_open(struct client *client, struct req *req)
{
    struct call *call = client->exchange.call;
    char *path = tenant_path(call->ctx->tenant, call->ctx->arena, "tmp",
                             arena_printf(call->ctx->arena, "body-%s", req->trace));
    client->spool_fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (client->spool_fd < 0)
        return spool_err(errno);
    req->body_path = path;
    return ERR_OK;
}

static enum err client_spool(struct client *client, struct slice bytes)
{
    while (bytes.len) {
        ssize_t n = write(client->spool_fd, bytes.at, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return spool_err(errno);
        bytes.at += n;
        bytes.len -= (size_t)n;
    }
    return ERR_OK;
}

static enum err client_body(void *user, struct req *req, struct slice bytes)
{
    struct client *client = user;
    client->body_bytes += (int64_t)bytes.len;
    if (client->is_refused)
        return ERR_OK;
    if (client->spool_fd >= 0)
        return client_spool(client, bytes);
    if (client->body.len + bytes.len <= BODY_INLINE_BYTES_MAX ||
        !client->exchange.call->ctx->tenant) {
        buf_put_slice(&client->body, bytes);
        return ERR_OK;
    }
    enum err e = client_spool_open(client, req);
    if (!e)
        e = client_spool(client, buf_slice(&client->body));
    buf_clear(&client->body);
    return e ? e : client_spool(client, bytes);
}

static void client_done(void *user, struct req *req)
{
    struct client *client = user;
    conn_deadline(client->conn, 0, NULL);
    if (client->spool_fd >= 0)
        close(client->spool_fd);
    client->spool_fd = -1;
    req->body = buf_slice(&client->body);
    req->body_bytes = client->body_bytes;
    client->is_waiting = true;
    if (client->is_refused) {
        client_finish(client);
        return;
    }
    exchange_start(&client->exchange);
}

/* A request that could not be read: answered where an answer can be understood, then closed. */
static void client_broken(struct client *client, enum err e)
{
    struct exchange *x = &client->exchange;
    struct arena *arena = parser_arena(client->parser);
    struct err_info info;
    err_info_init(&info, arena);
    const char *trace = x->call ? x->call->ctx->trace : trace_new(arena);
    if (!client->is_refused || !x->call) {
        if (x->call)
            resp_clear(&x->resp);
        else
            resp_init(&x->resp, arena);
        resp_error(&x->resp, e, &info, x->call ? x->call->ctx->lang : LANG_ZH, trace);
    }
    log_debug("refused: %s (%s), trace %s", err_code(e), parser_why(client->parser), trace);
    client->is_last = true;
    x->resp.close = true;
    atomic_fetch_add_explicit(&x->gateway->slot.mine->refused, 1, memory_order_relaxed);
    client_write(client);
    if (x->call)
        exchange_end(x);
    else
        resp_release(&x->resp);
    conn_close(client->conn, true);
}

static void client_settle(struct client *client, enum err e)
{
    if (client->is_closed) {
        client_try_free(client);
        return;
    }
    if (e && !client->is_waiting && !client->is_last) {
        client_broken(client, e);
        return;
    }
    if (client->is_waiting) {
        if (parser_wants_pause(client->parser))
            conn_pause(client->conn);
        return;
    }
    if (client->is_last)
        return;
    if (parser_in_body(client->parser))
        return; /* the body's own deadline runs */
    bool idle = parser_is_idle(client->parser);
    if (!idle)
        client_clock(client, CLOCK_HEAD);
    else if (client->clock != CLOCK_HEAD) /* blank lines alone do not begin a new rest */
        client_clock(client, CLOCK_IDLE);
    if (idle && client->exchange.gateway->stopping)
        conn_close(client->conn, true);
}

static enum err client_drain(struct client *client, enum err e)
{
    while (client->answered_now) {
        client->answered_now = false;
        e = parser_next(client->parser);
    }
    return e;
}

static void client_read(struct conn *conn, struct slice bytes)
{
    struct client *client = conn_user(conn);
    if (client->is_last && !client->is_waiting)
        return;
    atomic_fetch_add_explicit(&client->exchange.gateway->slot.mine->bytes_in, (int64_t)bytes.len,
                              memory_order_relaxed);
    if (!client->is_waiting && !parser_in_body(client->parser))
        client_clock(client, CLOCK_HEAD);
    client->in_feed = true;
    enum err e = client_drain(client, parser_feed(client->parser, bytes));
    client->in_feed = false;
    client_settle(client, e);
}

static void client_next(struct client *client)
{
    client->in_feed = true;
    client->answered_now = true;
    enum err e = client_drain(client, ERR_OK);
    client->in_feed = false;
    if (!client->is_closed && !client->is_waiting)
        conn_resume(client->conn);
    client_settle(client, e);
}

static void client_closed(struct conn *conn, enum conn_end why)
{
    struct client *client = conn_user(conn);
    (void)why;
    client->is_closed = true;
    if (client->stream)
        live_close(client->stream);
    client->stream = NULL;
    if (client->is_waiting)
        exchange_cancel(&client->exchange); /* answers, and so frees */
    else
        client_try_free(client);
}

static void client_new(struct conn *conn, struct gateway *gateway, bool is_operator)
{
    static const struct parser_cbs cbs = {client_head, client_body, client_done};
    struct client *client = calloc(1, sizeof(*client));
    ASSERT_MEMORY(client);
    client->exchange.gateway = gateway;
    client->exchange.owner = client;
    client->exchange.answered = client_answered;
    client->conn = conn;
    client->is_operator = is_operator;
    client->spool_fd = -1;
    client->parser = parser_new(&cbs, client);
    client->next = gateway->first_client;
    if (client->next)
        client->next->previous = client;
    gateway->first_client = client;
    gateway->clients++;
    atomic_store_explicit(&gateway->slot.mine->conns, gateway->clients, memory_order_relaxed);
    conn_set(conn, client, client_read, client_closed);
    conn_deadline(conn, HEADER_TIMEOUT_MS, client_timed_out);
}

void clients_close_idle(struct gateway *gateway)
{
    for (struct client *client = gateway->first_client; client; client = client->next)
        if (!client->is_closed && !client->is_waiting && parser_is_idle(client->parser))
            conn_close(client->conn, true);
}

void client_accept(struct conn *conn, void *gateway)
{
    client_new(conn, gateway, false);
}

void client_accept_operator(struct conn *conn, void *gateway)
{
    client_new(conn, gateway, true);
}
