/* curl - libcurl loaded at run time, and what every transfer has in common; private to outbound/.
 *
 * The library is not linked: it is opened with dlopen on the first transfer of a process that was
 * permitted to make any (outbound_permit), so gateways and workers never hold its code.
 *
 * Names are resolved by libcurl's own thread, which ends with the transfer's time: a resolver that
 * hangs costs no more than the call may. That thread is the only one of any process; it is started
 * with all signals blocked, so no handler of ours ever runs in it. Every address it finds is judged
 * (guard.h) when the socket is opened: what was checked is what is connected to.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include "base/arena.h"
#include "base/err.h"

/* One line each: name in the library without its prefix, name here. */
#define CURL_CALLS(X)                                                                              \
    X(curl_global_init, global_init)                                                               \
    X(curl_easy_init, easy_init)                                                                   \
    X(curl_easy_cleanup, easy_cleanup)                                                             \
    X(curl_easy_setopt, easy_setopt)                                                               \
    X(curl_easy_getinfo, easy_getinfo)                                                             \
    X(curl_easy_strerror, easy_strerror)                                                           \
    X(curl_slist_append, slist_append)                                                             \
    X(curl_slist_free_all, slist_free_all)                                                         \
    X(curl_multi_init, multi_init)                                                                 \
    X(curl_multi_cleanup, multi_cleanup)                                                           \
    X(curl_multi_add_handle, multi_add_handle)                                                     \
    X(curl_multi_remove_handle, multi_remove_handle)                                               \
    X(curl_multi_perform, multi_perform)                                                           \
    X(curl_multi_poll, multi_poll)                                                                 \
    X(curl_multi_info_read, multi_info_read)                                                       \
    X(curl_url, url)                                                                               \
    X(curl_url_set, url_set)                                                                       \
    X(curl_url_get, url_get)                                                                       \
    X(curl_url_cleanup, url_cleanup)                                                               \
    X(curl_free, free)

struct curl_api {
#define X(symbol, name) __typeof__(symbol) *name;
    CURL_CALLS(X)
#undef X
};

/* NULL with *why when this process may not reach the network or the library is not there. */
const struct curl_api *curl_api(const char **why);
/* guard_allows_host by the operator's word (outbound.h); asks for no library. */
bool curl_allows_host(struct slice host);

/* One transfer. */
struct curl_run {
    const struct curl_api *api;
    CURL *easy;
    CURLM *kept;      /* private: of curl_run_keep, else NULL */
    CURLM *begun;     /* private: between begin and end, else NULL */
    const char *host; /* as the caller named it */
    int64_t timeout_ms;
    char refused[64]; /* the address that was refused last */
    char said[CURL_ERROR_SIZE];
    CURLcode code;
    int64_t until_us; /* private, as is_over: monotonic */
    bool is_over;
};

/* Makes the handle with all that must hold for every transfer: no proxies, no redirects, only the
 * protocols named, verified certificates, judged addresses. */
MUST_USE enum err curl_run_init(struct curl_run *run, const char *protocols, const char *host,
                                int64_t timeout_ms, const char **why);
/* From now on the connection stays open between transfers of this handle, until it is released. */
void curl_run_keep(struct curl_run *run);
/* Runs it to its end or the end of its time: ERR_OK when something was answered. ERR_FORBIDDEN:
 * the address may not be reached; ERR_TIMEOUT; ERR_IO. The sentence is made in the arena. */
MUST_USE enum err curl_run_go(struct curl_run *run, struct arena *arena, const char **why);
/* The same without blocking: begin, look until it says that it is over, end. */
void curl_run_begin(struct curl_run *run);
bool curl_run_look(struct curl_run *run);
void curl_run_wait(struct curl_run *run); /* until it is over */
MUST_USE enum err curl_run_end(struct curl_run *run, struct arena *arena, const char **why);
void curl_run_release(struct curl_run *run);
