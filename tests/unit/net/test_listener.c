/* test_listener - accepting, counting, refusing; listening sockets.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "help.h"
#include "net/conn.h"
#include "net/socket.h"

static struct listener *serve_capped(struct loop *loop, struct seen *seen, int all, int per_address,
                                     int *port)
{
    return serve_with(
        loop,
        (struct listener_opts){
            .open_cb = seen_open, .user = seen, .conns_max = all, .per_address_max = per_address},
        port);
}

static void check_cap(int all, int per_address)
{
    struct loop *loop = loop_new();
    struct seen seen = {0};
    int port, fds[4];
    struct listener *listener = serve_capped(loop, &seen, all, per_address, &port);
    for (int i = 0; i < 3; i++)
        fds[i] = client_open(port, 0);
    turn_until(loop, listener_stats(listener).refused == 1); /* just over the cap */
    assert_int_equal(seen.opened, 2);
    assert_int_equal(listener_conns(listener), 2);
    client_sees_end(loop, fds[2]);
    close(fds[0]);
    turn_until(loop, seen.closed == 1);
    fds[3] = client_open(port, 0); /* its place is free again */
    turn_until(loop, seen.opened == 3);
    assert_int_equal(listener_stats(listener).accepted, 3);
    for (int i = 1; i < 4; i++)
        close(fds[i]);
    turn_until(loop, seen.closed == 3);
    listener_close(listener);
    loop_free(loop);
    seen_release(&seen);
}

static void test_listener__closes_what_is_over_its_cap(void **state)
{
    (void)state;
    check_cap(2, 100);
}

static void test_listener__closes_what_is_over_an_address_share(void **state)
{
    (void)state;
    check_cap(100, 2);
}

static void test_listener__connections_outlive_it(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct seen seen = {.echo = true};
    int port;
    struct listener *listener = serve(loop, &seen, NULL, &port);
    int fd = client_open(port, 0);
    turn_until(loop, seen.opened == 1);
    listener_close(listener);
    loop_turn(loop, 0);
    client_send(fd, "on");
    char back[2];
    assert_int_equal(client_read(loop, fd, back, 2), 2);
    close(fd);
    turn_until(loop, seen.closed == 1);
    loop_free(loop);
    seen_release(&seen);
}

static void test_listener__sheds_when_descriptors_run_out(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct seen seen = {0};
    struct rlimit before, tight;
    int port;
    struct listener *listener = serve(loop, &seen, NULL, &port);
    loop_turn(loop, 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int first = client_open(port, 0), second = client_open(port, 0);
    tight = before;
    tight.rlim_cur = (rlim_t)second + 1; /* no number is left */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    turn_until(loop, listener_stats(listener).lost == 2);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(seen.opened, 0);
    int third = client_open(port, 0); /* and it is back by itself */
    turn_until(loop, seen.opened == 1);
    conn_close(seen.conn, false);
    listener_close(listener);
    loop_free(loop);
    seen_release(&seen);
    close(first);
    close(second);
    close(third);
}

static void test_listener__refuses_what_does_not_listen(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct listener *listener;
    struct listener_opts opts = {.open_cb = seen_open, .conns_max = 1, .per_address_max = 1};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(listener_open(loop, fd, &opts, &listener), ERR_IO);
    close(fd);
    loop_free(loop);
}

/* ---- sockets ---- */

static void test_listener__address_texts(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",       "127.0.0.1",  "localhost:80", ":80",           "[::1]",        "[::1:80",
        "::1:80", "127.0.0.1:", "1.2.3.4:-1",   "1.2.3.4:65536", "[1.2.3.4]:80", "[]:80"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int fd = -7, port = -7;
        const char *why = NULL;
        assert_int_equal(socket_listen(wrong[i], false, &fd, &port, &why), ERR_MALFORMED);
        assert_non_null(why);
        assert_int_equal(fd, -7);
    }
}

static void test_listener__port_in_use_and_shared(void **state)
{
    (void)state;
    const char *why = NULL;
    int first, second, third, port, again;
    char address[32];
    assert_int_equal(socket_listen("127.0.0.1:0", true, &first, &port, &why), ERR_OK);
    assert_true(port > 0);
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    assert_int_equal(socket_listen(address, true, &second, &again, &why), ERR_OK);
    assert_int_equal(again, port);
    assert_int_equal(socket_listen(address, false, &third, &again, &why), ERR_CONFLICT);
    assert_non_null(why);
    assert_int_equal(socket_listen("203.0.113.7:0", false, &third, &again, &why), ERR_NOT_FOUND);
    close(first);
    close(second);
}

static void test_listener__ipv6_and_mapped_peers(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct seen seen = {0};
    const char *why = NULL;
    int fd, port;
    if (socket_listen("[::]:0", false, &fd, &port, &why) != ERR_OK) {
        loop_free(loop);
        skip(); /* a host without IPv6 */
    }
    struct listener_opts opts = {
        .open_cb = seen_open, .user = &seen, .conns_max = 9, .per_address_max = 9};
    struct listener *listener;
    assert_int_equal(listener_open(loop, fd, &opts, &listener), ERR_OK);
    int v4 = client_open(port, 0);
    turn_until(loop, seen.opened == 1);
    assert_string_equal(conn_address(seen.conn), "127.0.0.1");
    assert_true(conn_is_loopback(seen.conn));
    conn_close(seen.conn, false);
    struct sockaddr_in6 to = {.sin6_family = AF_INET6,
                              .sin6_port = htons((uint16_t)port),
                              .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int v6 = socket(AF_INET6, SOCK_STREAM, 0);
    if (connect(v6, (struct sockaddr *)&to, sizeof to) == 0) {
        turn_until(loop, seen.opened == 2);
        assert_string_equal(conn_address(seen.conn), "::1");
        assert_true(conn_is_loopback(seen.conn));
        conn_close(seen.conn, false);
    }
    close(v4);
    close(v6);
    listener_close(listener);
    loop_free(loop);
    seen_release(&seen);
}

static void test_listener__local_socket_has_mode_0600_and_any_length(void **state)
{
    (void)state;
    char folder[40] = "/tmp/perigee-test-XXXXXX", path[320];
    assert_non_null(mkdtemp(folder));
    char deep[300];
    snprintf(deep, sizeof deep, "%s/%0100d", folder, 0);
    assert_int_equal(mkdir(deep, 0700), 0);
    snprintf(path, sizeof path, "%s/worker.0", deep);
    int fd, client;
    assert_int_equal(socket_connect_unix(path, &client), ERR_NOT_FOUND);
    assert_int_equal(socket_listen_unix(path, 8, &fd), ERR_OK);
    struct stat info;
    assert_int_equal(lstat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    close(fd);
    assert_int_equal(socket_connect_unix(path, &client), ERR_NOT_FOUND); /* nobody listens */
    assert_int_equal(socket_listen_unix(path, 8, &fd), ERR_OK);          /* over the old one */

    struct loop *loop = loop_new();
    struct seen seen = {.echo = true};
    struct listener_opts opts = {
        .open_cb = seen_open, .user = &seen, .conns_max = 9, .per_address_max = 1};
    struct listener *listener;
    assert_int_equal(listener_open(loop, fd, &opts, &listener), ERR_OK);
    int second;
    assert_int_equal(socket_connect_unix(path, &client), ERR_OK);
    assert_int_equal(socket_connect_unix(path, &second), ERR_OK);
    turn_until(loop, seen.opened == 2); /* no address to count by */
    assert_string_equal(conn_address(seen.conn), "local");
    close(client);
    close(second);
    turn_until(loop, seen.closed == 2);
    listener_close(listener);
    loop_free(loop);
    seen_release(&seen);
    /* What is not a socket is not removed. */
    unlink(path);
    fclose(fopen(path, "w"));
    assert_int_equal(socket_listen_unix(path, 8, &fd), ERR_CONFLICT);
    unlink(path);
    rmdir(deep);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_listener__closes_what_is_over_its_cap),
        cmocka_unit_test(test_listener__closes_what_is_over_an_address_share),
        cmocka_unit_test(test_listener__connections_outlive_it),
        cmocka_unit_test(test_listener__sheds_when_descriptors_run_out),
        cmocka_unit_test(test_listener__refuses_what_does_not_listen),
        cmocka_unit_test(test_listener__address_texts),
        cmocka_unit_test(test_listener__port_in_use_and_shared),
        cmocka_unit_test(test_listener__ipv6_and_mapped_peers),
        cmocka_unit_test(test_listener__local_socket_has_mode_0600_and_any_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
