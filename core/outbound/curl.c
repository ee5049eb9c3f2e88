/* curl - see curl.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "outbound/curl.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "outbound/guard.h"
#include "outbound/outbound.h"

#define POLL_MS 1000

static struct outbound_policy policy;
static bool is_permitted;
static struct curl_api api;
static bool is_loaded;

void outbound_judge_by(const struct outbound_policy *given)
{
    ASSERT(given);
    policy = *given;
}

void outbound_permit(const struct outbound_policy *given)
{
    outbound_judge_by(given);
    is_permitted = true;
}

bool curl_allows_host(struct slice host)
{
    return guard_allows_host(policy.exceptions, host);
}

/* --- loading ------------------------------------------------------------------------------------
 */

static bool load(const char **why)
{
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        log_error("libcurl cannot be loaded: %s", dlerror());
        *why = "libcurl is not installed on this server";
        return false;
    }
#define X(symbol, name)                                                                            \
    *(void **)&api.name = dlsym(library, #symbol);                                                 \
    if (!api.name)                                                                                 \
        *why = "libcurl on this server is too old: " #symbol " is missing";
    *why = NULL;
    CURL_CALLS(X)
#undef X
    if (!*why && api.global_init(CURL_GLOBAL_SSL) != CURLE_OK)
        *why = "libcurl could not be started";
    return !*why;
}

const struct curl_api *curl_api(const char **why)
{
    ASSERT(why);
    if (!is_permitted) {
        *why = "this process may not reach the network";
        return NULL;
    }
    if (!is_loaded)
        is_loaded = load(why);
    return is_loaded ? &api : NULL;
}

/* --- addresses ----------------------------------------------------------------------------------
 */

static void name_address(const struct sockaddr *address, char *out, size_t size)
{
    const void *at =
        address->sa_family == AF_INET
            ? (const void *)&((const struct sockaddr_in *)(const void *)address)->sin_addr
            : &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    if (!inet_ntop(address->sa_family, at, out, (socklen_t)size))
        snprintf(out, size, "of an unknown kind");
}

/* Called for each address that is tried; the one that is opened is the one that was judged. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct curl_run *run = arg;
    (void)purpose;
    if (!guard_allows(policy.exceptions, run->host, &address->addr)) {
        name_address(&address->addr, run->refused, sizeof run->refused);
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* --- transfers ----------------------------------------------------------------------------------
 */

enum err curl_run_init(struct curl_run *run, const char *protocols, const char *host,
                       int64_t timeout_ms, const char **why)
{
    ASSERT(run && protocols && host && timeout_ms > 0);
    *run = (struct curl_run){.host = host, .timeout_ms = timeout_ms, .code = CURLE_OK};
    run->api = curl_api(why);
    if (!run->api)
        return ERR_NOT_SUPPORTED;
    CURL *easy = run->easy = run->api->easy_init();
    ASSERT(easy);
    int64_t connect_ms = timeout_ms < FETCH_CONNECT_MS ? timeout_ms : FETCH_CONNECT_MS;
    CURLcode failed = CURLE_OK;
#define SET(option, value)                                                                         \
    if (!failed)                                                                                   \
        failed = run->api->easy_setopt(easy, option, value);
    SET(CURLOPT_NOSIGNAL, 1L)
    SET(CURLOPT_QUICK_EXIT, 1L) /* a resolver that hangs is left behind */
    SET(CURLOPT_PROTOCOLS_STR, protocols)
    SET(CURLOPT_REDIR_PROTOCOLS_STR, protocols)
    SET(CURLOPT_FOLLOWLOCATION, 0L)
    SET(CURLOPT_PROXY, "") /* also not from the environment */
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED)
    SET(CURLOPT_SSL_VERIFYPEER, 1L)
    SET(CURLOPT_SSL_VERIFYHOST, 2L)
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2)
    SET(CURLOPT_FRESH_CONNECT, 1L)
    SET(CURLOPT_FORBID_REUSE, 1L)
    SET(CURLOPT_TIMEOUT_MS, (long)timeout_ms)
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms)
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket)
    SET(CURLOPT_OPENSOCKETDATA, run)
    SET(CURLOPT_ERRORBUFFER, run->said)
    if (policy.ca_file)
        SET(CURLOPT_CAINFO, policy.ca_file)
#undef SET
    ASSERT(failed == CURLE_OK); /* the floor of the library has them all */
    return ERR_OK;
}

void curl_run_keep(struct curl_run *run)
{
    ASSERT(run && run->easy && !run->kept);
    CURLcode failed = run->api->easy_setopt(run->easy, CURLOPT_FRESH_CONNECT, 0L);
    if (!failed)
        failed = run->api->easy_setopt(run->easy, CURLOPT_FORBID_REUSE, 0L);
    ASSERT(failed == CURLE_OK);
    run->kept = run->api->multi_init();
    ASSERT(run->kept);
}

/* The library starts its resolver thread in here: it inherits that nothing is delivered to it. */
static CURLMcode perform(struct curl_run *run, CURLM *multi, int *running)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    CURLMcode code = run->api->multi_perform(multi, running);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

static enum err judge(struct curl_run *run, struct arena *arena, const char **why)
{
    const char *said = run->said[0] ? run->said : run->api->easy_strerror(run->code);
    if (run->refused[0] && run->code == CURLE_COULDNT_CONNECT) {
        *why = arena_printf(arena, "%s has the address %s, which may not be reached from here",
                            run->host, run->refused);
        return ERR_FORBIDDEN;
    }
    if (run->code == CURLE_OPERATION_TIMEDOUT) {
        *why = arena_printf(arena, "%s did not answer within %lld ms", run->host,
                            (long long)run->timeout_ms);
        return ERR_TIMEOUT;
    }
    *why = arena_printf(arena, "%s: %s", run->host, said);
    return ERR_IO;
}

void curl_run_begin(struct curl_run *run)
{
    ASSERT(run && run->easy && !run->begun);
    run->begun = run->kept ? run->kept : run->api->multi_init();
    ASSERT(run->begun);
    run->refused[0] = run->said[0] = '\0';
    run->until_us = clock_mono_us() + run->timeout_ms * 1000;
    run->code = CURLE_OPERATION_TIMEDOUT;
    run->is_over = run->api->multi_add_handle(run->begun, run->easy) != CURLM_OK;
    if (run->is_over)
        run->code = CURLE_FAILED_INIT;
}

bool curl_run_look(struct curl_run *run)
{
    int running = 0, left = 0;
    ASSERT(run && run->begun);
    if (run->is_over)
        return true;
    bool is_late = clock_mono_us() >= run->until_us;
    if (perform(run, run->begun, &running) != CURLM_OK)
        run->code = CURLE_FAILED_INIT;
    run->is_over = !running || is_late;
    const CURLMsg *message = run->is_over ? run->api->multi_info_read(run->begun, &left) : NULL;
    if (message && message->msg == CURLMSG_DONE)
        run->code = message->data.result;
    return run->is_over;
}

static void let_go(struct curl_run *run)
{
    (void)run->api->multi_remove_handle(run->begun, run->easy);
    if (!run->kept)
        (void)run->api->multi_cleanup(run->begun);
    run->begun = NULL;
}

enum err curl_run_end(struct curl_run *run, struct arena *arena, const char **why)
{
    ASSERT(run && run->begun && run->is_over && arena && why);
    let_go(run);
    return run->code == CURLE_OK ? ERR_OK : judge(run, arena, why);
}

void curl_run_wait(struct curl_run *run)
{
    while (!curl_run_look(run)) {
        int64_t left_ms = (run->until_us - clock_mono_us()) / 1000 + 1;
        int wait_ms = left_ms < 0 ? 0 : left_ms < POLL_MS ? (int)left_ms : POLL_MS;
        (void)run->api->multi_poll(run->begun, NULL, 0, wait_ms, NULL);
    }
}

enum err curl_run_go(struct curl_run *run, struct arena *arena, const char **why)
{
    curl_run_begin(run);
    curl_run_wait(run);
    return curl_run_end(run, arena, why);
}

void curl_run_release(struct curl_run *run)
{
    if (run->begun)
        let_go(run);
    if (run->easy)
        run->api->easy_cleanup(run->easy);
    if (run->kept)
        (void)run->api->multi_cleanup(run->kept);
    run->easy = NULL;
    run->kept = NULL;
}
