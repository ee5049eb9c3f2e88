/* arena - see arena.h.
 *
 * Blocks are a list, newest first; the first block ever made is kept over arena_clear. Memory is
 * zeroed when it is handed out, not when the block is made, so a reused block costs only what is
 * used of it. Under AddressSanitizer every allocation is followed by a poisoned gap.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/arena.h"

#include "base/limits.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif

#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define ARENA_GAP             16
#define ARENA_POISON(at, n)   ASAN_POISON_MEMORY_REGION((at), (n))
#define ARENA_UNPOISON(at, n) ASAN_UNPOISON_MEMORY_REGION((at), (n))
#else
#define ARENA_GAP             0
#define ARENA_POISON(at, n)   ((void)0)
#define ARENA_UNPOISON(at, n) ((void)0)
#endif

#define ARENA_ALIGN 16
/* No caller means this much; it catches sizes that wrapped. */
#define ARENA_ALLOC_MAX ((size_t)1 << 40)

struct block {
    alignas(ARENA_ALIGN) struct block *older;
    size_t size;  /* bytes behind this head */
    bool is_lent; /* the caller's memory */
};

struct defer {
    void (*fn)(void *arg);
    void *arg;
    struct defer *older;
};

struct arena {
    char *next, *end;     /* free part of the block being filled */
    struct block *newest; /* owned list */
    struct defer *defers; /* lives in the arena itself */
    size_t used;          /* bytes handed out */
    size_t block_size;    /* of the next block to be filled */
};

static struct block *block_new(size_t size)
{
    struct block *block = malloc(sizeof(*block) + size);

    if (!block)
        BUG("out of memory");
    block->older = NULL;
    block->size = size;
    block->is_lent = false;
    return block;
}

static void block_free(struct block *block)
{
    ARENA_UNPOISON(block + 1, block->size);
    if (!block->is_lent)
        free(block);
}

static void arena_enter(struct arena *arena, struct block *block)
{
    arena->next = (char *)(block + 1);
    arena->end = arena->next + block->size;
    ARENA_POISON(arena->next, block->size);
}

static struct arena *arena_of(size_t first)
{
    struct arena *arena = calloc(1, sizeof(*arena));

    if (!arena)
        BUG("out of memory");
    arena->newest = block_new(first);
    arena->block_size = first * 2;
    arena_enter(arena, arena->newest);
    return arena;
}

struct arena *arena_new(void)
{
    return arena_of(ARENA_BLOCK_BYTES);
}

struct arena *arena_new_small(void)
{
    return arena_of(ARENA_SMALL_BYTES);
}

struct arena *arena_over(void *at, size_t size)
{
    ASSERT(((uintptr_t)at & (ARENA_ALIGN - 1)) == 0 && size > sizeof(struct block));
    struct arena *arena = calloc(1, sizeof(*arena));
    struct block *block = at;

    if (!arena)
        BUG("out of memory");
    *block = (struct block){.size = (size - sizeof(*block)) & ~(size_t)(ARENA_ALIGN - 1),
                            .is_lent = true};
    arena->newest = block;
    arena->block_size = (size_t)ARENA_BLOCK_BYTES * 2;
    arena_enter(arena, block);
    return arena;
}

bool arena_is_spilled(const struct arena *arena)
{
    return arena->newest->older != NULL;
}

static void defers_run(struct arena *arena)
{
    while (arena->defers) {
        struct defer *d = arena->defers;
        arena->defers = d->older;
        d->fn(d->arg);
    }
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    defers_run(arena);
    while (arena->newest) {
        struct block *block = arena->newest;
        arena->newest = block->older;
        block_free(block);
    }
    free(arena);
}

void arena_clear(struct arena *arena)
{
    defers_run(arena);
    while (arena->newest->older) {
        struct block *block = arena->newest;
        arena->newest = block->older;
        block_free(block);
    }
    arena->used = 0;
    arena->block_size = arena->newest->size * 2;
    arena_enter(arena, arena->newest);
}

size_t arena_used(const struct arena *arena)
{
    return arena->used;
}

/* A block of its own for something big; the current one goes on being filled. */
static void *alloc_alone(struct arena *arena, size_t size)
{
    ASSERT(size < ARENA_ALLOC_MAX);

    struct block *block = calloc(1, sizeof(*block) + size);
    if (!block)
        BUG("out of memory");
    block->size = size;
    block->older = arena->newest;
    arena->newest = block;
    return block + 1;
}

static void arena_next_block(struct arena *arena)
{
    struct block *block = block_new(arena->block_size);

    block->older = arena->newest;
    arena->newest = block;
    if (arena->block_size < ARENA_BLOCK_BYTES_MAX)
        arena->block_size *= 2;
    arena_enter(arena, block);
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t bytes = size ? size : 1; /* so that the pointer is unique */

    arena->used += size;
    if (__builtin_expect(bytes > (size_t)(arena->end - arena->next), 0)) {
        if (bytes > arena->block_size / 4)
            return alloc_alone(arena, bytes);
        arena_next_block(arena);
    }
    /* Blocks are multiples of the alignment, so rounding up stays inside; the gap may not. */
    size_t step = ((bytes + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1)) + ARENA_GAP;
    size_t left = (size_t)(arena->end - arena->next);
    void *at = arena->next;
    arena->next += step < left ? step : left;
    ARENA_UNPOISON(at, bytes);
    return memset(at, 0, bytes);
}

void *arena_alloc_array(struct arena *arena, size_t n, size_t size)
{
    size_t bytes = 0;

    if (__builtin_mul_overflow(n, size, &bytes))
        BUG("an array larger than memory");
    return arena_alloc(arena, bytes);
}

void *arena_grow(struct arena *arena, const void *old, size_t used, size_t size)
{
    ASSERT(used <= size);

    void *at = arena_alloc(arena, size);
    if (used)
        memcpy(at, old, used);
    return at;
}

char *arena_str(struct arena *arena, struct slice s)
{
    char *at = arena_alloc(arena, s.len + 1);

    if (s.len)
        memcpy(at, s.at, s.len);
    return at;
}

char *arena_strdup(struct arena *arena, const char *s)
{
    return s ? arena_str(arena, slice_str(s)) : NULL;
}

struct slice arena_slice(struct arena *arena, struct slice s)
{
    return slice_of(arena_str(arena, s), s.len);
}

char *arena_vprintf(struct arena *arena, const char *fmt, va_list args)
{
    char small[256];
    va_list again;

    va_copy(again, args);
    int n = vsnprintf(small, sizeof(small), fmt, args);
    if (n < 0)
        BUG("a format that cannot be printed");
    char *at = arena_alloc(arena, (size_t)n + 1);
    if ((size_t)n < sizeof(small))
        memcpy(at, small, (size_t)n);
    else
        vsnprintf(at, (size_t)n + 1, fmt, again);
    va_end(again);
    return at;
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    char *at = arena_vprintf(arena, fmt, args);
    va_end(args);
    return at;
}

void arena_defer(struct arena *arena, void (*fn)(void *arg), void *arg)
{
    struct defer *d = arena_make(arena, struct defer);

    d->fn = fn;
    d->arg = arg;
    d->older = arena->defers;
    arena->defers = d;
}
