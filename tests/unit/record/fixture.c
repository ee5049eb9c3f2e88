/* fixture - a tenant in a temporary folder with a small model, for tests of the record layer.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fixture.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/text.h"
#include "record/model_build.h"
#include "record/search.h"
#include "tenant/system.h"

static const char declared[] =
    "{\"deal\":{\"n\":1,\"table\":\"e1\",\"title\":\"name\",\"owner\":true,\"parent\":\"account\","
    "\"fields\":["
    "{\"n\":1,\"name\":\"name\",\"type\":\"text\",\"search\":true,\"sorts\":true},"
    "{\"n\":2,\"name\":\"status\",\"type\":\"enum\",\"values\":[\"new\",\"open\",\"won\","
    "\"lost\"]},"
    "{\"n\":3,\"name\":\"amount\",\"type\":\"money\"},"
    "{\"n\":4,\"name\":\"score\",\"type\":\"int\"},"
    "{\"n\":5,\"name\":\"rate\",\"type\":\"decimal\",\"scale\":2},"
    "{\"n\":6,\"name\":\"vip\",\"type\":\"bool\"},"
    "{\"n\":7,\"name\":\"due\",\"type\":\"date\"},"
    "{\"n\":8,\"name\":\"met\",\"type\":\"datetime\"},"
    "{\"n\":9,\"name\":\"account\",\"type\":\"ref\",\"entity\":\"account\"},"
    "{\"n\":10,\"name\":\"tags\",\"type\":\"tags\"},"
    "{\"n\":11,\"name\":\"phone\",\"type\":\"phone\",\"search\":true},"
    "{\"n\":12,\"name\":\"email\",\"type\":\"email\",\"search\":true},"
    "{\"n\":13,\"name\":\"watchers\",\"type\":\"refs\",\"entity\":\"user\"},"
    "{\"n\":14,\"name\":\"cost\",\"type\":\"decimal\",\"scale\":2},"
    "{\"n\":15,\"name\":\"secret_note\",\"type\":\"text\",\"search\":true}]},"
    "\"account\":{\"n\":2,\"table\":\"e2\",\"title\":\"name\",\"owner\":true,\"fields\":["
    "{\"n\":21,\"name\":\"name\",\"type\":\"text\",\"search\":true},"
    "{\"n\":22,\"name\":\"industry\",\"type\":\"text\"},"
    "{\"n\":23,\"name\":\"credit\",\"type\":\"int\"}]},"
    "\"task\":{\"n\":3,\"table\":\"e3\",\"title\":\"subject\",\"owner\":true,\"fields\":["
    "{\"n\":31,\"name\":\"subject\",\"type\":\"text\"},"
    "{\"n\":32,\"name\":\"deal\",\"type\":\"ref\",\"entity\":\"deal\"},"
    "{\"n\":33,\"name\":\"done\",\"type\":\"bool\"}]},"
    "\"user\":{\"n\":-1,\"table\":\"user\",\"title\":\"name\",\"system\":true,\"fields\":["
    "{\"n\":1,\"name\":\"name\",\"type\":\"text\",\"column\":\"name\"},"
    "{\"n\":2,\"name\":\"email\",\"type\":\"email\",\"column\":\"email\"}]},"
    "\"team\":{\"n\":-2,\"table\":\"team\",\"title\":\"name\",\"system\":true,\"fields\":["
    "{\"n\":1,\"name\":\"name\",\"type\":\"text\",\"column\":\"name\"},"
    "{\"n\":2,\"name\":\"lead\",\"type\":\"user\",\"entity\":\"user\",\"column\":\"lead\"}]},"
    "\"department\":{\"n\":-3,\"table\":\"department\",\"title\":\"name\",\"system\":true,"
    "\"fields\":["
    "{\"n\":1,\"name\":\"name\",\"type\":\"text\",\"column\":\"name\"}]}}";

struct field *fixture_field(const struct entity *entity, const char *name)
{
    struct field *field = map_get(&entity->by_name, slice_str(name));
    assert_non_null(field);
    return field;
}

const struct json *fixture_json(struct fixture *f, const char *text)
{
    const struct json *doc = NULL;
    const char *why = "";
    if (json_parse(f->ctx.arena, slice_str(text), &doc, &why))
        fail_msg("%s: %s", text, why);
    return doc;
}

/* --- the model --- */

static void declare_field(struct fixture *f, struct entity *entity, const struct json *doc)
{
    struct field *field = arena_make(f->arena, struct field);
    const char *why = "";
    field->name = json_cstr(doc, "name", NULL);
    field->n = (int)json_int(doc, "n", 0);
    field->entity = entity;
    field->plugin = "test";
    field->label = field->name;
    field->is_search = json_bool(doc, "search", false);
    field->min = INT64_MIN;
    field->max = INT64_MAX;
    field->length_max = 255;
    field->sort_slot = -1;
    field->declared = doc;
    field->ref_entity = json_cstr(doc, "entity", NULL);
    field->type = field_type_find(json_str(doc, "type", SLICE("")));
    assert_non_null(field->type);
    if (field->type->declare)
        assert_int_equal(field->type->declare(field, doc, f->arena, &why), ERR_OK);
    field->slot = entity->slots;
    for (int i = 0; i < field->type->columns; i++) {
        entity->column_types[entity->slots] = field->type->stores[i];
        entity->columns[entity->slots++] = json_cstr(
            doc, "column", arena_printf(f->arena, "f%d%s", field->n, field->type->suffixes[i]));
    }
    field->column = entity->columns[field->slot];
    if (json_bool(doc, "sorts", false)) {
        field->sort_slot = entity->slots;
        field->sort_column = arena_printf(f->arena, "f%ds", field->n);
        entity->column_types[entity->slots] = VALUE_TEXT;
        entity->columns[entity->slots++] = field->sort_column;
    }
    entity->has_search |= field->is_search;
    entity->fields[entity->fields_count++] = field;
    map_put(&entity->by_name, slice_str(field->name), field);
    if (strcmp(field->name, entity->title) == 0)
        entity->title_field = field;
}

static struct entity *declare(struct fixture *f, const struct json *doc)
{
    struct entity *entity = arena_make(f->arena, struct entity);
    entity->name = doc->key.at ? arena_str(f->arena, doc->key) : NULL;
    entity->plugin = "test";
    entity->label = entity->name;
    entity->n = (int)json_int(doc, "n", 0);
    entity->table = json_cstr(doc, "table", NULL);
    entity->title = json_cstr(doc, "title", NULL);
    entity->parent = json_cstr(doc, "parent", NULL);
    entity->has_owner = json_bool(doc, "owner", false);
    entity->is_system = json_bool(doc, "system", false);
    entity->declared = doc;
    entity->fields = arena_array(f->arena, struct field *, 64);
    entity->columns = arena_array(f->arena, const char *, 128);
    entity->column_types = arena_array(f->arena, enum value_type, 128);
    entity->referrers = arena_array(f->arena, struct entity_referrer, 16);
    map_init(&entity->by_name, f->arena);
    entity_add_system_fields(f->arena, entity);
    for (int i = 0; i < SLOT_FIELDS; i++) {
        entity->columns[i] = entity->fields[i]->column;
        entity->column_types[i] = i == SLOT_ORIGIN ? VALUE_TEXT : VALUE_INT;
    }
    entity->slots = SLOT_FIELDS;
    json_each(field, json_get(doc, "fields")) declare_field(f, entity, field);
    map_put(&f->model.entities, slice_str(entity->name), entity);
    entity->at = f->model.entities_count;
    f->model.entity_list[f->model.entities_count++] = entity;
    return entity;
}

static void resolve(struct fixture *f)
{
    for (int i = 0; i < f->model.entities_count; i++) {
        struct entity *entity = f->model.entity_list[i];
        for (int k = 0; k < entity->fields_count; k++) {
            struct field *field = entity->fields[k];
            if (!field->ref_entity)
                continue;
            struct entity *target = map_get(&f->model.entities, slice_str(field->ref_entity));
            assert_non_null(target);
            field->ref_at = target->at + 1;
            if (!field->is_system)
                target->referrers[target->referrers_count++] = (struct entity_referrer){i, k};
        }
    }
}

/* --- the store --- */

static struct store_table table_of(struct fixture *f, const struct entity *entity)
{
    struct store_column *columns =
        arena_array(f->arena, struct store_column, (size_t)entity->slots);
    struct store_index *index = arena_array(f->arena, struct store_index, 2);
    for (int i = 0; i < entity->slots; i++)
        columns[i] =
            (struct store_column){.name = entity->columns[i], .type = entity->column_types[i]};
    columns[0].not_null = true;
    index[0] = (struct store_index){.name = arena_printf(f->arena, "%s_owner", entity->table),
                                    .columns = "owner,updated_at desc,id desc",
                                    .where = "live"};
    return (struct store_table){.name = entity->table,
                                .columns = columns,
                                .columns_count = entity->slots,
                                .key = "id",
                                .indexes = index,
                                .indexes_count = 1,
                                .tokens = entity->has_search};
}

static void make_store(struct fixture *f)
{
    int count;
    const struct store_table *system = system_tables(&count);
    struct store_table *tables = arena_array(f->arena, struct store_table, (size_t)count + 3);
    char path[96];
    memcpy(tables, system, (size_t)count * sizeof *tables);
    tables[count] = table_of(f, f->deal);
    tables[count + 1] = table_of(f, f->account);
    tables[count + 2] = table_of(f, f->task);
    f->schema = (struct store_schema){tables, count + 3, system_hash(tables, count + 3)};
    f->model.schema = &f->schema;
    snprintf(path, sizeof path, "%s/tenant.db", f->folder);
    assert_int_equal(store_create(path), ERR_OK);
    assert_int_equal(store_open(path, STORE_OWNER, &f->tenant.store), ERR_OK);
    assert_int_equal(store_schema_apply(f->tenant.store, &f->schema), ERR_OK);
}

static void put_secret(struct fixture *f)
{
    char secret[2 * ID_TEXT_LEN + 8];
    snprintf(secret, sizeof secret, "\"%s\"", f->folder + strlen(f->folder) - 6);
    assert_int_equal(store_begin(f->tenant.store, true), ERR_OK);
    assert_int_equal(tenant_setting_put(&f->tenant, "cursor_key", slice_str(secret)), ERR_OK);
    assert_int_equal(store_commit(f->tenant.store), ERR_OK);
}

void fixture_open(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->arena = arena_new();
    ctx_init(&f->ctx, f->arena);
    f->model.arena = f->arena;
    f->model.entity_list = arena_array(f->arena, struct entity *, 8);
    f->model.currency = "CNY";
    map_init(&f->model.entities, f->arena);
    const struct json *doc = fixture_json(f, declared);
    f->deal = declare(f, json_get(doc, "deal"));
    f->account = declare(f, json_get(doc, "account"));
    f->task = declare(f, json_get(doc, "task"));
    f->user = declare(f, json_get(doc, "user"));
    f->team = declare(f, json_get(doc, "team"));
    f->department = declare(f, json_get(doc, "department"));
    resolve(f);
    strcpy(f->folder, "/tmp/perigee-record-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->tenant.name = "demo";
    f->tenant.currency = "CNY";
    f->tenant.locale = "zh-CN";
    f->tenant.zone = zone_find("Asia/Shanghai");
    assert_non_null(f->tenant.zone);
    make_store(f);
    put_secret(f);
    fixture_as_system(f);
}

void fixture_close(struct fixture *f)
{
    static const char *const files[] = {"tenant.db", "tenant.db-wal", "tenant.db-shm"};
    char path[96];
    store_close(f->tenant.store);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", f->folder, files[i]);
        unlink(path);
    }
    rmdir(f->folder);
    buf_release(&f->out);
    arena_free(f->arena);
}

/* --- records --- */

static void parse_member(struct fixture *f, const struct entity *entity, const struct json *in,
                         struct value *values)
{
    const struct field *field = fixture_field(entity, arena_str(f->arena, in->key));
    struct value out[4] = {{0}};
    if (in->type == JSON_NULL)
        return;
    if (field->slot == SLOT_DELETE_BATCH || field->slot == SLOT_DELETED_AT) {
        values[field->slot] = value_int(in->integer);
        return;
    }
    if (field->type->parse(&f->ctx, field, field->name, in, out))
        fail_msg("%s does not take this value", field->name);
    for (int i = 0; i < field->type->columns; i++)
        values[field->slot + i] = out[i];
    if (field->sort_column) {
        struct buf key = BUF_INIT;
        text_fold(&key, out[0].bytes);
        values[field->sort_slot] = value_text(arena_slice(f->arena, buf_slice(&key)));
        buf_release(&key);
    }
}

int64_t fixture_insert(struct fixture *f, const struct entity *entity, const char *text)
{
    struct value *values = arena_array(f->arena, struct value, (size_t)entity->slots);
    struct store_set *sets = arena_array(f->arena, struct store_set, (size_t)entity->slots);
    struct buf tokens = BUF_INIT;
    bool was_in_tx = store_in_tx(f->tenant.store);
    values[SLOT_VERSION] = value_int(1);
    values[SLOT_CREATED_AT] = values[SLOT_UPDATED_AT] = value_int(FIXTURE_NOW);
    json_each(member, fixture_json(f, text)) parse_member(f, entity, member, values);
    if (values[SLOT_ID].type == VALUE_NULL)
        values[SLOT_ID] = value_int(id_next());
    for (int i = 0; i < entity->slots; i++)
        sets[i] = (struct store_set){.column = entity->columns[i], .value = values[i]};
    if (!was_in_tx)
        assert_int_equal(store_begin(f->tenant.store, true), ERR_OK);
    if (store_insert(f->tenant.store, entity->table, sets, entity->slots, NULL))
        fail_msg("%s: %s", text, store_why(f->tenant.store));
    search_tokens_of(f->arena, entity, values, &tokens);
    if (entity->has_search)
        assert_int_equal(store_tokens_put(f->tenant.store, entity->table, values[0].integer,
                                          SLICE(""), buf_slice(&tokens)),
                         ERR_OK);
    if (!was_in_tx)
        assert_int_equal(store_commit(f->tenant.store), ERR_OK);
    buf_release(&tokens);
    return values[SLOT_ID].integer;
}

void fixture_people(struct fixture *f)
{
    static const char *const departments[] = {"0000000000068", "0000000000069", "000000000006A"};
    char text[400];
    for (int i = 0; i < 3; i++) {
        snprintf(text, sizeof text, "{\"id\":\"%s\",\"name\":\"d%d\"}", departments[i], i);
        fixture_insert(f, f->department, text);
    }
    fixture_insert(f, f->team, "{\"id\":\"0000000000034\",\"name\":\"north\"}");
    fixture_insert(f, f->team, "{\"id\":\"0000000000035\",\"name\":\"south\"}");
    fixture_insert(f, f->user,
                   "{\"id\":\"0000000000001\",\"name\":\"Ann\",\"email\":\"ann@example.com\","
                   "\"team\":\"0000000000034\",\"department\":\"0000000000068\"}");
    fixture_insert(f, f->user,
                   "{\"id\":\"0000000000002\",\"name\":\"Bob\",\"team\":\"0000000000034\","
                   "\"department\":\"0000000000069\"}");
    fixture_insert(f, f->user,
                   "{\"id\":\"0000000000003\",\"name\":\"Cid\",\"team\":\"0000000000035\","
                   "\"department\":\"000000000006A\"}");
}

struct keep {
    struct fixture *f;
    const struct entity *entity;
    struct value *values;
};

static bool keep_row(void *arg, const struct store_row *row)
{
    struct keep *keep = arg;
    for (int i = 0; i < keep->entity->slots; i++) {
        struct value value = store_row_value(row, i);
        keep->values[i] = value_copy(keep->f->arena, &value);
    }
    return false;
}

const struct value *fixture_values(struct fixture *f, const struct entity *entity, int64_t id)
{
    struct keep keep = {f, entity, arena_array(f->arena, struct value, (size_t)entity->slots)};
    struct query_column *columns =
        arena_array(f->arena, struct query_column, (size_t)entity->slots);
    for (int i = 0; i < entity->slots; i++)
        columns[i].column.column = entity->columns[i];
    struct query q = {.table = entity->table,
                      .select = columns,
                      .select_count = entity->slots,
                      .where = expr_cmp(f->arena, EXPR_EQ, "id", value_int(id))};
    assert_int_equal(store_read(f->tenant.store, &q, keep_row, &keep), ERR_OK);
    assert_int_equal(keep.values[SLOT_ID].integer, id);
    return keep.values;
}

/* --- who asks --- */

void fixture_next(struct fixture *f)
{
    const struct actor *actor = f->ctx.actor;
    bool as_system = f->ctx.as_system;
    ctx_init(&f->ctx, f->arena);
    f->ctx.tenant = &f->tenant;
    f->ctx.model = &f->model;
    f->ctx.actor = actor;
    f->ctx.as_system = as_system;
    f->ctx.now_ms = FIXTURE_NOW;
    f->ctx.lang = LANG_EN;
}

void fixture_as_system(struct fixture *f)
{
    f->ctx.actor = NULL;
    f->ctx.as_system = true;
    fixture_next(f);
}

void fixture_as(struct fixture *f, int64_t user, const char *first, ...)
{
    static const int64_t teams[] = {0, 100, 100, 101}, departments[] = {0, 200, 201, 202};
    static const int64_t below[] = {200, 201};
    struct actor *actor = arena_make(f->arena, struct actor);
    const struct role **roles = arena_array(f->arena, const struct role *, ROLES_PER_USER_MAX);
    const char *why = "";
    va_list args;
    va_start(args, first);
    for (const char *text = first; text; text = va_arg(args, const char *)) {
        struct role *role;
        if (role_parse(f->arena, fixture_json(f, text), &role, &why))
            fail_msg("%s: %s", text, why);
        roles[actor->roles_count++] = role;
    }
    va_end(args);
    assert_in_range(user, 1, 3);
    actor->user = user;
    actor->team = teams[user];
    actor->department = departments[user];
    actor->subtree = user == 1 ? below : &departments[user];
    actor->subtree_count = user == 1 ? 2 : 1;
    actor->roles = roles;
    actor->active = true;
    f->ctx.actor = actor;
    f->ctx.as_system = false;
    fixture_next(f);
}

const char *fixture_out(struct fixture *f)
{
    const char *text = arena_str(f->arena, buf_slice(&f->out));
    buf_clear(&f->out);
    return text;
}
