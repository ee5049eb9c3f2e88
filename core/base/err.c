/* err - see err.h. One table made from ERR_MAP answers every question about an error.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/err.h"

#include "base/arena.h"
#include "base/limits.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

struct err_row {
    int status;
    const char *code;
    const char *text[LANG_COUNT];
};

static const struct err_row rows[ERR_COUNT] = {
    [ERR_OK] = {200, "ok", {[LANG_ZH] = "完成。", [LANG_EN] = "Done."}},
#define X(name, status, code, en, zh)                                                              \
    [ERR_##name] = {status, code, {[LANG_ZH] = zh, [LANG_EN] = en}},
    ERR_MAP(X)
#undef X
};

static const struct err_row *row_of(enum err e)
{
    ASSERT((unsigned)e < ERR_COUNT);
    return &rows[e];
}

int err_status(enum err e)
{
    return row_of(e)->status;
}

const char *err_code(enum err e)
{
    return row_of(e)->code;
}

const char *err_text(enum err e, enum lang lang)
{
    ASSERT((unsigned)lang < LANG_COUNT);
    return row_of(e)->text[lang];
}

void err_info_init(struct err_info *info, struct arena *arena)
{
    ASSERT(arena);
    *info = (struct err_info){.arena = arena};
}

void err_info_clear(struct err_info *info)
{
    err_info_init(info, info->arena);
}

enum err err_field(struct err_info *info, const char *field, const char *code, const char *args)
{
    ASSERT(info && info->arena);
    ASSERT(field && code);

    if (info->count++ >= ERR_FIELDS_MAX)
        return ERR_VALIDATION;
    struct err_field *f = arena_make(info->arena, struct err_field);
    f->field = arena_strdup(info->arena, field);
    f->code = arena_strdup(info->arena, code);
    f->args = arena_strdup(info->arena, args);
    if (info->last)
        info->last->next = f;
    else
        info->first = f;
    info->last = f;
    return ERR_VALIDATION;
}

enum err err_say(struct err_info *info, enum err e, const char *code, const char *fmt, ...)
{
    ASSERT(info && info->arena);

    if (code)
        info->code = arena_strdup(info->arena, code);
    if (fmt) {
        va_list args;
        va_start(args, fmt);
        info->message = arena_vprintf(info->arena, fmt, args);
        va_end(args);
    }
    return e;
}

_Noreturn void err_bug(const char *file, int line, const char *what)
{
    /* Where the tree was checked out is nobody's business and only makes the line longer. */
    const char *core = strstr(file, "core/");

    log_error("bug: %s:%d: %s", core ? core : file, line, what);
    abort();
}
