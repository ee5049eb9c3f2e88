/* load - reads the plugins' Lua files into a VM: init.lua, modules, functions of computed fields.
 *
 * Text only: bytecode is refused. Each file runs with its plugin's own _ENV, once. require finds
 * files of the plugin's own folder by name ("rules") and, read-only, those of plugins it declares
 * ("people.match").
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "script/bind.h"
#include "script/code.h"
#include "script/plan.h"
#include "tenant/folder.h"

/* --- files --- */

static int put_bytes(lua_State *L, const void *bytes, size_t size, void *arg)
{
    (void)L;
    buf_put(arg, bytes, size);
    return 0;
}

/* The function on top, as compiled, is kept for the next VM. */
static void keep_compiled(lua_State *L, struct code *code)
{
    struct buf b = BUF_INIT;
    if (lua_dump(L, put_bytes, &b, 0) == 0)
        code_keep(code, buf_slice(&b));
    buf_release(&b);
}

/* What code of the plugin reads: its modules, its ctx, its _ENV. */
static void open_script(lua_State *L, struct script *script)
{
    if (script->is_open)
        return;
    luaL_checkstack(L, 8, NULL);
    script->is_open = true;
    lua_newtable(L);
    script->modules = luaL_ref(L, LUA_REGISTRYINDEX);
    luaopen_crm_context(L, script);
    script->context = luaL_ref(L, LUA_REGISTRYINDEX);
    sandbox_env(L, script);
    script->env = luaL_ref(L, LUA_REGISTRYINDEX);
}

/* [-0, +1] The chunk of <folder>/<name>.lua with the script's _ENV; false when there is no file.
 * What was compiled here before is loaded as bytecode: our own, never a file's. */
static bool push_chunk(lua_State *L, struct script *script, const char *name)
{
    char path[FOLDER_PATH_MAX], file[2 * NAME_BYTES_MAX], chunk[LUA_IDSIZE * 3];
    struct code *code = NULL;
    (void)snprintf(file, sizeof file, "%s.lua", name);
    folder_join(path, script->plugin->folder, file);
    enum err e = code_get(path, &code);
    if (e == ERR_NOT_FOUND)
        return false;
    if (e)
        luaL_error(L, "%s/%s.lua: %s", script->id, name, err_text(e, LANG_EN));
    (void)snprintf(chunk, sizeof chunk, "@%s/%s.lua", script->id, name);
    /* An error of the parser comes back as a status; only memory could raise here. */
    bool is_compiled = code->compiled.at != NULL;
    struct slice from = is_compiled ? code->compiled : code->text;
    if (luaL_loadbufferx(L, from.at, from.len, chunk, is_compiled ? "b" : "t"))
        lua_error(L);
    if (!is_compiled)
        keep_compiled(L, code);
    open_script(L, script);
    lua_rawgeti(L, LUA_REGISTRYINDEX, script->env);
    lua_setupvalue(L, -2, 1);
    return true;
}

void load_chunk(lua_State *L, struct script *script, const char *name)
{
    if (!push_chunk(L, script, name))
        luaL_error(L, "there is no file %s/%s.lua", script->id, name);
}

/* --- require --- */

static bool name_is_plain(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'))
            return false;
    }
    return name.len > 0 && name.len <= NAME_BYTES_MAX;
}

/* [-0, +1] The module's table; loads it on first use. */
static void push_module(lua_State *L, struct script *script, const char *name)
{
    luaL_checkstack(L, 8, NULL);
    open_script(L, script);
    lua_rawgeti(L, LUA_REGISTRYINDEX, script->modules);
    int modules = lua_gettop(L);
    if (lua_getfield(L, modules, name) == LUA_TBOOLEAN)
        luaL_error(L, "modules require each other: %s/%s.lua", script->id, name);
    if (!lua_isnil(L, -1)) {
        lua_remove(L, modules);
        return;
    }
    lua_pop(L, 1);
    lua_pushboolean(L, 1); /* until it has loaded */
    lua_setfield(L, modules, name);
    if (!push_chunk(L, script, name))
        luaL_error(L, "there is no module %s/%s.lua", script->id, name);
    script->loading++;
    lua_call(L, 0, 1);
    script->loading--;
    if (!lua_istable(L, -1))
        luaL_error(L, "%s/%s.lua does not return a table", script->id, name);
    lua_pushvalue(L, -1);
    lua_setfield(L, modules, name);
    lua_remove(L, modules);
}

static bool is_dependency(const struct script *script, const char *id)
{
    const struct json *manifest = script->plugin->manifest;
    return json_get(json_get(manifest, "requires"), id) ||
           json_get(json_get(manifest, "optional"), id);
}

/* Another plugin's module, which only its owner can change. */
static void push_foreign(lua_State *L, struct script *script, const char *id, const char *name)
{
    if (!is_dependency(script, id))
        luaL_error(L, "%s does not declare %s among \"requires\" or \"optional\"", script->id, id);
    struct script *other = vm_script(script->vm, id);
    if (!other)
        luaL_error(L, "the plugin %s is not there", id);
    push_module(L, other, name);
    frozen_view(L);
}

int load_require(lua_State *L)
{
    struct script *script = lua_touserdata(L, lua_upvalueindex(1));
    vm_allow(L, VM_LOAD, "require");
    const char *text = luaL_checkstring(L, 1), *dot = strrchr(text, '.');
    const char *name = dot ? dot + 1 : text;
    if (!name_is_plain(slice_str(name)))
        return luaL_argerror(L, 1, "a module's name is small letters, digits and _");
    if (!dot) {
        push_module(L, script, name);
        return 1;
    }
    lua_pushlstring(L, text, (size_t)(dot - text));
    push_foreign(L, script, lua_tostring(L, -1), name);
    return 1;
}

/* --- loading --- */

static int load_script(lua_State *L)
{
    struct script *script = vm_protect_arg(L);
    if (script->barred && script->is_stuck)
        return luaL_error(L, "%s", script->barred);
    open_script(L, script);
    if (push_chunk(L, script, "init"))
        lua_call(L, 0, 0);
    script->is_loaded = true;
    return 0;
}

struct wanted {
    const struct field *field;
    struct script *script;
};

/* "pricing.total": function total of module pricing of the field's plugin. */
static int load_computed(lua_State *L)
{
    const struct wanted *wanted = vm_protect_arg(L);
    struct script *script = wanted->script;
    const struct field *field = wanted->field;
    const char *fn = field_computed_fn(field, NULL), *dot = strchr(fn, '.');
    if (!dot || !name_is_plain(slice_of(fn, (size_t)(dot - fn))))
        return luaL_error(L, "%s.%s: \"fn\" is written module.function", field->entity->name,
                          field->name);
    lua_pushlstring(L, fn, (size_t)(dot - fn));
    push_module(L, script, lua_tostring(L, -1));
    if (lua_getfield(L, -1, dot + 1) != LUA_TFUNCTION)
        return luaL_error(L, "%s.%s: there is no function %s in %s", field->entity->name,
                          field->name, fn, script->id);
    if (bind_again(L, script, lua_gettop(L)))
        return 0;
    struct arena *arena = script->vm->plan->arena;
    struct bound *bound = arena_make(arena, struct bound);
    *bound = (struct bound){script->index, field->name, bind_slot(L, script, lua_gettop(L)), NULL};
    struct slice number = slice_of((const char *)&field->n, sizeof field->n);
    map_put(&script->vm->plan->functions, arena_slice(arena, number), bound);
    return 0;
}

/* The functions of the plugin's own computed fields. */
static enum err load_fields(struct vm *vm, struct ctx *ctx, struct script *script)
{
    for (int i = 0; i < vm->model->entities_count; i++) {
        const struct entity *entity = vm->model->entity_list[i];
        for (int k = 0; k < entity->fields_count; k++) {
            struct wanted wanted = {entity->fields[k], script};
            if (strcmp(wanted.field->type->name, "computed") != 0 ||
                strcmp(wanted.field->plugin, script->id) != 0)
                continue;
            enum err e =
                vm_protect(vm, script, ctx, VM_LOAD, wanted.field->name, load_computed, &wanted);
            if (e)
                return e;
        }
    }
    return ERR_OK;
}

/* --- one function of a product --- */

struct member {
    struct script *script;
    const struct plan_home *home;
    int slot;
};

static int push_member(lua_State *L)
{
    const struct member *member = vm_protect_arg(L);
    const struct plan_home *home = member->home;
    struct vm *vm = member->script->vm;
    struct script *owner = &vm->scripts[home->script];
    open_script(L, member->script); /* the ctx that it is called with */
    push_module(L, owner, home->module);
    lua_pushstring(L, home->member);
    if (lua_rawget(L, -2) != LUA_TFUNCTION)
        return luaL_error(L, "%s/%s.lua has no function %s, which it had when it was loaded first",
                          owner->id, home->module, home->member);
    vm->refs[member->slot] = bind_function(L, lua_gettop(L));
    return 0;
}

enum err load_member(struct script *script, const struct plan_home *home, int slot, struct ctx *ctx)
{
    struct member member = {script, home, slot};
    return vm_protect(script->vm, &script->vm->scripts[home->script], ctx, VM_LOAD, home->module,
                      push_member, &member);
}

/* --- compiling --- */

struct sources {
    struct script *script;
    const char *folder; /* "", "tests/", "migrations/" */
    const char **names;
    int count;
};

static int compile_sources(lua_State *L)
{
    const struct sources *sources = vm_protect_arg(L);
    for (int i = 0; i < sources->count; i++) {
        struct slice name = slice_str(sources->names[i]);
        if (!slice_ends(name, SLICE(".lua")))
            continue;
        lua_pushstring(L, sources->folder);
        lua_pushlstring(L, name.at, name.len - 4);
        lua_concat(L, 2);
        if (!push_chunk(L, sources->script, lua_tostring(L, -1)))
            return luaL_error(L, "%s%s cannot be read", sources->folder, name.at);
        lua_settop(L, 1);
    }
    return 0;
}

enum err load_compile(struct vm *vm, struct ctx *ctx, const char *plugin)
{
    static const char *const folders[] = {"", "tests/", "migrations/"};
    struct script *script = vm_script(vm, plugin);
    for (size_t i = 0; script && i < sizeof folders / sizeof *folders; i++) {
        struct sources sources = {.script = script, .folder = folders[i]};
        const char *path = arena_printf(ctx->arena, "%s/%s", script->plugin->folder, folders[i]);
        enum err e = folder_names(ctx->arena, path, &sources.names, &sources.count);
        if (e == ERR_NOT_FOUND)
            continue;
        if (!e)
            e = vm_protect(vm, script, ctx, VM_LOAD, "compile", compile_sources, &sources);
        if (e)
            return e;
    }
    return ERR_OK;
}

enum err load_one(struct vm *vm, struct script *script, struct ctx *ctx)
{
    enum err e = vm_protect(vm, script, ctx, VM_LOAD, "init.lua", load_script, script);
    return e ? e : load_fields(vm, ctx, script);
}

/* One that fails is told, where all that fails is asked for, unless it has ended the VM. */
static enum err load_or_tell(struct vm *vm, struct script *script, struct ctx *ctx)
{
    struct err_info before = ctx->err;
    enum err e = load_one(vm, script, ctx);
    if (!e || !vm->telling || vm->is_dead)
        return e;
    vm->telling->tell(vm->telling->arg, script->plugin, vm_sentence(ctx, ctx->err.detail));
    ctx->err = before;
    return ERR_OK;
}

enum err load_all(struct vm *vm, struct ctx *ctx)
{
    enum err e = ERR_OK;
    const char *why = NULL;
    for (int i = 0; i < vm->scripts_count && !e; i++)
        e = vm->scripts[i].is_planned ? ERR_OK : load_or_tell(vm, &vm->scripts[i], ctx);
    if (e) {
        vm->broken = arena_strdup(vm->arena, ctx->err.detail);
        return e;
    }
    if (hooks_seal(vm->plan->hooks, vm->plan->arena, &why)) {
        vm->broken = why;
        return ERR_PLUGIN;
    }
    return ERR_OK;
}
