/* command - requests of the command line, by frames over data/operator.sock.
 *
 * The socket's mode is 0600: who can open it owns the data folder and acts as the operator. A
 * request frame has the same form as between our processes; spooled bodies are files the command
 * has put into the tenant's tmp/.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>

#include "base/clock.h"
#include "process/gateway.h"

struct command_link {
    struct gateway *gateway;
    struct link *link;
    int waiting; /* exchanges under way */
    bool is_closed;
};

struct command {
    struct exchange exchange; /* first: the owner is found by it */
    struct command_link *from;
    struct arena *arena;
    uint64_t tag;
};

static void command_link_try_free(struct command_link *from)
{
    if (from->is_closed && from->waiting == 0)
        free(from);
}

static void command_answered(struct exchange *exchange)
{
    struct command *command = exchange->owner;
    struct command_link *from = command->from;
    if (!from->is_closed) {
        struct buf b = BUF_INIT;
        resp_encode(&exchange->resp, &b);
        link_send(from->link, FRAME_ANSWER, command->tag, buf_slice(&b));
        buf_release(&b);
    }
    exchange->gateway->exchanges--;
    exchange_end(exchange);
    arena_free(command->arena);
    free(command);
    from->waiting--;
    command_link_try_free(from);
}

static void command_frame(struct link *link, enum frame_kind kind, uint64_t tag, struct slice body)
{
    struct command_link *from = link_user(link);
    if (kind != FRAME_REQUEST) {
        link_close(link);
        return;
    }
    struct command *command = calloc(1, sizeof(*command));
    ASSERT_MEMORY(command);
    command->from = from;
    command->tag = tag;
    command->arena = arena_new();
    struct exchange *x = &command->exchange;
    x->gateway = from->gateway;
    x->owner = command;
    x->answered = command_answered;
    x->started_us = clock_mono_us();
    x->req = arena_make(command->arena, struct req);
    resp_init(&x->resp, command->arena);
    if (req_decode(command->arena, body, x->req)) {
        resp_release(&x->resp);
        arena_free(command->arena);
        free(command);
        link_close(link);
        return;
    }
    from->waiting++;
    x->call = pipeline_call_new(&from->gateway->slot.app, command->arena, x->req, &x->resp);
    x->call->is_operator = true;
    int64_t body_max = 0;
    if (exchange_admit(x, &body_max)) {
        from->gateway->exchanges++;
        command_answered(x);
        return;
    }
    exchange_start(x);
}

static void command_closed(struct link *link)
{
    struct command_link *from = link_user(link);
    from->is_closed = true;
    command_link_try_free(from);
}

void command_open(struct link *link, void *gateway)
{
    struct command_link *from = calloc(1, sizeof(*from));
    ASSERT_MEMORY(from);
    from->gateway = gateway;
    from->link = link;
    link_set(link, from, command_frame, command_closed);
}
