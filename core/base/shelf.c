/* shelf - see shelf.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/shelf.h"

#include <fcntl.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SHELF_AT      ((void *)0x200000000000) /* far from what the system gives out by itself */
#define SHELF_ITEMS   4096
#define SHELF_WAIT_MS 250 /* once in a process; whoever fills it may have died */

struct item {
    const char *key;
    const void *value;
};

enum state { FILLING, PUBLISHED, GIVEN_UP };

/* The region begins with this. */
struct shelf {
    alignas(16) struct stat binary; /* whose structs these are */
    atomic_int state;
    int count;
    struct item items[SHELF_ITEMS]; /* by key, once published */
};

/* One process has one shelf. */
static struct {
    struct shelf *shelf;
    struct arena *arena; /* of the supervisor; NULL elsewhere */
    bool is_full, has_waited;
} mine;

static bool binary_of(struct stat *out)
{
    memset(out, 0, sizeof *out);
    return stat("/proc/self/exe", out) == 0;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static bool map_region(int fd, int protection)
{
    void *at = mmap(SHELF_AT, SHELF_BYTES, protection, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
    if (at == MAP_FAILED)
        return false;
    if (at != SHELF_AT) { /* a kernel that does not know the flag */
        (void)munmap(at, SHELF_BYTES);
        return false;
    }
    mine.shelf = at;
    return true;
}

enum err shelf_new(int *fd)
{
    ASSERT(!mine.shelf && fd);
    struct stat binary;
    int made = memfd_create("perigee-shelf", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    bool is_ready = made >= 0 && binary_of(&binary) && ftruncate(made, SHELF_BYTES) == 0 &&
                    map_region(made, PROT_READ | PROT_WRITE);
    /* This mapping stays writable; no further one can be. */
    if (is_ready && fcntl(made, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)) {
        shelf_close();
        is_ready = false;
    }
    if (!is_ready) {
        if (made >= 0)
            close(made);
        return ERR_IO;
    }
    mine.shelf->binary = binary;
    mine.arena = arena_over(mine.shelf + 1, SHELF_BYTES - sizeof *mine.shelf);
    *fd = made;
    return ERR_OK;
}

struct arena *shelf_arena(void)
{
    return mine.arena;
}

void shelf_put(const char *key, const void *value)
{
    struct shelf *shelf = mine.shelf;
    ASSERT(mine.arena && atomic_load(&shelf->state) == FILLING);
    if (shelf->count == SHELF_ITEMS)
        mine.is_full = true;
    else
        shelf->items[shelf->count++] = (struct item){key, value};
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct item *)a)->key, ((const struct item *)b)->key);
}

bool shelf_publish(void)
{
    struct shelf *shelf = mine.shelf;
    ASSERT(mine.arena && atomic_load(&shelf->state) == FILLING);
    bool fits = !mine.is_full && !arena_is_spilled(mine.arena);
    if (fits)
        qsort(shelf->items, (size_t)shelf->count, sizeof *shelf->items, by_key);
    atomic_store_explicit(&shelf->state, fits ? PUBLISHED : GIVEN_UP, memory_order_release);
    return fits;
}

void shelf_open(int fd)
{
    struct stat st, binary;
    ASSERT(!mine.shelf);
    if (fstat(fd, &st) != 0 || st.st_size != SHELF_BYTES || !map_region(fd, PROT_READ))
        return;
    if (!binary_of(&binary) || !is_same(&binary, &mine.shelf->binary))
        shelf_close();
}

/* Right after a start it is still being filled: reading everything oneself would take as long. */
static enum state state_now(const struct shelf *shelf)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    enum state state = (enum state)atomic_load_explicit(&shelf->state, memory_order_acquire);
    for (int ms = 0; state == FILLING && ms < SHELF_WAIT_MS && !mine.has_waited; ms++) {
        (void)nanosleep(&pause, NULL);
        state = (enum state)atomic_load_explicit(&shelf->state, memory_order_acquire);
    }
    mine.has_waited = true;
    return state;
}

bool shelf_is_filling(void)
{
    return mine.shelf && atomic_load_explicit(&mine.shelf->state, memory_order_acquire) == FILLING;
}

const void *shelf_get(const char *key)
{
    const struct shelf *shelf = mine.shelf;
    if (!shelf || mine.arena || state_now(shelf) != PUBLISHED)
        return NULL;
    const struct item wanted = {.key = key};
    const struct item *found =
        bsearch(&wanted, shelf->items, (size_t)shelf->count, sizeof wanted, by_key);
    return found ? found->value : NULL;
}

void shelf_close(void)
{
    arena_free(mine.arena);
    if (mine.shelf)
        (void)munmap(mine.shelf, SHELF_BYTES);
    mine.shelf = NULL;
    mine.arena = NULL;
    mine.is_full = mine.has_waited = false;
}
