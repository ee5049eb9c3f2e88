/* fuzz_filter - any JSON as a filter: compiled as a caller and as a rule, then asked of a record.
 *
 * Whatever is taken must also evaluate, and the same tree must be taken under both roles.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/clock.h"
#include "record/filter.h"
#include "record/model_build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    const char *name, *type;
} declared[] = {{"name", "text"},   {"amount", "money"}, {"score", "int"},    {"rate", "decimal"},
                {"vip", "bool"},    {"due", "date"},     {"met", "datetime"}, {"tags", "tags"},
                {"phone", "phone"}, {"email", "email"},  {"account", "ref"}};
#define DECLARED ((int)(sizeof declared / sizeof *declared))

static void add_fields(struct arena *arena, struct entity *entity)
{
    for (int i = 0; i < DECLARED; i++) {
        struct field *field = arena_make(arena, struct field);
        field->name = declared[i].name;
        field->type = field_type_find(slice_str(declared[i].type));
        field->entity = entity;
        field->n = i + 1;
        field->min = INT64_MIN;
        field->max = INT64_MAX;
        field->length_max = 255;
        field->scale = 2;
        field->slot = entity->slots;
        for (int k = 0; k < field->type->columns; k++)
            entity->columns[entity->slots++] =
                arena_printf(arena, "f%d%s", field->n, field->type->suffixes[k]);
        field->column = entity->columns[field->slot];
        if (field->type->is_ref) {
            field->ref_entity = entity->name;
            field->ref_at = 1;
        }
        entity->fields[entity->fields_count++] = field;
        map_put(&entity->by_name, slice_str(field->name), field);
    }
}

static struct entity *make_entity(void)
{
    struct arena *arena = arena_new(); /* for the life of the process */
    struct entity *entity = arena_make(arena, struct entity);
    entity->name = "deal";
    entity->table = "e1";
    entity->has_owner = true;
    entity->fields = arena_array(arena, struct field *, SLOT_FIELDS + DECLARED);
    entity->columns = arena_array(arena, const char *, 64);
    map_init(&entity->by_name, arena);
    entity_add_system_fields(arena, entity);
    for (; entity->slots < SLOT_FIELDS; entity->slots++)
        entity->columns[entity->slots] = entity->fields[entity->slots]->column;
    add_fields(arena, entity);
    return entity;
}

/* Without a store only what stays in the record can be asked. */
static bool stays_inside(const struct expr *e)
{
    if (e->op == EXPR_EXISTS)
        return false;
    for (const struct expr *child = e->first; child; child = child->next) {
        if (!stays_inside(child))
            return false;
    }
    return true;
}

static void ask(struct ctx *ctx, const struct entity *entity, const struct json *tree)
{
    struct filter_scope scope = {.entity = entity, .as_rule = true};
    struct value *values = arena_array(ctx->arena, struct value, (size_t)entity->slots);
    const struct expr *where;
    bool matches;
    if (filter_compile(ctx, &scope, tree, &where) || !where || !stays_inside(where))
        return;
    for (int i = 0; i < entity->slots; i++)
        values[i] = i % 3 ? value_int(i) : value_text(SLICE("[\"red\",1]"));
    for (int i = 0; i < 2; i++) {
        if (filter_matches_expr(ctx, entity, where, values, &matches))
            BUG("a filter that compiles must evaluate");
        memset(values, 0, (size_t)entity->slots * sizeof *values);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct entity *entity;
    static struct model model;
    static struct tenant tenant = {.name = "fuzz", .currency = "CNY", .locale = "zh-CN"};
    struct arena *arena = arena_new();
    const struct json *tree;
    struct ctx ctx;
    if (!entity)
        entity = make_entity();
    model.entity_list = &entity;
    model.entities_count = 1;
    tenant.zone = zone_find("Asia/Shanghai");
    ctx_init(&ctx, arena);
    ctx.tenant = &tenant;
    ctx.model = &model;
    ctx.now_ms = 1773194400000;
    if (json_parse(arena, slice_of((const char *)data, size), &tree, NULL) == ERR_OK)
        ask(&ctx, entity, tree);
    arena_free(arena);
    return 0;
}
