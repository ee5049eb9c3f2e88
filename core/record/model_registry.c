/* model_registry - permanent numbers of entities and fields, and the tables that follow from them.
 *
 * Tables entity_reg and field_reg give each (plugin, entity) and (plugin, entity, no) a number of
 * the tenant, once and for ever: renaming is free and a number is never given again, also when its
 * plugin has been disabled.
 *
 * A number follows from the name, so companies with the same plugins have the same numbers, however
 * and whenever they came by them, and share one model. Where two names meet at one, the later goes
 * on to the next that is free; none of the product's do. Older stores counted from 1: what they
 * have stays.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_sealed.h"
#include "record/model_build.h"

#include "base/hash.h"
#include "record/field_kit.h"
#include "store/query.h"
#include "tenant/system.h"

/* Numbers are 1 to these: the fewer digits, the shorter is each log entry and each search token. */
#define ENTITY_NUMBERS  ((1 << 15) - 1)
#define FIELD_NUMBERS   ((1 << 18) - 1)
#define REGISTRY_ROOM   1536 /* fields of a company with many plugins */
#define DEFAULT_INDEXES 4    /* of every entity, see add_default_indexes, and that of its reports */

/* --- reading the registry --- */

struct registry {
    struct arena *arena;
    const struct model *skips; /* numbers of these plugins are known already; NULL: all are asked */
    const char *skipped;       /* the plugin of the row before */
    struct map numbers;        /* "plugin|entity", "plugin|entity|no" → int64_t * */
    bool is_to_grow;           /* the following are asked for, too */
    struct map entities_taken, fields_taken; /* the numbers themselves → the same */
};

/* Thousands of them for a model: printf would take longer than all the rest. */
static char *put_part(char *to, struct slice part)
{
    memcpy(to, part.at, part.len);
    return to + part.len;
}

static struct slice entity_key(struct arena *arena, struct slice plugin, struct slice name)
{
    char *key = arena_alloc(arena, plugin.len + name.len + 2), *at = put_part(key, plugin);

    *at++ = '|';
    return slice_of(key, (size_t)(put_part(at, name) - key));
}

static struct slice field_key(struct arena *arena, struct slice plugin, struct slice entity,
                              int64_t no)
{
    char digits[24];
    char *first = digits + sizeof digits;

    ASSERT(no >= 0);
    do
        *--first = (char)('0' + no % 10);
    while ((no /= 10) > 0);
    *--first = '|';
    struct slice number = slice_of(first, (size_t)(digits + sizeof digits - first));
    char *key = arena_alloc(arena, plugin.len + entity.len + number.len + 2);
    char *at = put_part(key, plugin);
    *at++ = '|';
    at = put_part(put_part(at, entity), number);
    return slice_of(key, (size_t)(at - key));
}

static struct slice key_of_entity(struct arena *arena, const struct entity *entity)
{
    return entity_key(arena, slice_str(entity->plugin), slice_str(entity->name));
}

static struct slice key_of_field(struct arena *arena, const struct field *field)
{
    return field_key(arena, slice_str(field->plugin), slice_str(field->entity->name), field->no);
}

static void keep_number(struct registry *r, struct map *taken, struct slice key, int64_t n)
{
    int64_t *number = arena_make(r->arena, int64_t);
    *number = n;
    map_put(&r->numbers, key, number);
    if (r->is_to_grow)
        map_put(taken, slice_of((const char *)number, sizeof *number), number);
}

/* Rows of a plugin mostly come after one another. */
static bool is_skipped(struct registry *r, struct slice plugin)
{
    if (r->skipped && slice_is(plugin, r->skipped))
        return true;
    for (int i = 0; r->skips && i < r->skips->plugins_count; i++) {
        if (!slice_is(plugin, r->skips->plugins[i]->id))
            continue;
        r->skipped = r->skips->plugins[i]->id;
        return true;
    }
    return false;
}

static bool take_entity(void *arg, const struct store_row *row)
{
    struct registry *r = arg;
    struct slice plugin = store_row_bytes(row, 1);

    if (!is_skipped(r, plugin))
        keep_number(r, &r->entities_taken, entity_key(r->arena, plugin, store_row_bytes(row, 2)),
                    store_row_int(row, 0));
    return true;
}

static bool take_field(void *arg, const struct store_row *row)
{
    struct registry *r = arg;
    struct slice plugin = store_row_bytes(row, 1);

    if (!is_skipped(r, plugin))
        keep_number(r, &r->fields_taken,
                    field_key(r->arena, plugin, store_row_bytes(row, 2), store_row_int(row, 3)),
                    store_row_int(row, 0));
    return true;
}

/* The numbers of what is in the model and not in `skips`; of all there are where `is_to_grow`. */
static enum err registry_read(struct build *b, const struct model *skips, bool is_to_grow,
                              struct registry *r)
{
    static const struct query_column entity_columns[] = {
        {.column = {0, "id"}}, {.column = {0, "plugin"}}, {.column = {0, "name"}}};
    static const struct query_column field_columns[] = {{.column = {0, "id"}},
                                                        {.column = {0, "plugin"}},
                                                        {.column = {0, "entity"}},
                                                        {.column = {0, "no"}}};
    const struct query entities = {
        .table = "entity_reg", .select = entity_columns, .select_count = 3};
    const struct query fields = {.table = "field_reg", .select = field_columns, .select_count = 4};

    *r = (struct registry){.arena = b->scratch, .skips = skips, .is_to_grow = is_to_grow};
    map_init(&r->numbers, b->scratch);
    map_reserve(&r->numbers, REGISTRY_ROOM);
    map_init(&r->entities_taken, b->scratch);
    map_init(&r->fields_taken, b->scratch);
    enum err e = store_read(b->tenant->store, &entities, take_entity, r);
    return e ? e : store_read(b->tenant->store, &fields, take_field, r);
}

/* --- giving numbers --- */

/* The three core entities have tables of their own and numbers below zero. */
static int core_number(const char *table)
{
    static const char *const tables[] = {"user", "department", "team"};

    for (int i = 0; i < 3; i++)
        if (strcmp(tables[i], table) == 0)
            return -(i + 1);
    BUG("a core entity has one of the tables of tenant/system");
}

static int64_t number_of(const struct registry *r, struct slice key)
{
    const int64_t *n = map_get(&r->numbers, key);
    return n ? *n : 0;
}

/* Sets what the registry knows; how many numbers are still missing. */
static int take_numbers(struct build *b, const struct registry *r)
{
    int missing = 0;

    for (int i = 0; i < b->model->entities_count; i++) {
        struct entity *entity = b->model->entity_list[i];
        if (overlay_shares(b, entity))
            continue;
        if (entity->is_system)
            entity->n = core_number(entity->table);
        else if (entity->n == 0)
            entity->n = (int)number_of(r, key_of_entity(b->scratch, entity));
        missing += entity->n == 0;
        for (int k = 0; k < entity->fields_count; k++) {
            struct field *field = entity->fields[k];
            if (field->is_system || field->n != 0)
                continue;
            field->n = (int)number_of(r, key_of_field(b->scratch, field));
            missing += field->n == 0;
        }
    }
    return missing;
}

static enum err add_entity(struct store *store, const struct entity *entity, int64_t n)
{
    const struct store_set sets[] = {
        {"id", value_int(n), false},
        {"plugin", value_text(slice_str(entity->plugin)), false},
        {"name", value_text(slice_str(entity->name)), false},
    };
    return store_insert(store, "entity_reg", sets, 3, NULL);
}

static enum err add_field(struct store *store, const struct field *field, int64_t n)
{
    const struct store_set sets[] = {
        {"id", value_int(n), false},
        {"plugin", value_text(slice_str(field->plugin)), false},
        {"entity", value_text(slice_str(field->entity->name)), false},
        {"no", value_int(field->no), false},
        {"name", value_text(slice_str(field->name)), false},
    };
    return store_insert(store, "field_reg", sets, 5, NULL);
}

/* The number that follows from the key, or the next that nobody has; it is taken then. */
static int64_t new_number(struct registry *r, struct map *taken, struct slice key, int64_t numbers)
{
    int64_t n = (int64_t)((hash_stable(key) >> 32) % (uint64_t)numbers) + 1;

    ASSERT(r->is_to_grow && (int64_t)taken->count < numbers);
    while (map_get(taken, slice_of((const char *)&n, sizeof n)))
        n = n % numbers + 1;
    keep_number(r, taken, key, n);
    return n;
}

/* Numbers for what has none, in order of the model; written with `store`. */
static enum err allocate(struct build *b, struct registry *r, struct store *store)
{
    enum err e = ERR_OK;

    for (int i = 0; i < b->model->entities_count && !e; i++) {
        struct entity *entity = b->model->entity_list[i];
        if (entity->n == 0) {
            entity->n = (int)new_number(r, &r->entities_taken, key_of_entity(b->scratch, entity),
                                        ENTITY_NUMBERS);
            e = store ? add_entity(store, entity, entity->n) : ERR_OK;
        }
        for (int k = 0; k < entity->fields_count && !e; k++) {
            struct field *field = entity->fields[k];
            if (field->is_system || field->n != 0)
                continue;
            field->n = (int)new_number(r, &r->fields_taken, key_of_field(b->scratch, field),
                                       FIELD_NUMBERS);
            e = store ? add_field(store, field, field->n) : ERR_OK;
        }
    }
    return e;
}

enum err build_numbers(struct build *b, bool may_apply, bool *moved)
{
    struct registry r;

    *moved = false;
    enum err e = registry_read(b, b->base, false, &r);
    if (e)
        return e;
    if (take_numbers(b, &r) == 0)
        return ERR_OK;
    if (!may_apply)
        return ERR_BUSY;
    ASSERT(!store_in_tx(b->tenant->store));
    e = store_begin(b->tenant->store, true);
    if (e)
        return e;
    e = registry_read(b, NULL, true, &r); /* another writer may have been quicker */
    if (!e && take_numbers(b, &r) > 0)
        e = allocate(b, &r, b->tenant->store);
    if (e) {
        store_rollback(b->tenant->store);
        return e;
    }
    *moved = true;
    return store_commit(b->tenant->store);
}

enum err build_numbers_made_up(struct build *b)
{
    struct registry r;

    enum err e = registry_read(b, NULL, true, &r);
    if (e || take_numbers(b, &r) == 0)
        return e;
    return allocate(b, &r, NULL);
}

/* --- slots and columns --- */

static void place_field(struct build *b, struct entity *entity, struct field *field)
{
    const struct field_type *type = field->type;

    if (type->columns == 0) {
        field->slot = -1;
        return;
    }
    if (!field->column)
        field->column = arena_printf(b->arena, "f%d", field->n);
    field->slot = entity->slots;
    for (int i = 0; i < type->columns; i++) {
        entity->columns[entity->slots] =
            i == 0 ? field->column
                   : arena_printf(b->arena, "%s%s", field->column, type->suffixes[i]);
        entity->column_types[entity->slots++] = type->stores[i];
    }
    if (!field->sort_column)
        return;
    bool is_core = json_get(field->declared, "column") != NULL;
    field->sort_column = arena_printf(b->arena, is_core ? "%s_s" : "%ss", field->column);
    field->sort_slot = entity->slots;
    entity->columns[entity->slots] = field->sort_column;
    entity->column_types[entity->slots++] = VALUE_TEXT;
}

static void place_fields(struct build *b, struct entity *entity)
{
    size_t room = 0;
    for (int i = 0; i < entity->fields_count; i++)
        room += (size_t)entity->fields[i]->type->columns + (entity->fields[i]->sort_column != NULL);

    entity->columns = arena_array(b->arena, const char *, room);
    entity->column_types = arena_array(b->arena, enum value_type, room);
    if (!entity->table)
        entity->table = arena_printf(b->arena, "e%d", entity->n);
    for (int i = 0; i < entity->fields_count; i++) {
        struct field *field = entity->fields[i];
        if (!field->is_system) {
            place_field(b, entity, field);
            continue;
        }
        entity->columns[entity->slots] = field->column;
        entity->column_types[entity->slots++] = field->type->stores[0];
    }
}

/* --- tables --- */

struct table_draft {
    struct store_column *columns;
    struct store_index *indexes;
    struct store_table table;
};

static void add_index(struct table_draft *d, const char *name, const char *columns,
                      const char *where, bool unique)
{
    d->indexes[d->table.indexes_count++] =
        (struct store_index){.name = name, .columns = columns, .where = where, .unique = unique};
}

static void add_default_indexes(struct arena *a, struct table_draft *d, const struct entity *entity)
{
    const char *t = entity->table;
    const struct field *owner = entity->fields[SLOT_OWNER];

    if (!owner->is_hidden || entity->is_private)
        add_index(d, arena_printf(a, "%s_by_owner", t), "owner,updated_at desc,id desc", "live",
                  false);
    add_index(d, arena_printf(a, "%s_by_created", t), "created_at desc,id desc", "live", false);
    add_index(d, arena_printf(a, "%s_by_updated", t), "updated_at desc,id desc", "live", false);
}

static void add_field_indexes(struct arena *a, struct table_draft *d, const struct entity *entity)
{
    for (int i = 0; i < entity->fields_count; i++) {
        const struct field *f = entity->fields[i];
        if (f->is_system || !f->column || json_get(f->declared, "column"))
            continue;
        const char *live = arena_printf(a, "live:%s", f->column);
        if (f->type->is_ref)
            add_index(d, arena_printf(a, "%s_r%d", entity->table, f->n),
                      arena_printf(a, "%s,created_at desc,id desc", f->column), live, false);
        if (f->is_unique || f->type == &field_type_autonumber)
            add_index(d, arena_printf(a, "%s_u%d", entity->table, f->n), field_equal_column(f),
                      live, true);
        else if (f->type->is_sealed) /* equal values are all it can be searched by */
            add_index(d, arena_printf(a, "%s_h%d", entity->table, f->n), field_equal_column(f),
                      live, false);
        if (f->type == &field_type_state)
            add_index(d, arena_printf(a, "%s_s%d", entity->table, f->n),
                      arena_printf(a, "%s,updated_at desc,id desc", f->column), "live", false);
        if (f->sort_column)
            add_index(d, arena_printf(a, "%s_n%d", entity->table, f->n),
                      arena_printf(a, "%s,id", f->sort_column), "live", false);
    }
}

/* "-amount" → "f12 desc"; every list index ends in the id, in the direction of its last field. */
static const char *index_columns(struct arena *a, const struct entity *entity,
                                 const struct entity_index *index)
{
    struct buf b = BUF_INIT;
    bool down = false;

    for (int i = 0; i < index->fields_count; i++) {
        down = *index->fields[i] == '-';
        const struct field *f = entity_field(entity, slice_str(index->fields[i] + down));
        if (i)
            buf_put_char(&b, ',');
        buf_put_str(&b, f->sort_column ? f->sort_column : field_equal_column(f));
        buf_put_str(&b, down ? " desc" : "");
    }
    if (!index->unique)
        buf_put_str(&b, down ? ",id desc" : ",id");
    const char *text = arena_str(a, buf_slice(&b));
    buf_release(&b);
    return text;
}

static const char *index_where(struct arena *a, const struct entity *entity,
                               const struct entity_index *index)
{
    const char *where = "live";

    for (int i = 0; i < index->fields_count && index->unique; i++) {
        const char *name = index->fields[i] + (*index->fields[i] == '-');
        where = arena_printf(a, "%s:%s", where, entity_field(entity, slice_str(name))->column);
    }
    return where;
}

static bool is_of_one_ref(const struct entity *entity, const struct entity_index *index)
{
    const char *name = index->fields[0] + (*index->fields[0] == '-');
    const struct field *f = entity_field(entity, slice_str(name));
    return index->fields_count == 1 && !index->unique && f->type->is_ref && !f->is_system &&
           !json_get(f->declared, "column");
}

static void add_declared_indexes(struct arena *a, struct table_draft *d,
                                 const struct entity *entity)
{
    for (int i = 0; i < entity->indexes_count; i++) {
        const struct entity_index *index = &entity->indexes[i];
        if (is_of_one_ref(entity, index))
            continue; /* every reference has an index of its own */
        add_index(d, arena_printf(a, "%s_x_%s", entity->table, index->name),
                  index_columns(a, entity, index), index_where(a, entity, index), index->unique);
    }
}

static bool has_column(const struct store_table *table, const char *name)
{
    for (int i = 0; table && i < table->columns_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return true;
    return false;
}

static bool begins_an_index(const struct table_draft *d, const char *column)
{
    if (strcmp(column, "id") == 0)
        return true;
    for (int i = 0; i < d->table.indexes_count; i++) {
        struct slice first = slice_str(d->indexes[i].columns);
        first = slice_split(&first, ',');
        if (slice_is(slice_split(&first, ' '), column) && strcmp(d->indexes[i].where, "live") == 0)
            return true;
    }
    return false;
}

static void add_sort_indexes(struct build *b, struct table_draft *d, const struct entity *entity)
{
    for (int i = 0; i < b->model->views_count; i++) {
        const struct field *field;
        bool down;
        const char *column = build_sort_column(entity, b->model->view_list[i], &field, &down);
        if (column && !begins_an_index(d, column))
            add_index(d, arena_printf(b->arena, "%s_v%d", entity->table, field->n),
                      arena_printf(b->arena, "%s%s", column, down ? " desc,id desc" : ",id"),
                      "live", false);
    }
}

/* Room for the indexes of any table of the model: they are copied from there once they are known.
 */
static struct store_index *index_room(struct build *b, const struct store_table *system, int fixed)
{
    size_t room = 0;

    for (int i = 0; i < b->model->entities_count; i++) {
        const struct entity *entity = b->model->entity_list[i];
        size_t own = (size_t)entity->fields_count * 5 + (size_t)entity->indexes_count;
        room = own > room ? own : room;
    }
    for (int k = 0; k < fixed; k++)
        room += (size_t)system[k].indexes_count;
    return arena_array(b->scratch, struct store_index, room + DEFAULT_INDEXES);
}

/* `base`: the fixed part of a core entity's table, or NULL. `room`: see index_room. */
static struct store_table draft_table(struct build *b, const struct entity *entity,
                                      const struct store_table *base, struct store_index *room)
{
    struct table_draft d = {.table = {.name = entity->table,
                                      .key = "id",
                                      .tokens = entity->has_search || (base && base->tokens),
                                      .append_only = entity->is_append_only,
                                      .late = base == NULL},
                            .indexes = room};
    size_t fixed = base ? (size_t)base->columns_count : 0;
    size_t indexes = base ? (size_t)base->indexes_count : 0;

    d.columns = arena_array(b->arena, struct store_column, fixed + (size_t)entity->slots);
    for (size_t i = 0; i < fixed; i++)
        d.columns[d.table.columns_count++] = base->columns[i];
    for (size_t i = 0; i < indexes; i++)
        d.indexes[d.table.indexes_count++] = base->indexes[i];
    for (int i = 0; i < entity->slots; i++) {
        if (has_column(base, entity->columns[i]))
            continue;
        struct store_column column = {.name = entity->columns[i], .type = entity->column_types[i]};
        if (i == SLOT_VERSION) {
            column.not_null = true;
            column.fallback = "1";
        }
        d.columns[d.table.columns_count++] = column;
    }
    if (!base)
        add_default_indexes(b->arena, &d, entity);
    add_field_indexes(b->arena, &d, entity);
    add_declared_indexes(b->arena, &d, entity);
    if (!base)
        add_sort_indexes(b, &d, entity);
    const char *reported = base ? NULL : build_report_columns(b, entity);
    if (reported)
        add_index(&d, arena_printf(b->arena, "%s_report", entity->table), reported, "live", false);
    size_t bytes = (size_t)d.table.indexes_count * sizeof *d.indexes;
    d.table.columns = d.columns;
    d.table.indexes = arena_grow(b->arena, d.indexes, bytes, bytes);
    return d.table;
}

static int place_of(const struct entity *entity, const struct store_table *system, int fixed)
{
    for (int k = 0; k < fixed && entity->is_system; k++)
        if (strcmp(system[k].name, entity->table) == 0)
            return k;
    ASSERT(!entity->is_system);
    return fixed;
}

/* In an overlay tables of entities that it shares are the base's, unless a view of its own wants
 * another index. */
void build_schema(struct build *b)
{
    int fixed, count;
    const struct store_table *system = system_tables(&fixed);
    struct model *model = b->model;
    struct store_schema *schema = arena_make(b->arena, struct store_schema);
    struct store_table *tables =
        arena_array(b->arena, struct store_table, (size_t)(fixed + model->entities_count));

    struct store_index *room = index_room(b, system, fixed);

    memcpy(tables, b->base ? b->base->schema->tables : system,
           (size_t)(b->base ? b->base->schema->tables_count : fixed) * sizeof *tables);
    count = fixed;
    for (int i = 0; i < model->entities_count; i++) {
        struct entity *entity = model->entity_list[i];
        bool is_shared = overlay_shares(b, entity);
        if (!is_shared)
            place_fields(b, entity);
        int at = place_of(entity, system, fixed);
        bool is_new = at == fixed;
        at = is_new ? count++ : at;
        if (!is_shared || b->redrawn[i])
            tables[at] = draft_table(b, entity, is_new ? NULL : &system[at], room);
    }
    schema->tables = tables;
    schema->tables_count = count;
    schema->hash = system_hash(tables, count);
    model->schema = schema;
}
