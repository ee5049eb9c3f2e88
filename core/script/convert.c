/* convert - Lua values to JSON trees and back.
 *
 * References are integers in Lua and 13 letters in JSON, so converting asks which field a value
 * belongs to. Money, decimals and times become what their fields' JSON looks like.
 *
 * SPDX-License-Identifier: MIT
 */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "base/id.h"
#include "base/text.h"
#include "record/field_kit.h"
#include "script/bind.h"

#define NODES_MAX        20000 /* of one tree: what a script hands over is bounded */
#define LUA_DIGITS_WHOLE 1e13  /* below it the fourteen digits that Lua writes reach a fraction */

struct convert {
    lua_State *L;
    struct arena *arena;
    int nodes, depth;
};

/* --- null and text --- */

static char null_address;

void convert_push_null(lua_State *L)
{
    lua_pushlightuserdata(L, &null_address);
}

bool convert_is_null(lua_State *L, int at)
{
    return lua_type(L, at) == LUA_TLIGHTUSERDATA && lua_touserdata(L, at) == &null_address;
}

struct slice convert_text(lua_State *L, int at)
{
    size_t len;
    const char *text = lua_tolstring(L, at, &len);
    if (!text)
        luaL_error(L, "a text is expected, not a %s", luaL_typename(L, at));
    struct slice s = slice_of(text, len);
    if (memchr(text, 0, len) || !text_is_utf8(s))
        luaL_error(L, "this text is not valid UTF-8");
    return s;
}

/* --- JSON to Lua --- */

void convert_push_json(lua_State *L, const struct json *node, bool frozen)
{
    luaL_checkstack(L, 8, "too deep");
    switch (node ? node->type : JSON_NULL) {
    case JSON_NULL:
        convert_push_null(L);
        return;
    case JSON_BOOL:
        lua_pushboolean(L, node->boolean);
        return;
    case JSON_INT:
        lua_pushinteger(L, node->integer);
        return;
    case JSON_REAL:
        lua_pushnumber(L, node->real);
        return;
    case JSON_STRING:
        lua_pushlstring(L, node->text.at, node->text.len);
        return;
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    lua_createtable(L, node->type == JSON_ARRAY ? node->count : 0,
                    node->type == JSON_OBJECT ? node->count : 0);
    int n = 0;
    json_each(item, node)
    {
        if (node->type == JSON_OBJECT)
            lua_pushlstring(L, item->key.at, item->key.len);
        else
            lua_pushinteger(L, ++n);
        convert_push_json(L, item, frozen);
        lua_rawset(L, -3);
    }
    if (frozen)
        frozen_wrap(L);
}

/* --- Lua to JSON --- */

static struct json *convert_any(struct convert *c, int at, const struct field *field);

static struct json *text_node(struct convert *c, const char *text)
{
    return json_new_str(c->arena, slice_str(arena_strdup(c->arena, text)));
}

static struct json *id_node(struct convert *c, int64_t id)
{
    char text[ID_TEXT_LEN + 1];
    id_text(id, text);
    return text_node(c, text);
}

static bool is_reference(const struct field *field)
{
    return field &&
           (field->type->kind == KIND_REF || field->type->is_ref ||
            strcmp(field->type->name, "refs") == 0 || strcmp(field->type->name, "files") == 0);
}

static struct json *number_node(struct convert *c, int at, const struct field *field)
{
    lua_State *L = c->L;
    if (lua_isinteger(L, at)) {
        int64_t n = lua_tointeger(L, at);
        return is_reference(field) && n > 0 ? id_node(c, n) : json_new_int(c->arena, n);
    }
    double number = lua_tonumber(L, at);
    lua_Integer whole;
    if (!isfinite(number))
        luaL_error(L, "a number is expected that is finite");
    if (lua_numbertointeger(number, &whole) && (double)whole == number)
        return json_new_int(c->arena, whole);
    if (field && field->type->kind == KIND_MONEY)
        luaL_error(L, "money is never a float: use crm.money(\"12.50\")");
    /* As Lua writes it, which hides the noise of 0.1 + 0.2. Beyond, fourteen digits would cut off
     * whole units, so all digits are written. */
    struct json *node = json_new_real(c->arena, number);
    if (fabs(number) < LUA_DIGITS_WHOLE)
        node->text = slice_str(arena_printf(c->arena, "%.14g", number));
    return node;
}

/* The rate is told to a field only: it is how another currency's base amount is known. */
static struct json *money_node(struct convert *c, const struct money_box *money,
                               const struct field *field)
{
    struct buf amount = BUF_INIT;
    decimal_put(&amount, money->minor, currency_digits(slice_str(money->currency)));
    struct json *node = json_new(c->arena, JSON_OBJECT);
    json_add(c->arena, node, "amount",
             json_new_str(c->arena, arena_slice(c->arena, buf_slice(&amount))));
    json_add(c->arena, node, "currency", text_node(c, money->currency));
    if (field && field->type->kind == KIND_MONEY && money->rate > 0) {
        buf_clear(&amount);
        decimal_put(&amount, money->rate, FIELD_RATE_SCALE);
        json_add(c->arena, node, "rate",
                 json_new_str(c->arena, arena_slice(c->arena, buf_slice(&amount))));
    }
    buf_release(&amount);
    return node;
}

static struct json *decimal_node(struct convert *c, const struct decimal_box *decimal)
{
    struct buf text = BUF_INIT;
    decimal_put(&text, decimal->units, decimal->scale);
    struct json *node = json_new_str(c->arena, arena_slice(c->arena, buf_slice(&text)));
    buf_release(&text);
    return node;
}

static struct json *userdata_node(struct convert *c, int at, const struct field *field)
{
    lua_State *L = c->L;
    const struct money_box *money = luaL_testudata(L, at, MONEY_META);
    const struct decimal_box *decimal = money ? NULL : luaL_testudata(L, at, DECIMAL_META);
    const struct time_box *time = luaL_testudata(L, at, DATETIME_META);
    const struct time_box *date = time ? NULL : luaL_testudata(L, at, DATE_META);
    const struct record_handle *record = record_test(L, at);
    char text[32];
    if (money)
        return money_node(c, money, field);
    if (decimal)
        return decimal_node(c, decimal);
    if (time) {
        time_text(time->at, text);
        return text_node(c, text);
    }
    if (date) {
        date_text(date->at, text);
        return text_node(c, text);
    }
    if (record)
        return id_node(c, (record->values ? record->values : record->record->now)[SLOT_ID].integer);
    luaL_error(L, "a %s cannot be kept as data", luaL_typename(L, at));
    return NULL;
}

static bool is_marked_object(lua_State *L, int at)
{
    if (!lua_getmetatable(L, at))
        return false;
    luaL_getmetatable(L, OBJECT_META);
    bool is_same = lua_istable(L, -1) && lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return is_same;
}

/* The table at `at` (an absolute index) as an array or an object. Empty: an array, or an object
 * where crm.object has marked it. */
static struct json *table_node(struct convert *c, int at, const struct field *field)
{
    lua_State *L = c->L;
    luaL_checkstack(L, 8, "too deep");
    if (++c->depth > JSON_DEPTH_MAX)
        luaL_error(L, "tables are nested too deep");
    lua_Integer count = (lua_Integer)lua_rawlen(L, at);
    struct json *node =
        json_new(c->arena, count == 0 && is_marked_object(L, at) ? JSON_OBJECT : JSON_ARRAY);
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, at, i);
        json_add(c->arena, node, NULL, convert_any(c, lua_gettop(L), field));
        lua_pop(L, 1);
    }
    lua_pushnil(L);
    while (count == 0 && lua_next(L, at)) {
        node->type = JSON_OBJECT;
        if (lua_type(L, -2) != LUA_TSTRING)
            luaL_error(L, "keys of an object are texts, not a %s", luaL_typename(L, -2));
        const char *key = arena_str(c->arena, convert_text(L, -2));
        vm_kept(L, c->arena);
        json_add(c->arena, node, key, convert_any(c, lua_gettop(L), field));
        lua_pop(L, 1);
    }
    if (count)
        lua_pop(L, 1);
    c->depth--;
    return node;
}

static struct json *convert_any(struct convert *c, int at, const struct field *field)
{
    lua_State *L = c->L;
    struct json *node;
    if (++c->nodes > NODES_MAX)
        luaL_error(L, "more than %d values", NODES_MAX);
    switch (lua_type(L, at)) {
    case LUA_TNIL:
        return json_new(c->arena, JSON_NULL);
    case LUA_TBOOLEAN:
        return json_new_bool(c->arena, lua_toboolean(L, at));
    case LUA_TNUMBER:
        return number_node(c, at, field);
    case LUA_TSTRING:
        node = json_new_str(c->arena, arena_slice(c->arena, convert_text(L, at)));
        vm_kept(L, c->arena); /* one long text may stand in a table many times */
        return node;
    case LUA_TTABLE:
        return table_node(c, at, field);
    case LUA_TLIGHTUSERDATA:
        if (convert_is_null(L, at))
            return json_new(c->arena, JSON_NULL);
        break;
    case LUA_TUSERDATA:
        if (!frozen_open(L, at))
            return userdata_node(c, at, field);
        node = table_node(c, lua_gettop(L), field);
        lua_pop(L, 1);
        return node;
    default:
        break;
    }
    luaL_error(L, "a %s cannot be kept as data", luaL_typename(L, at));
    return NULL;
}

struct json *convert_json(lua_State *L, int at, struct arena *arena, const struct field *field)
{
    struct convert c = {.L = L, .arena = arena};
    return convert_any(&c, lua_absindex(L, at), field);
}

struct json *convert_fields(lua_State *L, int at, struct arena *arena, const struct entity *entity)
{
    struct convert c = {.L = L, .arena = arena};
    at = lua_absindex(L, at);
    luaL_checktype(L, at, LUA_TTABLE);
    struct json *node = json_new(arena, JSON_OBJECT);
    lua_pushnil(L);
    while (lua_next(L, at)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            luaL_error(L, "fields have names, not a %s", luaL_typename(L, -2));
        const struct field *field = record_field(L, entity, convert_text(L, -2));
        json_add(arena, node, field->name, convert_any(&c, lua_gettop(L), field));
        lua_pop(L, 1);
    }
    return node;
}

/* --- filters --- */

/* The field at the end of "account.owner", or NULL: the filter's own compiler complains. */
static const struct field *path_end(const struct model *model, const struct entity *entity,
                                    struct slice path)
{
    const struct field *field = NULL;
    while (entity && path.len) {
        field = entity_field(entity, slice_split(&path, '.'));
        entity = field ? model_ref(model, field) : NULL;
    }
    return path.len ? NULL : field;
}

/* References in a finished tree are integers still: they become ids where their field is one. */
static void refer(struct convert *c, struct json *value, const struct field *field)
{
    if (value->type == JSON_INT && is_reference(field) && value->integer > 0) {
        value->type = JSON_STRING;
        value->text = id_node(c, value->integer)->text;
    }
    for (struct json *item = value->first; item; item = item->next)
        if (!slice_is(item->key, "null"))
            refer(c, item, field);
}

static void refer_tree(struct convert *c, struct json *tree, const struct entity *entity)
{
    for (struct json *item = tree->first; item; item = item->next) {
        if (slice_is(item->key, "and") || slice_is(item->key, "or"))
            for (struct json *branch = item->first; branch; branch = branch->next)
                refer_tree(c, branch, entity);
        else if (slice_is(item->key, "not"))
            refer_tree(c, item, entity);
        else if (slice_is(item->key, "exists"))
            for (struct json *sub = item->first; sub; sub = sub->next) {
                struct slice name = sub->key, from = slice_split(&name, '.');
                refer_tree(c, sub, model_entity(vm_of(c->L)->model, from));
            }
        else
            refer(c, item, path_end(vm_of(c->L)->model, entity, item->key));
    }
}

struct json *convert_filter(lua_State *L, int at, struct arena *arena, const struct entity *entity)
{
    struct convert c = {.L = L, .arena = arena};
    struct json *tree = convert_any(&c, lua_absindex(L, at), NULL);
    if (tree->type == JSON_ARRAY && !tree->count)
        tree->type = JSON_OBJECT; /* an empty table asks for nothing */
    if (tree->type != JSON_OBJECT)
        luaL_error(L, "a filter is a table of conditions");
    if (entity)
        refer_tree(&c, tree, entity);
    return tree;
}
