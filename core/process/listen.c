/* listen - the server's sockets.
 *
 * SPDX-License-Identifier: MIT
 */
#include "process/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/conn.h"

#define SYSTEMD_FIRST_FD 3 /* sd_listen_fds(3) */

/* One socket given by systemd socket activation serves all gateways; -1 = none given. */
static int listen_given(void)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    if (!pid || !count || strtol(pid, NULL, 10) != (long)getpid() || strtol(count, NULL, 10) < 1)
        return -1;
    int fd = fcntl(SYSTEMD_FIRST_FD, F_DUPFD_CLOEXEC, 64);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    return fd;
}

/* SO_REUSEPORT would let a second server take the same port: the first bind, without it, finds out
 * whether the port is free and fixes the number when 0 was asked. */
static enum err listen_ports(struct arena *arena, const char *address, const char *scheme,
                             int gateways, int *fds, const char **url, const char **why)
{
    int fd = -1, port = 0;
    enum err e = socket_listen(address, false, &fd, &port, why);
    if (e) {
        *why = arena_printf(arena, "cannot listen on %s: %s", address, *why ? *why : err_code(e));
        return e;
    }
    close(fd);
    const char *colon = strrchr(address, ':');
    struct slice host = colon ? slice_of(address, (size_t)(colon - address)) : slice_str(address);
    const char *fixed = arena_printf(arena, "%.*s:%d", SLICE_ARG(host), port);
    for (int i = 0; i < gateways; i++) {
        e = socket_listen(fixed, true, &fds[i], &port, why);
        if (e)
            return e;
    }
    *url = arena_printf(arena, "%s://%s", scheme, fixed);
    return ERR_OK;
}

static enum err listen_local(const struct config *config, struct arena *arena, struct listen *out,
                             const char **why)
{
    const char *run = arena_printf(arena, "%s/run", config->data);
    if (mkdir(run, 0700) != 0 && errno != EEXIST) {
        *why = arena_printf(arena, "%s: %s", run, strerror(errno));
        return ERR_IO;
    }
    enum err e = ERR_OK;
    for (int i = 0; i < config->workers && !e; i++)
        e = socket_listen_unix(slot_path(arena, config, BOARD_WORKER, i), LISTEN_BACKLOG,
                               &out->workers[i]);
    for (int i = 0; i < config->runners && !e; i++)
        e = socket_listen_unix(slot_path(arena, config, BOARD_RUNNER, i), LISTEN_BACKLOG,
                               &out->runners[i]);
    if (!e)
        e = socket_listen_unix(arena_printf(arena, "%s/operator.sock", config->data),
                               LISTEN_BACKLOG, &out->command);
    if (e)
        *why = arena_printf(arena, "the sockets in %s cannot be made", run);
    return e;
}

static enum err listen_public(const struct config *config, struct arena *arena, struct listen *out,
                              const char **why)
{
    int given = listen_given();
    if (given >= 0) {
        for (int i = 0; i < config->gateways; i++)
            out->fds[LISTEN_PLAIN][i] = given;
        out->urls[LISTEN_PLAIN] = "http://systemd";
    }
    const char *addresses[LISTEN_KINDS] = {given < 0 ? config->listen : NULL, config->tls_listen,
                                           config->operator_listen};
    static const char *const schemes[LISTEN_KINDS] = {"http", "https", "http"};
    enum err e = ERR_OK;
    for (int k = 0; k < LISTEN_KINDS && !e; k++)
        if (addresses[k])
            e = listen_ports(arena, addresses[k], schemes[k], config->gateways, out->fds[k],
                             &out->urls[k], why);
    return e;
}

enum err listen_open(const struct config *config, struct arena *arena, struct listen *out,
                     const char **why)
{
    for (int k = 0; k < LISTEN_KINDS; k++)
        for (int i = 0; i < SLOTS_PER_ROLE_MAX; i++)
            out->fds[k][i] = -1;
    enum err e = listen_public(config, arena, out, why);
    return e ? e : listen_local(config, arena, out, why);
}
