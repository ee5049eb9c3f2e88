/* test_frame - frames: parsing, asynchronous links, blocking ends.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "help.h"
#include "net/conn.h"

struct end {
    struct link *link;
    int frames, opened, closed;
    enum frame_kind kind;
    uint64_t tag;
    struct buf last, all; /* bodies */
    bool echo, close_on_frame;
};

static void end_frame(struct link *link, enum frame_kind kind, uint64_t tag, struct slice body)
{
    struct end *end = link_user(link);
    assert_int_equal(end->closed, 0);
    end->frames++;
    end->kind = kind;
    end->tag = tag;
    buf_clear(&end->last);
    buf_put_slice(&end->last, body);
    buf_put_slice(&end->all, body);
    if (end->echo)
        link_send(link, FRAME_ANSWER, tag, body);
    if (end->close_on_frame)
        link_close(link);
}

static void end_close(struct link *link)
{
    struct end *end = link_user(link);
    end->closed++;
    end->link = NULL;
}

static void end_open(struct link *link, void *user)
{
    struct end *end = user;
    end->opened++;
    end->link = link;
    link_set(link, end, end_frame, end_close);
}

static void end_release(struct end *end)
{
    buf_release(&end->last);
    buf_release(&end->all);
}

struct pair {
    struct loop *loop;
    struct end a;
    int fd; /* the other end, blocking */
};

static int setup(void **state)
{
    struct pair *p = calloc(1, sizeof *p);
    int fds[2];
    p->loop = loop_new();
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    struct link *link;
    assert_int_equal(link_adopt(p->loop, fds[0], &link), ERR_OK);
    end_open(link, &p->a);
    p->fd = fds[1];
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct pair *p = *state;
    if (p->a.link)
        link_close(p->a.link);
    loop_free(p->loop);
    assert_int_equal(p->a.closed, 1); /* exactly once */
    end_release(&p->a);
    if (p->fd >= 0)
        close(p->fd);
    free(p);
    return 0;
}

static struct buf pattern(size_t len)
{
    struct buf b = BUF_INIT;
    buf_reserve(&b, len + 1);
    for (size_t i = 0; i < len; i++)
        b.at[i] = file_byte(i);
    b.len = len;
    return b;
}

/* ---- parsing ---- */

static void test_frame__parses_only_what_is_whole(void **state)
{
    (void)state;
    static const char whole[] = {10, 0, 0, 0, FRAME_ANSWER, 8,    7,   6, 5,
                                 4,  3, 2, 1, 'x',          0x55, 0x55};
    enum frame_kind kind = FRAME_NONE;
    uint64_t tag = 99;
    struct slice body = SLICE("untouched");
    for (size_t len = 0; len < 14; len++)
        assert_int_equal(frame_parse(slice_of(whole, len), &kind, &tag, &body), 0);
    assert_int_equal(kind, FRAME_NONE);
    assert_int_equal(tag, 99);
    assert_int_equal(frame_parse(slice_of(whole, sizeof whole), &kind, &tag, &body), 14);
    assert_int_equal(kind, FRAME_ANSWER);
    assert_true(tag == 0x0102030405060708U);
    assert_true(slice_is(body, "x"));
}

static void test_frame__broken_heads_are_told_early(void **state)
{
    (void)state;
    enum frame_kind kind;
    uint64_t tag;
    struct slice body;
    static const char small[] = {8, 0, 0, 0};
    static const char none[] = {9, 0, 0, 0, 0};
    static const char unknown[] = {9, 0, 0, 0, 120};
    char large[4] = {0};
    assert_int_equal(frame_parse(slice_of(small, 4), &kind, &tag, &body), -1);
    assert_int_equal(frame_parse(slice_of(none, 5), &kind, &tag, &body), -1);
    assert_int_equal(frame_parse(slice_of(unknown, 5), &kind, &tag, &body), -1);
    for (uint32_t len = FRAME_BYTES_MAX; len <= FRAME_BYTES_MAX + 1; len++) {
        for (int i = 0; i < 4; i++)
            large[i] = (char)(len >> (8 * i));
        assert_int_equal(frame_parse(slice_of(large, 4), &kind, &tag, &body),
                         len == FRAME_BYTES_MAX ? 0 : -1);
    }
}

/* ---- links ---- */

static void test_frame__link_delivers_what_comes_in_pieces(void **state)
{
    struct pair *p = *state;
    int raw[2];
    char bytes[64];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, raw), 0);
    assert_int_equal(frame_write(raw[0], FRAME_NOTE, 1, SLICE("first")), ERR_OK);
    assert_int_equal(frame_write(raw[0], FRAME_MOVED, 2, SLICE("")), ERR_OK);
    assert_int_equal(frame_write(raw[0], FRAME_WAKE, UINT64_MAX, SLICE("third")), ERR_OK);
    ssize_t len = read(raw[1], bytes, sizeof bytes);
    assert_int_equal(len, 3 * FRAME_HEAD_BYTES + 10);
    for (ssize_t i = 0; i < len; i++) {
        assert_int_equal(write(p->fd, bytes + i, 1), 1);
        loop_turn(p->loop, 0);
    }
    turn_until(p->loop, p->a.frames == 3);
    assert_int_equal(p->a.kind, FRAME_WAKE);
    assert_true(p->a.tag == UINT64_MAX);
    assert_string_equal(buf_cstr(&p->a.all), "firstthird");
    close(raw[0]);
    close(raw[1]);
}

static void test_frame__largest_frame_goes_both_ways(void **state)
{
    struct pair *p = *state;
    struct buf body = pattern(FRAME_BODY_BYTES_MAX);
    p->a.echo = true;
    pid_t pid = fork(); /* a blocking process on the other side */
    if (pid == 0) {
        enum frame_kind kind;
        uint64_t tag;
        struct buf back = BUF_INIT;
        bool good = frame_write(p->fd, FRAME_REQUEST, 5, buf_slice(&body)) == ERR_OK &&
                    frame_read(p->fd, 60000, &kind, &tag, &back) == ERR_OK &&
                    kind == FRAME_ANSWER && tag == 5 &&
                    slice_eq(buf_slice(&back), buf_slice(&body));
        _exit(good ? 0 : 1);
    }
    close(p->fd);
    p->fd = -1;
    turn_until(p->loop, p->a.closed == 1);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_true(slice_eq(buf_slice(&p->a.last), buf_slice(&body)));
    buf_release(&body);
}

static void test_frame__frames_of_one_round_leave_together(void **state)
{
    struct pair *p = *state;
    char bytes[200];
    for (uint64_t i = 1; i <= 5; i++)
        link_send(p->a.link, FRAME_ANSWER, i, SLICE("a"));
    assert_int_equal(link_queued(p->a.link), 5 * (FRAME_HEAD_BYTES + 1));
    assert_int_equal(recv(p->fd, bytes, sizeof bytes, MSG_DONTWAIT), -1);
    loop_turn(p->loop, 0);
    assert_int_equal(link_queued(p->a.link), 0);
    assert_int_equal(recv(p->fd, bytes, sizeof bytes, MSG_DONTWAIT), 5 * (FRAME_HEAD_BYTES + 1));
}

static void test_frame__two_full_links_do_not_wait_for_each_other(void **state)
{
    struct pair *p = *state;
    struct end b = {0};
    struct link *link;
    assert_int_equal(link_adopt(p->loop, p->fd, &link), ERR_OK);
    p->fd = -1;
    end_open(link, &b);
    struct buf body = pattern(100000);
    for (uint64_t i = 0; i < 40; i++) { /* far more than both socket buffers */
        link_send(p->a.link, FRAME_REQUEST, i, buf_slice(&body));
        link_send(b.link, FRAME_ANSWER, i, buf_slice(&body));
    }
    turn_until(p->loop, p->a.frames == 40 && b.frames == 40);
    assert_true(slice_eq(buf_slice(&b.last), buf_slice(&body)));
    link_close(b.link);
    turn_until(p->loop, p->a.closed == 1 && b.closed == 1);
    buf_release(&body);
    end_release(&b);
}

static void test_frame__broken_frame_closes_the_link(void **state)
{
    struct pair *p = *state;
    assert_int_equal(frame_write(p->fd, FRAME_NOTE, 1, SLICE("good")), ERR_OK);
    assert_int_equal(write(p->fd, "GET / HTTP/1.1\r\n", 16), 16);
    turn_until(p->loop, p->a.closed == 1);
    assert_int_equal(p->a.frames, 1);
}

static void test_frame__closing_in_a_frame_ends_delivery(void **state)
{
    struct pair *p = *state;
    p->a.close_on_frame = true;
    for (uint64_t i = 0; i < 3; i++)
        assert_int_equal(frame_write(p->fd, FRAME_NOTE, i, SLICE("x")), ERR_OK);
    turn_until(p->loop, p->a.closed == 1);
    assert_int_equal(p->a.frames, 1);
}

static void test_frame__close_sends_what_the_kernel_takes(void **state)
{
    struct pair *p = *state;
    link_send(p->a.link, FRAME_CONTROL, 3, SLICE("stop"));
    link_close(p->a.link);
    link_send(p->a.link, FRAME_CONTROL, 4, SLICE("never"));
    link_close(p->a.link);
    enum frame_kind kind;
    uint64_t tag;
    struct buf body = BUF_INIT;
    assert_int_equal(frame_read(p->fd, 1000, &kind, &tag, &body), ERR_OK);
    assert_int_equal(tag, 3);
    assert_int_equal(frame_read(p->fd, 1000, &kind, &tag, &body), ERR_IO);
    buf_release(&body);
}

static void test_frame__last_frames_of_a_killed_process_arrive(void **state)
{
    struct pair *p = *state;
    /* Unread bytes in its receive queue turn its end into a reset. */
    link_send(p->a.link, FRAME_REQUEST, 1, SLICE("never read"));
    loop_turn(p->loop, 0);
    for (uint64_t i = 0; i < 3; i++)
        assert_int_equal(frame_write(p->fd, FRAME_ANSWER, i, SLICE("done")), ERR_OK);
    close(p->fd);
    p->fd = -1;
    turn_until(p->loop, p->a.closed == 1);
    assert_int_equal(p->a.frames, 3);
}

static void test_frame__listener_accepts_and_a_full_backlog_is_busy(void **state)
{
    (void)state;
    char folder[] = "/tmp/perigee-test-XXXXXX", path[64];
    struct loop *loop = loop_new();
    struct end server = {.echo = true}, client = {0};
    struct link_listener *listener;
    struct link *link;
    int fd, more[3];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/w", folder);
    assert_int_equal(link_connect(loop, path, &link), ERR_NOT_FOUND);
    assert_int_equal(socket_listen_unix(path, 0, &fd), ERR_OK);
    assert_int_equal(link_listen(loop, fd, end_open, &server, &listener), ERR_OK);
    assert_int_equal(link_connect(loop, path, &link), ERR_OK);
    end_open(link, &client);
    assert_int_equal(frame_connect(path, &more[0]), ERR_BUSY);
    link_send(client.link, FRAME_REQUEST, 9, SLICE("over there"));
    turn_until(loop, client.frames == 1);
    assert_int_equal(client.kind, FRAME_ANSWER);
    assert_string_equal(buf_cstr(&client.last), "over there");
    link_close(client.link);
    turn_until(loop, client.closed == 1 && server.closed == 1);
    link_listener_close(listener);
    loop_turn(loop, 0);
    assert_int_equal(link_connect(loop, path, &link), ERR_NOT_FOUND);
    assert_int_equal(link_listen(loop, 0, end_open, &server, &listener), ERR_IO);
    loop_free(loop);
    end_release(&server);
    end_release(&client);
    unlink(path);
    rmdir(folder);
}

/* ---- blocking ends ---- */

static void test_frame__blocking_read_times_out_and_can_go_on(void **state)
{
    struct pair *p = *state;
    enum frame_kind kind = FRAME_NONE;
    uint64_t tag = 0;
    struct buf body = BUF_INIT;
    buf_put_str(&body, "old");
    assert_int_equal(frame_read(p->fd, 0, &kind, &tag, &body), ERR_TIMEOUT);
    assert_int_equal(frame_read(p->fd, 5, &kind, &tag, &body), ERR_TIMEOUT);
    link_send(p->a.link, FRAME_TURN_LENT, 77, SLICE("yours"));
    loop_turn(p->loop, 0);
    assert_int_equal(frame_read(p->fd, -1, &kind, &tag, &body), ERR_OK);
    assert_int_equal(kind, FRAME_TURN_LENT);
    assert_int_equal(tag, 77);
    assert_string_equal(buf_cstr(&body), "yours");
    buf_release(&body);
}

static void test_frame__blocking_ends_tell_of_a_gone_peer(void **state)
{
    struct pair *p = *state;
    enum frame_kind kind;
    uint64_t tag;
    struct buf body = BUF_INIT;
    link_close(p->a.link);
    turn_until(p->loop, p->a.closed == 1);
    assert_int_equal(frame_read(p->fd, 1000, &kind, &tag, &body), ERR_IO);
    assert_int_equal(frame_write(p->fd, FRAME_NOTE, 1, SLICE("x")), ERR_IO);
    buf_release(&body);
}

static void test_frame__blocking_read_refuses_a_cut_or_broken_frame(void **state)
{
    (void)state;
    static const char broken[FRAME_HEAD_BYTES] = {1};
    static const char cut[FRAME_HEAD_BYTES + 2] = {14, 0, 0, 0, FRAME_NOTE};
    enum frame_kind kind;
    uint64_t tag;
    struct buf body = BUF_INIT;
    for (int i = 0; i < 2; i++) {
        int fds[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
        const char *bytes = i ? cut : broken;
        size_t len = i ? sizeof cut : sizeof broken;
        assert_int_equal(write(fds[1], bytes, len), len);
        close(fds[1]);
        assert_int_equal(frame_read(fds[0], 1000, &kind, &tag, &body), ERR_IO);
        close(fds[0]);
    }
    buf_release(&body);
}

#define test(name) cmocka_unit_test_setup_teardown(test_frame__##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame__parses_only_what_is_whole),
        cmocka_unit_test(test_frame__broken_heads_are_told_early),
        test(link_delivers_what_comes_in_pieces),
        test(largest_frame_goes_both_ways),
        test(frames_of_one_round_leave_together),
        test(two_full_links_do_not_wait_for_each_other),
        test(broken_frame_closes_the_link),
        test(closing_in_a_frame_ends_delivery),
        test(close_sends_what_the_kernel_takes),
        test(last_frames_of_a_killed_process_arrive),
        cmocka_unit_test(test_frame__listener_accepts_and_a_full_backlog_is_busy),
        test(blocking_read_times_out_and_can_go_on),
        test(blocking_ends_tell_of_a_gone_peer),
        cmocka_unit_test(test_frame__blocking_read_refuses_a_cut_or_broken_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
