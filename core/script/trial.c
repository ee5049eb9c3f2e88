/* trial - see trial.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/clock.h"
#include "script/plan.h"
#include "script/trial_in.h"

/* --- crm.test --- */

/* Where the caller's line is: "acme.sales/tests/level_test.lua:3". */
static const char *where(lua_State *L, struct arena *arena)
{
    luaL_where(L, 1);
    struct slice text = slice_str(lua_tostring(L, -1));
    if (slice_ends(text, SLICE(": ")))
        text.len -= 2;
    const char *copy = arena_str(arena, text);
    lua_pop(L, 1);
    return copy;
}

/*** Names a test: in files tests/<topic>_test.lua, which `perigee plugin test` runs. Each case has
 * a tenant of its own that holds the plugin, what it requires and what tests/fixtures.json names.
 * @param name string
 * @param fn function called with t
 * @moment load
 * @usage crm.test("a lead keeps its owner", function(t) t.eq(1 + 1, 2) end)
 */
static int crm_test(lua_State *L)
{
    struct trial *trial = lua_touserdata(L, lua_upvalueindex(1));
    struct arena *arena = trial->ctx->arena;
    const char *name = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    if (trial->count == TRIAL_CASES_MAX)
        return luaL_error(L, "more than %d tests in one file", TRIAL_CASES_MAX);
    trial->cases[trial->count] =
        (struct trial_case){.name = arena_strdup(arena, name), .where = where(L, arena)};
    trial->refs[trial->count++] = bind_function(L, 2);
    return 0;
}

/* --- loading --- */

/* [-0, +1] What a test file reads: `crm` with `test`, and all that its plugin reads. */
static void push_env(lua_State *L, struct trial *trial)
{
    lua_newtable(L);
    lua_newtable(L); /* crm */
    lua_pushlightuserdata(L, trial);
    lua_pushcclosure(L, crm_test, 1);
    lua_setfield(L, -2, "test");
    lua_createtable(L, 0, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, trial->script->env);
    lua_getfield(L, -1, "crm");
    lua_setfield(L, -3, "__index");
    lua_pop(L, 1);
    lua_setmetatable(L, -2);
    lua_setfield(L, -2, "crm");
    lua_createtable(L, 0, 2);
    lua_rawgeti(L, LUA_REGISTRYINDEX, trial->script->env);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__index");
    lua_setfield(L, -2, "__newindex");
    lua_setmetatable(L, -2);
}

static int load_file(lua_State *L)
{
    struct trial *trial = vm_protect_arg(L);
    load_chunk(L, trial->script, trial->file);
    push_env(L, trial);
    lua_setupvalue(L, -2, 1);
    lua_newtable(L);
    trial->calls = luaL_ref(L, LUA_REGISTRYINDEX);
    luaopen_crm_db(L, trial->script);
    trial->db = luaL_ref(L, LUA_REGISTRYINDEX);
    luaopen_crm_db(L, &trial->people);
    trial->db_people = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_call(L, 0, 0);
    return 0;
}

enum err trial_open(struct vm *vm, struct ctx *ctx, const char *plugin, const char *file,
                    struct trial_host *host, struct trial **out, const char **why)
{
    ASSERT(vm && ctx && !ctx->unit);
    ASSERT(plugin && file && host);
    struct trial *trial = arena_make(ctx->arena, struct trial);
    *trial = (struct trial){.vm = vm, .ctx = ctx, .host = host, .file = file, .stub = LUA_NOREF};
    trial->script = vm_script(vm, plugin);
    ASSERT(trial->script); /* the caller took it from the model */
    enum err e = vm_ready(trial->script, LUA_NOREF, ctx);
    trial->people = *trial->script;
    trial->people.id = "people";
    trial->cases = arena_array(ctx->arena, struct trial_case, TRIAL_CASES_MAX);
    trial->refs = arena_array(ctx->arena, int, TRIAL_CASES_MAX);
    vm->is_trial = true;
    vm->trial = trial;
    if (!e)
        e = vm_protect(vm, trial->script, ctx, VM_LOAD, file, load_file, trial);
    if (e) {
        *why = vm_sentence(ctx, ctx->err.detail);
        return e;
    }
    *out = trial;
    return ERR_OK;
}

int trial_count(const struct trial *trial)
{
    return trial->count;
}

const struct trial_case *trial_case(const struct trial *trial, int n)
{
    ASSERT(n >= 0 && n < trial->count);
    return &trial->cases[n];
}

/* --- running --- */

static int push_t(lua_State *L, void *arg)
{
    bind_trial_push(L, arg);
    return 1;
}

/* The core refused something that the case did not ask about. */
static const char *unasked(struct ctx *ctx, const struct trial_case *one, enum err e)
{
    model_err_texts(ctx);
    const struct err_field *field = ctx->err.first;
    const char *said = ctx->err.message ? ctx->err.message : err_text(e, ctx->lang);
    if (field)
        said = arena_printf(ctx->arena, "%s: %s", field->field,
                            field->message ? field->message : field->code);
    return arena_printf(ctx->arena, "%s: %s", one->where, said);
}

enum err trial_run(struct trial *trial, int n, const char **why)
{
    const struct trial_case *one = trial_case(trial, n);
    struct ctx *ctx = trial->ctx;
    ctx->as_system = true;
    ctx->actor = NULL;
    ctx->now_ms = clock_now_ms();
    err_info_clear(&ctx->err);
    struct vm_call call = {.ctx = ctx,
                           .moment = VM_JOB,
                           .host = &trial->host->vm,
                           .handler = one->name,
                           .push = push_t,
                           .arg = trial};
    enum err e = vm_call(trial->script, trial->refs[n], &call);
    if (e == ERR_PLUGIN) {
        /* "plugin:the test's name file:line: …", and the name may hold anything. */
        struct slice said_by =
            slice_str(arena_printf(ctx->arena, "%s:%s ", trial->script->id, one->name));
        const char *said = slice_starts(slice_str(ctx->err.detail), said_by)
                               ? ctx->err.detail + said_by.len
                               : vm_sentence(ctx, ctx->err.detail);
        *why = strstr(said, ".lua:") ? said : arena_printf(ctx->arena, "%s: %s", one->where, said);
    } else if (e) {
        *why = unasked(ctx, one, e);
    }
    return e ? ERR_PLUGIN : ERR_OK;
}

/* --- what was refused --- */

void trial_refused(struct trial *trial, enum err e, const struct err_info *info, const char *text)
{
    struct arena *arena = trial->ctx->arena;
    struct err_field **link = (struct err_field **)&trial->refusal.first;
    trial->refusal = (struct refusal){.e = e,
                                      .code = arena_strdup(arena, info->code ? info->code : ""),
                                      .text = arena_strdup(arena, text)};
    for (const struct err_field *f = info->first; f; f = f->next) {
        struct err_field *copy = arena_make(arena, struct err_field);
        *copy = (struct err_field){.field = arena_strdup(arena, f->field),
                                   .code = arena_strdup(arena, f->code)};
        *link = copy;
        link = &copy->next;
    }
}
