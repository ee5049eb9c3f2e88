/* test_log - each line is one JSON object, whatever is logged.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int fds[2];
static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new();
    clock_fix(0);
    log_trace(NULL);
    return pipe(fds);
}

static int teardown(void **state)
{
    (void)state;
    log_init(STDERR_FILENO, LOG_INFO, "");
    clock_fix(-1);
    arena_free(arena);
    return close(fds[0]) | close(fds[1]);
}

/* The line that was written, parsed; it must be one write of one line. */
static const struct json *line_read(size_t *len)
{
    char line[LOG_LINE_MAX + 1];
    const struct json *out = NULL;
    const char *why = "";
    ssize_t n = read(fds[0], line, sizeof(line));

    assert_in_range(n, 1, LOG_LINE_MAX);
    assert_int_equal(line[n - 1], '\n');
    assert_null(memchr(line, '\n', (size_t)n - 1));
    if (json_parse(arena, slice_of(line, (size_t)n), &out, &why))
        fail_msg("%.*s: %s", (int)n, line, why);
    if (len)
        *len = (size_t)n;
    return out;
}

static void test_log__a_line_carries_time_level_role_and_trace(void **state)
{
    (void)state;
    log_init(fds[1], LOG_INFO, "gateway 0");
    log_trace("ab\"c");
    log_line(LOG_WARN, "\"status\":200", "slow %d", 7);
    const struct json *line = line_read(NULL);
    assert_string_equal(json_cstr(line, "t", ""), "1970-01-01T00:00:00.000Z");
    assert_string_equal(json_cstr(line, "level", ""), "warn");
    assert_string_equal(json_cstr(line, "role", ""), "gateway 0");
    assert_string_equal(json_cstr(line, "trace", ""), "ab\"c");
    assert_int_equal(json_int(line, "status", 0), 200);
    assert_string_equal(json_cstr(line, "msg", ""), "slow 7");
}

static void test_log__levels_below_the_least_are_silent(void **state)
{
    (void)state;
    log_init(fds[1], LOG_WARN, "worker 1");
    assert_false(log_wants(LOG_INFO));
    assert_true(log_wants(LOG_ERROR));
    log_info("no");
    log_error("yes");
    assert_string_equal(json_cstr(line_read(NULL), "msg", ""), "yes");
}

static void test_log__hostile_text_stays_inside_its_string(void **state)
{
    (void)state;
    log_init(fds[1], LOG_INFO, "x");
    log_info("%s", "\",\"level\":\"error\"}\n\x01\x7f\\ \xff\xc0\xaf\xe4\xbc 伟");
    assert_string_equal(json_cstr(line_read(NULL), "msg", ""),
                        "\",\"level\":\"error\"}\n\x01\x7f\\ ���\xef\xbf\xbd\xef\xbf\xbd 伟");
}

static void test_log__long_lines_are_cut_cleanly(void **state)
{
    struct buf text = BUF_INIT;
    size_t len;

    (void)state;
    log_init(fds[1], LOG_INFO, "x");
    /* Every length around the limit: never half a character, half an escape or no end. */
    for (int n = 0; n < 12; n++) {
        buf_clear(&text);
        for (int i = 0; i < n; i++)
            buf_put_char(&text, 'a');
        while (text.len < LOG_LINE_MAX)
            buf_put_str(&text, n % 2 ? "伟" : "\"");
        log_info("%s", buf_cstr(&text));
        const struct json *line = line_read(&len);
        assert_true(len > LOG_LINE_MAX - 16);
        assert_true(json_str(line, "msg", SLICE("")).len > 1000);
    }
    buf_clear(&text);
    buf_put_str(&text, "\"big\":\"");
    while (text.len < LOG_LINE_MAX)
        buf_put_char(&text, 'x');
    buf_put_char(&text, '"');
    log_line(LOG_INFO, buf_cstr(&text), "kept");
    const struct json *line = line_read(NULL);
    assert_true(json_bool(line, "cut", false));
    assert_string_equal(json_cstr(line, "msg", ""), "kept");
    buf_release(&text);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* Nobody reads: the caller goes on, and who reads again is told how much is missing. */
static void test_log__lines_that_nobody_reads_are_counted(void **state)
{
    enum { LINES = 200 };
    char kept[65536];
    long long lost = -1;
    int read_before = 0;

    (void)state;
    assert_true(fcntl(fds[1], F_SETPIPE_SZ, 8192) >= 8192);
    log_init(fds[1], LOG_INFO, "w");
    for (int i = 0; i < LINES; i++)
        log_info("line %d of %d", i, LINES);
    ssize_t n = read(fds[0], kept, sizeof kept);
    assert_in_range(n, 1, sizeof kept);
    for (ssize_t i = 0; i < n; i++)
        read_before += kept[i] == '\n';
    assert_in_range(read_before, 1, LINES - 1);
    log_info("after");
    n = read(fds[0], kept, sizeof kept - 1);
    kept[n > 0 ? n : 0] = '\0';
    const char *msg = strstr(kept, "\"msg\":\"");
    assert_non_null(msg);
    assert_int_equal(sscanf(msg, "\"msg\":\"%lld lines of the log are lost", &lost), 1);
    assert_int_equal(read_before + lost, LINES);
    assert_non_null(strstr(kept, "\"after\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(test_log__a_line_carries_time_level_role_and_trace),
        test(test_log__lines_that_nobody_reads_are_counted),
        test(test_log__levels_below_the_least_are_silent),
        test(test_log__hostile_text_stays_inside_its_string),
        test(test_log__long_lines_are_cut_cleanly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
