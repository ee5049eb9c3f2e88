/* fetch - see fetch.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "outbound/fetch.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "outbound/curl.h"
#include "outbound/guard.h"

struct target {
    const char *url, *scheme, *host; /* in the arena; host without brackets */
    int port;
};

struct receiving {
    struct arena *arena;
    struct fetch_answer *out;
    struct buf body;
    size_t header_bytes;
    const char *too_large; /* what was */
};

/* --- the address --------------------------------------------------------------------------------
 */

static const char *part(const struct curl_api *api, struct arena *arena, CURLU *url, CURLUPart what,
                        unsigned flags)
{
    char *text = NULL;
    if (api->url_get(url, what, &text, flags) != CURLUE_OK)
        return NULL;
    const char *copy = arena_strdup(arena, text);
    api->free(text);
    return copy;
}

static bool is_printable(const char *text)
{
    for (const char *at = text; *at; at++)
        if (*at <= ' ' || *at > '~')
            return false;
    return true;
}

static enum err target_take(const struct curl_api *api, struct arena *arena, CURLU *url,
                            struct target *out, const char **why)
{
    const char *port = part(api, arena, url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    out->scheme = part(api, arena, url, CURLUPART_SCHEME, 0);
    out->host = part(api, arena, url, CURLUPART_HOST, 0);
    out->url = part(api, arena, url, CURLUPART_URL, 0);
    if (!port || !out->scheme || !out->host || !out->url) {
        *why = "this is no address";
        return ERR_MALFORMED;
    }
    out->port = atoi(port);
    if (strcmp(out->scheme, "https") != 0 && strcmp(out->scheme, "http") != 0) {
        *why = "an address begins with https:// or http://";
        return ERR_MALFORMED;
    }
    return ERR_OK;
}

static enum err target_parse(const struct curl_api *api, struct arena *arena, const char *text,
                             struct target *out, const char **why)
{
    if (strlen(text) > FETCH_URL_BYTES_MAX || !is_printable(text)) {
        *why = "an address is printable ASCII: percent-encode the rest; at most 4096 bytes";
        return ERR_MALFORMED;
    }
    CURLU *url = api->url();
    ASSERT(url);
    CURLUcode bad = api->url_set(url, CURLUPART_URL, text, CURLU_DISALLOW_USER);
    enum err e = ERR_OK;
    if (bad) {
        *why = bad == CURLUE_USER_NOT_ALLOWED ? "an address holds no user and no password"
                                              : "this is no address";
        e = ERR_MALFORMED;
    }
    if (!e)
        e = target_take(api, arena, url, out, why);
    api->url_cleanup(url);
    return e;
}

static enum err target_check(struct arena *arena, const struct fetch *fetch,
                             const struct target *target, const char **why)
{
    for (int i = 0; i < fetch->may_count; i++)
        if (guard_capability_covers(fetch->may[i], target->scheme, target->host, target->port))
            return ERR_OK;
    bool is_usual = target->port == (strcmp(target->scheme, "https") == 0 ? 443 : 80);
    *why = arena_printf(arena, "no capability \"http:%s://%s%s\" is declared", target->scheme,
                        target->host, is_usual ? "" : arena_printf(arena, ":%d", target->port));
    return ERR_FORBIDDEN;
}

/* --- what is sent -------------------------------------------------------------------------------
 */

static bool is_token(const char *text)
{
    for (const char *at = text; *at; at++)
        if (!isalnum((unsigned char)*at) && !strchr("!#$%&'*+-.^_`|~", *at))
            return false;
    return *text != '\0';
}

static bool is_value(const char *text)
{
    for (const char *at = text; *at; at++)
        if (((unsigned char)*at < ' ' && *at != '\t') || *at == 0x7f)
            return false;
    return true;
}

/* Framing, routing and the connection are the client's own business. */
static bool is_reserved(const char *name)
{
    static const char *const reserved[] = {"host",
                                           "content-length",
                                           "transfer-encoding",
                                           "connection",
                                           "te",
                                           "trailer",
                                           "upgrade",
                                           "expect",
                                           "proxy-authorization",
                                           "accept-encoding",
                                           "keep-alive"};
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (slice_eq_nocase(slice_str(name), slice_str(reserved[i])))
            return true;
    return false;
}

static enum err headers_check(struct arena *arena, const struct fetch *fetch, const char **why)
{
    size_t bytes = 0;
    for (int i = 0; i < fetch->headers_count; i++) {
        const struct fetch_header *header = &fetch->headers[i];
        bytes += strlen(header->name) + strlen(header->value) + 4;
        if (!is_token(header->name) || !is_value(header->value) || is_reserved(header->name)) {
            *why = arena_printf(arena, "the header \"%.60s\" cannot be set", header->name);
            return ERR_MALFORMED;
        }
    }
    if (fetch->headers_count > FETCH_HEADERS_MAX || bytes > FETCH_HEADERS_BYTES_MAX) {
        *why = "more headers than may be sent";
        return ERR_TOO_LARGE;
    }
    if (fetch->body.len > FETCH_BYTES_MAX) {
        *why = "a longer body than may be sent";
        return ERR_TOO_LARGE;
    }
    return ERR_OK;
}

static bool names(const struct fetch *fetch, const char *name)
{
    for (int i = 0; i < fetch->headers_count; i++)
        if (slice_eq_nocase(slice_str(fetch->headers[i].name), slice_str(name)))
            return true;
    return false;
}

static struct curl_slist *header_lines(const struct curl_api *api, struct arena *arena,
                                       const struct fetch *fetch)
{
    struct curl_slist *list = api->slist_append(NULL, "Expect:");
    if (!names(fetch, "content-type"))
        list = api->slist_append(list, "Content-Type:"); /* the library would make one up */
    if (!names(fetch, "user-agent"))
        list = api->slist_append(list, "User-Agent: perigee/" PERIGEE_VERSION);
    for (int i = 0; i < fetch->headers_count; i++) {
        const struct fetch_header *header = &fetch->headers[i];
        const char *fmt = *header->value ? "%s: %s" : "%s;"; /* how it writes an empty one */
        list = api->slist_append(list, arena_printf(arena, fmt, header->name, header->value));
    }
    return list;
}

/* --- what is answered ---------------------------------------------------------------------------
 */

static size_t take_body(char *at, size_t size, size_t count, void *arg)
{
    struct receiving *r = arg;
    size_t n = size * count;
    if (n > FETCH_BYTES_MAX - r->body.len) {
        r->too_large = "the answer is longer than 1 MiB";
        return 0;
    }
    buf_put(&r->body, at, n);
    return n;
}

static void keep_header(struct receiving *r, struct slice line)
{
    struct slice rest = line, name = slice_split(&rest, ':');
    if (name.len == line.len || name.len == 0)
        return;
    struct fetch_header *header = &r->out->headers[r->out->headers_count++];
    char *low = arena_str(r->arena, name);
    for (char *c = low; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    header->name = low;
    header->value = arena_str(r->arena, slice_trim(rest));
}

/* Each block of headers begins with a status line; only the last block counts. */
static size_t take_header(char *at, size_t size, size_t count, void *arg)
{
    struct receiving *r = arg;
    size_t n = size * count;
    struct slice line = slice_trim(slice_of(at, n));
    r->header_bytes += n;
    if (slice_starts(line, SLICE("HTTP/")))
        r->out->headers_count = 0;
    else if (line.len && r->out->headers_count == FETCH_HEADERS_MAX)
        r->too_large = "the answer has more than 100 headers";
    else
        keep_header(r, line);
    if (r->header_bytes > FETCH_HEADERS_BYTES_MAX)
        r->too_large = "the answer's headers are longer than 32 KiB";
    return r->too_large ? 0 : n;
}

/* --- the call -----------------------------------------------------------------------------------
 */

static void set_method(struct curl_run *run, const struct fetch *fetch)
{
    const struct curl_api *api = run->api;
    CURLcode failed = CURLE_OK;
    bool has_body = fetch->body.len > 0 || strcmp(fetch->method, "GET") != 0;
    if (strcmp(fetch->method, "DELETE") == 0 && fetch->body.len == 0)
        has_body = false;
    if (has_body) {
        failed =
            api->easy_setopt(run->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)fetch->body.len);
        if (!failed)
            failed = api->easy_setopt(run->easy, CURLOPT_POSTFIELDS,
                                      fetch->body.len ? fetch->body.at : "");
    }
    if (!failed)
        failed = api->easy_setopt(run->easy, CURLOPT_CUSTOMREQUEST, fetch->method);
    ASSERT(failed == CURLE_OK);
}

static void set_receiving(struct curl_run *run, struct receiving *r, struct curl_slist *lines,
                          const char *url)
{
    const struct curl_api *api = run->api;
    CURLcode failed = api->easy_setopt(run->easy, CURLOPT_URL, url);
#define SET(option, value)                                                                         \
    if (!failed)                                                                                   \
        failed = api->easy_setopt(run->easy, option, value);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1)
    SET(CURLOPT_HTTPHEADER, lines)
    SET(CURLOPT_WRITEFUNCTION, take_body)
    SET(CURLOPT_WRITEDATA, r)
    SET(CURLOPT_HEADERFUNCTION, take_header)
    SET(CURLOPT_HEADERDATA, r)
#undef SET
    ASSERT(failed == CURLE_OK);
}

struct fetch_flight {
    struct arena *arena; /* owned: it lives in it */
    struct curl_run run;
    struct receiving receiving;
    struct fetch_answer answer;
    struct curl_slist *lines; /* owned */
    int64_t began_us, ms;
};

static bool is_method(const char *method)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(methods[i], method) == 0)
            return true;
    return false;
}

/* libcurl reads the body from where it is until the call is over; the rest it copies. */
static enum err take_off(struct fetch_flight *flight, const struct fetch *fetch, const char **why)
{
    struct target target;
    struct arena *arena = flight->arena;
    struct fetch own = *fetch;
    const struct curl_api *api = curl_api(why);
    enum err e = api ? target_parse(api, arena, fetch->url, &target, why) : ERR_NOT_SUPPORTED;
    if (!e)
        e = target_check(arena, fetch, &target, why);
    if (!e)
        e = headers_check(arena, fetch, why);
    int64_t ms = fetch->timeout_ms > 0 && fetch->timeout_ms < FETCH_TIMEOUT_MS ? fetch->timeout_ms
                                                                               : FETCH_TIMEOUT_MS;
    if (!e)
        e = curl_run_init(&flight->run, target.scheme, target.host, ms, why);
    if (e)
        return e;
    own.body = arena_slice(arena, fetch->body);
    flight->lines = header_lines(api, arena, &own);
    set_method(&flight->run, &own);
    set_receiving(&flight->run, &flight->receiving, flight->lines, target.url);
    curl_run_begin(&flight->run);
    return ERR_OK;
}

enum err fetch_begin(struct arena *arena, const struct fetch *fetch, struct fetch_flight **out,
                     const char **why)
{
    ASSERT(arena && fetch && out && why);
    ASSERT(fetch->method && fetch->url && is_method(fetch->method));
    struct arena *own = arena_new();
    struct fetch_flight *flight = arena_make(own, struct fetch_flight);
    *flight = (struct fetch_flight){.arena = own, .began_us = clock_mono_us()};
    flight->receiving = (struct receiving){.arena = own, .out = &flight->answer, .body = BUF_INIT};
    flight->answer.headers = arena_array(own, struct fetch_header, FETCH_HEADERS_MAX + 1);
    enum err e = take_off(flight, fetch, why);
    if (!e) {
        *out = flight;
        return ERR_OK;
    }
    *why = arena_strdup(arena, *why);
    fetch_drop(flight);
    return e;
}

bool fetch_look(struct fetch_flight *flight)
{
    if (!curl_run_look(&flight->run))
        return false;
    if (!flight->ms)
        flight->ms = (clock_mono_us() - flight->began_us) / 1000 + 1;
    return true;
}

static void copy_answer(struct arena *arena, const struct fetch_flight *flight,
                        struct fetch_answer *out)
{
    const struct fetch_answer *from = &flight->answer;
    *out = *from;
    out->headers = arena_array(arena, struct fetch_header, (size_t)from->headers_count + 1);
    for (int i = 0; i < from->headers_count; i++)
        out->headers[i] = (struct fetch_header){arena_strdup(arena, from->headers[i].name),
                                                arena_strdup(arena, from->headers[i].value)};
    out->body = arena_slice(arena, buf_slice(&flight->receiving.body));
}

enum err fetch_end(struct fetch_flight *flight, struct arena *arena, struct fetch_answer *out,
                   int64_t *ms, const char **why)
{
    struct curl_run *run = &flight->run;
    long status = 0;
    *ms = flight->ms ? flight->ms - 1 : 0;
    enum err e = curl_run_end(run, arena, why);
    if (e && flight->receiving.too_large) {
        *why = flight->receiving.too_large;
        e = ERR_TOO_LARGE;
    }
    if (!e) {
        (void)run->api->easy_getinfo(run->easy, CURLINFO_RESPONSE_CODE, &status);
        flight->answer.status = (int)status;
        copy_answer(arena, flight, out);
    }
    fetch_drop(flight);
    return e;
}

void fetch_drop(struct fetch_flight *flight)
{
    const struct curl_api *api = flight->run.api;
    curl_run_release(&flight->run);
    if (flight->lines)
        api->slist_free_all(flight->lines);
    buf_release(&flight->receiving.body);
    arena_free(flight->arena);
}

enum err fetch_run(struct arena *arena, const struct fetch *fetch, struct fetch_answer *out,
                   const char **why)
{
    struct fetch_flight *flight = NULL;
    int64_t ms;
    *out = (struct fetch_answer){0};
    enum err e = fetch_begin(arena, fetch, &flight, why);
    if (e)
        return e;
    curl_run_wait(&flight->run);
    return fetch_end(flight, arena, out, &ms, why);
}

bool fetch_may_reach(const char *url)
{
    struct slice rest = slice_str(url);
    ptrdiff_t at = slice_find(rest, SLICE("://"));
    if (at < 0)
        return true;
    rest = slice_of(rest.at + at + 3, rest.len - (size_t)at - 3);
    size_t end = 0, begin = 0;
    while (end < rest.len && !strchr("/?#\\", rest.at[end])) {
        end++;
        if (rest.at[end - 1] == '@')
            begin = end; /* a call would refuse it; its host is judged all the same */
    }
    struct slice host = slice_of(rest.at + begin, end - begin);
    size_t len = 0;
    while (len < host.len &&
           (host.at[0] == '[' ? len == 0 || host.at[len - 1] != ']' : host.at[len] != ':'))
        len++;
    return curl_allows_host(slice_of(host.at, len));
}
