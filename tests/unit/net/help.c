/* help - a loop that is driven by the test, and plain sockets as the other side.
 *
 * SPDX-License-Identifier: MIT
 */
#include "help.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

void seen_release(struct seen *seen)
{
    buf_release(&seen->in);
}

static void seen_read(struct conn *conn, struct slice bytes)
{
    struct seen *seen = conn_user(conn);
    seen->reads++;
    buf_put_slice(&seen->in, bytes);
    if (seen->echo) {
        struct buf b = BUF_INIT;
        buf_put_slice(&b, bytes);
        conn_write(conn, &b);
        assert_int_equal(b.len, 0);
        buf_release(&b);
    }
}

static void seen_close(struct conn *conn, enum conn_end why)
{
    struct seen *seen = conn_user(conn);
    seen->closed++;
    seen->why = why;
    if (seen->conn == conn)
        seen->conn = NULL;
}

void seen_open(struct conn *conn, void *user)
{
    struct seen *seen = user;
    seen->opened++;
    seen->conn = conn;
    conn_set(conn, seen, seen_read, seen_close);
}

void seen_due(void *conn)
{
    struct seen *seen = conn_user(conn);
    seen->due++;
}

struct listener *serve_with(struct loop *loop, struct listener_opts opts, int *port)
{
    int fd;
    const char *why = NULL;
    assert_int_equal(socket_listen("127.0.0.1:0", false, &fd, port, &why), ERR_OK);
    struct listener *listener;
    assert_int_equal(listener_open(loop, fd, &opts, &listener), ERR_OK);
    return listener;
}

struct listener *serve(struct loop *loop, struct seen *seen, struct tls *tls, int *port)
{
    return serve_with(loop,
                      (struct listener_opts){.tls = tls,
                                             .open_cb = seen_open,
                                             .user = seen,
                                             .conns_max = 100,
                                             .per_address_max = 100},
                      port);
}

int client_open(int port, int rcvbuf)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    if (rcvbuf)
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof rcvbuf), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

void client_send(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

size_t client_read(struct loop *loop, int fd, char *at, size_t len)
{
    size_t done = 0;
    for (int i = 0; i < 20 * HELP_TURNS_MAX && done < len; i++) {
        ssize_t n = recv(fd, at + done, len - done, MSG_DONTWAIT);
        if (n == 0)
            break;
        if (n > 0)
            done += (size_t)n;
        else if (errno != EAGAIN)
            break;
        loop_turn(loop, n > 0 ? 0 : 1);
    }
    return done;
}

bool client_sees_end(struct loop *loop, int fd)
{
    for (int i = 0; i < HELP_TURNS_MAX; i++) {
        char bytes[4096];
        ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (n == 0)
            return true;
        if (n < 0 && errno != EAGAIN)
            return false;
        loop_turn(loop, 10);
    }
    fail_msg("the connection stayed open");
    return false;
}

char file_byte(size_t at)
{
    return (char)((at * 2654435761U) >> 11);
}

int file_make(size_t len)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    for (size_t i = 0; i < len; i++)
        putc(file_byte(i), file);
    assert_int_equal(fflush(file), 0);
    int fd = dup(fileno(file));
    fclose(file);
    return fd;
}

void write_text(struct conn *conn, const char *text)
{
    struct buf b = BUF_INIT;
    buf_put_str(&b, text);
    conn_write(conn, &b);
    buf_release(&b);
}
