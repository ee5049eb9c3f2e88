/* bind_changes - `ctx.changes`: the company's change log, for plugins that pass it on.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/feed.h"
#include "record/list.h"
#include "script/bind.h"

#define READERS (VM_AFTER | VM_ACTION | VM_JOB | VM_ROUTE | VM_COMMIT | VM_TX)

static int64_t number_member(lua_State *L, const char *name, int64_t fallback)
{
    if (lua_getfield(L, 1, name) != LUA_TNIL && (!lua_isinteger(L, -1) || lua_tointeger(L, -1) < 0))
        luaL_error(L, "\"%s\" is a whole number", name);
    int64_t n = luaL_optinteger(L, -1, fallback);
    lua_pop(L, 1);
    return n;
}

static void check_members(lua_State *L)
{
    static const char *const known[] = {"since", "limit", NULL};
    bind_members(L, 1, "ctx.changes has no", known);
}

/* Names of the fields that the diff tells of. [-0, +1] */
static void push_fields(lua_State *L, const struct feed_item *item)
{
    const struct json *diff = NULL;
    int count = 0;
    lua_newtable(L);
    if (json_parse(vm_ctx(L)->arena, item->diff, &diff, NULL))
        return;
    json_each(member, diff)
    {
        int64_t n;
        const struct field *field =
            slice_to_int(member->key, &n) ? entity_field_by_n(item->entity, (int)n) : NULL;
        if (!field)
            continue;
        lua_pushstring(L, field->name);
        lua_rawseti(L, -2, ++count);
    }
}

static void push_item(lua_State *L, const struct feed_item *item)
{
    lua_createtable(L, 0, 9);
    lua_pushinteger(L, item->seq);
    lua_setfield(L, -2, "seq");
    datetime_push(L, item->at);
    lua_setfield(L, -2, "at");
    lua_pushstring(L, item->entity->name);
    lua_setfield(L, -2, "entity");
    lua_pushinteger(L, item->record);
    lua_setfield(L, -2, "id");
    lua_pushinteger(L, item->version);
    lua_setfield(L, -2, "version");
    lua_pushlstring(L, item->op.at, item->op.len);
    lua_setfield(L, -2, "op");
    lua_pushlstring(L, item->source.at, item->source.len);
    lua_setfield(L, -2, "source");
    if (item->actor) {
        lua_pushinteger(L, item->actor);
        lua_setfield(L, -2, "actor");
    }
    push_fields(L, item);
    lua_setfield(L, -2, "fields");
}

/*** What has happened to records, oldest first: all that was committed behind `since`, whoever may
 * see it, for the plugin that declares the capability "changes". It holds no values: records are
 * read with the plugin's own rights. A job with `changes = true` is asked for when there is more.
 * @param query table since (a seq; 0: from the beginning), limit (200)
 * @return table a list of { seq, at, entity, id, version, op, source, actor, fields }
 * @return integer the seq to go on from
 * @return integer the seq of the newest
 * @moment after_* action job route after_commit
 * @usage local items, seq = ctx.changes { since = seq }
 */
static int context_changes(lua_State *L)
{
    const struct script *script = lua_touserdata(L, lua_upvalueindex(1));
    struct ctx *ctx = vm_ctx(L);
    struct vm *vm = vm_of(L);
    struct feed *feed;
    bool before = ctx->as_system;
    vm_allow(L, READERS, "ctx.changes");
    if (!bind_declares(script, "changes"))
        return luaL_error(L, "%s does not declare the capability \"changes\"", script->id);
    check_members(L);
    int64_t since = number_member(L, "since", 0), limit = number_member(L, "limit", CHANGES_MAX);
    if (++vm->used.reads > vm_limit(vm)->reads)
        vm_stop(L, VM_LIMIT, "it read more often than it may in one unit of work");
    ctx->as_system = true;
    int64_t newest = 0;
    enum err e = feed_read_whole(ctx, since, limit > CHANGES_MAX ? CHANGES_MAX : (int)limit, &feed);
    if (!e)
        e = feed_newest(ctx, &newest);
    ctx->as_system = before;
    if (e)
        vm_veto(L, e);
    luaL_checkstack(L, 8, NULL);
    lua_createtable(L, feed->count, 0);
    int count = 0;
    for (int i = 0; i < feed->count; i++) {
        if (!feed->items[i].entity)
            continue;
        push_item(L, &feed->items[i]);
        lua_rawseti(L, -2, ++count);
    }
    lua_pushinteger(L, feed->last);
    lua_pushinteger(L, newest);
    return 3;
}

const luaL_Reg bind_changes[] = {{"changes", context_changes}, {NULL, NULL}};
