/* operator_check - looks whether a tenant's store says the truth about itself.
 *
 * Structure, audit chain, tables against the model, running numbers, references, roll-ups, and the
 * invariants that plugins name (script/check.h). Changes nothing: what has to write in order to ask
 * is rolled back.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "api/handlers.h"
#include "auth/audit.h"
#include "base/clock.h"
#include "base/id.h"
#include "record/change.h"
#include "record/filter.h"
#include "script/check.h"

#define CHECK_NUMBERS_AHEAD 10
#define CHECK_DETAIL_MAX    2000
#define CHECK_SHOWN_MAX     20 /* records that break an invariant, by name; the rest is counted */

struct check {
    struct call *call;
    struct buf detail; /* complaints of the check at hand; empty = ok */
    bool ok;           /* so far, all of them */
};

static void complain(struct check *check, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void complain(struct check *check, const char *fmt, ...)
{
    if (check->detail.len > CHECK_DETAIL_MAX)
        return;
    if (check->detail.len)
        buf_put_str(&check->detail, "; ");
    va_list args;
    va_start(args, fmt);
    buf_vprintf(&check->detail, fmt, args);
    va_end(args);
}

/* --- the checks ---------------------------------------------------------------------------------
 */

/* By a connection of its own: FTS5 checks itself by the segments that a connection knew when it
 * last searched, and takes those merged since by another process for damage. */
static enum err check_structure(struct check *check)
{
    const struct ctx *ctx = check->call->ctx;
    struct store *store = NULL;
    struct buf lines = BUF_INIT;
    enum err e = store_open_why(arena_printf(ctx->arena, "%s/tenant.db", ctx->tenant->folder),
                                STORE_READ, &store, &lines);
    if (!e)
        e = store_integrity(store, &lines);
    store_close(store);
    if (e || lines.len)
        complain(check, "%s", lines.len ? buf_cstr(&lines) : err_text(e, LANG_EN));
    buf_release(&lines);
    return e == ERR_CORRUPT ? ERR_OK : e;
}

static enum err check_audit(struct check *check)
{
    int64_t broken = 0;
    enum err e = audit_verify(check->call->ctx->tenant, &broken);
    if (!e && broken)
        complain(check, "the chain breaks at row %lld", (long long)broken);
    return e;
}

static bool take_nothing(void *arg, const struct store_row *row)
{
    (void)arg;
    (void)row;
    return false;
}

/* Every column that the model speaks of can be read. */
static enum err check_tables(struct check *check)
{
    struct ctx *ctx = check->call->ctx;
    const struct model *model = ctx->model;
    if (model->schema->hash != ctx->tenant->header.schema_hash)
        complain(check, "the tables are not those of the model");
    for (int i = 0; i < model->plugins_count; i++)
        if (model->plugins[i]->broken)
            complain(check, "plugin %s: %s", model->plugins[i]->id, model->plugins[i]->broken);
    for (int i = 0; i < model->entities_count; i++) {
        const struct entity *entity = model->entity_list[i];
        struct query_column *select =
            arena_array(ctx->arena, struct query_column, (size_t)entity->slots);
        for (int k = 0; k < entity->slots; k++)
            select[k].column.column = entity->columns[k];
        struct query query = {
            .table = entity->table, .select = select, .select_count = entity->slots, .limit = 1};
        enum err e = store_read(ctx->tenant->store, &query, take_nothing, NULL);
        if (e)
            complain(check, "%s (%s): %s", entity->name, entity->table,
                     store_why(ctx->tenant->store));
    }
    return ERR_OK;
}

/* --- references --- */

static enum err count_lost(struct ctx *ctx, const struct entity *entity, const struct field *field,
                           int64_t *out)
{
    struct arena *arena = ctx->arena;
    const struct entity *target = model_ref(ctx->model, field);
    struct expr *exists = expr_new(arena, EXPR_EXISTS);
    exists->sub.table = target->table;
    exists->sub.column = "id";
    exists->sub.outer = (struct column_ref){0, field->column};
    const struct expr *where =
        expr_and(arena, expr_cmp(arena, EXPR_NOT_NULL, field->column, value_null()),
                 expr_cmp(arena, EXPR_NULL, "deleted_at", value_null()));
    /* Entries that stay when a person is erased keep a number that points at nobody. */
    struct expr *erased = expr_new(arena, EXPR_EXISTS);
    erased->sub.table = "change";
    erased->sub.column = "record";
    erased->sub.outer = (struct column_ref){0, field->column};
    erased->sub.where =
        expr_and(arena, expr_cmp(arena, EXPR_EQ, "entity", value_int(target->n)),
                 expr_cmp(arena, EXPR_EQ, "op", value_text(slice_str(CHANGE_PURGE))));
    where =
        expr_and(arena, where, expr_and(arena, expr_not(arena, exists), expr_not(arena, erased)));
    return store_count(ctx->tenant->store, entity->table, where, COUNT_CAP, out);
}

static enum err check_references(struct check *check)
{
    struct ctx *ctx = check->call->ctx;
    enum err e = ERR_OK;
    for (int i = 0; i < ctx->model->entities_count; i++) {
        const struct entity *entity = ctx->model->entity_list[i];
        for (int k = 0; k < entity->fields_count && !e; k++) {
            const struct field *field = entity->fields[k];
            int64_t lost = 0;
            if (!field->type->is_ref || !field->ref_at || field->type->columns != 1 ||
                field->type->stores[0] != VALUE_INT || field->type->kind != KIND_REF)
                continue;
            e = count_lost(ctx, entity, field, &lost);
            if (!e && lost)
                complain(check, "%s.%s: %lld point nowhere", entity->name, field->name,
                         (long long)lost);
        }
    }
    return e;
}

/* --- running numbers --- */

struct number {
    const struct field *field;
    const char *counter;
    int64_t at;
};

/* Asked by adding nothing, and rolled back. */
static enum err number_fn(struct ctx *ctx, void *arg)
{
    struct number *number = arg;
    enum err e = store_counter(ctx->tenant->store, slice_str(number->counter), 0, 0, &number->at);
    return e ? e : ERR_CONFLICT;
}

/* The numbers that come next must be free; else records were numbered past the counter. */
static enum err check_number(struct check *check, const struct field *field)
{
    struct ctx *ctx = check->call->ctx;
    struct arena *arena = ctx->arena;
    int64_t today = zone_day(ctx->tenant->zone, ctx->now_ms);
    struct number number = {field, field_number_counter(field, arena, today), -1};
    enum err e = app_write(check->call->app, ctx, number_fn, &number);
    if (number.at < 0)
        return e;
    err_info_clear(&ctx->err);
    for (int i = 1; i <= CHECK_NUMBERS_AHEAD; i++) {
        const char *text = field_number_text(field, arena, number.at + i, today);
        int64_t taken = 0;
        e = store_count(ctx->tenant->store, field->entity->table,
                        expr_cmp(arena, EXPR_EQ, field->column, value_text(slice_str(text))), 1,
                        &taken);
        if (e)
            return e;
        if (taken) {
            complain(check, "%s.%s: %s is given, but the counter stands at %lld",
                     field->entity->name, field->name, text, (long long)number.at);
            break;
        }
    }
    return ERR_OK;
}

static bool is_type(const struct field *field, const char *type)
{
    return strcmp(field->type->name, type) == 0;
}

static enum err check_numbers(struct check *check)
{
    const struct model *model = check->call->ctx->model;
    enum err e = ERR_OK;
    for (int i = 0; i < model->entities_count; i++)
        for (int k = 0; k < model->entity_list[i]->fields_count && !e; k++)
            if (is_type(model->entity_list[i]->fields[k], "autonumber"))
                e = check_number(check, model->entity_list[i]->fields[k]);
    return e;
}

/* --- roll-ups --- */

struct sums {
    struct arena *arena;
    struct map by_parent; /* id (8 bytes) → struct value * */
    int64_t wrong, first_wrong;
    bool is_additive; /* nothing counts as 0 */
};

static struct slice id_key(struct arena *arena, int64_t id)
{
    return arena_slice(arena, slice_of((const char *)&id, sizeof id));
}

static bool take_sum(void *arg, const struct store_row *row)
{
    struct sums *sums = arg;
    struct value *value = arena_make(sums->arena, struct value);
    *value = store_row_value(row, 1);
    if (value->type != VALUE_INT)
        *value = value_null();
    (void)map_put(&sums->by_parent, id_key(sums->arena, store_row_int(row, 0)), value);
    return true;
}

static bool take_parent(void *arg, const struct store_row *row)
{
    struct sums *sums = arg;
    int64_t id = store_row_int(row, 0);
    const struct value *want = map_get(&sums->by_parent, slice_of((const char *)&id, sizeof id));
    struct value has = store_row_value(row, 1);
    bool empty = !want || want->type != VALUE_INT;
    bool same = has.type != VALUE_INT ? empty || (sums->is_additive && want->integer == 0)
                                      : (empty ? sums->is_additive && has.integer == 0
                                               : has.integer == want->integer);
    if (!same && !sums->wrong++)
        sums->first_wrong = id;
    return true;
}

static enum err sums_read(struct ctx *ctx, const struct field *field,
                          const struct field_rollup *rollup, struct sums *sums)
{
    struct arena *arena = ctx->arena;
    const struct entity *child = model_entity(ctx->model, slice_str(rollup->from));
    const struct field *by = child ? entity_field(child, slice_str(rollup->by)) : NULL;
    const struct field *of =
        child && rollup->of ? entity_field(child, slice_str(rollup->of)) : NULL;
    struct filter_joins joins = {0};
    struct filter_scope scope = {
        .entity = child, .joins = &joins, .as_rule = true, .name = "where"};
    const struct expr *where = NULL;
    if (!by || (rollup->of && !of))
        return err_say(&ctx->err, ERR_CORRUPT, NULL, "%s", field->name);
    enum err e = filter_compile(ctx, &scope, rollup->where, &where);
    if (e)
        return e;
    where = expr_and(arena, where, expr_cmp(arena, EXPR_NOT_NULL, by->column, value_null()));
    where = expr_and(arena, where, expr_cmp(arena, EXPR_NULL, "deleted_at", value_null()));
    int column = of && of->type->kind == KIND_MONEY ? 2 : 0; /* money by its base amount */
    struct query_column select[2] = {{.column = {0, by->column}}, {.measure = rollup->op}};
    select[1].column.column = of ? child->columns[of->slot + column] : "id";
    struct query query = {.table = child->table,
                          .select = select,
                          .select_count = 2,
                          .group_count = 1,
                          .joins = joins.items,
                          .joins_count = joins.count,
                          .where = where};
    return store_read(ctx->tenant->store, &query, take_sum, sums);
}

static enum err check_rollup(struct check *check, const struct field *field)
{
    struct ctx *ctx = check->call->ctx;
    const struct field_rollup *rollup = field_rollup_of(field);
    struct sums sums = {.arena = arena_new()};
    sums.is_additive = rollup->op == MEASURE_COUNT || rollup->op == MEASURE_SUM;
    map_init(&sums.by_parent, sums.arena);
    enum err e = sums_read(ctx, field, rollup, &sums);
    struct query_column select[2] = {{.column = {0, "id"}}, {.column = {0, field->column}}};
    struct query query = {.table = field->entity->table,
                          .select = select,
                          .select_count = 2,
                          .where = expr_cmp(ctx->arena, EXPR_NULL, "deleted_at", value_null())};
    if (!e)
        e = store_read(ctx->tenant->store, &query, take_parent, &sums);
    if (!e && sums.wrong) {
        char id[ID_TEXT_LEN + 1];
        id_text(sums.first_wrong, id);
        complain(check, "%s.%s: %lld differ from their records, first %s", field->entity->name,
                 field->name, (long long)sums.wrong, id);
    }
    arena_free(sums.arena);
    return e;
}

static enum err check_rollups(struct check *check)
{
    const struct model *model = check->call->ctx->model;
    enum err e = ERR_OK;
    for (int i = 0; i < model->entities_count; i++)
        for (int k = 0; k < model->entity_list[i]->fields_count && !e; k++)
            if (is_type(model->entity_list[i]->fields[k], "rollup"))
                e = check_rollup(check, model->entity_list[i]->fields[k]);
    return e;
}

/* --- what plugins say ---------------------------------------------------------------------------
 */

struct broken {
    struct check *check;
    int64_t count;
};

static void take_broken(void *arg, int64_t id, const char *wrong)
{
    struct broken *broken = arg;
    char text[ID_TEXT_LEN + 1];
    id_text(id, text);
    if (broken->count++ < CHECK_SHOWN_MAX)
        complain(broken->check, "%s: %s", text, wrong);
}

static void put_result(struct check *check, struct buf *list, const char *name)
{
    bool ok = check->detail.len == 0;
    check->ok = check->ok && ok;
    json_put_comma(list);
    buf_put_str(list, "{\"name\":");
    json_put_cstr(list, name);
    json_put_key(list, "ok");
    json_put_bool(list, ok);
    json_put_key(list, "detail");
    json_put_cstr(list, ok ? NULL : buf_cstr(&check->detail));
}

static void run_rule(struct check *check, struct vm *vm, int n, struct buf *list)
{
    struct ctx *ctx = check->call->ctx;
    int count = 0;
    const struct check_rule *rule = &check_all(vm, &count)[n];
    struct broken broken = {check, 0};
    int64_t records = 0;
    enum err e = check_run(vm, ctx, n, take_broken, &broken, &records);
    if (e)
        complain(check, "could not be checked: %s",
                 ctx->err.detail ? ctx->err.detail : err_text(e, LANG_EN));
    put_result(check, list, arena_printf(ctx->arena, "%s:%s", rule->plugin, rule->name));
    json_put_key(list, "records");
    json_put_int(list, records);
    json_put_key(list, "broken");
    json_put_int(list, broken.count);
    buf_put_char(list, '}');
}

/* The VM anew for each: one that failed may have ended it. */
static void run_rules(struct check *check, struct buf *list)
{
    struct ctx *ctx = check->call->ctx;
    struct vm *vm = NULL;
    int count = 1;
    for (int n = 0; n < count; n++) {
        buf_clear(&check->detail);
        err_info_clear(&ctx->err);
        if (vm_get(ctx, check->call->app->config->home, &vm)) {
            complain(check, "the scripts do not load: %s",
                     ctx->err.detail ? ctx->err.detail : "see the log");
            put_result(check, list, "plugins");
            buf_put_char(list, '}');
            break;
        }
        (void)check_all(vm, &count);
        if (n < count)
            run_rule(check, vm, n, list);
    }
    err_info_clear(&ctx->err);
}

/* --- all of them --------------------------------------------------------------------------------
 */

static const struct {
    const char *name;
    enum err (*run)(struct check *check);
} CHECKS[] = {
    {"structure", check_structure},   {"audit_chain", check_audit}, {"tables", check_tables},
    {"references", check_references}, {"numbers", check_numbers},   {"rollups", check_rollups},
};

enum err operator_check(struct call *call)
{
    struct check check = {.call = call, .detail = BUF_INIT, .ok = true};
    struct buf *out = &call->resp->body;
    struct buf list = BUF_INIT;
    store_budget(call->ctx->tenant->store, 0); /* as long as it takes */
    for (size_t i = 0; i < sizeof CHECKS / sizeof *CHECKS; i++) {
        buf_clear(&check.detail);
        err_info_clear(&call->ctx->err);
        enum err e = CHECKS[i].run(&check);
        if (e)
            complain(&check, "could not be checked: %s", err_text(e, LANG_EN));
        put_result(&check, &list, CHECKS[i].name);
        buf_put_char(&list, '}');
    }
    run_rules(&check, &list);
    buf_printf(out, "{\"ok\":%s,\"checks\":[", check.ok ? "true" : "false");
    buf_put_slice(out, buf_slice(&list));
    buf_put_str(out, "]}");
    buf_release(&list);
    buf_release(&check.detail);
    return ERR_OK;
}
