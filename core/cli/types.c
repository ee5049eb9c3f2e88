/* types - what an editor needs to know of one tenant: files for the Lua language server.
 *
 * Entities with all their fields, also those of bundles; `crm.on` with their names; the rest of
 * `crm`, `ctx` and `t` is schemas/lua/crm.meta, made from the blocks above the bindings.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/rig.h"
#include "cli/author.h"
#include "hook/hook.h"
#include "record/model.h"
#include "script/sandbox.h"
#include "tenant/config.h"
#include "tenant/folder.h"

static const char *kind_type(enum field_kind kind)
{
    switch (kind) {
    case KIND_TEXT:
        return "string";
    case KIND_INT:
    case KIND_REF:
        return "integer";
    case KIND_DECIMAL:
        return "crm.decimal";
    case KIND_MONEY:
        return "crm.money";
    case KIND_BOOL:
        return "boolean";
    case KIND_DATE:
        return "crm.date";
    case KIND_DATETIME:
        return "crm.datetime";
    default:
        return "table";
    }
}

/* "A"|"B"|"C" where the values are known, else the type of the kind. */
static void put_field_type(struct buf *out, const struct field *field)
{
    const struct field_type *type = field_result_type(field);
    if (!field->options_count || field->is_multiple || type->kind != KIND_TEXT) {
        buf_put_str(out, kind_type(type->kind));
        return;
    }
    for (int i = 0; i < field->options_count; i++)
        buf_printf(out, "%s\"%s\"", i ? "|" : "", field->options[i].value);
}

static void put_entity(struct buf *out, const struct model *model, struct arena *arena,
                       const struct entity *entity)
{
    const char *name = entity->name;
    buf_printf(out, "---@class record.%s: crm.record\n", name);
    for (int i = 0; i < entity->fields_count; i++) {
        const struct field *field = entity->fields[i];
        buf_printf(out, "---@field %s ", field->name);
        put_field_type(out, field);
        buf_printf(
            out, "%s # %s\n", field->is_required ? "" : "?",
            model_text_or(model, arena, LANG_EN, field->plugin, field->label, NULL, field->name));
    }
    buf_printf(out,
               "---@class table.%s\n"
               "---@field get fun(self, id: integer): record.%s?\n"
               "---@field find fun(self, query?: crm.query): record.%s[]\n"
               "---@field each fun(self, query?: crm.query): fun(): record.%s?\n"
               "---@field count fun(self, query?: crm.query): integer\n"
               "---@field aggregate fun(self, query: crm.query): table[]\n"
               "---@field insert fun(self, fields: record.%s): record.%s?, string?, string?\n"
               "---@field update fun(self, id: integer, fields: record.%s, options?: table): "
               "record.%s?, string?, string?\n"
               "---@field delete fun(self, id: integer): boolean?, string?, string?\n"
               "---@class event.%s: crm.event\n"
               "---@field record record.%s\n"
               "---@field old record.%s\n\n",
               name, name, name, name, name, name, name, name, name, name, name);
}

static void put_model(struct buf *out, const struct model *model, struct arena *arena)
{
    buf_put_str(out, "---@meta\n-- What this company's records are made of; made by "
                     "`perigee types`.\n\n"
                     "---@class crm.query\n---@field where? table\n---@field q? string\n"
                     "---@field order? string\n---@field limit? integer\n---@field group? table\n"
                     "---@field measure? table\n\n");
    for (int i = 0; i < model->entities_count; i++)
        put_entity(out, model, arena, model->entity_list[i]);
    buf_put_str(out, "---@class crm.db\n---@field as_system fun(self): crm.db\n");
    for (int i = 0; i < model->entities_count; i++)
        buf_printf(out, "---@field %s table.%s\n", model->entity_list[i]->name,
                   model->entity_list[i]->name);
    buf_put_str(out, "\n---@alias crm.moment\n");
    for (int m = 0; m < HOOK_MOMENTS_COUNT; m++)
        buf_printf(out, "---| \"%s\"\n", hook_moment_name((enum hook_moment)m));
    buf_put_char(out, '\n');
    for (int i = 0; i < model->entities_count; i++)
        buf_printf(out,
                   "---@overload fun(entity: \"%s\", moment: crm.moment, options: table, fn: "
                   "fun(ev: event.%s, ctx: crm.ctx))\n",
                   model->entity_list[i]->name, model->entity_list[i]->name);
    buf_put_str(out, "---@param entity string\n---@param moment string\n---@param options table\n"
                     "---@param fn fun(ev: crm.event, ctx: crm.ctx)\n"
                     "function crm.on(entity, moment, options, fn) end\n\n"
                     "---@param name string\n---@param fn fun(t: crm.t)\n"
                     "function crm.test(name, fn) end\n");
}

static void put_luacheck(struct buf *out)
{
    buf_put_str(out, "-- made by `perigee types`\nstd = \"none\"\nexclude_files = { \"types\" }\n"
                     "read_globals = {\n  crm = { other_fields = true },\n  \"require\",\n");
    const char *library = "";
    for (const char *const *one = sandbox_names(); *one; one++) {
        struct slice rest = slice_str(*one), name = slice_split(&rest, '.');
        bool is_member = rest.len > 0, is_same = slice_is(name, library) && *library;
        if (*library && !is_same) {
            buf_put_str(out, " } },\n");
            library = "";
        }
        if (!is_member) {
            buf_printf(out, "  \"%s\",\n", *one);
        } else if (is_same) {
            buf_printf(out, ", \"%.*s\"", SLICE_ARG(rest));
        } else {
            buf_printf(out, "  %.*s = { fields = { \"%.*s\"", SLICE_ARG(name), SLICE_ARG(rest));
            library = slice_is(name, "coroutine") ? "coroutine"
                      : slice_is(name, "math")    ? "math"
                      : slice_is(name, "string")  ? "string"
                      : slice_is(name, "table")   ? "table"
                                                  : "utf8";
        }
    }
    buf_put_str(out, *library ? " } },\n}\n" : "}\n");
}

static int put_file(struct cli *cli, const char *folder, const char *name, const struct buf *text)
{
    const char *path = arena_printf(cli_arena(cli), "%s/%s", folder, name);
    (void)unlink(path);
    enum err e = folder_write(path, buf_slice(text), 0644);
    return e ? cli_refuse(cli, "%s: %s", path, err_text(e, LANG_EN)) : CLI_OK;
}

/* The part that is the same for all. */
static int copy_common(struct cli *cli, const char *folder)
{
    struct arena *arena = cli_arena(cli);
    struct buf text = BUF_INIT;
    const char *path = arena_printf(arena, "%s/schemas/lua/crm.meta", config_home(arena));
    FILE *file = fopen(path, "rb");
    char block[4096];
    size_t n;
    if (!file)
        return cli_refuse(cli, "%s cannot be read", path);
    while ((n = fread(block, 1, sizeof block, file)) > 0)
        buf_put(&text, block, n);
    (void)fclose(file);
    int status = put_file(cli, folder, "types/crm.lua", &text);
    buf_release(&text);
    return status;
}

static int write_all(struct cli *cli, const struct model *model, const char *folder)
{
    struct arena *arena = cli_arena(cli);
    struct buf text = BUF_INIT;
    if (folder_make(arena_printf(arena, "%s/types", folder)))
        return cli_refuse(cli, "%s/types cannot be made", folder);
    int status = copy_common(cli, folder);
    put_model(&text, model, arena);
    if (!status)
        status = put_file(cli, folder, "types/model.lua", &text);
    buf_clear(&text);
    buf_put_str(&text, "{\n  \"runtime.version\": \"Lua 5.4\",\n"
                       "  \"runtime.builtin\": { \"io\": \"disable\", \"os\": \"disable\", "
                       "\"debug\": \"disable\", \"package\": \"disable\" },\n"
                       "  \"workspace.library\": [\"types\"],\n"
                       "  \"diagnostics.globals\": [\"crm\"]\n}\n");
    if (!status)
        status = put_file(cli, folder, ".luarc.json", &text);
    buf_clear(&text);
    put_luacheck(&text);
    if (!status)
        status = put_file(cli, folder, ".luacheckrc", &text);
    buf_release(&text);
    return status;
}

static int run_types(struct cli *cli)
{
    struct arena *arena = cli_arena(cli);
    const char *folder = cli_option(cli, "output", "."), *why = NULL;
    struct rig_spec spec = {.home = config_home(arena)};
    struct rig *rig;
    spec.tenant = arena_printf(arena, "%s/tenants/%s", cli_data(cli), cli_arg(cli, 0));
    author_quiet();
    if (rig_new(arena, &spec, &rig, &why))
        return cli_refuse(cli, "%s", why);
    int status = write_all(cli, rig_ctx(rig)->model, folder);
    int count = rig_ctx(rig)->model->entities_count;
    rig_free(rig);
    if (!status)
        printf("%s/types: %d entities\n", folder, count);
    return status;
}

static const struct cli_option TYPES_OPTIONS[] = {
    {"output", "DIR", "the plugin's folder (default: here)", false},
    {NULL, NULL, NULL, false},
};

const struct cli_command CLI_TYPES[] = {
    {"types", "TENANT", "write what an editor needs to complete and check Lua", 1, 1, TYPES_OPTIONS,
     run_types},
    {NULL, NULL, NULL, 0, 0, NULL, NULL},
};
