/* bind_mail - `ctx.mail` and `ctx.template`: letters to be sent, texts to be filled in.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/actor.h"
#include "base/id.h"
#include "hook/post.h"
#include "record/blob.h"
#include "record/letter.h"
#include "script/bind.h"

static struct script *script_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

/* Written ctx.mail{…} or ctx:mail{…}. */
static void drop_self(lua_State *L)
{
    if (lua_type(L, 1) == LUA_TUSERDATA && lua_gettop(L) > 1)
        lua_remove(L, 1);
}

/* --- texts --------------------------------------------------------------------------------------
 */

static enum lang lang_of(lua_State *L, int at, enum lang fallback)
{
    const char *text = luaL_optstring(L, at, NULL);
    if (!text)
        return fallback;
    if (strcmp(text, "en") != 0 && strcmp(text, "zh-CN") != 0)
        luaL_error(L, "the language is \"zh-CN\" or \"en\", not \"%s\"", text);
    return strcmp(text, "en") == 0 ? LANG_EN : LANG_ZH;
}

/*** Fills in a template of the plugin: templates/<name>.<language>.txt, or the HTML beside it.
 * @param name string "welcome", "welcome.html", or "people:welcome" of another plugin
 * @param data table|nil what is filled in; a name that it lacks is an error
 * @param lang string|nil "zh-CN" or "en"; the language of who asks
 * @return string
 * @moment before_* validate after_* action job route after_commit
 * @usage local text = ctx.template("offer", { name = ev.record.name, lines = lines })
 */
static int context_template(lua_State *L)
{
    drop_self(L);
    struct ctx *ctx = vm_ctx(L);
    struct slice name = slice_str(luaL_checkstring(L, 1)), text = {0};
    const struct json *data = lua_isnoneornil(L, 2) ? NULL : convert_json(L, 2, ctx->arena, NULL);
    const char *ending = slice_ends(name, SLICE(".html")) ? ".html" : ".txt", *why = NULL;
    if (slice_ends(name, SLICE(".html")) || slice_ends(name, SLICE(".txt")))
        name.len -= strlen(ending);
    if (letter_part(ctx, script_of(L)->id, arena_str(ctx->arena, name), lang_of(L, 3, ctx->lang),
                    ending, data, &text, &why))
        return luaL_error(L, "%s", why ? why : "the template cannot be read");
    vm_poll(L);
    lua_pushlstring(L, text.at, text.len);
    return 1;
}

/* --- letters ------------------------------------------------------------------------------------
 */

static const char *text_member(lua_State *L, struct arena *arena, const char *name)
{
    const char *text = NULL;
    if (lua_getfield(L, 1, name) != LUA_TNIL)
        text = arena_str(arena, convert_text(L, lua_gettop(L)));
    lua_pop(L, 1);
    return text;
}

static void check_members(lua_State *L)
{
    static const char *const known[] = {"to",   "template", "data",  "lang", "subject", "text",
                                        "html", "reply_to", "files", "key",  NULL};
    bind_members(L, 1, "a letter has no member", known);
}

/* One address or a list of them. */
static const char *const *recipients(lua_State *L, struct arena *arena)
{
    int type = lua_getfield(L, 1, "to");
    const struct json *to = convert_json(L, lua_gettop(L), arena, NULL);
    const char **list = arena_array(arena, const char *, (size_t)to->count + 2);
    int n = 0;
    if (type == LUA_TSTRING)
        list[n++] = arena_str(arena, to->text);
    json_each(item, to)
    {
        if (to->type != JSON_ARRAY || item->type != JSON_STRING)
            luaL_error(L, "to is an address or a list of them");
        list[n++] = arena_str(arena, item->text);
    }
    lua_pop(L, 1);
    return list;
}

static void take_files(lua_State *L, struct arena *arena, struct post *post)
{
    if (lua_getfield(L, 1, "files") != LUA_TNIL) {
        const struct json *list = convert_json(L, lua_gettop(L), arena, NULL);
        int64_t *ids = arena_array(arena, int64_t, (size_t)list->count + 1);
        json_each(item, list)
        {
            bool is_id = item->type == JSON_INT || (item->type == JSON_STRING &&
                                                    id_parse(item->text, &ids[post->files_count]));
            if (list->type != JSON_ARRAY || !is_id)
                luaL_error(L, "files is a list of ids");
            if (item->type == JSON_INT)
                ids[post->files_count] = item->integer;
            post->files_count++;
        }
        post->files = ids;
    }
    lua_pop(L, 1);
}

/* A person's right to them is asked when the letter is sent (api/jobs_mail.c); where nobody posts
 * it, the plugin answers for them, by its capabilities. */
static bool may_attach(lua_State *L, const struct post *post)
{
    const struct ctx *ctx = vm_ctx(L);
    bool is_nobody = !ctx->actor && !ctx->as_system;
    for (int i = 0; i < post->files_count && is_nobody; i++) {
        struct blob_file file;
        if (!bind_file(L, script_of(L), post->files[i], true, &file))
            return false;
    }
    return true;
}

/* A letter that could not be made is better known now than when it is sent. */
static void check_template(lua_State *L, struct ctx *ctx, struct post *post)
{
    struct letter letter;
    const char *why = NULL;
    if (!strchr(post->template, ':'))
        post->template = arena_printf(ctx->arena, "%s:%s", script_of(L)->id, post->template);
    if (letter_make(ctx, script_of(L)->id, post->template, post->lang, post->data, &letter, &why))
        luaL_error(L, "ctx.mail: %s", why ? why : "the template cannot be read");
    vm_poll(L);
}

struct posting {
    const struct post *post;
    int64_t id;
};

static enum err put(struct ctx *ctx, void *arg)
{
    struct posting *posting = arg;
    return post_put(ctx, posting->post, &posting->id);
}

static bool has_capability(const struct plugin *plugin)
{
    json_each(item, json_get(plugin->manifest, "capabilities"))
    {
        if (slice_is(item->text, "mail"))
            return true;
    }
    return false;
}

/*** Posts a letter: it is sent when what happens here has been committed, and never if that is
 * rolled back. Needs the capability "mail", and a mail server that the administrator has set up. A
 * server that is away is asked again for about three days.
 * @param letter table to (address or list), template and data, or subject and text (and html);
 *   also lang, reply_to, files (ids that who asks may read; where nobody asks, of records that the
 *   plugin may read by its capabilities), key (one letter of that key waits at a time)
 * @return integer|nil its id in the log of letters
 * @return string|nil what was wrong with it
 * @moment before_* validate after_* action job route after_commit
 * @usage ctx.mail { to = ev.record.email, template = "welcome", data = { name = ev.record.name } }
 */
static int context_mail(lua_State *L)
{
    drop_self(L);
    struct script *script = script_of(L);
    struct ctx *ctx = vm_ctx(L);
    if (frozen_open(L, 1))
        lua_replace(L, 1);
    luaL_checktype(L, 1, LUA_TTABLE);
    vm_allow(L,
             VM_AFTER | VM_ACTION | VM_JOB | VM_ROUTE | VM_COMMIT | VM_TX | VM_BEFORE | VM_VALIDATE,
             "ctx.mail");
    if (!has_capability(script->plugin))
        return luaL_error(L, "%s does not declare the capability \"mail\"", script->id);
    check_members(L);
    struct post post = {.to = recipients(L, ctx->arena),
                        .template = text_member(L, ctx->arena, "template"),
                        .subject = text_member(L, ctx->arena, "subject"),
                        .text = text_member(L, ctx->arena, "text"),
                        .html = text_member(L, ctx->arena, "html"),
                        .reply_to = text_member(L, ctx->arena, "reply_to"),
                        .by = ctx->actor ? ctx->actor->user : 0};
    const char *key = text_member(L, ctx->arena, "key");
    if (key)
        post.dedupe = arena_printf(ctx->arena, "mail:%s:%.200s", script->id, key);
    if (lua_getfield(L, 1, "data") != LUA_TNIL)
        post.data = convert_json(L, lua_gettop(L), ctx->arena, NULL);
    lua_getfield(L, 1, "lang");
    post.lang = lang_of(L, -1, ctx->lang);
    take_files(L, ctx->arena, &post);
    if (post.template)
        check_template(L, ctx, &post);
    else if (!post.subject || !post.text)
        return luaL_error(L, "a letter has a template, or subject and text");
    if (!may_attach(L, &post)) {
        lua_pushnil(L);
        lua_pushstring(L, "files: one of them is not there, or not to be read");
        return 2;
    }
    if (!bind_has_room(L, POST_QUEUE, MAIL_WAITING_MAX)) {
        lua_pushnil(L);
        lua_pushfstring(L, "%d letters wait already: no more are taken", MAIL_WAITING_MAX);
        return 2;
    }
    struct err_info before = ctx->err;
    err_info_init(&ctx->err, ctx->arena);
    struct posting posting = {.post = &post};
    enum err e = vm_write(L, put, &posting);
    struct err_info said = ctx->err;
    if (e && e != ERR_VALIDATION)
        vm_veto(L, e);
    ctx->err = before;
    if (e) {
        lua_pushnil(L);
        lua_pushfstring(L, "%s: %s", said.first ? said.first->field : "letter",
                        said.first ? said.first->code : "it is not valid");
        return 2;
    }
    lua_pushinteger(L, posting.id);
    return 1;
}

const luaL_Reg bind_mail[] = {{"mail", context_mail}, {"template", context_template}, {NULL, NULL}};
