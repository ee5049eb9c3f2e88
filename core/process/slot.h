/* slot - what a child process is told by the supervisor, and the places they meet.
 *
 * A child is this same binary started as `perigee child ROLE SLOT`, with the descriptors below and
 * its configuration in the environment. Slots keep their sockets over restarts.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/app.h"
#include "net/frame.h"
#include "process/board.h"
#include "tenant/config.h"

/* Descriptors every child inherits. */
enum slot_fd {
    SLOT_FD_SUPERVISOR = 3, /* link to the supervisor */
    SLOT_FD_BOARD,
    SLOT_FD_THROTTLE,
    SLOT_FD_SHELF,    /* what the supervisor has read for all, or closed */
    SLOT_FD_LOCK,     /* the folder lock: held by being open */
    SLOT_FD_LISTEN,   /* worker, runner: its AF_UNIX socket; gateway: plain HTTP or closed */
    SLOT_FD_TLS,      /* gateway: HTTPS or closed */
    SLOT_FD_OPERATOR, /* gateway: operator HTTP or closed */
    SLOT_FD_COMMAND,  /* gateway 0: data/operator.sock */
    SLOT_FD_END
};

struct slot {
    enum board_role role;
    int index;                /* 0.. within the role */
    int number;               /* on the board */
    bool has_fd[SLOT_FD_END]; /* inherited; later another file may have an absent one's number */
    struct config config;
    struct arena *arena; /* of the process */
    struct loop *loop;
    struct board *board;
    struct board_slot *mine;
    struct throttle *throttle;
    struct link *supervisor;
    struct app app;
    struct warm *warm; /* while models are made that nobody has asked for yet, else NULL */
    struct loop_timer *warm_timer;
};

/* Number on the board: gateways, then workers, then runners. */
int slot_number(const struct config *config, enum board_role role, int index);
/* data/run/worker-0.sock */
char *slot_path(struct arena *arena, const struct config *config, enum board_role role, int index);
/* Reads the inherited descriptors and the configuration; exits with a line on stderr on failure. */
void slot_init(struct slot *slot, enum board_role role, int index);
/* SIGHUP: reads the configuration again (`arg` is the slot). What cannot be used leaves all as it
 * was; the supervisor, who has looked first, says why. */
void slot_reload(void *arg);
/* Tells the board what this process is doing; tenant NULL = waiting. */
void slot_busy(struct slot *slot, const char *tenant);
/* A runner that is quick serves the quick lane; with one runner it serves both. */
bool slot_is_quick(const struct config *config, int runner);
bool slot_is_long(const struct config *config, int runner);
/* From now on, as long as there is something to do: makes the models that will be asked for first
 * (api/warm.h), a little at a time. `app` must be whole. */
void slot_warm(struct slot *slot);
/* Tells the supervisor that a tenant has a job due at that time. */
void slot_wake(struct slot *slot, const char *tenant, int64_t run_at_ms);

/* The mains of the roles: run until told to stop, return the exit status. */
int gateway_main(int index);
int worker_main(int index);
int runner_main(int index);
