/* log - see log.h. A line is put together on the stack and leaves in one write.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/log.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#define LOG_ROLE_BYTES  32
#define LOG_TAIL        "\"}\n"
#define LOG_MEMBERS_CUT "\"cut\":true"

struct log_state {
    int fd;
    enum log_level least;
    char role[LOG_ROLE_BYTES];
    const char *trace; /* borrowed; NULL between requests */
    int64_t lost;      /* lines that found no room */
};

static struct log_state state = {.fd = STDERR_FILENO, .least = LOG_INFO};

/* A line being written; keeps room for the tail. */
struct line {
    char at[LOG_LINE_MAX];
    size_t len;
};

void log_init(int fd, enum log_level least, const char *role)
{
    state.fd = fd;
    state.least = least;
    snprintf(state.role, sizeof(state.role), "%s", role ? role : "");
}

void log_trace(const char *trace)
{
    state.trace = trace;
}

bool log_wants(enum log_level level)
{
    return level >= state.least;
}

/* All of it or nothing; false when it does not fit before the tail. */
static bool line_put(struct line *line, const char *bytes, size_t n)
{
    if (n > sizeof(line->at) - (sizeof(LOG_TAIL) - 1) - line->len)
        return false;
    memcpy(line->at + line->len, bytes, n);
    line->len += n;
    return true;
}

static void line_put_str(struct line *line, const char *s)
{
    line_put(line, s, strlen(s));
}

/* Bytes of the valid UTF-8 sequence at the front, 0 if there is none. */
static size_t sequence_len(struct slice s)
{
    static const struct {
        unsigned char mask, lead;
    } forms[] = {{0x80, 0x00}, {0xe0, 0xc0}, {0xf0, 0xe0}, {0xf8, 0xf0}};

    for (size_t n = 1; n <= 4 && n <= s.len; n++) {
        if (((unsigned char)s.at[0] & forms[n - 1].mask) == forms[n - 1].lead)
            return text_is_utf8(slice_of(s.at, n)) ? n : 0;
    }
    return 0;
}

/* Escapes as JSON; stops whole when the line is full. Bytes that are not UTF-8 become U+FFFD. */
static void line_put_escaped(struct line *line, const char *text)
{
    struct slice s = slice_str(text);

    while (s.len) {
        size_t n = sequence_len(s);
        unsigned char c = (unsigned char)s.at[0];
        char escape[8];
        bool fits;
        if (n == 0) {
            fits = line_put(line, "\xef\xbf\xbd", 3);
            n = 1;
        } else if (c == '"' || c == '\\') {
            escape[0] = '\\';
            escape[1] = (char)c;
            fits = line_put(line, escape, 2);
        } else if (c == '\n') {
            fits = line_put(line, "\\n", 2);
        } else if (c < 0x20) {
            snprintf(escape, sizeof(escape), "\\u%04x", c);
            fits = line_put(line, escape, 6);
        } else {
            fits = line_put(line, s.at, n);
        }
        if (!fits)
            return;
        s = slice_of(s.at + n, s.len - n);
    }
}

/* A line has room in a pipe, or in a socket, where there is room at all (PIPE_BUF). */
static bool is_read(void)
{
    struct pollfd ask = {.fd = state.fd, .events = POLLOUT};
    int n;

    do {
        n = poll(&ask, 1, state.lost ? 0 : LOG_WAIT_MS);
    } while (n < 0 && errno == EINTR);
    return n != 0; /* what else is wrong the write finds */
}

static void line_write(const struct line *line)
{
    ssize_t n;

    if (state.lost && is_read()) {
        long long lost = state.lost;
        state.lost = 0;
        log_warn("%lld lines of the log are lost: nobody read them", lost);
    }
    if (!is_read()) {
        state.lost++;
        return;
    }
    do {
        n = write(state.fd, line->at, line->len);
    } while (n < 0 && errno == EINTR);
    /* Nobody is left to tell that the log itself cannot be written. */
}

void log_line(enum log_level level, const char *members, const char *fmt, ...)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    struct line line = {.len = 0};
    char text[LOG_LINE_MAX];
    char now[25];
    va_list args;

    if (!log_wants(level))
        return;
    va_start(args, fmt);
    if (vsnprintf(text, sizeof(text), fmt, args) < 0)
        text[0] = '\0';
    va_end(args);

    time_text(clock_now_ms(), now);
    line_put_str(&line, "{\"t\":\"");
    line_put_str(&line, now);
    line_put_str(&line, "\",\"level\":\"");
    line_put_str(&line, names[level]);
    line_put_str(&line, "\",\"role\":\"");
    line_put_escaped(&line, state.role);
    if (state.trace) {
        line_put_str(&line, "\",\"trace\":\"");
        line_put_escaped(&line, state.trace);
    }
    line_put_str(&line, "\",");
    if (members && *members) {
        /* Members are cut whole: half of one would break the line. */
        bool fits = strlen(members) < LOG_LINE_MAX / 2;
        line_put_str(&line, fits ? members : LOG_MEMBERS_CUT);
        line_put_str(&line, ",");
    }
    line_put_str(&line, "\"msg\":\"");
    line_put_escaped(&line, text);
    memcpy(line.at + line.len, LOG_TAIL, sizeof(LOG_TAIL) - 1);
    line.len += sizeof(LOG_TAIL) - 1;
    line_write(&line);
}
