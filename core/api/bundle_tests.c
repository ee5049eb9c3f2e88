/* bundle_tests - see bundle_tests.h. The child tells in lines of JSON what it does: {"begins"},
 * {"passed"}, {"failed"}, and at last {"broken"} or {"over"}.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/bundle_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/apart.h"
#include "api/rig.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/log.h"
#include "tenant/folder.h"

#define TESTS_FOLDER "tests-" /* of the tenant's tmp/, before an id */

struct testing {
    struct ctx *ctx;
    struct rig_spec spec;
    int fd; /* of the child: where it is heard */
};

/* --- the child ----------------------------------------------------------------------------------
 */

static void say(const struct testing *t, const char *what, const char *text, const char *why)
{
    struct buf line = BUF_INIT;
    buf_put_str(&line, "{");
    json_put_string(&line, slice_str(what));
    buf_put_char(&line, ':');
    json_put_cstr(&line, text);
    if (why) {
        json_put_key(&line, "why");
        json_put_cstr(&line, why);
    }
    buf_put_str(&line, "}\n");
    for (size_t done = 0; done < line.len;) {
        ssize_t n = write(t->fd, line.at + done, line.len - done);
        if (n <= 0)
            _exit(1); /* nobody listens any more */
        done += (size_t)n;
    }
    buf_release(&line);
}

static void begins(void *arg, const char *where, const char *name)
{
    const struct testing *t = arg;
    say(t, "begins", arena_printf(t->ctx->arena, "%s: %s", where, name), NULL);
}

static void ended(void *arg, const char *file, const char *name, const char *why, int64_t took_us)
{
    (void)file;
    (void)took_us;
    say(arg, why ? "failed" : "passed", name, why);
}

static void run_there(void *arg, int fd)
{
    struct testing *t = arg;
    struct arena *arena = arena_new();
    struct rig *rig = NULL;
    const char *why = NULL;
    t->fd = fd;
    enum err e = rig_new(arena, &t->spec, &rig, &why);
    if (!e)
        e = rig_test(rig, &(struct rig_watcher){begins, ended, t}, &why);
    if (e)
        say(t, "broken", why, NULL);
    else
        say(t, "over", "", NULL);
    rig_free(rig);
    arena_free(arena);
}

/* --- what it said -------------------------------------------------------------------------------
 */

struct verdict {
    struct buf failures;
    const char *at, *broken; /* the case that was begun last and did not end; why none could run */
    int cases, failed;
    bool is_over;
};

static void read_line(struct ctx *ctx, struct verdict *v, struct slice text)
{
    const struct json *line = NULL;
    if (json_parse(ctx->arena, text, &line, NULL) || line->type != JSON_OBJECT || !line->first)
        return; /* cut off in the middle */
    const struct json *said = line->first;
    if (slice_is(said->key, "begins")) {
        v->at = arena_str(ctx->arena, said->text);
    } else if (slice_is(said->key, "failed")) {
        if (v->failed++ < BUNDLE_TESTS_SHOWN)
            buf_printf(&v->failures, "\n- " SLICE_FMT ": %s", SLICE_ARG(said->text),
                       json_cstr(line, "why", ""));
    } else if (slice_is(said->key, "broken")) {
        v->broken = arena_str(ctx->arena, said->text);
    } else {
        v->is_over = slice_is(said->key, "over");
    }
    bool ends = slice_is(said->key, "failed") || slice_is(said->key, "passed");
    v->cases += ends;
    if (ends)
        v->at = NULL;
}

static const char *stopped(enum apart_end how)
{
    switch (how) {
    case APART_SLOW:
        return "its tests were stopped, they do not come to an end";
    case APART_CPU:
        return "its tests were stopped, they used more CPU time than they may";
    case APART_FILE:
        return "its tests were stopped, they stored more than they may";
    case APART_SAID:
        return "its tests were stopped, they say more than anybody listens to";
    case APART_DONE:
    case APART_LOST:
        break;
    }
    return "its tests were stopped, their process died: most likely of the memory they used";
}

static const char *sentence(struct ctx *ctx, struct verdict *v, enum apart_end how)
{
    struct arena *arena = ctx->arena;
    if (v->broken)
        return v->broken;
    if (how != APART_DONE || !v->is_over)
        return arena_printf(arena, "%s%s%s", stopped(how), v->at ? ": " : "", v->at ? v->at : "");
    if (!v->failed)
        return NULL;
    if (v->failed <= BUNDLE_TESTS_SHOWN)
        return arena_printf(arena, "%d of its %d tests fail:%s", v->failed, v->cases,
                            buf_cstr(&v->failures));
    return arena_printf(arena, "%d of its %d tests fail:%s\nand %d more", v->failed, v->cases,
                        buf_cstr(&v->failures), v->failed - BUNDLE_TESTS_SHOWN);
}

/* --- running them -------------------------------------------------------------------------------
 */

static bool has_tests(struct arena *arena, const struct plugin *plugin)
{
    const char **names = NULL;
    int count = 0;
    bool found = false;
    if (folder_names(arena, arena_printf(arena, "%s/tests", plugin->folder), &names, &count))
        return false;
    for (int i = 0; i < count; i++)
        found = found || slice_ends(slice_str(names[i]), SLICE("_test.lua"));
    return found;
}

/* What a process left that was killed while it waited. */
static void sweep(struct arena *arena, const char *tmp)
{
    const char **names = NULL;
    int count = 0;
    int64_t id, since_ms = clock_now_ms() - TMP_KEEP_MS;
    if (folder_names(arena, tmp, &names, &count))
        return;
    for (int i = 0; i < count; i++) {
        struct slice name = slice_str(names[i]), rest = name;
        if (!slice_starts(name, SLICE(TESTS_FOLDER)))
            continue;
        rest = slice_of(name.at + sizeof TESTS_FOLDER - 1, name.len - (sizeof TESTS_FOLDER - 1));
        if (id_parse(rest, &id) && id_time_ms(id) < since_ms &&
            folder_remove(arena_printf(arena, "%s/%s", tmp, names[i])))
            log_warn("%s/%s could not be removed", tmp, names[i]);
    }
}

static const struct apart_bounds BOUNDS = {.wall_ms = BUNDLE_TESTS_WALL_MS,
                                           .cpu_s = BUNDLE_TESTS_CPU_S,
                                           .bytes = BUNDLE_TESTS_BYTES,
                                           .file_bytes = BUNDLE_TESTS_FILE_BYTES,
                                           .said_bytes = BUNDLE_TESTS_SAID_BYTES};

static enum err judge(struct ctx *ctx, struct slice said, enum apart_end how, const char **why)
{
    struct verdict v = {.failures = BUF_INIT};
    while (said.len)
        read_line(ctx, &v, slice_split(&said, '\n'));
    *why = sentence(ctx, &v, how);
    buf_release(&v.failures);
    return *why ? ERR_PLUGIN : ERR_OK;
}

static const char *base_of(struct ctx *ctx)
{
    char id[ID_TEXT_LEN + 1];
    const char *tmp = tenant_path(ctx->tenant, ctx->arena, "tmp", NULL);
    id_text(id_next(), id);
    sweep(ctx->arena, tmp);
    return arena_printf(ctx->arena, "%s/" TESTS_FOLDER "%s", tmp, id);
}

static void remove_base(const char *base)
{
    if (folder_remove(base)) /* what was stopped could not do it */
        log_warn("%s could not be removed", base);
}

static enum err run_here(struct ctx *ctx, struct testing *t, const char **why)
{
    struct buf said = BUF_INIT;
    enum apart_end how = APART_DONE;
    enum err e = folder_make(t->spec.base);
    if (!e)
        e = apart_run(&BOUNDS, run_there, t, &said, &how);
    if (!e)
        e = judge(ctx, buf_slice(&said), how, why);
    buf_release(&said);
    remove_base(t->spec.base);
    return e;
}

/* --- beside other work --------------------------------------------------------------------------
 */

struct run {
    char tenant[NAME_BYTES_MAX + 1];
    char *folder, *base;   /* owned */
    int64_t model_version; /* what it was tried beside */
    struct apart *apart;   /* owned; NULL: it is over */
    struct buf said;
    enum apart_end how;
    int64_t over_at_us;
    struct run *next;
};

static struct run *runs; /* of this process */

static struct run *run_new(const struct ctx *ctx, const struct testing *t)
{
    struct run *run = calloc(1, sizeof *run);
    ASSERT_MEMORY(run);
    (void)snprintf(run->tenant, sizeof run->tenant, "%s", ctx->tenant->name);
    run->folder = strdup(t->spec.folder);
    run->base = strdup(t->spec.base);
    ASSERT_MEMORY(run->folder && run->base);
    run->model_version = ctx->model->version;
    return run;
}

static void run_end(struct run *run)
{
    run->how = apart_end(run->apart);
    run->apart = NULL;
    run->over_at_us = clock_mono_us();
    remove_base(run->base);
}

static void run_free(struct run *run)
{
    if (run->apart) {
        apart_stop(run->apart);
        run_end(run);
    }
    struct run **link = &runs;
    while (*link && *link != run)
        link = &(*link)->next;
    if (*link)
        *link = run->next;
    buf_release(&run->said);
    free(run->folder);
    free(run->base);
    free(run);
}

static bool has_place(const char *tenant)
{
    int count = 0;
    for (const struct run *run = runs; run; run = run->next) {
        if (!run->apart)
            continue;
        if (strcmp(run->tenant, tenant) == 0)
            return false;
        count++;
    }
    return count < BUNDLE_TESTS_AT_ONCE;
}

static enum err begin(struct ctx *ctx, struct testing *t)
{
    enum err e = folder_make(t->spec.base);
    if (e)
        return e;
    struct run *run = run_new(ctx, t);
    e = apart_begin(&BOUNDS, run_there, t, &run->said, &run->apart);
    if (e) {
        remove_base(run->base);
        run_free(run);
        return e;
    }
    run->next = runs;
    runs = run;
    return ERR_OK;
}

static enum err run_beside(struct ctx *ctx, struct testing *t, bool *park, const char **why)
{
    struct run *run = runs;
    while (run &&
           (strcmp(run->tenant, ctx->tenant->name) != 0 ||
            strcmp(run->folder, t->spec.folder) != 0 || run->model_version != ctx->model->version))
        run = run->next;
    if (run && !run->apart) {
        enum err e = judge(ctx, buf_slice(&run->said), run->how, why);
        run_free(run);
        return e;
    }
    enum err e = run || !has_place(ctx->tenant->name) ? ERR_OK : begin(ctx, t);
    *park = !e;
    return e ? e : ERR_BUSY;
}

bool bundle_tests_look(void)
{
    bool over = false;
    for (struct run *run = runs, *next; run; run = next) {
        next = run->next;
        if (!run->apart && clock_mono_us() - run->over_at_us > (int64_t)BUNDLE_TESTS_KEPT_MS * 1000)
            run_free(run);
        else if (run->apart && apart_is_over(run->apart, 0)) {
            run_end(run);
            over = true;
        }
    }
    return over;
}

bool bundle_tests_any(void)
{
    return runs != NULL;
}

void bundle_tests_stop(void)
{
    while (runs)
        run_free(runs);
}

enum err bundle_tests(struct ctx *ctx, const char *home, const struct model *model,
                      const struct plugin *plugin, bool *park, const char **why)
{
    ASSERT(ctx && ctx->tenant && model);
    ASSERT(plugin && why);
    if (plugin->layer != PLUGIN_TENANT || !has_tests(ctx->arena, plugin))
        return ERR_OK;
    struct testing t = {
        .ctx = ctx,
        .spec = {.home = home, .folder = plugin->folder, .base = base_of(ctx), .model = model}};
    return park ? run_beside(ctx, &t, park, why) : run_here(ctx, &t, why);
}
