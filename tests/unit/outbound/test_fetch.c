/* test_fetch - what is refused before a byte is sent, and a real server's odd answers.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"
#include "outbound/fetch.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"
#include "outbound/outbound.h"

/* --- a server -----------------------------------------------------------------------------------
 */

static pid_t server;
static int port;
static struct arena *arena;

static void send_text(int fd, const char *text)
{
    size_t len = strlen(text);
    while (len) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        text += n;
        len -= (size_t)n;
    }
}

static void send_many(int fd, const char *part, int count)
{
    for (int i = 0; i < count; i++)
        send_text(fd, part);
}

/* A body of exactly n bytes. */
static void send_body(int fd, int n, bool says_length)
{
    char head[128];
    static char kib[1025];
    memset(kib, 'x', 1024);
    if (says_length)
        snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", n);
    else
        snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    send_text(fd, head);
    send_many(fd, kib, n / 1024);
    send_many(fd, "y", n % 1024);
}

static void answer(int fd, const char *request)
{
    int n = 0;
    char head[4096];
    if (sscanf(request, "GET /bytes/%d", &n) == 1) {
        send_body(fd, n, true);
    } else if (sscanf(request, "GET /endless/%d", &n) == 1) {
        send_body(fd, n, false);
    } else if (sscanf(request, "GET /headers/%d", &n) == 1) {
        send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
        send_many(fd, "X-A: b\r\n", n - 1);
        send_text(fd, "\r\n");
    } else if (sscanf(request, "GET /head/%d", &n) == 1) { /* a head of exactly n bytes */
        static const char start[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: ";
        send_text(fd, start);
        send_many(fd, "x", n - (int)sizeof start + 1 - 4);
        send_text(fd, "\r\n\r\n");
    } else if (strncmp(request, "GET /redirect", 13) == 0) {
        snprintf(head, sizeof head,
                 "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%d/bytes/5\r\n"
                 "Content-Length: 0\r\n\r\n",
                 port);
        send_text(fd, head);
    } else if (strncmp(request, "GET /slow", 9) == 0) {
        send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
        for (int i = 0; i < 200; i++) {
            send_text(fd, "z");
            usleep(50000);
        }
    } else if (strncmp(request, "POST /silence", 13) == 0) {
        while (recv(fd, head, sizeof head, 0) > 0) {
        } /* until the other side gives up */
    } else if (strncmp(request, "GET /junk", 9) == 0) {
        send_text(fd, "SSH-2.0-OpenSSH\r\n");
    } else { /* what was sent comes back */
        snprintf(head, sizeof head,
                 "HTTP/1.1 201 Created\r\nContent-Length: %zu\r\nX-One: 1\r\n\r\n",
                 strlen(request));
        send_text(fd, head);
        send_text(fd, request);
    }
}

/* Until the head has ended, and what Content-Length announces. */
static void read_request(int fd, char *room, size_t size)
{
    size_t len = 0;
    for (;;) {
        ssize_t n = recv(fd, room + len, size - 1 - len, 0);
        if (n <= 0)
            break;
        len += (size_t)n;
        room[len] = '\0';
        const char *end = strstr(room, "\r\n\r\n"), *length = strstr(room, "Content-Length: ");
        size_t body = length ? (size_t)atoi(length + 16) : 0;
        if (end && len >= (size_t)(end + 4 - room) + body)
            break;
    }
    room[len] = '\0';
}

static void serve(int listener)
{
    static char request[65536];
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            _exit(0);
        if (fork() == 0) {
            read_request(fd, request, sizeof request);
            answer(fd, request);
            shutdown(fd, SHUT_WR);
            while (recv(fd, request, sizeof request, 0) > 0) {
            }
            _exit(0);
        }
        close(fd);
        while (waitpid(-1, NULL, WNOHANG) > 0) {
        }
    }
}

static int group_setup(void **state)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    (void)state;
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(listener, 64), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &size), 0);
    port = ntohs(at.sin_port);
    server = fork();
    if (server == 0)
        serve(listener);
    close(listener);
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

/* --- calls --------------------------------------------------------------------------------------
 */

static void permit(const char *exception)
{
    static const char *list[2];
    list[0] = exception;
    const struct outbound_policy policy = {list, NULL};
    outbound_permit(&policy);
}

static struct fetch_answer answered;
static const char *why;

static enum err get(const char *url, const char *capability, int64_t timeout_ms)
{
    const struct slice may[] = {SLICE("db:lead:rw"), slice_str(capability)};
    const struct fetch fetch = {
        .method = "GET", .url = url, .may = may, .may_count = 2, .timeout_ms = timeout_ms};
    why = NULL;
    return fetch_run(arena, &fetch, &answered, &why);
}

static const char *local(const char *path)
{
    return arena_printf(arena, "http://127.0.0.1:%d%s", port, path);
}

static const char *origin(void)
{
    return arena_printf(arena, "http:http://127.0.0.1:%d", port);
}

static struct fetch_flight *begin(const char *path)
{
    const struct slice may[] = {slice_str(origin())};
    char body[] = "what is sent";
    const struct fetch fetch = {.method = "POST",
                                .url = local(path),
                                .body = slice_str(body),
                                .may = may,
                                .may_count = 1,
                                .timeout_ms = 5000};
    struct fetch_flight *flight = NULL;
    assert_int_equal(fetch_begin(arena, &fetch, &flight, &why), ERR_OK);
    memset(body, '?', sizeof body - 1); /* a flight owns what it needs */
    return flight;
}

static void test_fetch__one_that_is_slow_holds_up_no_other(void **state)
{
    int64_t ms = -1;
    (void)state;
    permit("127.0.0.1");
    struct fetch_flight *slow = begin("/silence"), *quick = begin("/echo");
    while (!fetch_look(quick))
        (void)fetch_look(slow);
    assert_false(fetch_look(slow));
    assert_int_equal(fetch_end(quick, arena, &answered, &ms, &why), ERR_OK);
    assert_int_equal(answered.status, 201);
    assert_true(slice_find(answered.body, SLICE("what is sent")) >= 0);
    assert_true(ms >= 0);
    fetch_drop(slow);
}

static void test_fetch__what_is_refused_never_takes_off(void **state)
{
    const struct fetch fetch = {.method = "GET", .url = local("/")};
    struct fetch_flight *flight = NULL;
    (void)state;
    permit("127.0.0.1");
    assert_int_equal(fetch_begin(arena, &fetch, &flight, &why), ERR_FORBIDDEN);
    assert_non_null(strstr(why, "capability"));
    assert_null(flight);
}

/* First of all: nothing has been permitted yet. */
static void test_fetch__a_process_that_was_not_permitted_reaches_nothing(void **state)
{
    (void)state;
    assert_int_equal(get("https://example.com/", "http:https://example.com", 0), ERR_NOT_SUPPORTED);
    assert_string_equal(why, "this process may not reach the network");
}

static void test_fetch__addresses_inside_are_refused_in_every_spelling(void **state)
{
    static const char *const cases[][2] = {
        {"http://127.0.0.1", "http:http://127.0.0.1"},
        {"http://2130706433", "http:http://127.0.0.1"},
        {"http://0x7f000001", "http:http://127.0.0.1"},
        {"http://0177.0.0.1", "http:http://127.0.0.1"},
        {"http://127.1", "http:http://127.0.0.1"},
        {"http://127.0.0.1.", "http:http://127.0.0.1."},
        {"http://0.0.0.0", "http:http://0.0.0.0"},
        {"http://0", "http:http://0.0.0.0"},
        {"http://LOCALHOST", "http:http://localhost"},
        {"http://localhost", "http:http://localhost"},
        {"http://localhost.", "http:http://localhost."},
        {"http://ip6-localhost", "http:http://ip6-localhost"},
        {"http://[::1]", "http:http://[::1]"},
        {"http://[::]", "http:http://[::]"},
        {"http://[::ffff:127.0.0.1]", "http:http://[::ffff:127.0.0.1]"},
        {"http://[::ffff:7f00:1]", "http:http://[::ffff:127.0.0.1]"},
        {"http://[64:ff9b::7f00:1]", "http:http://[64:ff9b::7f00:1]"},
        {"http://[fe80::1]", "http:http://[fe80::1]"},
        {"http://169.254.169.254", "http:http://169.254.169.254"},
        {"http://10.0.0.1", "http:http://10.0.0.1"},
        {"http://192.168.1.1", "http:http://192.168.1.1"},
        {"http://100.64.0.1", "http:http://100.64.0.1"},
        {"http://224.0.0.1", "http:http://224.0.0.1"},
    };
    (void)state;
    permit(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *url = arena_printf(arena, "%s:%d/", cases[i][0], port);
        const char *capability = arena_printf(arena, "%s:%d", cases[i][1], port);
        enum err e = get(url, capability, 2000);
        /* A spelling that another library would not take for a name is no name at all here. */
        bool no_name = e == ERR_IO && strstr(why, "resolve");
        bool other_text = e == ERR_FORBIDDEN && strstr(why, "capability");
        if (e != ERR_FORBIDDEN && !no_name)
            fail_msg("%s: %s %s", url, err_code(e), why ? why : "");
        if (other_text && !strstr(cases[i][0], "["))
            fail_msg("%s: %s", url, why);
    }
}

static void test_fetch__only_hosts_of_a_capability(void **state)
{
    (void)state;
    permit("127.0.0.1");
    assert_int_equal(get(local("/"), "http:https://127.0.0.1", 0), ERR_FORBIDDEN);
    assert_int_equal(get(local("/"), "http:http://127.0.0.1", 0), ERR_FORBIDDEN);
    assert_string_equal(
        why, arena_printf(arena, "no capability \"http:http://127.0.0.1:%d\" is declared", port));
    assert_int_equal(get(local("/"), origin(), 0), ERR_OK);
}

static void test_fetch__what_is_no_address_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "nothing",
        "//127.0.0.1/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "gopher://a/",
        "http://",
        "http://user@127.0.0.1/",
        "http://u:p@127.0.0.1/",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/\r\nX: y",
        "http://127.0.0.1/\xe4\xb8\xad",
        "http://127.0.0.1:99999/",
        "javascript:alert(1)",
        "dict://127.0.0.1/x",
        "smtp://127.0.0.1/",
    };
    (void)state;
    permit("127.0.0.1");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        enum err e = get(bad[i], "http:http://127.0.0.1", 0);
        if (e != ERR_MALFORMED && e != ERR_FORBIDDEN)
            fail_msg("%s: %s", bad[i], err_code(e));
    }
    char *longest = arena_alloc(arena, FETCH_URL_BYTES_MAX + 2);
    memset(longest, 'x', FETCH_URL_BYTES_MAX + 1);
    longest[FETCH_URL_BYTES_MAX + 1] = '\0';
    const char *start = local("/");
    memcpy(longest, start, strlen(start));
    assert_int_equal(get(longest, origin(), 0), ERR_MALFORMED);
    longest[FETCH_URL_BYTES_MAX] = '\0';
    assert_int_equal(get(longest, origin(), 0), ERR_OK);
}

static void test_fetch__sends_what_it_is_told_and_nothing_else(void **state)
{
    const struct fetch_header headers[] = {{"X-Key", "a b"}, {"Content-Type", "text/x"}, {"E", ""}};
    const struct slice may[] = {slice_str(origin())};
    const struct fetch fetch = {.method = "PATCH",
                                .url = local("/a?b=c#d"),
                                .headers = headers,
                                .headers_count = 3,
                                .body = SLICE("hello"),
                                .may = may,
                                .may_count = 1};
    (void)state;
    permit("127.0.0.1");
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    assert_int_equal(fetch_run(arena, &fetch, &answered, &why), ERR_OK);
    assert_int_equal(answered.status, 201);
    assert_string_equal(answered.headers[1].name, "x-one");
    const char *wanted = arena_printf(arena,
                                      "PATCH /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                                      "Accept: */*\r\nUser-Agent: perigee/" PERIGEE_VERSION
                                      "\r\nX-Key: a b\r\nContent-Type: text/x\r\nE:\r\n"
                                      "Content-Length: 5\r\n\r\nhello",
                                      port);
    assert_string_equal(answered.body.at, wanted);
}

static void test_fetch__headers_cannot_frame_or_divert(void **state)
{
    static const struct fetch_header bad[] = {
        {"Host", "other"},
        {"content-length", "1"},
        {"Transfer-Encoding", "chunked"},
        {"Connection", "x"},
        {"X", "a\r\nY: b"},
        {"X", "a\nb"},
        {"X Y", "a"},
        {"", "a"},
        {"X:", "a"},
        {"Proxy-Authorization", "x"},
        {"Expect", "100-continue"},
    };
    const struct slice may[] = {slice_str(origin())};
    (void)state;
    permit("127.0.0.1");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct fetch fetch = {.method = "GET",
                                    .url = local("/"),
                                    .headers = &bad[i],
                                    .headers_count = 1,
                                    .may = may,
                                    .may_count = 1};
        assert_int_equal(fetch_run(arena, &fetch, &answered, &why), ERR_MALFORMED);
    }
}

static void test_fetch__a_redirect_is_an_answer(void **state)
{
    (void)state;
    permit("127.0.0.1");
    assert_int_equal(get(local("/redirect"), origin(), 0), ERR_OK);
    assert_int_equal(answered.status, 302);
    assert_int_equal(answered.body.len, 0);
}

static void test_fetch__answers_are_bounded(void **state)
{
    (void)state;
    permit("127.0.0.1");
    const char *kinds[] = {"bytes", "endless"};
    for (int i = 0; i < 2; i++) {
        const char *path = arena_printf(arena, "/%s/%d", kinds[i], FETCH_BYTES_MAX);
        assert_int_equal(get(local(path), origin(), 0), ERR_OK);
        assert_int_equal(answered.body.len, FETCH_BYTES_MAX);
        path = arena_printf(arena, "/%s/%d", kinds[i], FETCH_BYTES_MAX + 1);
        assert_int_equal(get(local(path), origin(), 0), ERR_TOO_LARGE);
    }
    const char *most = arena_printf(arena, "/headers/%d", FETCH_HEADERS_MAX);
    assert_int_equal(get(local(most), origin(), 0), ERR_OK);
    assert_int_equal(answered.headers_count, FETCH_HEADERS_MAX);
    const char *beyond = arena_printf(arena, "/headers/%d", FETCH_HEADERS_MAX + 1);
    assert_int_equal(get(local(beyond), origin(), 0), ERR_TOO_LARGE);
    most = arena_printf(arena, "/head/%d", FETCH_HEADERS_BYTES_MAX);
    assert_int_equal(get(local(most), origin(), 0), ERR_OK);
    beyond = arena_printf(arena, "/head/%d", FETCH_HEADERS_BYTES_MAX + 1);
    assert_int_equal(get(local(beyond), origin(), 0), ERR_TOO_LARGE);
    assert_int_equal(get(local("/junk"), origin(), 0), ERR_IO);
}

static void test_fetch__what_is_sent_is_bounded(void **state)
{
    const struct slice may[] = {slice_str(origin())};
    struct fetch fetch = {
        .method = "POST", .url = local("/x"), .may = may, .may_count = 1, .timeout_ms = 5000};
    (void)state;
    permit("127.0.0.1");
    fetch.body = slice_of(arena_alloc(arena, FETCH_BYTES_MAX + 1), FETCH_BYTES_MAX + 1);
    assert_int_equal(fetch_run(arena, &fetch, &answered, &why), ERR_TOO_LARGE);
    struct fetch_header *headers = arena_array(arena, struct fetch_header, FETCH_HEADERS_MAX + 1);
    for (int i = 0; i <= FETCH_HEADERS_MAX; i++)
        headers[i] = (struct fetch_header){"X-Many", "1"};
    fetch.body = SLICE("");
    fetch.headers = headers;
    fetch.headers_count = FETCH_HEADERS_MAX + 1;
    assert_int_equal(fetch_run(arena, &fetch, &answered, &why), ERR_TOO_LARGE);
    fetch.headers_count = FETCH_HEADERS_MAX;
    assert_int_equal(fetch_run(arena, &fetch, &answered, &why), ERR_OK);
    /* A name, a value and four bytes between and behind them. */
    char *value = arena_alloc(arena, FETCH_HEADERS_BYTES_MAX);
    memset(value, 'v', FETCH_HEADERS_BYTES_MAX - 4);
    headers[0] = (struct fetch_header){"X", value};
    fetch.headers_count = 1;
    assert_int_equal(fetch_run(arena, &fetch, &answered, &why), ERR_TOO_LARGE);
    value[FETCH_HEADERS_BYTES_MAX - 5] = '\0';
    assert_int_equal(fetch_run(arena, &fetch, &answered, &why), ERR_OK);
}

static void test_fetch__a_slow_server_ends_with_its_time(void **state)
{
    (void)state;
    permit("127.0.0.1");
    assert_int_equal(get(local("/slow"), origin(), 300), ERR_TIMEOUT);
    assert_string_equal(why, "127.0.0.1 did not answer within 300 ms");
}

static void test_fetch__nobody_listens(void **state)
{
    (void)state;
    permit("127.0.0.1");
    assert_int_equal(get("http://127.0.0.1:1/", "http:http://127.0.0.1:1", 0), ERR_IO);
    assert_non_null(why);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_fetch__##name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_process_that_was_not_permitted_reaches_nothing),
        T(addresses_inside_are_refused_in_every_spelling),
        T(only_hosts_of_a_capability),
        T(what_is_no_address_is_refused),
        T(sends_what_it_is_told_and_nothing_else),
        T(headers_cannot_frame_or_divert),
        T(a_redirect_is_an_answer),
        T(answers_are_bounded),
        T(what_is_sent_is_bounded),
        T(a_slow_server_ends_with_its_time),
        T(nobody_listens),
        T(one_that_is_slow_holds_up_no_other),
        T(what_is_refused_never_takes_off),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
