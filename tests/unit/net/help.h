/* help - a loop that is driven by the test, and plain sockets as the other side.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "net/conn.h"
#include "net/loop.h"

/* Turns the loop until the fact holds; a fact that never comes fails the test. */
#define turn_until(loop, fact)                                                                     \
    do {                                                                                           \
        int turns_left = HELP_TURNS_MAX;                                                           \
        while (!(fact) && turns_left-- > 0)                                                        \
            loop_turn((loop), 10);                                                                 \
        assert_true(fact);                                                                         \
    } while (0)
#define HELP_TURNS_MAX 3000

/* What a test's server has seen. The callbacks keep it as the user of each connection. */
struct seen {
    struct conn *conn; /* the newest */
    struct buf in;     /* all that was read */
    int opened, closed, reads, due;
    enum conn_end why;
    bool echo;
};

void seen_release(struct seen *seen);
void seen_open(struct conn *conn, void *seen);
void seen_due(void *conn);
/* A listener on 127.0.0.1 whose connections report to seen. */
struct listener *serve(struct loop *loop, struct seen *seen, struct tls *tls, int *port);
struct listener *serve_with(struct loop *loop, struct listener_opts opts, int *port);
/* A blocking client socket. rcvbuf 0: the system's. */
int client_open(int port, int rcvbuf);
void client_send(int fd, const char *text);
/* Reads until `len` bytes or the end, turning the loop meanwhile; gives how many. */
size_t client_read(struct loop *loop, int fd, char *at, size_t len);
/* The other side has closed: true on an orderly end, false on a reset. */
bool client_sees_end(struct loop *loop, int fd);
/* A file of `len` bytes that differ; the descriptor. */
int file_make(size_t len);
char file_byte(size_t at);
void write_text(struct conn *conn, const char *text);
