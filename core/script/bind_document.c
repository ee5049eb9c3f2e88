/* bind_document - `ctx.file` and `ctx.document`: what is known of a file, Word templates filled in.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/id.h"
#include "base/limits.h"
#include "base/text.h"
#include "document/docx.h"
#include "record/blob.h"
#include "script/bind.h"

#define READERS                                                                                    \
    (VM_BEFORE | VM_VALIDATE | VM_AFTER | VM_ACTION | VM_JOB | VM_ROUTE | VM_COMMIT | VM_TX)
#define DOCX_TYPE "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

/* Written ctx.file(…) or ctx:file(…). */
static void drop_self(lua_State *L)
{
    if (lua_type(L, 1) == LUA_TUSERDATA && lua_gettop(L) > 1)
        lua_remove(L, 1);
}

bool bind_file(lua_State *L, const struct script *script, int64_t id, bool by_capability,
               struct blob_file *out)
{
    struct ctx *ctx = vm_ctx(L);
    struct vm *vm = vm_of(L);
    struct err_info before = ctx->err;
    if (++vm->used.reads > vm_limit(vm)->reads)
        vm_stop(L, VM_LIMIT, "it read more often than it may in one unit of work");
    err_info_init(&ctx->err, ctx->arena);
    enum err e = blob_file_read(ctx, id, out);
    if (!e && !(by_capability && out->entity && bind_capability(script, out->entity)))
        e = blob_file_visible(ctx, out);
    ctx->err = before;
    if (e && e != ERR_NOT_FOUND && e != ERR_FORBIDDEN)
        vm_veto(L, e);
    return !e;
}

static bool find_file(lua_State *L, int64_t id, struct blob_file *out)
{
    return bind_file(L, lua_touserdata(L, lua_upvalueindex(1)), id, true, out);
}

/*** What is known of a file that who asks may read, or that hangs on a record which the plugin may
 * read by its capabilities.
 * @param id integer
 * @return table|nil name, type, bytes, sha256
 * @moment before_* validate after_* action job route after_commit
 * @usage local file = ctx.file(ev.record.file); ev.record.sha256 = file and file.sha256
 */
static int context_file(lua_State *L)
{
    struct blob_file file;
    drop_self(L);
    vm_allow(L, READERS, "ctx.file");
    if (!find_file(L, luaL_checkinteger(L, 1), &file)) {
        lua_pushnil(L);
        return 1;
    }
    lua_createtable(L, 0, 4);
    lua_pushstring(L, file.name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, file.type);
    lua_setfield(L, -2, "type");
    lua_pushinteger(L, file.bytes);
    lua_setfield(L, -2, "bytes");
    lua_pushstring(L, file.hash);
    lua_setfield(L, -2, "sha256");
    return 1;
}

/* A record as the place that files hang on; the plugin has to be allowed its entity. */
static struct blob_file place_of(lua_State *L, int at, const char *right)
{
    const struct script *script = lua_touserdata(L, lua_upvalueindex(1));
    const struct record_handle *handle = record_test(L, at);
    if (!handle)
        luaL_argerror(L, at, "a record");
    const char *entity = handle->entity->name, *has = bind_capability(script, entity);
    if (!has || strcmp(has, right) < 0) /* "r" < "rw" < "system" */
        luaL_error(L, "the capability \"db:%s:%s\" is missing", entity, right);
    const struct value *values = handle->values ? handle->values : handle->record->now;
    return (struct blob_file){.entity = entity, .record = values[SLOT_ID].integer};
}

static void push_ids(lua_State *L, const int64_t *ids, int count)
{
    lua_createtable(L, count, 0);
    for (int i = 0; i < count; i++) {
        lua_pushinteger(L, ids[i]);
        lua_rawseti(L, -2, i + 1);
    }
}

/*** The files that hang on a record whose entity the plugin may read, also those that no field
 * names.
 * @param record record
 * @return table their ids, oldest first
 * @moment before_* validate after_* action job route after_commit
 * @usage for _, id in ipairs(ctx.files(lead)) do … end
 */
static int context_files(lua_State *L)
{
    int64_t *ids = NULL;
    int count = 0;
    if (lua_gettop(L) > 1) /* ctx:files(…) */
        lua_remove(L, 1);
    vm_allow(L, READERS, "ctx.files");
    struct vm *vm = vm_of(L);
    struct blob_file place = place_of(L, 1, "r");
    if (++vm->used.reads > vm_limit(vm)->reads)
        vm_stop(L, VM_LIMIT, "it read more often than it may in one unit of work");
    enum err e = blob_files_of(vm_ctx(L), &place, vm_limit(vm)->writes, &ids, &count);
    if (e)
        vm_veto(L, e);
    push_ids(L, ids, count);
    return 1;
}

struct copying {
    struct blob_file from, to;
    int most, count;
    int64_t *ids;
};

static enum err copy_files(struct ctx *ctx, void *arg)
{
    struct copying *c = arg;
    return blob_files_copy(ctx, &c->from, &c->to, c->most, &c->ids, &c->count);
}

/*** Lets the files that hang on one record hang on another one too, as what becomes of it: whoever
 * may read that may read them. Each of them counts as a write; what is there already stays.
 * @param from record whose entity the plugin may read
 * @param to record whose entity it may write
 * @return table|nil ids of what hangs there now
 * @return string|nil that there are too many, or no room
 * @moment after_* action job route
 * @usage local ids = assert(ctx.copy_files(lead, activity))
 */
static int context_copy_files(lua_State *L)
{
    if (lua_gettop(L) > 2) /* ctx:copy_files(…) */
        lua_remove(L, 1);
    vm_allow(L, VM_AFTER | VM_ACTION | VM_JOB | VM_ROUTE | VM_TX, "ctx.copy_files");
    struct vm *vm = vm_of(L);
    struct copying c = {.from = place_of(L, 1, "r"),
                        .to = place_of(L, 2, "rw"),
                        .most = vm_limit(vm)->writes - vm->used.writes};
    struct err_info before = vm_ctx(L)->err;
    enum err e = vm_write(L, copy_files, &c);
    if (e == ERR_TOO_LARGE) {
        vm_ctx(L)->err = before;
        lua_pushnil(L);
        lua_pushstring(L, "there are too many files, or the room for files is used up");
        return 2;
    }
    if (e)
        vm_veto(L, e);
    vm->used.writes += c.count;
    push_ids(L, c.ids, c.count);
    return 1;
}

/* --- documents ----------------------------------------------------------------------------------
 */

static enum err insert_file(struct ctx *ctx, void *arg)
{
    return blob_file_insert(ctx, arg);
}

static void check_members(lua_State *L)
{
    static const char *const known[] = {"template", "data", "name", "about", "lang", NULL};
    bind_members(L, 1, "a document has no member", known);
}

/* What it hangs on, and how it is called. */
static void take_about(lua_State *L, struct arena *arena, struct blob_file *file)
{
    if (lua_getfield(L, 1, "about") != LUA_TNIL) {
        const struct record_handle *handle = record_test(L, lua_gettop(L));
        if (!handle)
            luaL_error(L, "about is a record");
        const struct value *values = handle->values ? handle->values : handle->record->now;
        file->entity = handle->entity->name;
        file->record = values[SLOT_ID].integer;
    }
    lua_getfield(L, 1, "name");
    struct slice name = lua_isnil(L, -1) ? SLICE("document.docx") : convert_text(L, lua_gettop(L));
    file->name = arena_str(arena, text_head(name, DOCUMENT_NAME_CHARS));
    file->type = DOCX_TYPE;
    lua_pop(L, 2);
}

static enum lang lang_of(lua_State *L, enum lang fallback)
{
    lua_getfield(L, 1, "lang");
    const char *text = luaL_optstring(L, -1, NULL);
    if (text && strcmp(text, "en") != 0 && strcmp(text, "zh-CN") != 0)
        luaL_error(L, "the language is \"zh-CN\" or \"en\", not \"%s\"", text);
    lua_pop(L, 1);
    return !text ? fallback : strcmp(text, "en") == 0 ? LANG_EN : LANG_ZH;
}

/* The bytes of the filled template are kept; NULL, or the sentence that says what is wrong. */
static const char *make(lua_State *L, const struct blob_file *source, const struct json *data,
                        enum lang lang, struct blob *blob)
{
    struct ctx *ctx = vm_ctx(L);
    struct buf out = BUF_INIT;
    struct slice bytes;
    const char *why = NULL;
    enum err e = blob_map(ctx->arena, blob_path(ctx->tenant, ctx->arena, source->hash), &bytes);
    if (!e)
        e = docx_fill(ctx->arena, bytes, data, lang, &out, &why);
    if (!e)
        e = blob_put(ctx->tenant, ctx->arena, buf_slice(&out), blob);
    buf_release(&out);
    vm_poll(L);
    if (e && !why)
        vm_veto(L, e);
    return e ? why : NULL;
}

/*** Fills in a Word template (a .docx; document/docx.h says how it is written) and keeps what comes
 * of it as a file of who asks.
 * @param document table template (id of the file), data (table), name ("offer.docx"), about (a
 *   record: whoever may read it may read the document), lang ("zh-CN" or "en")
 * @return integer|nil the id of the new file
 * @return string|nil what is wrong with the template, naming the place; or that there is no room
 * @moment job route after_commit
 * @usage local id, why = ctx.document { template = t.file, data = { name = "…" }, about = offer }
 */
static int context_document(lua_State *L)
{
    struct blob_file source, file = {0};
    struct blob blob;
    drop_self(L);
    struct ctx *ctx = vm_ctx(L);
    vm_allow(L, VM_JOB | VM_ROUTE | VM_COMMIT, "ctx.document");
    luaL_checktype(L, 1, LUA_TTABLE);
    check_members(L);
    take_about(L, ctx->arena, &file);
    enum lang lang = lang_of(L, ctx->lang);
    lua_getfield(L, 1, "data");
    const struct json *data = convert_json(L, lua_gettop(L), ctx->arena, NULL);
    lua_getfield(L, 1, "template");
    const char *why = "there is no such template";
    if (lua_isinteger(L, -1) && find_file(L, lua_tointeger(L, -1), &source))
        why = make(L, &source, data, lang, &blob);
    if (why) {
        lua_pushnil(L);
        lua_pushstring(L, why);
        return 2;
    }
    file.hash = blob.hash;
    file.bytes = blob.bytes;
    enum err e = vm_write(L, insert_file, &file);
    if (e == ERR_TOO_LARGE) {
        lua_pushnil(L);
        lua_pushstring(L, "the company's room for files is used up");
        return 2;
    }
    if (e)
        vm_veto(L, e);
    lua_pushinteger(L, file.id);
    return 1;
}

const luaL_Reg bind_document[] = {{"file", context_file},
                                  {"files", context_files},
                                  {"copy_files", context_copy_files},
                                  {"document", context_document},
                                  {NULL, NULL}};
