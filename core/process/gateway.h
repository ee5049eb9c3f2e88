/* gateway - what the two halves of a gateway share: clients in front, workers and runners behind.
 *
 * An exchange is one admitted request on its way: from a client's connection (client.c) or from the
 * command socket (command.c), answered here or by another process (forward.c).
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/pipeline.h"
#include "net/conn.h"
#include "process/slot.h"

struct gateway;

struct exchange {
    struct gateway *gateway;
    struct req *req;
    struct call *call;
    struct resp resp;
    int64_t started_us;
    /* Called once, with resp filled, unless the exchange was cancelled before. */
    void (*answered)(struct exchange *exchange);
    void *owner;
    /* private to forward.c */
    uint64_t tag;
    struct forward_peer *peer;
    struct exchange *previous, *next;
    bool is_write;
    int tries;
    bool is_unbuilt; /* a runner could not build the model: the owner is asked to settle it */
    int64_t deadline_ms;
};

struct gateway {
    struct slot slot;
    struct tls *tls;
    struct listener *listeners[3]; /* plain, TLS, operator */
    struct link_listener *commands;
    struct forward *forward;
    struct live *live;
    struct client *first_client;
    int clients;   /* open connections */
    int exchanges; /* under way */
    bool stopping;
};

/* Admits; on failure the answer is in exchange->resp. call must be set by the owner before. */
MUST_USE enum err exchange_admit(struct exchange *exchange, int64_t *body_max);
/* Answers here, or sends the request where its route runs; `answered` is called either way. */
void exchange_start(struct exchange *exchange);
/* Admits and starts once more: the tenant has been moved, or its model is ready now. */
void exchange_again(struct exchange *exchange);
/* Nobody waits for the answer any more. */
void exchange_cancel(struct exchange *exchange);
/* Ends the call and releases resp. */
void exchange_end(struct exchange *exchange);

/* forward.c: links to workers and runners. */
struct forward *forward_new(struct gateway *gateway);
void forward_free(struct forward *forward);
void forward_send(struct forward *forward, struct exchange *exchange, enum route_runs where);
void forward_cancel(struct forward *forward, struct exchange *exchange);
/* One way to the tenant's owner: "seen" and refusals. */
void forward_note(struct forward *forward, const char *tenant, struct slice note);
/* The tenant's owner shall say when it has been written to: live_moved is called then. */
void forward_listen(struct forward *forward, const char *tenant);

/* client.c: HTTP connections. */
void client_accept(struct conn *conn, void *gateway);
void client_accept_operator(struct conn *conn, void *gateway);
/* Closes those between two requests: a server that stops does not wait for them. */
void clients_close_idle(struct gateway *gateway);
/* command.c: the operator socket, data/operator.sock. */
void command_open(struct link *link, void *gateway);
