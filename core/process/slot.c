/* slot - the start of every child process, whatever its role.
 *
 * SPDX-License-Identifier: MIT
 */
#include "process/slot.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/warm.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/id.h"
#include "base/log.h"
#include "base/shelf.h"
#include "base/tuning.h"

int slot_number(const struct config *config, enum board_role role, int index)
{
    switch (role) {
    case BOARD_GATEWAY:
        return index;
    case BOARD_WORKER:
        return config->gateways + index;
    case BOARD_RUNNER:
        return config->gateways + config->workers + index;
    case BOARD_NONE:
        break;
    }
    BUG("a slot without a role");
}

static const char *role_name(enum board_role role)
{
    static const char *const names[] = {"none", "gateway", "worker", "runner"};
    return names[role];
}

char *slot_path(struct arena *arena, const struct config *config, enum board_role role, int index)
{
    return arena_printf(arena, "%s/run/%s-%d.sock", config->data, role_name(role), index);
}

bool slot_is_quick(const struct config *config, int runner)
{
    return config->runners < 2 || runner == 0 || (config->runners >= 6 && runner == 1);
}

bool slot_is_long(const struct config *config, int runner)
{
    return config->runners < 2 || !slot_is_quick(config, runner);
}

static _Noreturn void slot_die(const char *what)
{
    fprintf(stderr, "perigee: %s\n", what);
    exit(1);
}

static enum log_level level_of(const char *name)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    for (int i = 0; i < 4; i++)
        if (name && strcmp(name, names[i]) == 0)
            return (enum log_level)i;
    return LOG_INFO;
}

/* The supervisor gives node numbers never shared by two living processes, and on the board stands
 * the last millisecond this slot's earlier process used. */
static void slot_ids(struct slot *slot)
{
    int64_t floor_ms = atomic_load(&slot->mine->id_ms);
    id_init(atomic_load(&slot->mine->node), floor_ms);
}

static void slot_beat(void *arg)
{
    struct slot *slot = arg;
    atomic_store_explicit(&slot->mine->id_ms, id_last_ms(), memory_order_relaxed);
}

static void slot_orphaned(struct link *link)
{
    (void)link;
    _exit(0); /* the supervisor has gone: so do its children */
}

static void slot_log(const struct slot *slot)
{
    log_init(STDERR_FILENO, level_of(slot->config.log_level),
             arena_printf(slot->arena, "%s %d", role_name(slot->role), slot->index));
}

/* What was read before stays in the arena: a request in flight may hold a piece of it. */
void slot_reload(void *arg)
{
    struct slot *slot = arg;
    struct config config;
    const char *why = NULL;
    if (config_load(slot->arena, slot->config.data, slot->config.home, &config, &why) ||
        app_config_check(slot->arena, &config, &why))
        return;
    slot->config = config;
    slot_log(slot);
    app_configured(&slot->app);
}

void slot_init(struct slot *slot, enum board_role role, int index)
{
    *slot = (struct slot){.role = role, .index = index, .arena = arena_new()};
    const char *fds = getenv("PERIGEE_FDS"); /* bits, by the supervisor */
    unsigned long given = fds ? strtoul(fds, NULL, 10) : 0;
    for (int fd = SLOT_FD_SUPERVISOR; fd < SLOT_FD_END; fd++)
        slot->has_fd[fd] = (given >> fd & 1) && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
    umask(0077);
    const char *data = getenv("PERIGEE_DATA");
    const char *why = NULL;
    if (!data || config_load(slot->arena, data, config_home(slot->arena), &slot->config, &why))
        slot_die(why ? why : "a child process is started by `perigee serve` only");
    slot_log(slot);
    slot->number = slot_number(&slot->config, role, index);
    slot->board = board_open(SLOT_FD_BOARD);
    slot->throttle = throttle_open(SLOT_FD_THROTTLE);
    if (!slot->board || !slot->throttle)
        slot_die("the shared pages could not be mapped");
    slot->mine = board_slot(slot->board, slot->number);
    if (slot->has_fd[SLOT_FD_SHELF])
        shelf_open(SLOT_FD_SHELF);
    late_share(&slot->mine->late, board_marks(slot->board));
    slot->loop = loop_new();
    if (link_adopt(slot->loop, SLOT_FD_SUPERVISOR, &slot->supervisor))
        slot_die("the supervisor's link is not there");
    link_set(slot->supervisor, slot, NULL, slot_orphaned);
    slot_ids(slot);
    loop_timer_new(slot->loop, 100, 100, slot_beat, slot);
    if (store_check_library(&why))
        slot_die(why);
}

void slot_busy(struct slot *slot, const char *tenant)
{
    atomic_store_explicit(&slot->mine->reopen, 0, memory_order_relaxed);
    atomic_store_explicit(&slot->mine->busy_tenant, tenant ? hash_stable(slice_str(tenant)) : 0,
                          memory_order_relaxed);
    atomic_store_explicit(&slot->mine->busy_since_us, tenant ? clock_mono_us() : 0,
                          memory_order_relaxed);
    if (!tenant)
        slot_beat(slot);
}

/* Not all processes at once: somebody may be waiting for the first answer of one of them. */
static int64_t warm_ms(const struct slot *slot)
{
    return shelf_is_filling() ? WARM_LOOK_MS : 1 + (int64_t)WARM_MS * slot->number;
}

static void slot_warm_step(void *arg)
{
    struct slot *slot = arg;
    if (!slot->app.stopping && warm_step(slot->warm)) {
        loop_timer_again(slot->warm_timer, warm_ms(slot));
        return;
    }
    warm_free(slot->warm);
    loop_timer_free(slot->warm_timer);
    slot->warm = NULL;
    slot->warm_timer = NULL;
}

void slot_warm(struct slot *slot)
{
    ASSERT(!slot->warm);
    slot->warm = warm_new(&slot->app);
    slot->warm_timer = loop_timer_new(slot->loop, warm_ms(slot), 0, slot_warm_step, slot);
}

void slot_wake(struct slot *slot, const char *tenant, int64_t run_at_ms)
{
    struct buf b = BUF_INIT;
    buf_put_bytes(&b, slice_str(tenant));
    buf_put_i64(&b, run_at_ms);
    link_send(slot->supervisor, FRAME_WAKE, 0, buf_slice(&b));
    buf_release(&b);
}
