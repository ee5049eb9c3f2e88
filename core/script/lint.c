/* lint - see lint.h: loads, finds out what is bound to what, hands the files on.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/text.h"
#include "script/code.h"
#include "script/handler.h"
#include "script/lint_in.h"
#include "script/plan.h"

void lint_say(const struct lint *lint, int line, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const char *text = arena_vprintf(lint->ctx->arena, fmt, args);
    va_end(args);
    const char *where =
        line ? arena_printf(lint->ctx->arena, "%s:%d", lint->file, line) : lint->file;
    lint->tell(lint->arg, arena_printf(lint->ctx->arena, "%s: %s", where, text));
}

const char *lint_near(struct arena *arena, const char *near)
{
    return near ? arena_printf(arena, " (did you mean \"%s\"?)", near) : "";
}

/* --- what is bound --- */

struct bound_function {
    struct lint *lint;
    struct vm *vm;
    const struct entity *entity;
    int ref;
    bool is_action;
};

static struct binding *binding_find(struct lint *lint, int first, int last)
{
    struct binding *b = lint->bindings;
    while (b && (b->first_line != first || b->last_line != last))
        b = b->next;
    return b;
}

/* Where the function stands and how it calls its parameters, from its own debug information. */
static int see_function(lua_State *L)
{
    const struct bound_function *f = vm_protect_arg(L);
    struct lint *lint = f->lint;
    lua_Debug ar;
    vm_push_ref(L, f->ref);
    lua_pushvalue(L, -1);
    if (!lua_getinfo(L, ">S", &ar) || ar.source[0] != '@' || strcmp(ar.source + 1, lint->file) != 0)
        return 0;
    struct binding *b = binding_find(lint, ar.linedefined, ar.lastlinedefined);
    if (!b) {
        b = arena_make(lint->ctx->arena, struct binding);
        b->first_line = ar.linedefined;
        b->last_line = ar.lastlinedefined;
        b->event = arena_strdup(lint->ctx->arena, lua_getlocal(L, NULL, 1));
        b->next = lint->bindings;
        lint->bindings = b;
    }
    b->is_action = b->is_action || f->is_action;
    int n = 0;
    while (b->entities[n] && b->entities[n] != f->entity)
        n++;
    if (n < LINT_ENTITIES_MAX)
        b->entities[n] = f->entity;
    else
        b->is_many = true;
    return 0;
}

static void add_function(struct bound_function *f)
{
    if (!f->entity)
        return;
    enum err e = vm_protect(f->vm, NULL, f->lint->ctx, VM_LOAD, "lint", see_function, f);
    if (e)
        err_info_clear(&f->lint->ctx->err);
}

struct hook_walk {
    struct lint *lint;
    struct vm *vm;
};

static void see_hook(void *arg, const struct hook_spec *spec)
{
    const struct hook_walk *walk = arg;
    const char *name = arena_printf(walk->lint->ctx->arena, "%s:%s", spec->plugin, spec->id);
    const struct handler *handler = hook_find(walk->vm->hooks, spec->entity, spec->moment, name);
    struct bound_function f = {.lint = walk->lint, .vm = walk->vm};
    if (!handler || spec->batch || strcmp(spec->plugin, walk->lint->plugin->id) != 0)
        return;
    f.entity = model_entity(walk->lint->model, slice_str(spec->entity));
    f.ref = handler->ref;
    add_function(&f);
}

static void see_bindings(struct lint *lint, struct vm *vm)
{
    struct hook_walk walk = {lint, vm};
    struct slice key;
    void *value;
    lint->bindings = NULL;
    for (int i = 0; hook_entity(vm->hooks, i); i++)
        for (int m = 0; m < HOOK_MOMENTS_COUNT; m++)
            hook_list(vm->hooks, hook_entity(vm->hooks, i), (enum hook_moment)m, see_hook, &walk);
    for (size_t at = 0; map_next(&vm->plan->actions, &at, &key, &value);) {
        const struct bound *bound = value;
        struct bound_function f = {.lint = lint, .vm = vm, .ref = bound->ref, .is_action = true};
        f.entity = model_entity(lint->model, slice_split(&key, '.'));
        if (strcmp(vm_owner(vm, bound)->id, lint->plugin->id) == 0)
            add_function(&f);
    }
}

/* --- files --- */

static enum err judge_file(struct lint *lint, struct vm *vm, const struct pack_file *file)
{
    struct arena *arena = lint->ctx->arena;
    struct code *code = NULL;
    lint->file = arena_printf(arena, "%s/%s", lint->plugin->id, file->name);
    enum err e = code_get(arena_printf(arena, "%s/%s", lint->plugin->folder, file->name), &code);
    if (e)
        return e;
    if (!lint->only_model)
        lint_globals(lint, code->compiled);
    if (lint_tokens(arena, file->bytes, &lint->tokens)) {
        see_bindings(lint, vm);
        lint_file(lint);
    }
    return ERR_OK;
}

static bool lacks_optional(const struct model *model, const struct plugin *plugin)
{
    bool lacks = false;
    json_each(other, json_get(plugin->manifest, "optional"))
    {
        bool found = false;
        for (int i = 0; i < model->plugins_count; i++)
            found = found ||
                    (slice_is(other->key, model->plugins[i]->id) && !model->plugins[i]->broken);
        lacks = lacks || !found;
    }
    return lacks;
}

enum err lint_plugin(struct ctx *ctx, const struct model *model, const struct plugin *plugin,
                     lint_cb tell, void *arg, const char **why)
{
    struct pack pack;
    ASSERT(ctx && model && plugin);
    ASSERT(tell && why && !ctx->unit);
    struct lint lint = {.ctx = ctx, .model = model, .plugin = plugin, .tell = tell, .arg = arg};
    const struct model *before = ctx->model;
    struct vm *vm = NULL;
    lint.lacks_optional = lacks_optional(model, plugin);
    ctx->model = model;
    enum err e = vm_beside(ctx, &vm, why);
    if (!e) {
        e = load_compile(vm, ctx, plugin->id);
        if (e)
            *why = vm_sentence(ctx, ctx->err.detail);
    }
    if (!e)
        e = pack_folder(ctx->arena, plugin->folder, &pack, why);
    for (int i = 0; !e && i < pack.count; i++) {
        if (slice_ends(slice_str(pack.files[i].name), SLICE(".lua")))
            e = judge_file(&lint, vm, &pack.files[i]);
        if (e)
            *why = arena_printf(ctx->arena, "%s: %s", lint.file, err_text(e, LANG_EN));
    }
    vm_free(vm);
    ctx->model = before;
    if (!e)
        lint_words(&lint, &pack);
    return e;
}

/* --- all that breaks --- */

struct breaking {
    lint_break_cb tell;
    void *arg;
    const struct plugin *plugin; /* whose files are judged */
};

static void tell_break(void *arg, const char *text)
{
    const struct breaking *breaking = arg;
    breaking->tell(breaking->arg, breaking->plugin, text);
}

/* The files of one bundle; what cannot be read or compiled has been told while it was loaded. */
static void judge_breaks(struct breaking *breaking, struct ctx *ctx, struct vm *vm)
{
    struct lint lint = {.ctx = ctx,
                        .model = vm->model,
                        .plugin = breaking->plugin,
                        .tell = tell_break,
                        .arg = breaking,
                        .only_model = true,
                        .lacks_optional = lacks_optional(vm->model, breaking->plugin)};
    struct err_info before = ctx->err;
    struct pack pack;
    const char *why;
    enum err e = load_compile(vm, ctx, breaking->plugin->id);
    if (!e)
        e = pack_folder(ctx->arena, breaking->plugin->folder, &pack, &why);
    for (int i = 0; !e && i < pack.count; i++)
        if (slice_ends(slice_str(pack.files[i].name), SLICE(".lua")))
            e = judge_file(&lint, vm, &pack.files[i]);
    ctx->err = before;
}

enum err lint_breaks(struct ctx *ctx, const struct model *model, lint_break_cb tell, void *arg,
                     const char **why)
{
    ASSERT(ctx && model);
    ASSERT(tell && why && !ctx->unit);
    const struct vm_telling telling = {tell, arg};
    struct breaking breaking = {.tell = tell, .arg = arg};
    const struct model *before = ctx->model;
    struct vm *vm = NULL;
    ctx->model = model;
    enum err e = vm_beside_telling(ctx, &telling, &vm, why);
    for (int i = 0; !e && i < model->plugins_count; i++) {
        breaking.plugin = model->plugins[i];
        if (breaking.plugin->layer == PLUGIN_TENANT && !breaking.plugin->broken)
            judge_breaks(&breaking, ctx, vm);
    }
    vm_free(vm);
    ctx->model = before;
    return e;
}
