/* arena - memory that is dropped whole.
 *
 * One arena per request, turn, job step or model. Allocation never fails (the core aborts when
 * memory runs out; hostile sizes are stopped by limits before they come here). Blocks are zeroed.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/err.h"
#include "base/slice.h"

struct arena; /* private */

struct arena *arena_new(void);
/* The same with a first block of ARENA_SMALL_BYTES: for what every open tenant keeps. */
struct arena *arena_new_small(void);
/* Over memory of the caller's, which is filled first and never freed here. */
struct arena *arena_over(void *at, size_t size);
/* Whether it had to take other memory as well. */
bool arena_is_spilled(const struct arena *arena);
void arena_free(struct arena *arena); /* NULL is fine */
/* Drops everything, keeps one block for reuse. */
void arena_clear(struct arena *arena);
/* Bytes handed out since the last clear. */
size_t arena_used(const struct arena *arena);

/* Zeroed, aligned to 16 bytes. size may be 0 (a valid unique pointer). */
void *arena_alloc(struct arena *arena, size_t size);
#define arena_make(arena, type)     ((type *)arena_alloc((arena), sizeof(type)))
#define arena_array(arena, type, n) ((type *)arena_alloc_array((arena), (n), sizeof(type)))
void *arena_alloc_array(struct arena *arena, size_t n, size_t size); /* overflow is a BUG */
/* Copies `used` bytes of old into a larger block (old stays where it is until the arena drops). */
void *arena_grow(struct arena *arena, const void *old, size_t used, size_t size);
char *arena_str(struct arena *arena, struct slice s);          /* NUL-terminated copy */
char *arena_strdup(struct arena *arena, const char *s);        /* NULL stays NULL */
struct slice arena_slice(struct arena *arena, struct slice s); /* copy, also NUL-terminated */
char *arena_printf(struct arena *arena, const char *fmt, ...) PRINTF_LIKE(2, 3);
char *arena_vprintf(struct arena *arena, const char *fmt, va_list args) PRINTF_LIKE(2, 0);
/* Calls fn(arg) when the arena is cleared or freed, newest first. For files and foreign handles. */
void arena_defer(struct arena *arena, void (*fn)(void *arg), void *arg);
