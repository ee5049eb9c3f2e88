/* bind_on - `crm.on`: which function runs at which moment of a record or a declared event.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/text.h"
#include "hook/outbox.h"
#include "script/bind.h"
#include "script/handler.h"
#include "script/plan.h"

/* --- entity, event, moment --- */

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
    case HOOK_VALIDATE_RESTORE:
        return VM_VALIDATE;
    case HOOK_AFTER_COMMIT:
        return VM_COMMIT;
    default:
        return VM_AFTER;
    }
}

static _Noreturn void moment_unknown(lua_State *L, const char *text)
{
    const char *near = NULL;
    for (int i = 0, least = 4; i < HOOK_EVENT; i++) {
        const char *name =
            i == HOOK_TRANSITION ? "transition:<field>" : hook_moment_name((enum hook_moment)i);
        int distance = i == HOOK_TRANSITION && strncmp(text, "transition", 10) == 0
                           ? 0
                           : text_nearness(slice_str(text), slice_str(name), 3);
        if (distance < least) {
            least = distance;
            near = name;
        }
    }
    luaL_argerror(L, 2,
                  lua_pushfstring(L, "there is no moment \"%s\"%s%s%s", text,
                                  near ? " (did you mean \"" : "", near ? near : "",
                                  near ? "\"?)" : ""));
    BUG("luaL_argerror came back");
}

static enum hook_moment read_moment(lua_State *L, const struct entity *entity, const char **field)
{
    const char *text = luaL_checkstring(L, 2);
    enum hook_moment moment = HOOK_VALIDATE;
    if (!moment_find(text, &moment, field))
        moment_unknown(L, text);
    if (*field && entity)
        *field = record_field(L, entity, slice_str(*field))->name;
    return moment;
}

/* The nearest of the declared events and those of the core, or NULL. */
static const char *event_suggest(const struct model *model, const char *name)
{
    const char *near = NULL;
    int least = 4;
    for (int i = 0; i < model->views_count; i++) {
        const struct model_view *view = model->view_list[i];
        int distance = strcmp(view->kind, "event") == 0
                           ? text_nearness(slice_str(name), slice_str(view->name), 3)
                           : least;
        if (distance < least) {
            least = distance;
            near = view->name;
        }
    }
    return near;
}

static bool is_core_event(const char *name)
{
    static const char *const names[] = {
#define X(name, text) text,
        HOOK_CORE_EVENTS(X)
#undef X
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* Events of the core that happen inside a unit of work. */
static bool is_unit_event(const char *name)
{
    return strcmp(name, HOOK_EVENT_IMPORT_BEFORE_ROW) == 0 ||
           strcmp(name, HOOK_EVENT_MAIL_RECEIVED) == 0 ||
           strcmp(name, HOOK_EVENT_EXPORT_WRITTEN) == 0;
}

/* A declared event, or one of the core, and one of the moments it has. */
static enum hook_moment read_event(lua_State *L, const char *name)
{
    const struct model *model = vm_of(L)->model;
    const char *moment = luaL_checkstring(L, 2);
    bool is_late = strcmp(moment, "after_commit") == 0;
    if (!is_core_event(name) && !model_view(model, NULL, "event", name)) {
        const char *near = event_suggest(model, name);
        luaL_error(L, "no plugin declares the event \"%s\"%s%s%s", name,
                   near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "");
    }
    if (!is_late && strcmp(moment, "event") != 0)
        luaL_argerror(L, 2, "a declared event has the moments event and after_commit");
    if (!is_late && is_core_event(name) && !is_unit_event(name))
        luaL_error(L, "%s is told after the commit only: crm.on(\"%s\", \"after_commit\", …)", name,
                   name);
    if (is_late && is_unit_event(name))
        luaL_error(L, "%s is told inside its transaction: it has no after_commit", name);
    return is_late ? HOOK_AFTER_COMMIT : HOOK_EVENT;
}

const struct entity *bind_entity_named(lua_State *L, const char *name)
{
    const struct model *model = vm_of(L)->model;
    const struct entity *entity = model_entity(model, slice_str(name));
    const char *near = NULL;
    for (int i = 0, least = 4; i < model->entities_count && !entity; i++) {
        int distance = text_nearness(slice_str(name), slice_str(model->entity_list[i]->name), 3);
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

const struct entity *bind_entity(lua_State *L, int at)
{
    const char *name = luaL_checkstring(L, at);
    return strcmp(name, "*") == 0 ? NULL : bind_entity_named(L, name);
}

/* --- options --- */

/* An optional text among the options, copied. */
static const char *option_text(lua_State *L, const char *name)
{
    struct arena *arena = vm_of(L)->plan->arena;
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
    static const char *const known[] = {"id",   "before", "after", "at",
                                        "when", "fields", "batch", NULL};
    bind_members(L, 3, "there is no option", known);
}

static bool option_flag(lua_State *L, const char *name)
{
    int type = lua_getfield(L, 3, name);
    bool is_set = lua_toboolean(L, -1);
    if (type != LUA_TNIL && type != LUA_TBOOLEAN)
        luaL_error(L, "option \"%s\" is true or false", name);
    lua_pop(L, 1);
    return is_set;
}

/* Compiled once here, so that a slip in it shows while loading and not at the first record. */
static void option_when(lua_State *L, const struct entity *entity, struct handler *handler)
{
    struct ctx *ctx = vm_ctx(L);
    if (lua_getfield(L, 3, "when") != LUA_TNIL) {
        if (!entity)
            luaL_error(L, "\"when\" needs one entity, not \"*\" or an event");
        handler->when = convert_filter(L, -1, vm_of(L)->plan->arena, entity);
        if (handler_compile(vm_of(L), ctx, entity, handler)) {
            const struct err_field *f = ctx->err.first;
            const char *dot = f ? strrchr(f->field, '.') : NULL;
            bool unknown = f && strcmp(f->code, "unknown_field") == 0;
            const char *near =
                unknown ? record_suggest(entity, slice_str(dot ? dot + 1 : f->field)) : NULL;
            const char *what = unknown ? "there is no such field" : f ? f->code : "it does not fit";
            luaL_error(L, "%s: %s%s%s%s", f ? f->field : "when", what,
                       near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "");
        }
    }
    lua_pop(L, 1);
}

static const struct field **option_fields(lua_State *L, const struct entity *entity)
{
    const struct field **fields = NULL;
    if (lua_getfield(L, 3, "fields") != LUA_TNIL) {
        luaL_argexpected(L, lua_istable(L, -1), 3, "\"fields\" as a list of names");
        if (!entity)
            luaL_error(L, "\"fields\" needs one entity, not \"*\" or an event");
        size_t given = lua_rawlen(L, -1); /* a border: of a table with gaps it can be anything */
        if (given > (size_t)entity->fields_count)
            luaL_error(L, "\"fields\" names more fields than %s has", entity->name);
        int count = (int)given;
        fields = arena_array(vm_of(L)->plan->arena, const struct field *, (size_t)count + 1);
        for (int i = 0; i < count; i++) {
            lua_rawgeti(L, -1, i + 1);
            fields[i] = record_field(L, entity, convert_text(L, -1));
            lua_pop(L, 1);
        }
    }
    lua_pop(L, 1);
    return fields;
}

int bind_function(lua_State *L, int at)
{
    luaL_checktype(L, at, LUA_TFUNCTION);
    lua_pushvalue(L, at);
    return luaL_ref(L, LUA_REGISTRYINDEX);
}

/* "leads/init.lua:7" */
static const char *where(lua_State *L)
{
    luaL_where(L, 1);
    for (int level = 2; level <= 3 && !*lua_tostring(L, -1); level++) {
        lua_pop(L, 1); /* called through functions in C, see register_or_tell */
        luaL_where(L, level);
    }
    struct slice text = slice_str(lua_tostring(L, -1));
    if (slice_ends(text, SLICE(": ")))
        text.len -= 2;
    const char *copy = arena_str(vm_of(L)->plan->arena, text);
    lua_pop(L, 1);
    return copy;
}

/* It stands in names of counters, of deliveries and of places in the order. */
static bool id_is_plain(const char *id)
{
    size_t len = strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");
    return len && !id[len] && len <= NAME_BYTES_MAX;
}

/* --- binding --- */

/*** Binds a function to a moment of an entity's records, or to an event that a plugin declares.
 *
 * Handlers of after_commit run in a runner when everything is stored, at least once and in order
 * per record; what fails is tried again for about three days. `ev.id` is the same at every try.
 * With `batch` such a handler is given a list of up to 200 events, oldest first; `ev:fail` of one
 * of them lets that one alone be tried again.
 *
 * What is brought back after it was deleted was made once and is not made again: `validate_restore`
 * may refuse it and `after_restore` may write other records, when everything that was deleted
 * together is there again; after_commit is told of it with op "restore".
 *
 * @param entity string or "*"; or the name of an event: "lead.scored", "auth.login"
 * @param moment string before_create before_update before_delete validate validate_delete
 *   validate_restore after_create after_update after_delete after_restore transition:<field>
 *   after_commit; of an event: event (in the unit of work that fires it; may be left out) or
 *   after_commit
 * @param options table id (required), before, after ("plugin:id"), at (500), when (a filter, asked
 *   before Lua is entered), fields (one of them must have changed), batch (after_commit)
 * @param fn function called with (ev, ctx), or (list of ev, ctx) with batch
 * @moment load
 * @usage crm.on("lead", "validate", { id = "contact", fields = { "phone" } }, rules.contact)
 * @usage crm.on("lead", "after_commit", { id = "push", when = { status = "won" } }, erp.push)
 * @usage crm.on("lead.scored", { id = "alert" }, alerts.scored)
 */
int bind_on(lua_State *L)
{
    struct script *script = lua_touserdata(L, lua_upvalueindex(1));
    struct vm *vm = script->vm;
    vm_allow(L, VM_LOAD, "crm.on");
    const char *event = strchr(luaL_checkstring(L, 1), '.') ? lua_tostring(L, 1) : NULL;
    if (event && lua_istable(L, 2)) {
        lua_pushliteral(L, "event");
        lua_insert(L, 2);
    }
    if (script->is_planned) {
        luaL_checktype(L, 4, LUA_TFUNCTION);
        (void)bind_again(L, script, 4);
        return 0;
    }
    const struct entity *entity = event ? NULL : bind_entity(L, 1);
    const char *field = NULL;
    enum hook_moment moment = event ? read_event(L, event) : read_moment(L, entity, &field);
    if (!event && moment == HOOK_EVENT)
        return luaL_argerror(L, 2, "records have no moment \"event\"");
    check_options(L);
    luaL_checktype(L, 4, LUA_TFUNCTION);
    struct handler *handler = arena_make(vm->plan->arena, struct handler);
    handler->script = script->index;
    handler->n = vm->plan->handlers_count++;
    handler->id = option_text(L, "id");
    if (!handler->id)
        return luaL_error(L, "crm.on needs an \"id\" for the handler");
    if (!id_is_plain(handler->id))
        return luaL_error(L, "a handler's \"id\" is letters, digits, _ - and ., at most %d of them",
                          NAME_BYTES_MAX);
    handler->name = arena_printf(vm->plan->arena, "%s:%s", script->id, handler->id);
    handler->moment = moment_kind(moment);
    option_when(L, entity, handler);
    handler->fields = option_fields(L, entity);
    lua_getfield(L, 3, "at");
    struct hook_spec *spec = arena_make(vm->plan->arena, struct hook_spec);
    *spec = (struct hook_spec){.entity = arena_strdup(vm->plan->arena, event    ? event
                                                                       : entity ? entity->name
                                                                                : "*"),
                               .moment = moment,
                               .field = field,
                               .plugin = script->id,
                               .id = handler->id,
                               .before = option_text(L, "before"),
                               .after = option_text(L, "after"),
                               .where = where(L),
                               .at = (int)luaL_optinteger(L, -1, 0),
                               .layer = (int)script->plugin->layer,
                               .load_order = script->plugin->order,
                               .batch = option_flag(L, "batch")};
    if (spec->batch && moment != HOOK_AFTER_COMMIT)
        return luaL_error(L,
                          "\"batch\" is for after_commit: in a save each record is judged alone");
    handler->spec = spec;
    handler->ref = bind_slot(L, script, 4);
    hook_cb cb = moment == HOOK_AFTER_COMMIT ? handler_put : handler_fire;
    switch (hook_add(vm->plan->hooks, spec, cb, handler)) {
    case ERR_OK:
        return 0;
    case ERR_CONFLICT:
        return luaL_error(L, "%s %s has a handler \"%s\" already", spec->entity,
                          hook_moment_name(moment), handler->id);
    default:
        return luaL_error(L, "more than %d handlers of one event", HANDLERS_PER_EVENT_MAX);
    }
}
