/* migrate - see migrate.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/migrate.h"

#include "script/bind.h"

struct migrate {
    struct vm *vm;
    struct script *script;
    const struct model *before; /* what ctx->model was */
    struct ctx *ctx;
    const char *name;
    const struct entity *entity;
    int up, row; /* registry */
};

/* --- loading --- */

/* [-0, +0] A function of the table at 1 into the registry; LUA_NOREF where there is none. */
static int take_function(lua_State *L, const char *name)
{
    if (lua_getfield(L, 1, name) == LUA_TFUNCTION)
        return luaL_ref(L, LUA_REGISTRYINDEX);
    if (!lua_isnil(L, -1))
        luaL_error(L, "\"%s\" of a migration is a function", name);
    lua_pop(L, 1);
    return LUA_NOREF;
}

static int load_file(lua_State *L)
{
    struct migrate *migrate = vm_protect_arg(L);
    const char *path = lua_pushfstring(L, "migrations/%s", migrate->name);
    load_chunk(L, migrate->script, path);
    lua_call(L, 0, 1);
    if (!lua_istable(L, -1))
        return luaL_error(L, "%s/%s.lua does not return a table", migrate->script->id, path);
    lua_replace(L, 1);
    lua_settop(L, 1);
    migrate->up = take_function(L, "up");
    migrate->row = take_function(L, "row");
    if (lua_getfield(L, 1, "each") == LUA_TSTRING) {
        migrate->entity = model_entity(migrate->vm->model, slice_str(lua_tostring(L, -1)));
        if (!migrate->entity)
            return luaL_error(L, "there is no entity \"%s\"", lua_tostring(L, -1));
    }
    bool is_one = migrate->up != LUA_NOREF && migrate->row == LUA_NOREF && !migrate->entity;
    bool is_each = migrate->up == LUA_NOREF && migrate->row != LUA_NOREF && migrate->entity;
    if (!is_one && !is_each)
        return luaL_error(L,
                          "%s/migrations/%s.lua: a migration has \"up\", or \"each\" and "
                          "\"row\"",
                          migrate->script->id, migrate->name);
    return 0;
}

enum err migrate_open(struct ctx *ctx, const struct model *model, const struct plugin *plugin,
                      const char *name, struct migrate **out, const char **why)
{
    ASSERT(ctx && model && plugin);
    ASSERT(!ctx->unit);
    struct migrate *migrate = arena_make(ctx->arena, struct migrate);
    migrate->ctx = ctx;
    migrate->before = ctx->model;
    migrate->name = name;
    migrate->up = migrate->row = LUA_NOREF;
    ctx->model = model;
    enum err e = vm_beside(ctx, &migrate->vm, why);
    if (!e) {
        migrate->script = vm_script(migrate->vm, plugin->id);
        ASSERT(migrate->script); /* the caller took it from the model */
        e = vm_protect(migrate->vm, migrate->script, ctx, VM_LOAD, name, load_file, migrate);
        if (e)
            *why = vm_sentence(ctx, ctx->err.detail);
    }
    if (e) {
        migrate_close(migrate);
        return e;
    }
    *out = migrate;
    return ERR_OK;
}

void migrate_close(struct migrate *migrate)
{
    migrate->ctx->model = migrate->before;
    vm_free(migrate->vm);
    migrate->vm = NULL;
}

const struct entity *migrate_entity(const struct migrate *migrate)
{
    return migrate->entity;
}

/* --- running --- */

struct asked {
    struct migrate *migrate;
    struct record *record;
    const struct json *result;
};

static int push_asked(lua_State *L, void *arg)
{
    const struct asked *asked = arg;
    if (asked->record)
        record_push(
            L, &(struct record_handle){.entity = asked->record->entity, .record = asked->record});
    lua_rawgeti(L, LUA_REGISTRYINDEX, asked->migrate->script->context);
    return asked->record ? 2 : 1;
}

static void take_asked(lua_State *L, void *arg)
{
    struct asked *asked = arg;
    if (!lua_isnil(L, -1))
        asked->result = convert_fields(L, -1, vm_ctx(L)->arena, asked->record->entity);
}

static enum err run(struct migrate *migrate, struct ctx *ctx, int ref, struct asked *asked,
                    const char **why)
{
    struct vm_call call = {.ctx = ctx,
                           .moment = VM_TX,
                           .handler = migrate->name,
                           .push = push_asked,
                           .take = asked->record ? take_asked : NULL,
                           .arg = asked};
    enum err e = vm_call(migrate->script, ref, &call);
    if (e == ERR_PLUGIN && ctx->err.detail)
        *why = vm_sentence(ctx, ctx->err.detail);
    return e;
}

enum err migrate_up(struct migrate *migrate, struct ctx *ctx, const char **why)
{
    struct asked asked = {.migrate = migrate};
    return run(migrate, ctx, migrate->up, &asked, why);
}

enum err migrate_row(struct migrate *migrate, struct ctx *ctx, struct record *record,
                     const char **why)
{
    struct asked asked = {.migrate = migrate, .record = record};
    enum err e = run(migrate, ctx, migrate->row, &asked, why);
    json_each(value, e ? NULL : asked.result)
    {
        const struct field *field = entity_field(record->entity, value->key);
        if (!e)
            e = record_set(ctx, record, field, value);
    }
    return e;
}
