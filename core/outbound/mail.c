/* mail - see mail.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "outbound/mail.h"

#include "base/limits.h"
#include "outbound/curl.h"
#include "outbound/mime.h"

struct sending {
    struct slice rest;
};

static size_t give(char *room, size_t size, size_t count, void *arg)
{
    struct sending *sending = arg;
    size_t n = size * count < sending->rest.len ? size * count : sending->rest.len;
    memcpy(room, sending->rest.at, n);
    sending->rest = slice_of(sending->rest.at + n, sending->rest.len - n);
    return n;
}

static const char *url_of(struct arena *arena, const struct mail_server *server, const char *from)
{
    const char *at = strchr(from, '@');
    const char *helo = server->helo ? server->helo : at ? at + 1 : "localhost";
    bool is_v6 = strchr(server->host, ':') != NULL;
    return arena_printf(arena, "%s://%s%s%s:%d/%s",
                        server->tls == MAIL_TLS_WHOLE ? "smtps" : "smtp", is_v6 ? "[" : "",
                        server->host, is_v6 ? "]" : "", server->port, helo);
}

static struct curl_slist *recipients(const struct curl_api *api, const char *const *to)
{
    struct curl_slist *list = NULL;
    for (; *to; to++)
        list = api->slist_append(list, *to);
    return list;
}

static void set(struct curl_run *run, const struct mail_server *server, const char *url,
                const char *from, struct curl_slist *to, struct sending *sending)
{
    CURLcode failed = CURLE_OK;
    long ssl = server->tls == MAIL_TLS_NONE ? (long)CURLUSESSL_NONE : (long)CURLUSESSL_ALL;
#define SET(option, value)                                                                         \
    if (!failed)                                                                                   \
        failed = run->api->easy_setopt(run->easy, option, value);
    SET(CURLOPT_URL, url)
    SET(CURLOPT_USE_SSL, ssl)
    SET(CURLOPT_MAIL_FROM, from)
    SET(CURLOPT_MAIL_RCPT, to)
    SET(CURLOPT_UPLOAD, 1L)
    SET(CURLOPT_READFUNCTION, give)
    SET(CURLOPT_READDATA, sending)
    SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)sending->rest.len)
    if (server->user && server->password) {
        SET(CURLOPT_USERNAME, server->user)
        SET(CURLOPT_PASSWORD, server->password)
    }
#undef SET
    ASSERT(failed == CURLE_OK);
}

/* A reply of the 5xx kind is for good; so is a server that does not do what was agreed on. */
static void judge(struct curl_run *run, enum err e, struct mail_outcome *out)
{
    long code = 0;
    (void)run->api->easy_getinfo(run->easy, CURLINFO_RESPONSE_CODE, &code);
    out->code = (int)code;
    if (!e) {
        out->why = NULL;
        return;
    }
    bool for_good = run->code == CURLE_LOGIN_DENIED || run->code == CURLE_USE_SSL_FAILED ||
                    run->code == CURLE_PEER_FAILED_VERIFICATION || e == ERR_FORBIDDEN;
    out->may_pass = code >= 500 ? false : !for_good;
}

enum err mail_send(struct arena *arena, const struct mail_server *server, const char *from,
                   const char *const *to, struct slice message, struct mail_outcome *out)
{
    ASSERT(arena && server && server->host && from && to && to[0] && out);
    struct curl_run run;
    struct sending sending = {message};
    *out = (struct mail_outcome){.may_pass = true};
    if (server->tls == MAIL_TLS_NONE && server->password) {
        out->may_pass = false;
        out->why = "a password is never sent without TLS";
        return ERR_FORBIDDEN;
    }
    const char *protocol = server->tls == MAIL_TLS_WHOLE ? "smtps" : "smtp";
    enum err e = curl_run_init(&run, protocol, server->host, MAIL_TIMEOUT_MS, &out->why);
    if (e)
        return e;
    struct curl_slist *list = recipients(run.api, to);
    set(&run, server, url_of(arena, server, from), from, list, &sending);
    e = curl_run_go(&run, arena, &out->why);
    judge(&run, e, out);
    curl_run_release(&run);
    run.api->slist_free_all(list);
    return e;
}
