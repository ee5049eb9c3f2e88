/* supervisor - see supervisor.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "process/supervisor.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/app.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/shelf.h"
#include "net/child.h"
#include "net/tls.h"
#include "process/listen.h"
#include "process/patience.h"
#include "tenant/quarantine.h"
#include "tenant/tenant.h"

#define SUPERVISOR_WATCH_MS 250
#define SUPERVISOR_NODES    1024
#define BACKOFF_FIRST_MS    50    /* a process that lived for a while starts again at once */
#define BACKOFF_CALM_MS     10000 /* lived so long: its earlier deaths are forgotten */

struct supervisor;

struct child {
    struct supervisor *supervisor;
    enum board_role role;
    int index, number;
    pid_t pid; /* 0 = not running */
    struct link *link;
    struct loop_timer *restart;
    int64_t started_ms;
    int deaths;      /* in a row, without a calm life between */
    int64_t late_us; /* of the script that was last told to be late */
    struct patience late, busy, turn;
    bool is_ready, is_killed;
    bool is_behind; /* the configuration may have changed since it read it */
};

struct supervisor {
    const struct config *config;
    struct arena *arena;
    struct loop *loop;
    struct board *board;
    struct throttle *throttle;
    struct listen listen;
    int lock, shelf;
    const char *binary;
    struct child children[BOARD_SLOTS_MAX];
    int count, next_node;
    bool announced, stopping;
    int stop_stage; /* which role has been told: gateways, runners, workers */
    int exit_status;
};

static const char *child_name(const struct child *child, char *out, size_t size)
{
    static const char *const names[] = {"none", "gateway", "worker", "runner"};
    snprintf(out, size, "%s %d", names[child->role], child->index);
    return out;
}

/* --- starting -----------------------------------------------------------------------------------
 */

/* Never shared by two living processes: ids of both would meet. */
static int supervisor_node(struct supervisor *s)
{
    for (;;) {
        int node = s->next_node;
        s->next_node = (s->next_node + 1) % SUPERVISOR_NODES;
        bool taken = false;
        for (int i = 0; i < s->count; i++)
            taken =
                taken || (s->children[i].pid &&
                          atomic_load(&board_slot(s->board, s->children[i].number)->node) == node);
        if (!taken)
            return node;
    }
}

static int child_fds(const struct child *child, int link, struct child_fd *out)
{
    const struct supervisor *s = child->supervisor;
    int n = 0;
    out[n++] = (struct child_fd){link, SLOT_FD_SUPERVISOR};
    out[n++] = (struct child_fd){board_fd(s->board), SLOT_FD_BOARD};
    out[n++] = (struct child_fd){throttle_fd(s->throttle), SLOT_FD_THROTTLE};
    out[n++] = (struct child_fd){s->lock, SLOT_FD_LOCK};
    if (s->shelf >= 0)
        out[n++] = (struct child_fd){s->shelf, SLOT_FD_SHELF};
    if (child->role == BOARD_WORKER)
        out[n++] = (struct child_fd){s->listen.workers[child->index], SLOT_FD_LISTEN};
    if (child->role == BOARD_RUNNER)
        out[n++] = (struct child_fd){s->listen.runners[child->index], SLOT_FD_LISTEN};
    if (child->role != BOARD_GATEWAY)
        return n;
    static const int to[LISTEN_KINDS] = {SLOT_FD_LISTEN, SLOT_FD_TLS, SLOT_FD_OPERATOR};
    for (int k = 0; k < LISTEN_KINDS; k++)
        if (s->listen.fds[k][child->index] >= 0)
            out[n++] = (struct child_fd){s->listen.fds[k][child->index], to[k]};
    if (child->index == 0)
        out[n++] = (struct child_fd){s->listen.command, SLOT_FD_COMMAND};
    return n;
}

static void child_exited(void *arg, pid_t pid, int status, int signum);
static void child_frame(struct link *link, enum frame_kind kind, uint64_t tag, struct slice body);

static void child_link_closed(struct link *link)
{
    struct child *child = link_user(link);
    if (child->link == link)
        child->link = NULL;
}

/* Which of the agreed numbers are really given: others may be open there for reasons of their own
 * (a tool that runs us keeps descriptors too). */
static void child_fds_told(const struct child_fd *fds, int count)
{
    unsigned given = 0;
    char text[16];
    for (int i = 0; i < count; i++)
        given |= 1u << fds[i].to;
    snprintf(text, sizeof(text), "%u", given);
    setenv("PERIGEE_FDS", text, 1);
}

/* false: the machine has no descriptor or no process to give; *child is as it was. */
static bool child_start_process(struct child *child)
{
    struct supervisor *s = child->supervisor;
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return false;
    struct board_slot *slot = board_slot(s->board, child->number);
    atomic_store(&slot->role, (int)child->role);
    atomic_store(&slot->index, child->index);
    atomic_store(&slot->busy_since_us, 0);
    atomic_store(&slot->turn_since_us, 0);
    atomic_store(&slot->late.since_us, 0);
    atomic_store(&slot->node, supervisor_node(s));
    atomic_fetch_add(&slot->starts, 1);
    struct child_fd fds[SLOT_FD_END];
    int count = child_fds(child, pair[1], fds);
    child_fds_told(fds, count);
    static const char *const roles[] = {"", "gateway", "worker", "runner"};
    char index[12];
    snprintf(index, sizeof(index), "%d", child->index);
    char *argv[] = {(char *)(uintptr_t)s->binary, (char *)(uintptr_t) "child",
                    (char *)(uintptr_t)roles[child->role], index, NULL};
    child->is_ready = child->is_killed = child->is_behind = false;
    child->late = child->busy = child->turn = (struct patience){0};
    child->started_ms = clock_mono_us() / 1000;
    enum err e = child_start(s->loop, argv, fds, count, child_exited, child, &child->pid);
    close(pair[1]);
    if (e) {
        close(pair[0]);
        child->pid = 0;
        return false;
    }
    if (link_adopt(s->loop, pair[0], &child->link))
        BUG("a socket pair is no link");
    link_set(child->link, child, child_frame, child_link_closed);
    atomic_store(&slot->pid, (int)child->pid);
    return true;
}

static void child_restart(void *arg);

/* The first death of a calm life is made good at once; the following ones wait longer and longer.
 */
static void child_start_later(struct child *child, int64_t lived_ms)
{
    child->deaths = lived_ms > BACKOFF_CALM_MS ? 1 : child->deaths + 1;
    int64_t wait_ms = child->deaths == 1 ? 1 : RESTART_BACKOFF_MS;
    if (child->deaths > 1 && child->deaths <= 10)
        wait_ms = (int64_t)BACKOFF_FIRST_MS << (child->deaths - 2);
    if (wait_ms > RESTART_BACKOFF_MS)
        wait_ms = RESTART_BACKOFF_MS;
    child->restart = loop_timer_new(child->supervisor->loop, wait_ms, 0, child_restart, child);
}

static void child_launch(struct child *child)
{
    char name[32];
    if (child_start_process(child))
        return;
    log_error("%s cannot be started now: out of processes, memory or descriptors",
              child_name(child, name, sizeof(name)));
    child_start_later(child, 0);
}

static void child_restart(void *arg)
{
    struct child *child = arg;
    loop_timer_free(child->restart);
    child->restart = NULL;
    if (!child->supervisor->stopping)
        child_launch(child);
}

static void supervisor_stop_next(struct supervisor *s);
static void supervisor_stop(void *arg);

/* Whose work a worker had to be killed for lives on the last one from now on, where it holds up
 * only its like. Nobody owns the tenant at this moment, so there is nothing to drain. */
static void child_banish(struct child *child)
{
    struct supervisor *s = child->supervisor;
    int last = s->config->workers - 1;
    uint64_t tenant = atomic_load(&board_slot(s->board, child->number)->busy_tenant);
    if (child->role != BOARD_WORKER || !child->is_killed || child->index == last || !tenant)
        return;
    if (board_move_hash(s->board, tenant, last))
        log_warn("the tenant that worker %d was killed over lives on worker %d now", child->index,
                 last);
}

/* What it has committed may have left jobs of which nobody was told: who runs them looks for those,
 * for they may belong to a company that nobody writes to any more. */
static void child_lost(const struct child *dead)
{
    struct supervisor *s = dead->supervisor;
    struct buf any = BUF_INIT;
    buf_put_bytes(&any, SLICE(""));
    buf_put_i64(&any, 0);
    for (int i = 0; i < s->count && dead->role != BOARD_GATEWAY; i++) {
        struct child *child = &s->children[i];
        if (child->role == BOARD_RUNNER && slot_is_long(s->config, child->index) && child->link)
            link_send(child->link, FRAME_WAKE, 0, buf_slice(&any));
    }
    buf_release(&any);
}

static void child_exited(void *arg, pid_t pid, int status, int signum)
{
    struct child *child = arg;
    struct supervisor *s = child->supervisor;
    char name[32];
    ASSERT(child->pid == pid);
    child->pid = 0;
    child->is_ready = false;
    if (child->link)
        link_close(child->link);
    child->link = NULL;
    if (s->stopping) {
        supervisor_stop_next(s);
        return;
    }
    int64_t lived_ms = clock_mono_us() / 1000 - child->started_ms;
    log_error("%s (pid %d) ended after %lld ms: status %d, signal %d",
              child_name(child, name, sizeof(name)), (int)pid, (long long)lived_ms, status, signum);
    if (!s->announced && status) { /* it said why on stderr; a server that never stood is over */
        s->exit_status = 1;
        supervisor_stop(s);
        return;
    }
    child_banish(child);
    child_lost(child);
    child_start_later(child, lived_ms);
}

/* --- frames from children -----------------------------------------------------------------------
 */

static void supervisor_announce(struct supervisor *s)
{
    if (s->announced)
        return;
    for (int i = 0; i < s->count; i++)
        if (!s->children[i].is_ready)
            return;
    s->announced = true;
    static const char *const notes[LISTEN_KINDS] = {"", "", " (operator)"};
    for (int k = 0; k < LISTEN_KINDS; k++)
        if (s->listen.urls[k])
            printf("ready %s%s\n", s->listen.urls[k], notes[k]);
    fflush(stdout);
}

static void supervisor_wake(struct supervisor *s, struct slice body)
{
    struct reader r = {.rest = body};
    struct slice tenant = reader_bytes(&r);
    struct child *longs[SLOTS_PER_ROLE_MAX];
    int count = 0;
    for (int i = 0; i < s->count; i++) {
        struct child *child = &s->children[i];
        if (child->role == BOARD_RUNNER && slot_is_long(s->config, child->index))
            longs[count++] = child;
    }
    if (r.bad || count == 0)
        return;
    struct child *child = longs[hash_stable(tenant) % (uint64_t)count];
    if (child->link)
        link_send(child->link, FRAME_WAKE, 0, body);
}

static void supervisor_move(struct supervisor *s, int owner, int worker, struct slice tenant)
{
    for (int i = 0; i < s->count; i++) {
        struct child *child = &s->children[i];
        if (child->role == BOARD_WORKER && child->index == owner && child->link)
            link_send(child->link, FRAME_MOVE, (uint64_t)worker, tenant);
    }
}

/* The old owner has written and closed everything: from now on the gateways ask the new one. */
static void supervisor_moved(struct supervisor *s, struct child *child, struct slice body)
{
    struct reader r = {.rest = body};
    struct slice tenant = reader_bytes(&r);
    int worker = (int)reader_u32(&r);
    if (r.bad || worker < 0 || worker >= s->config->workers)
        return;
    bool moved = board_move(s->board, tenant, worker);
    if (moved)
        log_info("tenant %.*s lives on worker %d now", SLICE_ARG(tenant), worker);
    /* Who shall serve it must know, should it have given the tenant away before: the new owner, or
     * (the table is full) the old one. */
    supervisor_move(s, moved ? worker : child->index, moved ? worker : child->index, tenant);
}

static void child_frame(struct link *link, enum frame_kind kind, uint64_t tag, struct slice body)
{
    struct child *child = link_user(link);
    struct supervisor *s = child->supervisor;
    switch (kind) {
    case FRAME_STATUS:
        child->is_ready = true;
        if (child->is_behind)
            kill(child->pid, SIGHUP);
        child->is_behind = false;
        supervisor_announce(s);
        break;
    case FRAME_WAKE:
        supervisor_wake(s, body);
        break;
    case FRAME_MOVE: /* "this tenant is slow", or an operator wants it elsewhere */
        supervisor_move(s, (int)FRAME_MOVE_OWNER(tag), (int)FRAME_MOVE_TO(tag), body);
        break;
    case FRAME_RESULT:
        supervisor_moved(s, child, body);
        break;
    default:
        log_error("an unexpected frame of kind %d from a child", (int)kind);
    }
}

/* --- watching -----------------------------------------------------------------------------------
 */

static int64_t overstay_ms(const struct supervisor *s, const struct child *child)
{
    if (child->role == BOARD_GATEWAY)
        return OVERSTAY_GATEWAY_MS;
    if (child->role == BOARD_WORKER)
        return OVERSTAY_WORKER_MS;
    return slot_is_long(s->config, child->index) ? OVERSTAY_LONG_MS : OVERSTAY_QUICK_MS;
}

/* Whose script is late; false when it ended while we looked. */
static bool late_read(struct late *late, int64_t since_us, struct late_code *code,
                      struct quarantine *mark)
{
    memcpy(code, &late->code, sizeof(*code));
    code->tenant[sizeof(code->tenant) - 1] = code->plugin[sizeof(code->plugin) - 1] = '\0';
    code->hash[sizeof(code->hash) - 1] = '\0';
    *mark = (struct quarantine){.plugin = code->plugin,
                                .hash = code->hash,
                                .is_loading = atomic_load(&late->is_loading),
                                .at_ms = clock_now_ms()};
    return atomic_load(&late->since_us) == since_us;
}

/* The company's administrators hear of it from a runner. Where that is the process that dies now,
 * the one after it finds the mark when it looks into every store. */
static void supervisor_tell(struct supervisor *s, const char *tenant)
{
    struct buf b = BUF_INIT;
    buf_put_bytes(&b, slice_str(tenant));
    buf_put_i64(&b, clock_now_ms());
    supervisor_wake(s, buf_slice(&b));
    buf_release(&b);
}

/* The last rung: a script that does not come back from C, where no hook reaches it. Its code is set
 * aside before the process dies, or it would be run again at once. True: the process is killed. */
static bool child_watch_late(struct child *child, struct board_slot *slot, int64_t now_us)
{
    struct supervisor *s = child->supervisor;
    int64_t since_us = atomic_load(&slot->late.since_us);
    int64_t queued_us = since_us ? patience_queued_us(child->pid) : 0;
    int64_t late_ms = patience_look(&child->late, since_us, now_us, queued_us) / 1000;
    struct late_code code;
    struct quarantine mark;
    char name[32];
    if (late_ms < SCRIPT_LATE_LOG_MS || !late_read(&slot->late, since_us, &code, &mark))
        return false;
    child_name(child, name, sizeof(name));
    if (child->late_us != since_us) {
        child->late_us = since_us;
        log_warn("%s: %s of %s does not come back after its time", name, code.plugin, code.tenant);
    }
    if (late_ms < SCRIPT_LATE_KILL_MS)
        return false;
    enum err e = quarantine_put(s->config->data, code.tenant, &mark);
    if (e)
        log_error("%s of %s could not be set aside: %s", code.plugin, code.tenant, err_code(e));
    atomic_fetch_add(board_marks(s->board), 1);
    supervisor_tell(s, code.tenant);
    log_error("%s (pid %d) is killed: %s of %s did not come back for %lld ms and is set aside",
              name, (int)child->pid, code.plugin, code.tenant, (long long)late_ms);
    child->is_killed = true;
    kill(child->pid, SIGKILL);
    return true;
}

/* For how long it has been at one thing beyond what it may; 0 = not. */
static int64_t child_overstays_ms(struct child *child, const struct board_slot *slot,
                                  int64_t now_us)
{
    int64_t since_us = atomic_load(&slot->busy_since_us);
    int64_t turn_us = atomic_load(&slot->turn_since_us);
    int64_t queued_us = since_us || turn_us ? patience_queued_us(child->pid) : 0;
    int64_t busy_ms = patience_look(&child->busy, since_us, now_us, queued_us) / 1000;
    int64_t turn_ms = patience_look(&child->turn, turn_us, now_us, queued_us) / 1000;
    if (busy_ms >= overstay_ms(child->supervisor, child))
        return busy_ms;
    return turn_ms >= OVERSTAY_TURN_MS ? turn_ms : 0;
}

static void supervisor_watch(void *arg)
{
    struct supervisor *s = arg;
    int64_t now_us = clock_mono_us();
    for (int i = 0; i < s->count; i++) {
        struct child *child = &s->children[i];
        if (!child->pid || child->is_killed)
            continue;
        struct board_slot *slot = board_slot(s->board, child->number);
        if (child_watch_late(child, slot, now_us))
            continue;
        int64_t ms = child_overstays_ms(child, slot, now_us);
        if (!ms)
            continue;
        char name[32];
        log_error("%s (pid %d) has been busy for %lld ms: killed",
                  child_name(child, name, sizeof(name)), (int)child->pid, (long long)ms);
        child->is_killed = true;
        kill(child->pid, SIGKILL);
    }
}

/* --- stopping -----------------------------------------------------------------------------------
 */

static bool role_is_alive(const struct supervisor *s, enum board_role role)
{
    for (int i = 0; i < s->count; i++)
        if (s->children[i].role == role && s->children[i].pid)
            return true;
    return false;
}

static void role_signal(const struct supervisor *s, enum board_role role, int signum)
{
    for (int i = 0; i < s->count; i++)
        if (s->children[i].role == role && s->children[i].pid)
            kill(s->children[i].pid, signum);
}

/* Gateways first, so that nothing new comes in; then runners, who may still need the workers. */
static void supervisor_stop_next(struct supervisor *s)
{
    static const enum board_role order[] = {BOARD_GATEWAY, BOARD_RUNNER, BOARD_WORKER};
    while (s->stop_stage < 3 && (s->stop_stage == 0 || !role_is_alive(s, order[s->stop_stage - 1])))
        role_signal(s, order[s->stop_stage++], SIGTERM);
    if (s->stop_stage == 3 && !role_is_alive(s, BOARD_GATEWAY) && !role_is_alive(s, BOARD_RUNNER) &&
        !role_is_alive(s, BOARD_WORKER))
        loop_stop(s->loop);
}

static void supervisor_late(void *arg)
{
    struct supervisor *s = arg;
    log_warn("what is left after %d ms is killed", STOP_GRACE_MS);
    s->stop_stage = 3;
    role_signal(s, BOARD_GATEWAY, SIGKILL);
    role_signal(s, BOARD_RUNNER, SIGKILL);
    role_signal(s, BOARD_WORKER, SIGKILL);
}

static void supervisor_stop(void *arg)
{
    struct supervisor *s = arg;
    if (s->stopping)
        return;
    s->stopping = true;
    loop_timer_new(s->loop, STOP_GRACE_MS, 0, supervisor_late, s);
    supervisor_stop_next(s);
}

/* Looks first, so that what is wrong is said once. A child that is still starting listens to no
 * signals yet: it is told when it stands. */
static void supervisor_reload(void *arg)
{
    struct supervisor *s = arg;
    struct arena *arena = arena_new();
    struct config config;
    const char *why = NULL;
    enum err e = config_load(arena, s->config->data, s->config->home, &config, &why);
    if (!e)
        e = app_config_check(arena, &config, &why);
    if (e)
        log_error("the configuration stays as it was: %s", why ? why : err_code(e));
    else
        log_info("configuration read again");
    arena_free(arena);
    for (int i = 0; i < s->count; i++) {
        struct child *child = &s->children[i];
        if (child->pid && child->is_ready)
            kill(child->pid, SIGHUP);
        else
            child->is_behind = child->pid != 0;
    }
}

/* --- start --------------------------------------------------------------------------------------
 */

static void supervisor_add(struct supervisor *s, enum board_role role, int count)
{
    for (int i = 0; i < count; i++) {
        struct child *child = &s->children[s->count++];
        *child = (struct child){
            .supervisor = s, .role = role, .index = i, .number = slot_number(s->config, role, i)};
    }
}

/* What flags have overridden must reach the children, who read the configuration themselves. */
static void supervisor_environment(const struct config *config)
{
    struct {
        const char *name;
        int value;
    } numbers[] = {{"PERIGEE_GATEWAYS", config->gateways},
                   {"PERIGEE_WORKERS", config->workers},
                   {"PERIGEE_RUNNERS", config->runners}};
    char text[16];
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        snprintf(text, sizeof(text), "%d", numbers[i].value);
        setenv(numbers[i].name, text, 1);
    }
    setenv("PERIGEE_DATA", config->data, 1);
    setenv("PERIGEE_HOME", config->home, 1);
    if (config->listen)
        setenv("PERIGEE_LISTEN", config->listen, 1);
    if (config->tls_listen) {
        setenv("PERIGEE_TLS_LISTEN", config->tls_listen, 1);
        setenv("PERIGEE_TLS_CERT", config->tls_cert, 1);
        setenv("PERIGEE_TLS_KEY", config->tls_key, 1);
    }
    if (config->operator_listen)
        setenv("PERIGEE_OPERATOR_LISTEN", config->operator_listen, 1);
}

static void raise_files(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

static int supervisor_fail(const char *why)
{
    fprintf(stderr, "perigee: %s\n", why ? why : "the server cannot start");
    return 1;
}

/* The folder is ours, whole and of this version; the lock stays open until the last child ends. */
static const char *supervisor_claim(struct supervisor *s)
{
    const char *why = NULL;
    struct store *control;
    enum err e = store_check_library(&why);
    if (e)
        return why;
    e = control_lock(s->config->data, &s->lock);
    if (e == ERR_CONFLICT)
        return arena_printf(s->arena, "another server or command is using %s", s->config->data);
    if (e == ERR_NOT_FOUND)
        return arena_printf(s->arena, "%s is not there: make a data folder with `perigee init`.",
                            s->config->data);
    if (!e)
        e = control_open(s->config->data, STORE_OWNER, &control, &why);
    if (e)
        return why ? why : arena_printf(s->arena, "%s: %s", s->config->data, err_code(e));
    store_close(control);
    if (tenant_sweep(s->config->data)) /* half-made tenants of a creation that never ended */
        log_warn("the remains of unfinished tenants could not be removed");
    return NULL;
}

/* Asked here once, or every gateway would say the same. */
static const char *supervisor_tls(const struct supervisor *s)
{
    const struct config *config = s->config;
    struct tls *tls = NULL;
    const char *why = NULL;
    if (!config->tls_listen)
        return NULL;
    tls_init();
    enum err e = tls_new(config->tls_cert, config->tls_key, &tls, &why);
    tls_free(tls);
    return e ? arena_printf(s->arena, "TLS: %s (%s, %s)", why ? why : err_code(e), config->tls_cert,
                            config->tls_key)
             : NULL;
}

static void shelver_run(void *arg)
{
    const struct supervisor *s = arg;
    app_shelve(s->config->home);
    if (!shelf_publish())
        log_warn("the plugins are too large to be read once for all processes");
}

static void shelver_ended(void *arg, pid_t pid, int status, int signum)
{
    (void)arg;
    (void)pid;
    if (status || signum) /* nobody sees anything of it: each process reads by itself */
        log_error("the plugins were not read for all processes: signal %d", signum);
}

/* What every process would read by itself with its first request, once for all of them: by a
 * process of its own, while they start. Who wants something before it is there waits for it. */
static void supervisor_shelve(struct supervisor *s)
{
    pid_t pid;
    enum err e = shelf_new(&s->shelf);
    if (!e)
        e = child_fork(s->loop, shelver_run, shelver_ended, s, &pid);
    if (e)
        log_warn("no memory or process to read the plugins for all: each reads them by itself");
    shelf_close();
}

int supervisor_run(const struct config *config)
{
    static struct supervisor s;
    const char *why = NULL;
    s = (struct supervisor){.config = config, .arena = arena_new(), .lock = -1, .shelf = -1};
    char binary[4096];
    ssize_t n = readlink("/proc/self/exe", binary, sizeof(binary) - 1);
    if (n <= 0)
        return supervisor_fail("/proc is not there");
    binary[n] = '\0';
    s.binary = binary;
    log_init(STDERR_FILENO, LOG_INFO, "supervisor");
    raise_files();
    why = supervisor_claim(&s);
    if (!why)
        why = supervisor_tls(&s);
    if (why)
        return supervisor_fail(why);
    if (listen_open(config, s.arena, &s.listen, &why))
        return supervisor_fail(why);
    s.board = board_new();
    s.throttle = throttle_new();
    if (!s.board || !s.throttle)
        return supervisor_fail("no shared memory for the processes");
    supervisor_environment(config);
    s.loop = loop_new();
    supervisor_add(&s, BOARD_GATEWAY, config->gateways);
    supervisor_add(&s, BOARD_WORKER, config->workers);
    supervisor_add(&s, BOARD_RUNNER, config->runners);
    supervisor_shelve(&s);
    for (int i = 0; i < s.count; i++)
        child_launch(&s.children[i]);
    loop_signal(s.loop, SIGTERM, supervisor_stop, &s);
    loop_signal(s.loop, SIGINT, supervisor_stop, &s);
    loop_signal(s.loop, SIGHUP, supervisor_reload, &s);
    loop_timer_new(s.loop, SUPERVISOR_WATCH_MS, SUPERVISOR_WATCH_MS, supervisor_watch, &s);
    loop_run(s.loop);
    return s.exit_status;
}
