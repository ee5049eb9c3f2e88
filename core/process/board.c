/* board - the shared page.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include "process/board.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hash.h"
#include "hook/hookstat.h"

struct board_move {
    _Atomic uint64_t tenant; /* stable hash of the name; 0 = free */
    _Atomic int worker;
};

struct board_place {
    _Atomic uint64_t who, tenant; /* 0 = free */
};

struct board_page {
    struct board_slot slots[BOARD_SLOTS_MAX];
    struct board_move moves[BOARD_MOVES_MAX];
    _Atomic uint32_t marks;
    struct board_place streams[SLOTS_PER_ROLE_MAX][STREAMS_PER_GATEWAY_MAX];
};

struct board {
    int fd;
    struct board_page *page;
};

/* Counters of handlers lie behind the page itself. */
static size_t board_bytes(void)
{
    return sizeof(struct board_page) + hookstat_bytes();
}

static struct board *board_map(int fd)
{
    void *page = mmap(NULL, board_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED)
        return NULL;
    struct board *board = malloc(sizeof(*board));
    ASSERT_MEMORY(board);
    *board = (struct board){.fd = fd, .page = page};
    hookstat_share((struct board_page *)page + 1);
    return board;
}

struct board *board_new(void)
{
    int fd = memfd_create("perigee-board", MFD_CLOEXEC);
    if (fd < 0)
        return NULL;
    if (ftruncate(fd, (off_t)board_bytes()) != 0) {
        close(fd);
        return NULL;
    }
    return board_map(fd);
}

struct board *board_open(int fd)
{
    return board_map(fd);
}

int board_fd(const struct board *board)
{
    return board->fd;
}

struct board_slot *board_slot(struct board *board, int number)
{
    return number >= 0 && number < BOARD_SLOTS_MAX ? &board->page->slots[number] : NULL;
}

_Atomic uint32_t *board_marks(struct board *board)
{
    return &board->page->marks;
}

void board_latency(struct board_slot *slot, int64_t us)
{
    int bucket = 0;
    while (bucket < 15 && us >= (int64_t)64 << bucket)
        bucket++;
    atomic_fetch_add_explicit(&slot->latency_us[bucket], 1, memory_order_relaxed);
}

int board_owner(struct board *board, struct slice tenant, int by_default)
{
    uint64_t hash = hash_stable(tenant);
    for (int i = 0; i < BOARD_MOVES_MAX; i++) {
        struct board_move *move = &board->page->moves[i];
        if (atomic_load(&move->tenant) == hash)
            return atomic_load(&move->worker);
    }
    return by_default;
}

bool board_move(struct board *board, struct slice tenant, int worker)
{
    return board_move_hash(board, hash_stable(tenant), worker);
}

bool board_move_hash(struct board *board, uint64_t hash, int worker)
{
    ASSERT(hash);

    struct board_move *free_move = NULL;
    for (int i = 0; i < BOARD_MOVES_MAX; i++) {
        struct board_move *move = &board->page->moves[i];
        uint64_t there = atomic_load(&move->tenant);
        if (there == hash) {
            if (worker < 0)
                atomic_store(&move->tenant, 0);
            else
                atomic_store(&move->worker, worker);
            return true;
        }
        if (!there && !free_move)
            free_move = move;
    }
    if (worker < 0)
        return true;
    if (!free_move)
        return false;
    atomic_store(&free_move->worker, worker); /* before the hash makes it visible */
    atomic_store(&free_move->tenant, hash);
    return true;
}

/* --- streams ------------------------------------------------------------------------------------
 */

void board_streams_clear(struct board *board, int gateway)
{
    for (int i = 0; i < STREAMS_PER_GATEWAY_MAX; i++)
        if (atomic_load(&board->page->streams[gateway][i].who))
            board_stream_give(board, gateway, i);
}

static void streams_count(const struct board *board, const struct board_bounds *bounds,
                          uint64_t tenant, uint64_t who, int *of_tenant, int *of_user)
{
    *of_tenant = *of_user = 0;
    for (int g = 0; g < bounds->gateways; g++) {
        for (int i = 0; i < bounds->per_gateway; i++) {
            const struct board_place *place = &board->page->streams[g][i];
            *of_tenant += atomic_load(&place->tenant) == tenant;
            *of_user += atomic_load(&place->who) == who;
        }
    }
}

/* Taken first and counted then: of two gateways that take the last place at once none may keep it,
 * but never both. */
enum board_stream board_stream_take(struct board *board, int gateway, uint64_t tenant, uint64_t who,
                                    const struct board_bounds *bounds, int *place)
{
    ASSERT(tenant && who);
    ASSERT(bounds->per_gateway <= STREAMS_PER_GATEWAY_MAX);

    int at = 0, of_tenant, of_user;
    struct board_place *places = board->page->streams[gateway];
    while (at < bounds->per_gateway && atomic_load(&places[at].who))
        at++;
    if (at == bounds->per_gateway)
        return BOARD_STREAM_GATEWAY;
    atomic_store(&places[at].tenant, tenant);
    atomic_store(&places[at].who, who);
    streams_count(board, bounds, tenant, who, &of_tenant, &of_user);
    if (of_user <= bounds->per_user && of_tenant <= bounds->per_tenant) {
        *place = at;
        return BOARD_STREAM_OK;
    }
    board_stream_give(board, gateway, at);
    return of_user > bounds->per_user ? BOARD_STREAM_USER : BOARD_STREAM_TENANT;
}

void board_stream_give(struct board *board, int gateway, int place)
{
    atomic_store(&board->page->streams[gateway][place].who, 0);
    atomic_store(&board->page->streams[gateway][place].tenant, 0);
}

/* The next runner from slot `i` on that is busy with the tenant; NULL when there is none. */
static struct board_slot *runner_of(struct board *board, uint64_t hash, int *i)
{
    while (*i < BOARD_SLOTS_MAX) {
        struct board_slot *slot = &board->page->slots[(*i)++];
        if (atomic_load(&slot->role) == BOARD_RUNNER && atomic_load(&slot->busy_tenant) == hash)
            return slot;
    }
    return NULL;
}

void board_reopen(struct board *board, struct slice tenant)
{
    struct board_slot *slot;
    int i = 0;
    while ((slot = runner_of(board, hash_stable(tenant), &i)))
        atomic_store(&slot->reopen, 1);
}

void board_want(struct board *board, struct slice tenant)
{
    struct board_slot *slot;
    int i = 0;
    while ((slot = runner_of(board, hash_stable(tenant), &i)))
        atomic_store(&slot->wanted, 1);
}

/* --- Prometheus text ----------------------------------------------------------------------------
 */

static const char *board_role_name(int role)
{
    static const char *const names[] = {"none", "gateway", "worker", "runner"};
    return role >= 0 && role < 4 ? names[role] : "none";
}

struct board_metric {
    const char *name, *type, *help;
    size_t offset;
};

#define METRIC(member, type, help)                                                                 \
    {                                                                                              \
#member, type, help, offsetof(struct board_slot, member)                                   \
    }
static const struct board_metric METRICS[] = {
    METRIC(requests, "counter", "Requests answered."),
    METRIC(errors, "counter", "Requests answered with 5xx."),
    METRIC(refused, "counter", "Requests refused with 4xx."),
    METRIC(turns, "counter", "Write turns committed."),
    METRIC(writes, "counter", "Requests run in write turns."),
    METRIC(loans, "counter", "Write turns lent to runners."),
    METRIC(starts, "counter", "Times the process of this slot was started."),
    METRIC(bytes_in, "counter", "Bytes read from clients."),
    METRIC(bytes_out, "counter", "Bytes given to clients."),
    METRIC(conns, "gauge", "Open connections."),
    METRIC(streams, "gauge", "Open streams of live events."),
    METRIC(events, "counter", "Times a stream was told something."),
};
#undef METRIC

static void board_put_latency(struct board *board, struct buf *out)
{
    buf_put_str(out, "# HELP perigee_request_seconds Time from a whole request to its answer.\n"
                     "# TYPE perigee_request_seconds histogram\n");
    for (int i = 0; i < BOARD_SLOTS_MAX; i++) {
        struct board_slot *slot = &board->page->slots[i];
        if (atomic_load(&slot->role) != BOARD_GATEWAY)
            continue;
        int64_t sum = 0;
        int index = atomic_load(&slot->index);
        for (int b = 0; b < 16; b++) {
            sum += atomic_load(&slot->latency_us[b]);
            if (b < 15)
                buf_printf(out, "perigee_request_seconds_bucket{slot=\"%d\",le=\"%.6f\"} %lld\n",
                           index, (double)((int64_t)64 << b) / 1e6, (long long)sum);
        }
        buf_printf(out,
                   "perigee_request_seconds_bucket{slot=\"%d\",le=\"+Inf\"} %lld\n"
                   "perigee_request_seconds_count{slot=\"%d\"} %lld\n",
                   index, (long long)sum, index, (long long)sum);
    }
}

void board_metrics(struct board *board, struct buf *out)
{
    for (size_t m = 0; m < sizeof(METRICS) / sizeof(METRICS[0]); m++) {
        const struct board_metric *metric = &METRICS[m];
        const char *suffix = metric->type[0] == 'c' ? "_total" : "";
        buf_printf(out, "# HELP perigee_%s%s %s\n# TYPE perigee_%s%s %s\n", metric->name, suffix,
                   metric->help, metric->name, suffix, metric->type);
        for (int i = 0; i < BOARD_SLOTS_MAX; i++) {
            struct board_slot *slot = &board->page->slots[i];
            int role = atomic_load(&slot->role);
            if (role == BOARD_NONE)
                continue;
            _Atomic int64_t *value = (_Atomic int64_t *)(void *)((char *)slot + metric->offset);
            buf_printf(out, "perigee_%s%s{role=\"%s\",slot=\"%d\"} %lld\n", metric->name, suffix,
                       board_role_name(role), atomic_load(&slot->index),
                       (long long)atomic_load(value));
        }
    }
    board_put_latency(board, out);
    hookstat_metrics(out);
}
