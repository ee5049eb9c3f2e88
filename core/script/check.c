/* check - see check.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/check.h"

#include "base/id.h"
#include "record/list.h"
#include "script/bind.h"
#include "script/plan.h"

struct checking {
    struct vm *vm;
    struct ctx *ctx;
    const struct check_rule *rule;
    const struct entity *entity; /* of the rule, as the tenant has it */
    const struct bound *bound;
    check_cb cb;
    void *arg;
    int64_t after; /* id of the last record that was judged */
    int64_t records;
};

const struct check_rule *check_all(const struct vm *vm, int *count)
{
    ASSERT(vm && count);
    *count = vm->plan->checks_count;
    return vm->plan->checks;
}

/* --- one record --- */

struct one {
    const struct checking *checking;
    const struct value *values;
    const char *wrong; /* NULL: it holds */
};

static int push_one(lua_State *L, void *arg)
{
    const struct one *one = arg;
    record_push(L, &(struct record_handle){.entity = one->checking->entity, .values = one->values});
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm_owner(one->checking->vm, one->checking->bound)->context);
    return 2;
}

static void take_one(lua_State *L, void *arg)
{
    struct one *one = arg;
    if (lua_isnil(L, -1))
        return;
    if (lua_type(L, -1) != LUA_TSTRING)
        luaL_error(L, "a check returns nil, or a text that says what is wrong");
    one->wrong = arena_str(one->checking->ctx->arena, convert_text(L, -1));
}

static enum err judge(struct checking *checking, const struct value *values)
{
    struct one one = {checking, values, NULL};
    struct vm_call call = {.ctx = checking->ctx,
                           .moment = VM_CHECK,
                           .handler = checking->rule->name,
                           .push = push_one,
                           .take = take_one,
                           .arg = &one};
    enum err e = vm_call(vm_owner(checking->vm, checking->bound), checking->bound->ref, &call);
    if (!e && one.wrong)
        checking->cb(checking->arg, values[SLOT_ID].integer, one.wrong);
    return e;
}

/* --- a batch --- */

struct rows {
    struct arena *arena;
    int slots, count;
    struct value *items[CHECK_BATCH];
};

static bool keep_row(void *arg, const struct value *values)
{
    struct rows *rows = arg;
    struct value *copy = arena_array(rows->arena, struct value, (size_t)rows->slots);
    for (int i = 0; i < rows->slots; i++)
        copy[i] = value_copy(rows->arena, &values[i]);
    rows->items[rows->count++] = copy;
    return true;
}

/* The next records by id, with the rule's filter. */
static enum err read_rows(const struct checking *checking, struct rows *rows)
{
    struct ctx *ctx = checking->ctx;
    const struct check_rule *rule = checking->rule;
    struct json *all = json_new(ctx->arena, JSON_ARRAY), *tree = json_new(ctx->arena, JSON_OBJECT);
    if (rule->where)
        json_add(ctx->arena, all, NULL, json_copy(ctx->arena, rule->where));
    if (checking->after) {
        char text[ID_TEXT_LEN + 1];
        struct json *behind = json_new(ctx->arena, JSON_OBJECT);
        struct json *id = json_new(ctx->arena, JSON_OBJECT);
        id_text(checking->after, text);
        json_add(ctx->arena, id, "gt",
                 json_new_str(ctx->arena, slice_str(arena_strdup(ctx->arena, text))));
        json_add(ctx->arena, behind, "id", id);
        json_add(ctx->arena, all, NULL, behind);
    }
    json_add(ctx->arena, tree, "and", all);
    struct list_query query = {.entity = checking->entity,
                               .filter = all->count ? tree : NULL,
                               .sort = SLICE("id"),
                               .limit = CHECK_BATCH};
    rows->arena = ctx->arena;
    rows->slots = checking->entity->slots;
    rows->count = 0;
    bool as_system = ctx->as_system;
    ctx->as_system = true;
    enum err e = list_rows(ctx, &query, keep_row, rows);
    ctx->as_system = as_system;
    return e;
}

static enum err run_batch(struct checking *checking, bool *done)
{
    struct rows rows;
    enum err e = read_rows(checking, &rows);
    for (int i = 0; i < rows.count && !e; i++) {
        e = judge(checking, rows.items[i]);
        checking->after = rows.items[i][SLOT_ID].integer;
        checking->records++;
    }
    *done = e || rows.count < CHECK_BATCH;
    return e;
}

/* In a snapshot and an arena of its own: a million records take no more memory than one batch. */
static enum err step(struct checking *checking, bool *done)
{
    struct ctx *ctx = checking->ctx;
    struct arena *outer = ctx->arena;
    struct err_info before = ctx->err;
    struct store *store = ctx->tenant->store;
    *done = true;
    enum err e = store_begin(store, false);
    if (e)
        return e;
    ctx->arena = arena_new();
    err_info_init(&ctx->err, ctx->arena);
    e = run_batch(checking, done);
    store_rollback(store);
    const char *detail = e && ctx->err.detail ? arena_strdup(outer, ctx->err.detail) : NULL;
    arena_free(ctx->arena);
    ctx->arena = outer;
    ctx->err = before;
    if (detail)
        ctx->err.detail = detail;
    return e;
}

enum err check_run(struct vm *vm, struct ctx *ctx, int n, check_cb cb, void *arg, int64_t *records)
{
    ASSERT(vm && ctx && cb && records);
    ASSERT(n >= 0 && n < vm->plan->checks_count);
    ASSERT(!ctx->unit && !store_in_tx(ctx->tenant->store));

    struct checking checking = {.vm = vm,
                                .ctx = ctx,
                                .rule = &vm->plan->checks[n],
                                .entity = model_same(vm->model, vm->plan->checks[n].entity),
                                .bound = &vm->plan->checks_bound[n],
                                .cb = cb,
                                .arg = arg};
    bool as_system = ctx->as_system, done = false;
    ctx->as_system = false; /* what it may read is its plugin's to declare */
    enum err e = ERR_OK;
    while (!done && !e)
        e = step(&checking, &done);
    ctx->as_system = as_system;
    *records = checking.records;
    return e;
}
