/* stage - see stage.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "stage.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/limits.h"
#include "record/list.h"
#include "tenant/folder.h"

static const char thing_json[] =
    "{'name':'thing','title':'name','owner':true,'fields':["
    "{'no':1,'name':'name','type':'text','length':40},"
    "{'no':2,'name':'amount','type':'int','max':1000000},"
    "{'no':3,'name':'price','type':'money'},"
    "{'no':4,'name':'rate','type':'decimal','scale':2},"
    "{'no':5,'name':'level','type':'enum','values':['a','b','c']},"
    "{'no':6,'name':'due','type':'datetime'},"
    "{'no':7,'name':'day','type':'date'},"
    "{'no':8,'name':'tags','type':'tags'},"
    "{'no':9,'name':'score','type':'int','readonly':true},"
    "{'no':10,'name':'done','type':'bool'},"
    "{'no':11,'name':'status','type':'state','default':'new','values':['new','open','shut'],"
    "'flow':{'new':['open'],'open':['shut']}}]}";
static const char part_json[] = "{'name':'part','title':'name','fields':["
                                "{'no':1,'name':'name','type':'text'},"
                                "{'no':2,'name':'thing','type':'ref','entity':'thing'},"
                                "{'no':3,'name':'amount','type':'int'},"
                                "{'no':4,'name':'twice','type':'computed','fn':'calc.twice',"
                                "'deps':['amount'],'result':'int'},"
                                "{'no':5,'name':'level','type':'lookup','path':'thing.level'},"
                                "{'no':6,'name':'about','type':'ref_any'}]}";
static const char manifest[] =
    "{'id':'t','version':'1.0.0','api':1,'title':'T','capabilities':['db:thing:rw','db:part:r'],"
    "'config':[{'name':'most','type':'int','default':7}]}";
static const char calc[] = "local calc = {}\n"
                           "function calc.twice(r) return r.amount and r.amount * 2 end\n"
                           "return calc\n";

/* JSON with single quotes reads better in C. */
static char *quoted(struct arena *arena, const char *text)
{
    char *copy = arena_strdup(arena, text);
    for (char *c = copy; *c; c++)
        if (*c == '\'')
            *c = '"';
    return copy;
}

void stage_write(struct stage *stage, const char *path, const char *text)
{
    char *full = arena_printf(stage->arena, "%s/plugins/%s", stage->home, path);
    char *slash = strrchr(full, '/');
    *slash = 0;
    OK(folder_make(full));
    *slash = '/';
    FILE *file = fopen(full, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

void stage_product(struct stage *stage, const char *id)
{
    const char *source = arena_printf(stage->arena, "%s/plugins/%s", PERIGEE_SOURCE_DIR, id);
    const char *link = arena_printf(stage->arena, "%s/plugins/%s", stage->home, id);
    assert_int_equal(symlink(source, link), 0);
}

/* --- tenants --- */

static void make_tenants(struct stage *stage)
{
    static const char *const names[] = {"acme", "bolt"};
    const char *why = NULL;
    struct store *control;
    OK(control_init(stage->data, &why));
    OK(control_open(stage->data, STORE_OWNER, &control, &why));
    for (int i = 0; i < 2; i++) {
        const char *hosts[] = {arena_printf(stage->arena, "%s.test", names[i]), NULL};
        struct control_tenant spec = {
            .name = names[i], .title = names[i], .worker = -1, .hosts = hosts};
        OK(tenant_create(stage->data, &spec, &why));
        OK(control_add(control, &spec, &why));
    }
    store_close(control);
    stage->config = (struct config){.data = stage->data, .home = stage->home};
    OK(tenants_new(&stage->config, STORE_OWNER, 4, &stage->tenants, &why));
}

static void model_now(struct stage *stage)
{
    const char *why = NULL;
    OK(tenant_refresh(stage->tenant));
    enum err e = model_get(stage->tenant, stage->home, true, &stage->model, &why);
    if (e)
        fail_msg("%s", why);
    for (int i = 0; i < stage->model->plugins_count; i++)
        if (stage->model->plugins[i]->broken)
            fail_msg("%s", stage->model->plugins[i]->broken);
    ctx_init(&stage->ctx, stage->arena);
    stage->ctx.tenant = stage->tenant;
    stage->ctx.model = stage->model;
    stage->ctx.as_system = true;
    stage->ctx.lang = LANG_EN;
}

void stage_switch(struct stage *stage, const char *tenant)
{
    if (stage->tenant)
        tenants_unpin(stage->tenants, stage->tenant);
    OK(tenants_by_name(stage->tenants, slice_str(tenant), &stage->tenant));
    model_now(stage);
}

void stage_enable(struct stage *stage, const char *id)
{
    OK(store_begin(stage->tenant->store, true));
    OK(tenant_plugin_put(stage->tenant, id, "1.0.0", "enabled", slice_of(NULL, 0)));
    OK(store_commit(stage->tenant->store));
    model_now(stage);
}

int stage_setup(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    assert_non_null(stage);
    strcpy(stage->folder, "/tmp/perigee-test-XXXXXX");
    assert_non_null(mkdtemp(stage->folder));
    (void)snprintf(stage->home, sizeof stage->home, "%s/home", stage->folder);
    (void)snprintf(stage->data, sizeof stage->data, "%s/data", stage->folder);
    stage->arena = arena_new();
    id_init(1, 0);
    clock_fix(STAGE_NOW);
    OK(folder_make(arena_printf(stage->arena, "%s/plugins", stage->home)));
    assert_int_equal(symlink(PERIGEE_SOURCE_DIR "/schemas",
                             arena_printf(stage->arena, "%s/schemas", stage->home)),
                     0);
    stage_product(stage, "core");
    stage_write(stage, "t/plugin.json", quoted(stage->arena, manifest));
    stage_write(stage, "t/entities/thing.json", quoted(stage->arena, thing_json));
    stage_write(stage, "t/entities/part.json", quoted(stage->arena, part_json));
    stage_write(stage, "t/calc.lua", calc);
    stage_write(stage, "t/i18n/en.json", "{\"bad\":\"{n} is bad.\"}");
    stage_write(stage, "t/i18n/zh-CN.json", "{\"bad\":\"{n} 不行。\"}");
    make_tenants(stage);
    stage_switch(stage, "acme");
    stage_enable(stage, "t");
    *state = stage;
    return 0;
}

int stage_teardown(void **state)
{
    struct stage *stage = *state;
    tenants_unpin(stage->tenants, stage->tenant);
    tenants_free(stage->tenants);
    OK(folder_remove(stage->folder));
    arena_free(stage->arena);
    clock_fix(-1);
    free(stage);
    return 0;
}

/* --- scripts --- */

void stage_script(struct stage *stage, const char *lua)
{
    stage_write(stage, "t/init.lua", lua);
    if (stage->tenant->vm) {
        stage->tenant->vm_free(stage->tenant->vm);
        stage->tenant->vm = NULL;
    }
}

struct vm *stage_vm(struct stage *stage)
{
    struct vm *vm = NULL;
    err_info_clear(&stage->ctx.err);
    if (vm_get(&stage->ctx, stage->home, &vm))
        fail_msg("%s", stage->ctx.err.detail);
    return vm;
}

const char *stage_broken(struct stage *stage)
{
    struct vm *vm;
    err_info_clear(&stage->ctx.err);
    return vm_get(&stage->ctx, stage->home, &vm) ? stage->ctx.err.detail : NULL;
}

/* --- units of work --- */

void stage_begin(struct stage *stage)
{
    struct vm *vm = stage_vm(stage);
    OK(store_begin(stage->tenant->store, true));
    unit_begin(&stage->ctx, &stage->unit, vm_hooks(vm));
    stage->unit.computed = vm_computed(vm);
}

enum err stage_end(struct stage *stage, enum err e)
{
    unit_end(&stage->ctx);
    if (e)
        store_rollback(stage->tenant->store);
    else
        OK(store_commit(stage->tenant->store));
    return e;
}

static const struct json *body_of(struct stage *stage, const char *text)
{
    const struct json *body;
    OK(json_parse(stage->arena, slice_str(quoted(stage->arena, text)), &body, NULL));
    return body;
}

static const struct entity *entity_of(struct stage *stage, const char *name)
{
    const struct entity *entity = model_entity(stage->model, slice_str(name));
    assert_non_null(entity);
    return entity;
}

enum err stage_create(struct stage *stage, const char *entity, const char *body, int64_t *id)
{
    int64_t made = 0;
    stage_begin(stage);
    enum err e = record_create_json(&stage->ctx, entity_of(stage, entity), body_of(stage, body),
                                    &made, NULL);
    if (id)
        *id = made;
    return stage_end(stage, e);
}

enum err stage_update(struct stage *stage, const char *entity, int64_t id, const char *body)
{
    stage_begin(stage);
    enum err e = record_update_json(&stage->ctx, entity_of(stage, entity), id, body_of(stage, body),
                                    0, NULL);
    return stage_end(stage, e);
}

const char *stage_field(struct stage *stage, const char *entity, int64_t id, const char *field)
{
    struct record *record;
    struct buf out = BUF_INIT;
    OK(record_load(&stage->ctx, entity_of(stage, entity), id, ROLE_READ, &record));
    const struct field *found = entity_field(record->entity, slice_str(field));
    assert_non_null(found);
    field_put(found, record->now, &out);
    const char *text = arena_str(stage->arena, buf_slice(&out));
    buf_release(&out);
    return text;
}

int64_t stage_count(struct stage *stage, const char *entity)
{
    struct list_query query = {.entity = entity_of(stage, entity)};
    int64_t count = -1;
    OK(list_count(&stage->ctx, &query, COUNT_CAP, &count));
    return count;
}

enum err stage_run(struct stage *stage, const char **answer)
{
    struct buf out = BUF_INIT;
    struct vm *vm = stage_vm(stage);
    enum err e = vm_service(vm, &stage->ctx, "run", NULL, &out);
    if (answer)
        *answer = arena_str(stage->arena, buf_slice(&out));
    buf_release(&out);
    return e;
}

static void service(struct stage *stage, const char *body)
{
    stage_script(stage, arena_printf(stage->arena,
                                     "crm.service(\"run\", function(arg, ctx)\n%s\nend)", body));
}

void stage_fails(struct stage *stage, const char *body, const char *part)
{
    service(stage, body);
    enum err e = stage_run(stage, NULL);
    if (e != ERR_PLUGIN)
        fail_msg("no error: %s", body);
    if (!strstr(stage->ctx.err.detail, part))
        fail_msg("%s\nlacks: %s", stage->ctx.err.detail, part);
}

void stage_gives(struct stage *stage, const char *body, const char *json)
{
    const char *answer;
    service(stage, body);
    if (stage_run(stage, &answer))
        fail_msg("%s", stage->ctx.err.detail ? stage->ctx.err.detail : "refused");
    assert_string_equal(answer, quoted(stage->arena, json));
}
