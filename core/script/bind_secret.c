/* bind_secret - secrets for scripts that never see them: handles, and where the core puts them.
 *
 * A handle is what ctx.config has for a setting of type secret, or what crm.secret gives for an
 * encrypted field of the plugin's own entity. It can be handed to another plugin's service: whoever
 * holds it can use it in a call, and nobody can read it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/plugin_secret.h"
#include "base/crypto.h"
#include "record/field_sealed.h"
#include "script/bind.h"

#define SECRET_META "crm.secret"

/* A table that looks like one is none: data that came from outside cannot name a secret. */
struct secret_box {
    const struct script *script; /* whose setting it is; NULL: a record's encrypted field */
    const char *setting;
    const struct entity *entity;
    const struct field *field;
    int64_t record;
};

/* --- handles --- */

static int secret_tostring(lua_State *L)
{
    lua_pushliteral(L, "(a secret)");
    return 1;
}

static void push_box(lua_State *L, struct secret_box given)
{
    struct secret_box *box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = given;
    if (luaL_newmetatable(L, SECRET_META)) {
        lua_pushcfunction(L, secret_tostring);
        lua_setfield(L, -2, "__tostring");
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
    }
    lua_setmetatable(L, -2);
}

void bind_secret_push(lua_State *L, const struct script *script, const char *setting)
{
    push_box(L, (struct secret_box){.script = script, .setting = setting});
}

/*** A handle to an encrypted field of a record: for headers and addresses of ctx.http and for
 * crm.hmac_sha256. Only the plugin that declares the entity gets one; it may hand it to a service
 * of another. Its value is read when it is used, and shown to no script.
 * @param record record
 * @param field string
 * @return secret|nil nil when the field is empty
 * @usage local key = crm.secret(connection, "token")
 */
int bind_secret(lua_State *L)
{
    const struct script *script = lua_touserdata(L, lua_upvalueindex(1));
    const struct record_handle *handle = record_test(L, 1);
    luaL_argcheck(L, handle, 1, "a record is expected");
    const struct value *values = handle->values ? handle->values : handle->record->now;
    const struct field *field = record_field(L, handle->entity, convert_text(L, 2));
    if (strcmp(handle->entity->plugin, script->id) != 0)
        return luaL_error(L, "%s is an entity of %s: only that plugin gives its secrets away",
                          handle->entity->name, handle->entity->plugin);
    luaL_argcheck(L, field->type->is_sealed, 2, "this field is not encrypted");
    if (values[field->slot].type == VALUE_NULL)
        return 0;
    push_box(L, (struct secret_box){
                    .entity = handle->entity, .field = field, .record = values[SLOT_ID].integer});
    return 1;
}

/* Raises for a setting that its plugin may not use. */
static const struct secret_box *secret_at(lua_State *L, int at)
{
    const struct secret_box *box = luaL_testudata(L, at, SECRET_META);
    if (box && box->setting &&
        !bind_declares(box->script, lua_pushfstring(L, "secret:%s", box->setting)))
        luaL_error(L, "%s does not declare the capability \"secret:%s\"", box->script->id,
                   box->setting);
    if (box && box->setting)
        lua_pop(L, 1);
    return box;
}

/* --- opening --- */

static enum err open_box(struct ctx *ctx, const struct secret_box *box, struct buf *out)
{
    struct record *record;
    bool before = ctx->as_system;
    ctx->as_system = true;
    enum err e = record_load(ctx, box->entity, box->record, ROLE_READ, &record);
    if (!e)
        e = field_unseal(ctx, box->field, record->now, out);
    ctx->as_system = before;
    return e;
}

static void put_escaped(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            strchr("-._~", c))
            buf_put_char(out, (char)c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

/* Appends it; on an error everything in `out` is gone, because errors of Lua free nothing. */
static void put_secret(lua_State *L, int at, bool is_url, struct buf *out)
{
    const struct secret_box *box = luaL_testudata(L, at, SECRET_META);
    struct buf secret = BUF_INIT;
    enum err e = ERR_OK;
    ASSERT(box);         /* it was looked at before anything was put together */
    if (vm_of(L)->trial) /* a test has no secrets, and shows where they would stand */
        buf_printf(&secret, "<%s>", box->setting ? box->setting : box->field->name);
    else if (box->setting)
        e = plugin_secret_open(vm_ctx(L), box->script->id, box->setting, &secret);
    else
        e = open_box(vm_ctx(L), box, &secret);
    if (is_url)
        put_escaped(out, buf_slice(&secret));
    else
        buf_put_slice(out, buf_slice(&secret));
    if (secret.at)
        crypto_wipe(secret.at, secret.len);
    buf_release(&secret);
    if (e) {
        buf_release(out);
        vm_veto(L, e);
    }
}

/* --- texts with secrets in them --- */

static void check_part(lua_State *L, int at, const char *what)
{
    bool is_text = lua_type(L, at) == LUA_TSTRING || lua_isinteger(L, at);
    if (!is_text && !secret_at(L, at))
        luaL_error(L, "%s is a text, a secret, or a list of them", what);
    if (is_text && strlen(lua_tostring(L, at)) != lua_rawlen(L, at))
        luaL_error(L, "%s holds a zero byte", what);
}

static void put_part(lua_State *L, int at, bool is_url, struct buf *out)
{
    if (lua_type(L, at) == LUA_TSTRING)
        buf_put_str(out, lua_tostring(L, at));
    else
        put_secret(L, at, is_url, out);
}

const char *bind_secret_text(lua_State *L, int at, const char *what, bool is_url)
{
    struct buf text = BUF_INIT;
    int top = lua_gettop(L), first = top + 1;
    luaL_checkstack(L, SECRET_PARTS_MAX + 8, NULL);
    bool is_list = lua_type(L, at) != LUA_TSTRING && !lua_isinteger(L, at) && !secret_at(L, at);
    if (is_list) {
        if (!lua_istable(L, at) && !frozen_open(L, at))
            luaL_error(L, "%s is a text, a secret, or a list of them", what);
        int list = lua_istable(L, at) ? lua_absindex(L, at) : lua_gettop(L);
        int count = (int)lua_rawlen(L, list);
        if (count < 1 || count > SECRET_PARTS_MAX)
            luaL_error(L, "%s has 1 to %d parts", what, SECRET_PARTS_MAX);
        first = lua_gettop(L) + 1;
        for (int i = 1; i <= count; i++)
            lua_rawgeti(L, list, i);
    } else {
        lua_pushvalue(L, at);
    }
    int last = lua_gettop(L);
    /* What cannot be sent is found before anything is put together: errors of Lua free nothing. */
    for (int i = first; i <= last; i++) {
        check_part(L, i, what);
        if (lua_isinteger(L, i))
            (void)lua_tostring(L, i);
    }
    for (int i = first; i <= last; i++)
        put_part(L, i, is_url, &text);
    const char *copy = arena_str(vm_ctx(L)->arena, buf_slice(&text));
    if (text.at)
        crypto_wipe(text.at, text.len);
    buf_release(&text);
    lua_settop(L, top);
    return copy;
}

/* --- digests --- */

/*** The HMAC-SHA256 of a text (RFC 2104) as 64 hexadecimal digits: for signing what is sent and
 * judging what came. Compare two of them with crm.same.
 * @param key string|secret a text, or a handle of ctx.config or crm.secret
 * @param text string
 * @return string
 * @usage local sum = crm.hmac_sha256(crm.secret(hook, "secret"), stamp .. "." .. req.text)
 */
int bind_hmac_sha256(lua_State *L)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t sum[CRYPTO_SHA256_LEN];
    char hex[2 * CRYPTO_SHA256_LEN];
    size_t len, key_len;
    const char *text = luaL_checklstring(L, 2, &len);
    if (lua_type(L, 1) == LUA_TSTRING) {
        const char *key = lua_tolstring(L, 1, &key_len);
        crypto_hmac_sha256(slice_of(key, key_len), slice_of(text, len), sum);
    } else {
        luaL_argcheck(L, secret_at(L, 1), 1, "a text or a secret is expected");
        struct buf key = BUF_INIT;
        put_secret(L, 1, false, &key);
        crypto_hmac_sha256(buf_slice(&key), slice_of(text, len), sum);
        if (key.at)
            crypto_wipe(key.at, key.len);
        buf_release(&key);
    }
    for (size_t i = 0; i < sizeof sum; i++) {
        hex[2 * i] = digits[sum[i] >> 4];
        hex[2 * i + 1] = digits[sum[i] & 15];
    }
    lua_pushlstring(L, hex, sizeof hex);
    return 1;
}

/*** Are two texts the same? In a time that tells nothing about where they differ.
 * @param a string
 * @param b string
 * @return boolean
 */
int bind_same(lua_State *L)
{
    struct slice a, b;
    a.at = luaL_checklstring(L, 1, &a.len);
    b.at = luaL_checklstring(L, 2, &b.len);
    lua_pushboolean(L, crypto_equal(a, b));
    return 1;
}
