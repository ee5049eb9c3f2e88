/* test_conn - connections over real sockets: order, bounds, endings, files.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/conn.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "help.h"

struct fixture {
    struct loop *loop;
    struct listener *listener;
    struct seen seen;
    int port;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->loop = loop_new();
    f->listener = serve(f->loop, &f->seen, NULL, &f->port);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    if (f->seen.conn)
        conn_close(f->seen.conn, false);
    listener_close(f->listener);
    loop_free(f->loop);
    assert_int_equal(f->seen.opened, f->seen.closed); /* each exactly once */
    seen_release(&f->seen);
    free(f);
    return 0;
}

static int connect_and_open(struct fixture *f, int rcvbuf)
{
    int before = f->seen.opened;
    int fd = client_open(f->port, rcvbuf);
    turn_until(f->loop, f->seen.opened == before + 1);
    return fd;
}

static void write_zeros(struct conn *conn, size_t len, char fill)
{
    struct buf b = BUF_INIT;
    buf_reserve(&b, len);
    memset(b.at, fill, len);
    b.len = len;
    conn_write(conn, &b);
    buf_release(&b);
}

/* ---- bytes ---- */

static void test_conn__echoes_what_comes_in_pieces(void **state)
{
    struct fixture *f = *state;
    f->seen.echo = true;
    int fd = connect_and_open(f, 0);
    const char *text = "fragments of a sentence";
    for (size_t i = 0; text[i]; i++) {
        assert_int_equal(send(fd, text + i, 1, 0), 1);
        turn_until(f->loop, f->seen.in.len == i + 1);
    }
    char back[64];
    assert_int_equal(client_read(f->loop, fd, back, strlen(text)), strlen(text));
    assert_memory_equal(back, text, strlen(text));
    assert_string_equal(conn_address(f->seen.conn), "127.0.0.1");
    assert_true(conn_is_loopback(f->seen.conn));
    assert_false(conn_is_tls(f->seen.conn));
    close(fd);
    turn_until(f->loop, f->seen.closed == 1);
    assert_int_equal(f->seen.why, CONN_END_EOF);
}

static void ten_answers(struct conn *conn, struct slice bytes)
{
    (void)bytes;
    for (int i = 0; i < 10; i++)
        write_text(conn, "answer ");
}

static void test_conn__writes_of_one_round_leave_together(void **state)
{
    struct fixture *f = *state;
    int fd = connect_and_open(f, 0);
    conn_set(f->seen.conn, &f->seen, ten_answers, NULL);
    client_send(fd, "?");
    char back[70];
    assert_int_equal(client_read(f->loop, fd, back, 70), 70);
    struct tcp_info info;
    socklen_t len = sizeof info;
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
    assert_int_equal(info.tcpi_data_segs_in, 1);
    /* Also outside a read callback. */
    for (int i = 0; i < 10; i++)
        write_text(f->seen.conn, "answer ");
    assert_int_equal(conn_queued(f->seen.conn), 70);
    assert_int_equal(client_read(f->loop, fd, back, 70), 70);
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
    assert_int_equal(info.tcpi_data_segs_in, 2);
    conn_close(f->seen.conn, false);
    f->seen.conn = NULL;
    f->seen.closed = 1; /* its close callback was taken away above */
    close(fd);
}

static void test_conn__small_and_large_pieces_keep_their_order(void **state)
{
    struct fixture *f = *state;
    int fd = connect_and_open(f, 0);
    struct buf want = BUF_INIT, piece = BUF_INIT;
    for (size_t i = 0; i < 60; i++) {
        size_t len = i % 3 == 0 ? 7 : i % 3 == 1 ? 16384 : 70000 + i;
        for (size_t j = 0; j < len; j++)
            buf_put_char(&piece, file_byte(i * 7919 + j));
        buf_put_slice(&want, buf_slice(&piece));
        conn_write(f->seen.conn, &piece);
        assert_int_equal(piece.len, 0);
    }
    assert_int_equal(conn_queued(f->seen.conn), want.len);
    char *got = malloc(want.len);
    assert_int_equal(client_read(f->loop, fd, got, want.len), want.len);
    assert_memory_equal(got, want.at, want.len);
    assert_int_equal(conn_queued(f->seen.conn), 0);
    free(got);
    buf_release(&want);
    buf_release(&piece);
    close(fd);
}

/* ---- slow readers ---- */

static void test_conn__slow_reader_is_not_read_from(void **state)
{
    struct fixture *f = *state;
    int fd = connect_and_open(f, 4096);
    size_t total = 8 << 20;
    write_zeros(f->seen.conn, total, 'a');
    for (int i = 0; i < 20; i++)
        loop_turn(f->loop, 1);
    assert_true(conn_queued(f->seen.conn) > CONN_QUEUE_BYTES_MAX);
    client_send(fd, "more please");
    for (int i = 0; i < 20; i++)
        loop_turn(f->loop, 1);
    assert_int_equal(f->seen.in.len, 0);
    char *got = malloc(total);
    assert_int_equal(client_read(f->loop, fd, got, total), total);
    for (size_t i = 0; i < total; i += 4099)
        assert_int_equal(got[i], 'a');
    free(got);
    turn_until(f->loop, f->seen.in.len == 11);
    close(fd);
}

static void test_conn__reader_of_nothing_is_cut(void **state)
{
    struct fixture *f = *state;
    int port;
    struct listener *quick = serve_with(f->loop,
                                        (struct listener_opts){.open_cb = seen_open,
                                                               .user = &f->seen,
                                                               .conns_max = 1,
                                                               .per_address_max = 1,
                                                               .write_ms_max = 30},
                                        &port);
    int fd = client_open(port, 4096);
    turn_until(f->loop, f->seen.opened == 1);
    write_zeros(f->seen.conn, 8 << 20, 'a');
    turn_until(f->loop, f->seen.closed == 1);
    assert_int_equal(f->seen.why, CONN_END_ERROR);
    listener_close(quick);
    close(fd);
}

/* ---- endings ---- */

static void test_conn__reset_ends_with_an_error(void **state)
{
    struct fixture *f = *state;
    int fd = connect_and_open(f, 0);
    struct linger hard = {.l_onoff = 1};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard), 0);
    close(fd);
    turn_until(f->loop, f->seen.closed == 1);
    assert_int_equal(f->seen.why, CONN_END_ERROR);
}

static void test_conn__half_closed_peer_gets_what_was_queued(void **state)
{
    struct fixture *f = *state;
    int fd = connect_and_open(f, 4096);
    size_t total = 4 << 20;
    write_zeros(f->seen.conn, total, 'b');
    loop_turn(f->loop, 0);
    shutdown(fd, SHUT_WR);
    char *got = malloc(total);
    assert_int_equal(client_read(f->loop, fd, got, total), total);
    free(got);
    assert_true(client_sees_end(f->loop, fd));
    turn_until(f->loop, f->seen.closed == 1);
    assert_int_equal(f->seen.why, CONN_END_EOF);
    close(fd);
}

static void test_conn__answer_before_close_survives_unread_input(void **state)
{
    struct fixture *f = *state;
    int fd = connect_and_open(f, 0);
    /* The peer goes on sending a body that nobody will read; a plain close would reset the answer.
     */
    write_text(f->seen.conn, "413");
    conn_close(f->seen.conn, true);
    char *body = calloc(1, 100000);
    for (int i = 0; i < 10; i++) {
        assert_true(send(fd, body, 100000, MSG_DONTWAIT | MSG_NOSIGNAL) > 0);
        loop_turn(f->loop, 1);
    }
    free(body);
    char got[3];
    assert_int_equal(client_read(f->loop, fd, got, 3), 3);
    assert_memory_equal(got, "413", 3);
    assert_true(client_sees_end(f->loop, fd));
    assert_int_equal(f->seen.in.len, 0);
    close(fd);
    turn_until(f->loop, f->seen.closed == 1);
    assert_int_equal(f->seen.why, CONN_END_LOCAL);
}

static void test_conn__lingering_is_bounded(void **state)
{
    struct fixture *f = *state;
    int fd = connect_and_open(f, 0);
    conn_close(f->seen.conn, true); /* and the peer never closes its side */
    turn_until(f->loop, f->seen.closed == 1);
    assert_int_equal(f->seen.why, CONN_END_LOCAL);
    close(fd);
}

static void close_at_once(struct conn *conn, struct slice bytes)
{
    (void)bytes;
    struct seen *seen = conn_user(conn);
    write_text(conn, "never seen");
    conn_close(conn, false);
    assert_int_equal(seen->closed, 0); /* not from inside */
    /* All of these find a closed connection and do nothing. */
    write_text(conn, "nor this");
    conn_send_file(conn, file_make(10), 0, 10);
    conn_pause(conn);
    conn_resume(conn);
    conn_deadline(conn, 1, seen_due);
    conn_close(conn, true);
    conn_close(conn, false);
    assert_int_equal(conn_queued(conn), 0);
}

static void count_close(struct conn *conn, enum conn_end why)
{
    struct seen *seen = conn_user(conn);
    seen->closed++;
    seen->why = why;
    seen->conn = NULL;
}

static void test_conn__calls_on_a_closed_connection_do_nothing(void **state)
{
    struct fixture *f = *state;
    int fd = connect_and_open(f, 0);
    conn_set(f->seen.conn, &f->seen, close_at_once, count_close);
    client_send(fd, "x");
    turn_until(f->loop, f->seen.closed == 1);
    for (int i = 0; i < 5; i++)
        loop_turn(f->loop, 2);
    assert_int_equal(f->seen.due, 0);
    assert_int_equal(f->seen.why, CONN_END_LOCAL);
    client_sees_end(f->loop, fd);
    close(fd);
}

static void refuse_open(struct conn *conn, void *user)
{
    seen_open(conn, user);
    conn_close(conn, false);
}

static void test_conn__may_be_closed_while_it_opens(void **state)
{
    struct fixture *f = *state;
    int port;
    struct listener *listener = serve_with(
        f->loop,
        (struct listener_opts){
            .open_cb = refuse_open, .user = &f->seen, .conns_max = 9, .per_address_max = 9},
        &port);
    int fd = client_open(port, 0);
    turn_until(f->loop, f->seen.closed == 1);
    listener_close(listener);
    close(fd);
}

/* ---- pausing ---- */

static void test_conn__paused_is_not_read_and_goes_on(void **state)
{
    struct fixture *f = *state;
    int fd = connect_and_open(f, 0);
    conn_pause(f->seen.conn);
    client_send(fd, "one");
    for (int i = 0; i < 5; i++)
        loop_turn(f->loop, 1);
    assert_int_equal(f->seen.reads, 0);
    write_text(f->seen.conn, "still writes");
    char got[12];
    assert_int_equal(client_read(f->loop, fd, got, 12), 12);
    conn_resume(f->seen.conn);
    turn_until(f->loop, f->seen.in.len == 3);
    close(fd);
}

static void test_conn__end_is_noticed_while_paused(void **state)
{
    struct fixture *f = *state;
    int fd = connect_and_open(f, 0);
    conn_pause(f->seen.conn);
    close(fd);
    turn_until(f->loop, f->seen.closed == 1);
    assert_int_equal(f->seen.why, CONN_END_EOF);
}

/* ---- deadlines ---- */

static void test_conn__deadline_comes_once(void **state)
{
    struct fixture *f = *state;
    int fd = connect_and_open(f, 0);
    conn_deadline(f->seen.conn, 60000, seen_due);
    conn_deadline(f->seen.conn, 2, seen_due); /* earlier than what was set */
    turn_until(f->loop, f->seen.due == 1);
    for (int i = 0; i < 5; i++)
        loop_turn(f->loop, 2);
    assert_int_equal(f->seen.due, 1);
    conn_deadline(f->seen.conn, 2, seen_due);
    conn_deadline(f->seen.conn, 60000, seen_due); /* later */
    for (int i = 0; i < 5; i++)
        loop_turn(f->loop, 2);
    assert_int_equal(f->seen.due, 1);
    conn_deadline(f->seen.conn, 2, seen_due);
    conn_deadline(f->seen.conn, 0, NULL);
    for (int i = 0; i < 5; i++)
        loop_turn(f->loop, 2);
    assert_int_equal(f->seen.due, 1);
    close(fd);
}

/* ---- files ---- */

static void test_conn__file_leaves_between_bytes(void **state)
{
    struct fixture *f = *state;
    int fd = connect_and_open(f, 4096);
    size_t size = 3 << 20, offset = 12345;
    int file = file_make(size);
    write_text(f->seen.conn, "head");
    conn_send_file(f->seen.conn, file, (int64_t)offset, (int64_t)(size - offset));
    conn_send_file(f->seen.conn, file_make(1), 0, 0); /* nothing of it, but closed */
    write_text(f->seen.conn, "tail");
    size_t total = size - offset + 8;
    char *got = malloc(total);
    assert_int_equal(client_read(f->loop, fd, got, total), total);
    assert_memory_equal(got, "head", 4);
    assert_memory_equal(got + total - 4, "tail", 4);
    for (size_t i = 0; i < size - offset; i++)
        assert_int_equal(got[4 + i], file_byte(offset + i));
    free(got);
    assert_int_equal(close(file), -1); /* it was adopted and has been closed */
    close(fd);
}

static void test_conn__file_shorter_than_promised_ends_it(void **state)
{
    struct fixture *f = *state;
    int fd = connect_and_open(f, 0);
    conn_send_file(f->seen.conn, file_make(1000), 0, 2000);
    turn_until(f->loop, f->seen.closed == 1);
    assert_int_equal(f->seen.why, CONN_END_ERROR);
    close(fd);
}

static void test_conn__file_not_yet_sent_is_closed_with_it(void **state)
{
    struct fixture *f = *state;
    int fd = connect_and_open(f, 4096);
    int file = file_make(8 << 20);
    conn_send_file(f->seen.conn, file, 0, 8 << 20);
    loop_turn(f->loop, 0);
    conn_close(f->seen.conn, false);
    turn_until(f->loop, f->seen.closed == 1);
    assert_int_equal(close(file), -1);
    close(fd);
}

#define test(name) cmocka_unit_test_setup_teardown(test_conn__##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(echoes_what_comes_in_pieces),
        test(writes_of_one_round_leave_together),
        test(small_and_large_pieces_keep_their_order),
        test(slow_reader_is_not_read_from),
        test(reader_of_nothing_is_cut),
        test(reset_ends_with_an_error),
        test(half_closed_peer_gets_what_was_queued),
        test(answer_before_close_survives_unread_input),
        test(lingering_is_bounded),
        test(calls_on_a_closed_connection_do_nothing),
        test(may_be_closed_while_it_opens),
        test(paused_is_not_read_and_goes_on),
        test(end_is_noticed_while_paused),
        test(deadline_comes_once),
        test(file_leaves_between_bytes),
        test(file_shorter_than_promised_ends_it),
        test(file_not_yet_sent_is_closed_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
