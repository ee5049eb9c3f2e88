/* bind_db - `ctx.db`: reading and writing records with the rights of who asks.
 *
 * Every write is a savepoint of its own: one that is refused leaves nothing behind and the script
 * may go on. Refusals that belong to the data come back as nil, text, name; what the script could
 * not mend (a failing disk, a broken handler further down) unwinds it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/meter.h"
#include "base/text.h"
#include "hook/pace.h"
#include "record/list.h"
#include "script/trial_in.h"

#define TABLE_META "crm.table"
#define DB_META    "crm.db"
#define WRITERS    (VM_AFTER | VM_ACTION | VM_JOB | VM_ROUTE | VM_COMMIT | VM_TX)
#define READERS    (VM_BEFORE | VM_VALIDATE | VM_CHECK | WRITERS)

struct table_box {
    struct script *script;
    const struct entity *entity;
    bool as_system, read_only; /* read_only: the capability says r */
};

/* --- counts --- */

static void count_read(lua_State *L, int rows)
{
    struct vm *vm = vm_of(L);
    struct vm_used *used = &vm->used;
    if (++used->reads > vm_limit(vm)->reads)
        vm_stop(L, VM_LIMIT, "it read more often than it may in one unit of work");
    used->rows += rows;
    if (used->rows > vm_limit(vm)->rows)
        vm_stop(L, VM_LIMIT, "it read more rows than it may in one unit of work");
}

static void check_write(lua_State *L, const struct table_box *table)
{
    if (table->read_only)
        luaL_error(L, "%s may only read %s as_system: its capability is \"db:%s:r\"",
                   table->script->id, table->entity->name, table->entity->name);
}

/* --- the core's answers --- */

struct saved {
    bool as_system;
    enum ctx_source source;
    struct err_info err;
    int64_t budget_us; /* of the store's statements */
    enum meter_part part;
};

/* What the core complains about meanwhile is the script's to hear first, not the person's. No
 * statement takes longer than the script may: the store ends it, where no hook would. */
static struct saved enter(struct ctx *ctx, const struct table_box *table)
{
    struct saved saved = {ctx->as_system, ctx->source, ctx->err, 0, METER_REST};
    saved.part = meter_enter(METER_CORE, false);
    saved.budget_us = store_budget(ctx->tenant->store, watch_left_us());
    ctx->as_system = ctx->as_system || table->as_system;
    ctx->source = CTX_HOOK;
    err_info_init(&ctx->err, ctx->arena);
    return saved;
}

static bool is_expected(enum err e)
{
    switch (e) {
    case ERR_MALFORMED:
    case ERR_FORBIDDEN:
    case ERR_NOT_FOUND:
    case ERR_CONFLICT:
    case ERR_VERSION:
    case ERR_VALIDATION:
    case ERR_TOO_LARGE:
    case ERR_TOO_MANY:
        return true;
    default:
        return false;
    }
}

/* "phone: bad_phone" of the first complaint, or the error's own sentence. */
static const char *reason(struct ctx *ctx, enum err e)
{
    model_err_texts(ctx);
    const struct err_field *f = ctx->err.first;
    if (f)
        return arena_printf(ctx->arena, "%s: %s", f->field, f->message ? f->message : f->code);
    return ctx->err.message ? ctx->err.message : err_text(e, ctx->lang);
}

/* Leaves the core: 0 when all is well, else the number of results that tell of the refusal. */
static int leave(lua_State *L, const struct saved *saved, enum err e)
{
    static const char *const names[] = {[ERR_OK] = "OK",
#define X(name, status, code, en, zh) [ERR_##name] = #name,
                                        ERR_MAP(X)
#undef X
    };
    struct vm *vm = vm_of(L);
    struct ctx *ctx = vm_frame(vm)->call->ctx; /* vm_ctx may raise: first all is put back */
    meter_leave(saved->part);
    ctx->as_system = saved->as_system;
    ctx->source = saved->source;
    store_budget(ctx->tenant->store, saved->budget_us);
    if (e == ERR_TIMEOUT && !vm->stop)
        vm_stop(L, VM_KILLED, "it used more CPU time than it may");
    if (vm->stop)
        vm_stop(L, vm->stop, vm->why);
    if (e && !is_expected(e))
        vm_veto(L, e);
    struct err_info said = ctx->err;
    const char *text = e ? reason(ctx, e) : NULL;
    if (e && vm->trial)
        trial_refused(vm->trial, e, &said, text);
    ctx->err = saved->err;
    if (!e)
        return 0;
    lua_pushnil(L);
    lua_pushfstring(L, "%s: %s", names[e], text);
    lua_pushstring(L, names[e]);
    return 3;
}

static struct table_box *table_at(lua_State *L, unsigned moments, const char *what)
{
    struct table_box *table = luaL_checkudata(L, 1, TABLE_META);
    vm_allow(L, moments, what);
    return table;
}

static int64_t id_at(lua_State *L, int at)
{
    const struct record_handle *handle = record_test(L, at);
    if (handle)
        return (handle->values ? handle->values : handle->record->now)[SLOT_ID].integer;
    lua_Integer id = luaL_checkinteger(L, at);
    luaL_argcheck(L, id > 0, at, "this is no id");
    return id;
}

/* --- reading --- */

/*** One record, or nil when there is none that may be seen.
 * @param id integer
 * @moment before_* validate after_* action
 */
static int table_get(lua_State *L)
{
    struct table_box *table = table_at(L, READERS, "get");
    int64_t id = id_at(L, 2);
    struct ctx *ctx = vm_ctx(L);
    struct record *record;
    count_read(L, 1);
    struct saved saved = enter(ctx, table);
    enum err e = record_load(ctx, table->entity, id, ROLE_READ, &record);
    int results = leave(L, &saved, e);
    if (results)
        return results;
    record_push(L, &(struct record_handle){.entity = table->entity, .record = record});
    return 1;
}

/* where, order, limit of a query; other members are slips. */
static void read_query(lua_State *L, const struct table_box *table, struct list_query *query)
{
    static const char *const known[] = {"where", "q", "order", "limit", "group", "measure", NULL};
    struct arena *arena = vm_ctx(L)->arena;
    *query = (struct list_query){.entity = table->entity};
    if (lua_isnoneornil(L, 2))
        return;
    bind_members(L, 2, "a query has no", known);
    if (lua_getfield(L, 2, "where") != LUA_TNIL)
        query->filter = convert_filter(L, -1, arena, table->entity);
    if (lua_getfield(L, 2, "q") != LUA_TNIL)
        query->q = arena_slice(arena, convert_text(L, -1));
    if (lua_getfield(L, 2, "order") != LUA_TNIL)
        query->sort = arena_slice(arena, convert_text(L, -1));
    lua_getfield(L, 2, "limit");
    lua_Integer limit = luaL_optinteger(L, -1, 0);
    luaL_argcheck(L, limit >= 0 && limit <= vm_limit(vm_of(L))->rows, 2, "the limit is too large");
    query->limit = (int)limit;
    if (lua_getfield(L, 2, "group") != LUA_TNIL)
        query->group = convert_json(L, -1, arena, NULL);
    if (lua_getfield(L, 2, "measure") != LUA_TNIL)
        query->measure = convert_json(L, -1, arena, NULL);
    lua_pop(L, 6);
}

struct rows {
    struct arena *arena;
    size_t arena_limit;
    int slots, count, cap;
    struct value **items;
};

/* Copies: a row lives in the driver, and nothing may raise in here. */
static bool keep_row(void *arg, const struct value *values)
{
    struct rows *rows = arg;
    if (arena_used(rows->arena) > rows->arena_limit)
        return false; /* the script is ended as soon as it asks for anything */
    if (rows->count == rows->cap) {
        int cap = rows->cap ? rows->cap * 2 : 16;
        rows->items = arena_grow(rows->arena, rows->items, (size_t)rows->count * sizeof(void *),
                                 (size_t)cap * sizeof(void *));
        rows->cap = cap;
    }
    struct value *copy = arena_array(rows->arena, struct value, (size_t)rows->slots);
    for (int i = 0; i < rows->slots; i++)
        copy[i] = value_copy(rows->arena, &values[i]);
    rows->items[rows->count++] = copy;
    return true;
}

static int read_rows(lua_State *L, int limit, struct rows *rows)
{
    struct table_box *table = table_at(L, READERS, "reading");
    struct ctx *ctx = vm_ctx(L);
    struct list_query query;
    read_query(L, table, &query);
    if (!query.limit)
        query.limit = limit;
    *rows = (struct rows){
        .arena = ctx->arena, .arena_limit = vm_of(L)->arena_limit, .slots = table->entity->slots};
    struct saved saved = enter(ctx, table);
    enum err e = list_rows(ctx, &query, keep_row, rows);
    int results = leave(L, &saved, e);
    (void)vm_ctx(L); /* what was read may be more than the core keeps for one unit */
    count_read(L, rows->count);
    return results;
}

static void push_row(lua_State *L, const struct entity *entity, const struct value *values)
{
    record_push(L, &(struct record_handle){.entity = entity, .values = values});
}

/*** The records that match, as a list.
 * @param query table|nil where (a filter), q (search words), order ("-created_at,name"), limit
 *   (50)
 * @moment before_* validate after_* action
 * @usage ctx.db.lead:find { where = { owner = ctx.user.id, status = { "new", "working" } } }
 */
static int table_find(lua_State *L)
{
    const struct table_box *table = luaL_checkudata(L, 1, TABLE_META);
    struct rows rows;
    int results = read_rows(L, LIST_DEFAULT, &rows);
    if (results)
        return results;
    lua_createtable(L, rows.count, 0);
    for (int i = 0; i < rows.count; i++) {
        push_row(L, table->entity, rows.items[i]);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

struct walk {
    struct rows rows;
    const struct entity *entity;
    int at;
};

/* Upvalue 1: the walk, in the arena of a call; upvalue 2: the call's handle, which knows if that
 * has ended. */
static int next_row(lua_State *L)
{
    (void)record_test(L, lua_upvalueindex(2));
    struct walk *walk = lua_touserdata(L, lua_upvalueindex(1));
    if (walk->at == walk->rows.count)
        return 0;
    push_row(L, walk->entity, walk->rows.items[walk->at++]);
    return 1;
}

static int no_row(lua_State *L)
{
    (void)L;
    return 0;
}

/*** Iterates over all records that match, up to the limit of rows.
 * @param query table|nil as for find
 * @usage for lead in ctx.db.lead:each { where = { status = "new" } } do … end
 */
static int table_each(lua_State *L)
{
    const struct table_box *table = luaL_checkudata(L, 1, TABLE_META);
    struct walk *walk = arena_make(vm_ctx(L)->arena, struct walk);
    int left = vm_limit(vm_of(L))->rows - vm_of(L)->used.rows;
    walk->entity = table->entity;
    if (read_rows(L, left < 1 ? 1 : left, &walk->rows))
        return luaL_error(L, "%s", lua_tostring(L, -2));
    if (!walk->rows.count) {
        lua_pushcfunction(L, no_row);
        return 1;
    }
    lua_pushlightuserdata(L, walk);
    push_row(L, table->entity, walk->rows.items[0]);
    lua_pushcclosure(L, next_row, 2);
    return 1;
}

/*** How many records match, counting no further than 10,000.
 * @param query table|nil where
 */
static int table_count(lua_State *L)
{
    struct table_box *table = table_at(L, READERS, "count");
    struct ctx *ctx = vm_ctx(L);
    struct list_query query;
    int64_t count = 0;
    read_query(L, table, &query);
    count_read(L, 0);
    struct saved saved = enter(ctx, table);
    enum err e = list_count(ctx, &query, COUNT_CAP, &count);
    int results = leave(L, &saved, e);
    if (results)
        return results;
    lua_pushinteger(L, count);
    return 1;
}

/*** Groups and measures, as POST /records/{entity}/query answers them.
 * @param query table where, group ({"status"}), measure ({"count", "sum.amount", { as = "won",
 *   share = { kind = "won" } }}: a part in percent; also ratio = { "sum.paid", "sum.total" })
 */
static int table_aggregate(lua_State *L)
{
    struct table_box *table = table_at(L, READERS, "aggregate");
    struct ctx *ctx = vm_ctx(L);
    struct list_query query;
    struct buf out = BUF_INIT;
    const struct json *answer = NULL;
    read_query(L, table, &query);
    if (!query.group && !query.measure)
        return luaL_argerror(L, 2, "group or measure is missing");
    count_read(L, 1);
    struct saved saved = enter(ctx, table);
    enum err e = list_run(ctx, &query, &out);
    if (!e)
        e = json_parse(ctx->arena, arena_slice(ctx->arena, buf_slice(&out)), &answer, NULL);
    buf_release(&out);
    int results = leave(L, &saved, e);
    if (results)
        return results;
    convert_push_json(L, json_get(answer, "groups"), false);
    return 1;
}

/* --- writing --- */

/* The fields a plugin declared itself, or that are there for its sake ("if_plugin"), it may write
 * although they are read-only to people. */
static bool is_own_readonly(const struct table_box *table, const struct field *field)
{
    const char *id = table->script->id;

    return field && field->is_readonly && !field->is_system && !field->type->is_derived &&
           (strcmp(field->plugin, id) == 0 || (field->needs && strcmp(field->needs, id) == 0));
}

static enum err set_all(struct ctx *ctx, const struct table_box *table, struct record *record,
                        const struct json *body)
{
    struct json *rest = json_new(ctx->arena, JSON_OBJECT);
    json_each(member, body)
    {
        const struct field *field = entity_field(table->entity, member->key);
        if (is_own_readonly(table, field)) {
            enum err e = record_set(ctx, record, field, member);
            if (e)
                return e;
        } else {
            json_add(ctx->arena, rest, member->key.at, json_copy(ctx->arena, member));
        }
    }
    return record_set_json(ctx, record, rest);
}

/* One write, run in the open transaction or in one of its own; nothing in here may raise. */
struct writing {
    const struct table_box *table;
    int64_t id, version;
    const struct json *body;
    struct record *record;
};

static enum err insert_fn(struct ctx *ctx, void *arg)
{
    struct writing *w = arg;
    const struct plugin *plugin = w->table->script->plugin;
    enum err e = ERR_OK;
    if (plugin->layer == PLUGIN_TENANT)
        e = pace_take(ctx, plugin->id, PACE_RECORDS, 1);
    if (!e)
        e = record_new(ctx, w->table->entity, &w->record);
    if (!e)
        e = set_all(ctx, w->table, w->record, w->body);
    if (e)
        return e;
    w->record->is_alone = true; /* in the savepoint of this write */
    return record_save(ctx, w->record, 0);
}

static enum err update_fn(struct ctx *ctx, void *arg)
{
    struct writing *w = arg;
    enum err e = record_load(ctx, w->table->entity, w->id, ROLE_UPDATE, &w->record);
    if (!e)
        e = set_all(ctx, w->table, w->record, w->body);
    if (e)
        return e;
    w->record->is_alone = true;
    return record_save(ctx, w->record, w->version);
}

static enum err delete_fn(struct ctx *ctx, void *arg)
{
    const struct writing *w = arg;
    return record_delete(ctx, w->table->entity, w->id, 0);
}

/* As leave: 0, or the results that tell of a refusal. */
static int write_now(lua_State *L, struct writing *w, enum err (*fn)(struct ctx *ctx, void *arg))
{
    check_write(L, w->table);
    vm_write_count(L);
    struct saved saved = enter(vm_ctx(L), w->table);
    return leave(L, &saved, vm_write_counted(L, fn, w));
}

/*** Makes a record.
 * @param fields table
 * @return record the new one; or nil, text, name
 * @moment after_* action job route after_commit
 */
static int table_insert(lua_State *L)
{
    struct writing w = {.table = table_at(L, WRITERS, "insert")};
    w.body = convert_fields(L, 2, vm_ctx(L)->arena, w.table->entity);
    int results = write_now(L, &w, insert_fn);
    if (results)
        return results;
    record_push(L, &(struct record_handle){.entity = w.table->entity, .record = w.record});
    return 1;
}

/*** Changes a record.
 * @param id integer
 * @param fields table
 * @param options table|nil if_version: refuse when the record has another one
 * @return record as it is now; or nil, text, name
 * @moment after_* action job route after_commit
 */
static int table_update(lua_State *L)
{
    struct writing w = {.table = table_at(L, WRITERS, "update"), .id = id_at(L, 2)};
    w.body = convert_fields(L, 3, vm_ctx(L)->arena, w.table->entity);
    if (!lua_isnoneornil(L, 4)) {
        luaL_checktype(L, 4, LUA_TTABLE);
        lua_getfield(L, 4, "if_version");
        w.version = luaL_checkinteger(L, -1);
    }
    int results = write_now(L, &w, update_fn);
    if (results)
        return results;
    record_push(L, &(struct record_handle){.entity = w.table->entity, .record = w.record});
    return 1;
}

/*** Deletes a record (into the recycle bin).
 * @param id integer
 * @return boolean true; or nil, text, name
 * @moment after_* action job route after_commit
 */
static int table_delete(lua_State *L)
{
    struct writing w = {.table = table_at(L, WRITERS, "delete"), .id = id_at(L, 2)};
    int results = write_now(L, &w, delete_fn);
    if (results)
        return results;
    lua_pushboolean(L, 1);
    return 1;
}

static const luaL_Reg methods[] = {
    {"get", table_get},       {"find", table_find},           {"each", table_each},
    {"count", table_count},   {"aggregate", table_aggregate}, {"insert", table_insert},
    {"update", table_update}, {"delete", table_delete},       {NULL, NULL}};

/* --- ctx.db --- */

struct db_box {
    struct script *script;
    bool as_system;
};

enum db_value { /* user values: both are made once, and scripts ask for them in every call */
                DB_TABLES = 1,
                DB_SYSTEM, /* the same data as the system */
                DB_VALUES = DB_SYSTEM,
};

bool bind_declares(const struct script *script, const char *capability)
{
    json_each(item, json_get(script->plugin->manifest, "capabilities"))
    {
        if (slice_is(item->text, capability))
            return true;
    }
    return false;
}

const char *bind_capability(const struct script *script, const char *entity)
{
    struct slice name = slice_str(entity);
    const char *any = NULL; /* "db:*:r" holds where the entity itself is not named */
    json_each(item, json_get(script->plugin->manifest, "capabilities"))
    {
        struct slice rest = item->text;
        if (!slice_is(slice_split(&rest, ':'), "db"))
            continue;
        struct slice of = slice_split(&rest, ':');
        if (slice_eq(of, name))
            return rest.at; /* the end of a text that ends in NUL */
        if (slice_is(of, "*"))
            any = rest.at;
    }
    return any;
}

/*** The same data with the rights of the system, for the entities named in the plugin's
 * capabilities.
 * @usage ctx.db:as_system().lead:count {}
 */
static int db_as_system(lua_State *L)
{
    const struct db_box *db = luaL_checkudata(L, 1, DB_META);
    if (lua_getiuservalue(L, 1, DB_SYSTEM) == LUA_TUSERDATA)
        return 1;
    lua_pop(L, 1);
    struct db_box *out = lua_newuserdatauv(L, sizeof *out, DB_VALUES);
    *out = (struct db_box){db->script, true};
    luaL_setmetatable(L, DB_META);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, DB_SYSTEM);
    return 1;
}

static int db_index(lua_State *L)
{
    const struct db_box *db = luaL_checkudata(L, 1, DB_META);
    const char *name = luaL_checkstring(L, 2);
    if (lua_getiuservalue(L, 1, DB_TABLES) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, 1, DB_TABLES);
    }
    if (lua_getfield(L, -1, name) != LUA_TNIL)
        return 1;
    lua_pop(L, 1);
    if (strcmp(name, "as_system") == 0) {
        lua_pushcfunction(L, db_as_system);
        return 1;
    }
    const struct entity *entity = bind_entity_named(L, name);
    const char *may = db->as_system ? bind_capability(db->script, name) : "rw";
    if (!may)
        return luaL_error(L,
                          "%s does not declare the capability \"db:%s:rw\", or \"db:%s:r\" to read",
                          db->script->id, name, name);
    struct table_box *table = lua_newuserdatauv(L, sizeof *table, 0);
    *table = (struct table_box){db->script, entity, db->as_system, strcmp(may, "r") == 0};
    luaL_setmetatable(L, TABLE_META);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, name);
    return 1;
}

static void open_types(lua_State *L)
{
    if (luaL_newmetatable(L, TABLE_META)) {
        luaL_newlib(L, methods);
        frozen_wrap(L);
        lua_setfield(L, -2, "__index");
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
    }
    if (luaL_newmetatable(L, DB_META)) {
        lua_pushcfunction(L, db_index);
        lua_setfield(L, -2, "__index");
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
    }
    lua_pop(L, 2);
}

void luaopen_crm_db(lua_State *L, struct script *script)
{
    open_types(L);
    struct db_box *db = lua_newuserdatauv(L, sizeof *db, DB_VALUES);
    *db = (struct db_box){script, false};
    luaL_setmetatable(L, DB_META);
}
