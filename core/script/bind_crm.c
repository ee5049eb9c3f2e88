/* bind_crm - `crm`: what a plugin registers while it loads, and the types of values.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/id.h"
#include "base/log.h"
#include "base/text.h"
#include "record/filter.h"
#include "script/bind.h"

/* A handler as hook/ calls it. */
struct handler {
    struct script *script;
    const char *id;
    int ref;
    enum vm_moment moment;
    const struct json *when;     /* asked before Lua is entered; NULL = always */
    const struct field **fields; /* one of them must have changed; NULL-terminated, or NULL */
};

static struct script *script_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

/* --- firing --- */

struct firing {
    const struct handler *handler;
    struct event *event;
};

static int push_arguments(lua_State *L, void *arg)
{
    const struct firing *firing = arg;
    event_push(L, firing->event, NULL);
    lua_rawgeti(L, LUA_REGISTRYINDEX, firing->handler->script->context);
    return 2;
}

static bool some_changed(const struct handler *handler, const struct record *record)
{
    if (!handler->fields || !record)
        return true;
    for (const struct field **field = handler->fields; *field; field++)
        if (record_field_changed(record, *field))
            return true;
    return false;
}

static enum err fire(struct ctx *ctx, struct event *event, void *arg)
{
    const struct handler *handler = arg;
    bool wanted = true;
    if (!some_changed(handler, event->record))
        return ERR_OK;
    if (handler->when && event->record) {
        enum err e =
            filter_matches(ctx, event->record->entity, handler->when, event->record->now, &wanted);
        if (e || !wanted)
            return e;
    }
    struct firing firing = {handler, event};
    struct vm_call call = {.ctx = ctx,
                           .event = event,
                           .moment = handler->moment,
                           .handler = handler->id,
                           .push = push_arguments,
                           .arg = &firing};
    int before = ctx->err.count;
    enum err e = vm_call(handler->script, handler->ref, &call);
    return !e && ctx->err.count > before ? ERR_VALIDATION : e;
}

/* --- crm.on --- */

/* "before_create" or "transition:status". *field is the text behind the colon, or NULL. */
static bool moment_find(const char *text, enum hook_moment *out, const char **field)
{
    const char *colon = strchr(text, ':');
    struct slice name = colon ? slice_of(text, (size_t)(colon - text)) : slice_str(text);
    *field = colon ? colon + 1 : NULL;
    for (int i = 0; i < HOOK_MOMENTS_COUNT; i++)
        if (slice_is(name, hook_moment_name((enum hook_moment)i))) {
            *out = (enum hook_moment)i;
            return (*out == HOOK_TRANSITION) == (colon != NULL);
        }
    return false;
}

static enum vm_moment moment_kind(enum hook_moment moment)
{
    switch (moment) {
    case HOOK_BEFORE_CREATE:
    case HOOK_BEFORE_UPDATE:
    case HOOK_BEFORE_DELETE:
        return VM_BEFORE;
    case HOOK_VALIDATE:
    case HOOK_VALIDATE_DELETE:
        return VM_VALIDATE;
    default:
        return VM_AFTER;
    }
}

static enum hook_moment read_moment(lua_State *L, const struct entity *entity, const char **field)
{
    const char *text = luaL_checkstring(L, 2);
    enum hook_moment moment = HOOK_VALIDATE;
    if (!moment_find(text, &moment, field))
        luaL_argerror(L, 2, lua_pushfstring(L, "there is no moment \"%s\"", text));
    if (moment == HOOK_AFTER_COMMIT)
        luaL_argerror(L, 2, "after_commit handlers wait for the outbox, which is not there yet");
    if (*field && entity)
        *field = record_field(L, entity, slice_str(*field))->name;
    return moment;
}

static const struct entity *read_entity(lua_State *L, int at)
{
    const struct model *model = vm_of(L)->model;
    const char *name = luaL_checkstring(L, at);
    if (strcmp(name, "*") == 0)
        return NULL;
    const struct entity *entity = model_entity(model, slice_str(name));
    const char *near = NULL;
    for (int i = 0, least = 4; i < model->entities_count && !entity; i++) {
        int distance = text_distance(slice_str(name), slice_str(model->entity_list[i]->name), 3);
        if (distance < least) {
            least = distance;
            near = model->entity_list[i]->name;
        }
    }
    if (near)
        luaL_error(L, "there is no entity \"%s\" (did you mean \"%s\"?)", name, near);
    if (!entity)
        luaL_error(L, "there is no entity \"%s\"", name);
    return entity;
}

/* An optional text among the options, copied. */
static const char *option_text(lua_State *L, const char *name)
{
    struct arena *arena = vm_of(L)->arena;
    const char *text = NULL;
    if (lua_getfield(L, 3, name) != LUA_TNIL) {
        if (lua_type(L, -1) != LUA_TSTRING)
            luaL_error(L, "option \"%s\" is a text", name);
        text = arena_strdup(arena, lua_tostring(L, -1));
    }
    lua_pop(L, 1);
    return text;
}

static void check_options(lua_State *L)
{
    static const char *const known[] = {"id", "before", "after", "at", "when", "fields", NULL};
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_pushnil(L);
    while (lua_next(L, 3)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
        const char *const *k = known;
        while (*k && strcmp(*k, name) != 0)
            k++;
        if (!*k)
            luaL_error(L, "there is no option \"%s\": id, before, after, at, when, fields", name);
        lua_pop(L, 1);
    }
}

/* Compiled once here, so that a slip in it shows while loading and not at the first record. */
static const struct json *option_when(lua_State *L, const struct entity *entity)
{
    struct ctx *ctx = vm_ctx(L);
    const struct json *when = NULL;
    if (lua_getfield(L, 3, "when") != LUA_TNIL) {
        if (!entity)
            luaL_error(L, "\"when\" needs one entity, not \"*\"");
        when = convert_filter(L, -1, vm_of(L)->arena, entity);
        struct filter_joins joins = {0};
        struct filter_scope scope = {entity, &joins, true, "when"};
        const struct expr *compiled;
        if (filter_compile(ctx, &scope, when, &compiled)) {
            const struct err_field *f = ctx->err.first;
            const char *near = f ? record_suggest(entity, slice_str(strrchr(f->field, '.')
                                                                        ? strrchr(f->field, '.') + 1
                                                                        : f->field))
                                 : NULL;
            luaL_error(L, "%s: %s%s%s%s", f ? f->field : "when", f ? f->code : "it does not fit",
                       near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "");
        }
    }
    lua_pop(L, 1);
    return when;
}

static const struct field **option_fields(lua_State *L, const struct entity *entity)
{
    const struct field **fields = NULL;
    if (lua_getfield(L, 3, "fields") != LUA_TNIL) {
        luaL_argexpected(L, lua_istable(L, -1), 3, "\"fields\" as a list of names");
        if (!entity)
            luaL_error(L, "\"fields\" needs one entity, not \"*\"");
        int count = (int)lua_rawlen(L, -1);
        fields = arena_array(vm_of(L)->arena, const struct field *, (size_t)count + 1);
        for (int i = 0; i < count; i++) {
            lua_rawgeti(L, -1, i + 1);
            fields[i] = record_field(L, entity, convert_text(L, -1));
            lua_pop(L, 1);
        }
    }
    lua_pop(L, 1);
    return fields;
}

static int function_ref(lua_State *L, int at)
{
    luaL_checktype(L, at, LUA_TFUNCTION);
    lua_pushvalue(L, at);
    return luaL_ref(L, LUA_REGISTRYINDEX);
}

/* "leads/init.lua:7" */
static const char *where(lua_State *L)
{
    luaL_where(L, 1);
    struct slice text = slice_str(lua_tostring(L, -1));
    if (slice_ends(text, SLICE(": ")))
        text.len -= 2;
    const char *copy = arena_str(vm_of(L)->arena, text);
    lua_pop(L, 1);
    return copy;
}

/*** Binds a function to a moment of an entity's records.
 * @param entity string or "*"
 * @param moment string before_create before_update before_delete validate validate_delete
 *   after_create after_update after_delete transition:<field>
 * @param options table id (required), before, after ("plugin:id"), at (500), when (a filter, asked
 *   before Lua is entered), fields (one of them must have changed)
 * @param fn function called with (ev, ctx)
 * @moment load
 * @usage crm.on("lead", "validate", { id = "contact", fields = { "phone" } }, rules.contact)
 */
static int crm_on(lua_State *L)
{
    struct script *script = script_of(L);
    struct vm *vm = script->vm;
    vm_allow(L, VM_LOAD, "crm.on");
    const struct entity *entity = read_entity(L, 1);
    const char *field;
    enum hook_moment moment = read_moment(L, entity, &field);
    check_options(L);
    luaL_checktype(L, 4, LUA_TFUNCTION);
    struct handler *handler = arena_make(vm->arena, struct handler);
    handler->script = script;
    handler->id = option_text(L, "id");
    if (!handler->id)
        return luaL_error(L, "crm.on needs an \"id\" for the handler");
    handler->moment = moment_kind(moment);
    handler->when = option_when(L, entity);
    handler->fields = option_fields(L, entity);
    lua_getfield(L, 3, "at");
    struct hook_spec spec = {.entity = entity ? entity->name : "*",
                             .moment = moment,
                             .field = field,
                             .plugin = script->id,
                             .id = handler->id,
                             .before = option_text(L, "before"),
                             .after = option_text(L, "after"),
                             .where = where(L),
                             .at = (int)luaL_optinteger(L, -1, 0),
                             .layer = (int)script->plugin->layer,
                             .load_order = script->plugin->order};
    handler->ref = function_ref(L, 4);
    switch (hook_add(vm->hooks, &spec, fire, handler)) {
    case ERR_OK:
        return 0;
    case ERR_CONFLICT:
        return luaL_error(L, "%s %s has a handler \"%s\" already", spec.entity,
                          hook_moment_name(moment), handler->id);
    default:
        return luaL_error(L, "more than %d handlers of one event", HANDLERS_PER_EVENT_MAX);
    }
}

/* --- services and actions --- */

static struct bound *bind(lua_State *L, struct map *map, const char *key, int at)
{
    struct script *script = script_of(L);
    struct bound *bound = arena_make(script->vm->arena, struct bound);
    bound->script = script;
    bound->name = arena_strdup(script->vm->arena, key);
    bound->ref = function_ref(L, at);
    map_put(map, slice_str(bound->name), bound);
    return bound;
}

/*** Offers a function to other plugins and to the core.
 * @param name string "lead.match"
 * @param fn function called with (argument, ctx)
 * @moment load
 */
static int crm_service(lua_State *L)
{
    struct vm *vm = script_of(L)->vm;
    vm_allow(L, VM_LOAD, "crm.service");
    const char *name = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    if (map_get(&vm->services, slice_str(name)))
        return luaL_error(L, "service \"%s\" is there already: crm.wrap changes it", name);
    (void)bind(L, &vm->services, name, 2);
    return 0;
}

/* Upvalues: the wrapper, what it wraps. */
static int call_wrapped(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_insert(L, 2);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

/*** Puts a function around a service.
 * @param name string
 * @param fn function called with (next, argument, ctx)
 * @moment load
 * @usage crm.wrap("lead.match", function(next, lead, ctx) return next(lead, ctx) end)
 */
static int crm_wrap(lua_State *L)
{
    struct vm *vm = script_of(L)->vm;
    vm_allow(L, VM_LOAD, "crm.wrap");
    const char *name = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    const struct bound *inner = map_get(&vm->services, slice_str(name));
    if (!inner)
        return luaL_error(L, "there is no service \"%s\" to wrap", name);
    lua_pushvalue(L, 2);
    lua_rawgeti(L, LUA_REGISTRYINDEX, inner->ref);
    lua_pushcclosure(L, call_wrapped, 2);
    (void)bind(L, &vm->services, name, lua_gettop(L));
    return 0;
}

/*** Binds an operation of an entity: POST /records/lead/{id}/actions/{name}.
 * @param entity string
 * @param name string
 * @param fn function called with (ev, ctx): ev.record, ev.params; what it returns is the answer
 * @moment load
 */
static int crm_action(lua_State *L)
{
    struct vm *vm = script_of(L)->vm;
    vm_allow(L, VM_LOAD, "crm.action");
    const struct entity *entity = read_entity(L, 1);
    const char *name = luaL_checkstring(L, 2);
    luaL_checktype(L, 3, LUA_TFUNCTION);
    if (!entity)
        return luaL_argerror(L, 1, "an action has one entity");
    const char *key = arena_printf(vm->arena, "%s.%s", entity->name, name);
    if (map_get(&vm->actions, slice_str(key)))
        return luaL_error(L, "%s has an action \"%s\" already", entity->name, name);
    (void)bind(L, &vm->actions, key, 3);
    return 0;
}

/* --- the rest --- */

/*** What an entity's declaration says, read-only: `duplicates` for example.
 * @param name string
 */
static int crm_entity(lua_State *L)
{
    const struct entity *entity = read_entity(L, 1);
    if (!entity)
        return luaL_argerror(L, 1, "a name is expected");
    convert_push_json(L, entity->declared, true);
    return 1;
}

/*** An id as people and other systems see it: 13 letters and digits.
 * @param id integer
 */
static int crm_id_text(lua_State *L)
{
    char text[ID_TEXT_LEN + 1];
    lua_Integer id = luaL_checkinteger(L, 1);
    luaL_argcheck(L, id > 0, 1, "this is no id");
    id_text(id, text);
    lua_pushstring(L, text);
    return 1;
}

/*** The integer for such a text, or nil.
 * @param text string
 */
static int crm_id_parse(lua_State *L)
{
    int64_t id;
    if (id_parse(slice_str(luaL_checkstring(L, 1)), &id))
        lua_pushinteger(L, id);
    else
        lua_pushnil(L);
    return 1;
}

static const luaL_Reg functions[] = {
    {"on", crm_on},
    {"service", crm_service},
    {"wrap", crm_wrap},
    {"action", crm_action},
    {"entity", crm_entity},
    {"id_text", crm_id_text},
    {"id_parse", crm_id_parse},
    {"money", bind_money_new},
    {"decimal", bind_decimal_new},
    {"date", bind_date_new},
    {"datetime", bind_datetime_new},
    {"calendar", bind_worktime_new},
    {"sha256", bind_sha256},
    {"token", bind_token},
    {"matches", bind_matches},
    {NULL, NULL},
};

void luaopen_crm(lua_State *L, struct script *script)
{
    luaL_checkstack(L, 8, NULL);
    lua_newtable(L);
    lua_pushlightuserdata(L, script);
    luaL_setfuncs(L, functions, 1);
    convert_push_null(L);
    lua_setfield(L, -2, "null");
    bind_log_push(L, script);
    lua_setfield(L, -2, "log");
    frozen_wrap(L);
}
