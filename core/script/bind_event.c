/* bind_event - `ev`, the first argument of handlers and actions.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/id.h"
#include "script/bind.h"

#define EVENT_META "crm.event"

struct event_box {
    struct event *event;
    const struct json *params; /* actions */
    uint32_t generation;
    int depth;
};

/* Checked by hand: this runs for every access to ev. */
static struct event_box *box_of(lua_State *L, int at)
{
    struct event_box *box = luaL_checkudata(L, at, EVENT_META);
    const struct vm *vm = vm_of(L);
    if (box->depth >= vm->depth || vm->frames[box->depth].generation != box->generation)
        luaL_error(L, "ev used after its call ended");
    return box;
}

/* The running call's own event, for functions written ev.changed(…) as well as ev:changed(…). */
static struct event *own_event(lua_State *L, int *first)
{
    const struct frame *frame = vm_frame(vm_of(L));
    *first = 1;
    if (luaL_testudata(L, 1, EVENT_META)) {
        *first = 2;
        return box_of(L, 1)->event;
    }
    if (!frame || !frame->call->event)
        luaL_error(L, "there is no event here");
    return frame->call->event;
}

/* "@key" of the running plugin as it is known outside of it: "leads:key"; other text as it is. */
static const char *absolute_key(lua_State *L, const char *text)
{
    const struct frame *frame = vm_frame(vm_of(L));
    struct arena *arena = frame->call->ctx->arena;
    if (*text != '@' || strchr(text, ':') || !frame->script)
        return arena_strdup(arena, *text == '@' ? text + 1 : text);
    return arena_printf(arena, "%s:%s", frame->script->id, text + 1);
}

/* What is said to people: short, or it is data in the wrong place. */
static const char *message_at(lua_State *L, int at)
{
    luaL_checkstring(L, at);
    struct slice text = convert_text(L, at);
    if (text.len > SCRIPT_ERROR_BYTES_MAX)
        luaL_argerror(L, at, "a message is at most 1000 bytes long");
    return arena_str(vm_ctx(L)->arena, text);
}

/* The optional table of arguments as JSON object text, or NULL. */
static const char *args_text(lua_State *L, int at)
{
    struct arena *arena = vm_ctx(L)->arena;
    if (lua_isnoneornil(L, at))
        return NULL;
    luaL_checktype(L, at, LUA_TTABLE);
    struct json *args = convert_json(L, at, arena, NULL);
    if (args->type != JSON_OBJECT)
        return NULL;
    struct buf b = BUF_INIT;
    json_put(&b, args);
    const char *text = arena_str(arena, buf_slice(&b));
    buf_release(&b);
    if (strlen(text) > TEXT_BYTES_MAX)
        luaL_argerror(L, at, "the arguments of a message are at most 4096 bytes long");
    return text;
}

/*** Complains about a field. Handlers of `validate` collect all complaints; the rest of the
 * handler still runs. In after_commit it lets this event be tried again later.
 * @param field string the field's name, or nil for the record as a whole
 * @param message string a key "@key" of the plugin, or a sentence
 * @param args table|nil placeholders of the message
 * @moment before_* validate after_* action after_commit
 * @usage ev:fail("phone", "@bad_phone", { phone = ev.record.phone })
 */
static int event_fail(lua_State *L)
{
    int first;
    const struct event *event = own_event(L, &first);
    const char *name = "";
    if (!lua_isnoneornil(L, first)) {
        struct slice given = slice_str(luaL_checkstring(L, first));
        const struct entity *entity = model_entity(vm_of(L)->model, slice_str(event->entity));
        bool is_action = vm_frame(vm_of(L))->call->moment == VM_ACTION;
        if (entity && !is_action)
            name = record_field(L, entity, given)->name;
        else /* an operation complains about what it was given, too */
            name = arena_str(vm_ctx(L)->arena, given);
    }
    const char *text = message_at(L, first + 1);
    const char *args = args_text(L, first + 2);
    const char *key = absolute_key(L, text);
    if (event->reason) { /* one of several: its own affair */
        struct ctx *ctx = vm_ctx(L);
        if (*text == '@')
            text = model_text(ctx->model, ctx->arena, ctx->lang, "",
                              arena_printf(ctx->arena, "@%s", key), args);
        *event->reason = arena_printf(ctx->arena, "%s%s%s", name, *name ? ": " : "", text);
    } else
        (void)err_field(&vm_ctx(L)->err, name, key, args); /* told at the end */
    return 0;
}

static int refuse(lua_State *L, enum err why)
{
    int first;
    struct ctx *ctx = vm_ctx(L);
    (void)own_event(L, &first);
    const char *text = message_at(L, first);
    const char *args = args_text(L, first + 1);
    const char *key = absolute_key(L, text);
    ctx->err.code = *text == '@' ? key : NULL;
    ctx->err.message = *text == '@' ? arena_printf(ctx->arena, "@%s", key) : key;
    ctx->err.args = args;
    vm_veto(L, why);
}

/*** Refuses at once: nothing of the unit is kept.
 * @param message string a key "@key" of the plugin, or a sentence
 * @param args table|nil placeholders of the message
 * @moment before_* validate after_* action
 */
static int event_abort(lua_State *L)
{
    return refuse(L, ERR_VALIDATION);
}

/*** Refuses at once as ev:abort does, because somebody else was faster: who asked by HTTP is told
 * 409 instead of 422.
 * @param message string a key "@key" of the plugin, or a sentence
 * @param args table|nil placeholders of the message
 * @moment before_* validate after_* action
 * @usage if ev.record.owner then ev:conflict("@taken") end
 */
static int event_conflict(lua_State *L)
{
    return refuse(L, ERR_CONFLICT);
}

/*** Was the field changed by this save (or since it was loaded)?
 * @param field string
 */
static int event_changed(lua_State *L)
{
    int first;
    const struct event *event = own_event(L, &first);
    size_t len;
    const char *name = luaL_checklstring(L, first, &len);
    if (!event->record)
        return luaL_error(L, "this event has no record");
    const struct field *field = record_field(L, event->record->entity, slice_of(name, len));
    lua_pushboolean(L, record_field_changed(event->record, field));
    return 1;
}

/* --- members --- */

static int get_record(lua_State *L, const struct event_box *box)
{
    struct record *record = box->event->record;
    if (!record)
        lua_pushnil(L);
    else if (lua_getiuservalue(L, 1, 1) != LUA_TUSERDATA) {
        lua_pop(L, 1);
        record_push(
            L, &(struct record_handle){.entity = record->entity, .record = record, .is_own = true});
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, 1, 1);
    }
    return 1;
}

static int get_old(lua_State *L, const struct event_box *box)
{
    struct record *record = box->event->record;
    if (!record || !record->old)
        lua_pushnil(L);
    else if (lua_getiuservalue(L, 1, 2) != LUA_TUSERDATA) {
        lua_pop(L, 1);
        record_push(L, &(struct record_handle){
                           .entity = record->entity, .record = record, .values = record->old});
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, 1, 2);
    }
    return 1;
}

static int get_source(lua_State *L, const struct event_box *box)
{
    (void)box;
    lua_pushstring(L, ctx_source_name(vm_ctx(L)->source));
    return 1;
}

static int get_entity(lua_State *L, const struct event_box *box)
{
    lua_pushstring(L, box->event->entity);
    return 1;
}

static int get_moment(lua_State *L, const struct event_box *box)
{
    if (vm_frame(vm_of(L))->call->moment == VM_ACTION)
        lua_pushliteral(L, "action");
    else
        lua_pushstring(L, hook_moment_name(box->event->moment));
    return 1;
}

static int get_field(lua_State *L, const struct event_box *box)
{
    lua_pushstring(L, box->event->field);
    return 1;
}

static int get_from(lua_State *L, const struct event_box *box)
{
    lua_pushstring(L, box->event->from);
    return 1;
}

static int get_to(lua_State *L, const struct event_box *box)
{
    lua_pushstring(L, box->event->to);
    return 1;
}

/* Text, as other systems take it: an Idempotency-Key, a key of ctx.once. */
static int get_id(lua_State *L, const struct event_box *box)
{
    char text[ID_TEXT_LEN + 1];
    id_text(box->event->id, text);
    lua_pushstring(L, text);
    return 1;
}

static int get_op(lua_State *L, const struct event_box *box)
{
    lua_pushstring(L, box->event->op);
    return 1;
}

static int get_name(lua_State *L, const struct event_box *box)
{
    lua_pushstring(L, box->event->name);
    return 1;
}

static int get_payload(lua_State *L, const struct event_box *box)
{
    if (box->event->payload) {
        convert_push_json(L, box->event->payload, true);
        return 1;
    }
    lua_newtable(L);
    frozen_wrap(L);
    return 1;
}

static int get_params(lua_State *L, const struct event_box *box)
{
    if (box->params)
        convert_push_json(L, box->params, true);
    else
        lua_newtable(L);
    return 1;
}

static const struct member {
    const char *name;
    int (*get)(lua_State *L, const struct event_box *box);
} members[] = {
    {"record", get_record},   {"old", get_old},     {"source", get_source}, {"entity", get_entity},
    {"moment", get_moment},   {"field", get_field}, {"from", get_from},     {"to", get_to},
    {"params", get_params},   {"id", get_id},       {"op", get_op},         {"name", get_name},
    {"payload", get_payload},
};

static const luaL_Reg methods[] = {{"fail", event_fail},
                                   {"abort", event_abort},
                                   {"conflict", event_conflict},
                                   {"changed", event_changed},
                                   {NULL, NULL}};

/* Upvalue 1: name → function, or the member's place. */
static int event_index(lua_State *L)
{
    const struct event_box *box = box_of(L, 1);
    lua_pushvalue(L, 2);
    switch (lua_rawget(L, lua_upvalueindex(1))) {
    case LUA_TFUNCTION:
        return 1;
    case LUA_TNUMBER:
        return members[lua_tointeger(L, -1)].get(L, box);
    default:
        return luaL_error(L, "ev has no member \"%s\"", luaL_checkstring(L, 2));
    }
}

static int event_newindex(lua_State *L)
{
    return luaL_error(L, "ev is read-only: fields are set on ev.record");
}

/* Upvalue 1: the function, which is called without the table in front. */
static int call_without_self(lua_State *L)
{
    if (lua_type(L, 1) == LUA_TUSERDATA)
        lua_remove(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 0);
    return 0;
}

void event_push_refusals(lua_State *L)
{
    for (const luaL_Reg *method = methods; method->name; method++) {
        if (method->func == event_changed)
            continue;
        lua_pushcfunction(L, method->func);
        lua_pushcclosure(L, call_without_self, 1);
        lua_setfield(L, -2, method->name);
    }
}

void event_push(lua_State *L, struct event *event, const struct json *params)
{
    const struct vm *vm = vm_of(L);
    struct event_box *box = lua_newuserdatauv(L, sizeof *box, 2);
    box->event = event;
    box->params = params;
    box->depth = vm->depth - 1;
    box->generation = vm->frames[box->depth].generation;
    luaL_setmetatable(L, EVENT_META);
}

void luaopen_crm_event(lua_State *L)
{
    luaL_newmetatable(L, EVENT_META);
    luaL_newlib(L, methods);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        lua_pushinteger(L, (lua_Integer)i);
        lua_setfield(L, -2, members[i].name);
    }
    lua_pushcclosure(L, event_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, event_newindex);
    lua_setfield(L, -2, "__newindex");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}
