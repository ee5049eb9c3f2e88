/* bind_changes - `ctx.changes`: the company's change log, for plugins that pass it on.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/feed.h"
#include "record/list.h"
#include "script/bind.h"

#define PAGE_META "crm.changes_page"
#define READERS   (VM_AFTER | VM_ACTION | VM_JOB | VM_ROUTE | VM_COMMIT | VM_TX)

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
    static const char *const known[] = {"since", "limit", "entity", NULL};
    bind_members(L, 1, "ctx.changes has no", known);
}

/* Names of the fields that the diff tells of. [-0, +1] */
static void push_fields(lua_State *L, struct arena *arena, const struct feed_item *item)
{
    const struct json *diff = NULL;
    int count = 0;
    lua_newtable(L);
    if (json_parse(arena, item->diff, &diff, NULL))
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

static void push_item(lua_State *L, struct arena *arena, const struct feed_item *item)
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
    push_fields(L, arena, item);
    lua_setfield(L, -2, "fields");
}

/* --- a page's own memory --- */

/* A plugin asks for page after page: what was read for one is dropped with it, and does not count
 * as kept. The box sees to it where an error ends the function. */
static int drop_page(lua_State *L)
{
    struct arena **box = lua_touserdata(L, 1);
    arena_free(*box);
    *box = NULL;
    return 0;
}

/* [-0, +1] */
static struct arena **push_page(lua_State *L)
{
    struct arena **box = lua_newuserdatauv(L, sizeof(struct arena *), 0);
    *box = NULL;
    if (luaL_newmetatable(L, PAGE_META)) {
        lua_pushcfunction(L, drop_page);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    *box = arena_new();
    return box;
}

static const struct entity *entity_member(lua_State *L)
{
    const struct entity *entity = NULL;
    if (lua_getfield(L, 1, "entity") != LUA_TNIL)
        entity = bind_entity_named(L, luaL_checkstring(L, -1));
    lua_pop(L, 1);
    return entity;
}

/* The page, and the seq of the newest change at that moment. */
static struct feed *read_page(lua_State *L, struct arena *arena, const struct feed_walk *walk,
                              int64_t *newest)
{
    struct ctx *ctx = vm_ctx(L);
    struct vm *vm = vm_of(L);
    struct feed *feed;
    bool before = ctx->as_system;
    if (++vm->used.reads > vm_limit(vm)->reads)
        vm_stop(L, VM_LIMIT, "it read more often than it may in one unit of work");
    ctx->as_system = true;
    enum err e = feed_walk(ctx, arena, walk, &feed);
    if (!e)
        e = feed_newest(ctx, newest);
    ctx->as_system = before;
    if (e)
        vm_veto(L, e);
    return feed;
}

static void push_items(lua_State *L, struct arena *arena, const struct feed *feed)
{
    int count = 0;
    lua_createtable(L, feed->count, 0);
    for (int i = 0; i < feed->count; i++) {
        if (!feed->items[i].entity)
            continue;
        push_item(L, arena, &feed->items[i]);
        lua_rawseti(L, -2, ++count);
    }
}

/*** What has happened to records, oldest first: all that was committed behind `since`, whoever may
 * see it, for the plugin that declares the capability "changes". It holds no values: records are
 * read with the plugin's own rights. A job with `changes = true` is asked for when there is more.
 * With `entity` the changes of others are walked past, 10,000 of them at most in one call: a list
 * may be short or empty though there is more, so go on until the seq to go on from is the newest.
 * @param query table since (a seq; 0: from the beginning), limit (200), entity
 * @return table a list of { seq, at, entity, id, version, op, source, actor, fields }
 * @return integer the seq to go on from
 * @return integer the seq of the newest
 * @moment after_* action job route after_commit
 * @usage local items, seq = ctx.changes { since = seq }
 */
static int context_changes(lua_State *L)
{
    const struct script *script = lua_touserdata(L, lua_upvalueindex(1));
    vm_allow(L, READERS, "ctx.changes");
    if (!bind_declares(script, "changes"))
        return luaL_error(L, "%s does not declare the capability \"changes\"", script->id);
    check_members(L);
    int64_t limit = number_member(L, "limit", CHANGES_MAX), newest = 0;
    struct feed_walk walk = {.since = number_member(L, "since", 0),
                             .limit = limit > CHANGES_MAX ? CHANGES_MAX : (int)limit,
                             .entity = entity_member(L)};
    luaL_checkstack(L, 12, NULL);
    struct arena **page = push_page(L);
    const struct feed *feed = read_page(L, *page, &walk, &newest);
    push_items(L, *page, feed);
    lua_pushinteger(L, feed->last);
    lua_pushinteger(L, newest);
    arena_free(*page);
    *page = NULL;
    return 3;
}

const luaL_Reg bind_changes[] = {{"changes", context_changes}, {NULL, NULL}};
