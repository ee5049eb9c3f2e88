/* place - see place.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "place.h"

#include "cmocka_all.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "tenant/folder.h"

static void make_folder(const char *path)
{
    (void)mkdir(path, 0755);
}

/* Every folder on the way to a file. */
static void make_way(const char *path)
{
    char way[512];

    for (size_t i = 1; path[i] && i < sizeof way; i++) {
        if (path[i] != '/')
            continue;
        memcpy(way, path, i);
        way[i] = 0;
        make_folder(way);
    }
}

static void write_file(const char *path, const char *text)
{
    make_way(path);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void link_home(struct place *place)
{
    static const char *const products[] = {
        "core",      "hello",    "people",     "leads",   "quotes",       "opportunities",
        "contracts", "approval", "membership", "tickets", "integrations", "industry_retail",
    };

    make_folder(place->home);
    make_folder(arena_printf(place->arena, "%s/plugins", place->home));
    assert_int_equal(symlink(PERIGEE_SOURCE_DIR "/schemas",
                             arena_printf(place->arena, "%s/schemas", place->home)),
                     0);
    for (size_t i = 0; i < sizeof(products) / sizeof *products; i++)
        assert_int_equal(
            symlink(arena_printf(place->arena, PERIGEE_SOURCE_DIR "/plugins/%s", products[i]),
                    arena_printf(place->arena, "%s/plugins/%s", place->home, products[i])),
            0);
}

void place_open(struct place *place)
{
    const char *why = NULL;
    struct store *control;

    memset(place, 0, sizeof *place);
    strcpy(place->folder, "/tmp/perigee-test-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    place->arena = arena_new();
    place->data = arena_printf(place->arena, "%s/data", place->folder);
    place->home = arena_printf(place->arena, "%s/home", place->folder);
    id_init(1, 0);
    link_home(place);
    assert_int_equal(control_init(place->data, &why), ERR_OK);
    assert_int_equal(control_open(place->data, STORE_OWNER, &control, &why), ERR_OK);
    const char *hosts[] = {"acme.test", NULL};
    struct control_tenant spec = {.name = "acme",
                                  .title = "Acme",
                                  .locale = "zh-CN",
                                  .timezone = "Asia/Shanghai",
                                  .currency = "CNY",
                                  .worker = -1,
                                  .hosts = hosts};
    assert_int_equal(tenant_create(place->data, &spec, &why), ERR_OK);
    assert_int_equal(control_add(control, &spec, &why), ERR_OK);
    store_close(control);
    place->config = (struct config){.data = place->data, .home = place->home};
    assert_int_equal(tenants_new(&place->config, STORE_OWNER, 4, &place->tenants, &why), ERR_OK);
    assert_int_equal(tenants_by_name(place->tenants, SLICE("acme"), &place->tenant), ERR_OK);
}

void place_close(struct place *place)
{
    tenants_unpin(place->tenants, place->tenant);
    tenants_free(place->tenants);
    assert_int_equal(folder_remove(place->folder), ERR_OK);
    arena_free(place->arena);
}

void place_tenant(struct place *place, const char *name)
{
    const char *why = NULL;
    const char *hosts[] = {arena_printf(place->arena, "%s.test", name), NULL};
    struct control_tenant spec = {.name = name, .title = name, .worker = -1, .hosts = hosts};
    struct store *control;

    assert_int_equal(tenant_create(place->data, &spec, &why), ERR_OK);
    assert_int_equal(control_open(place->data, STORE_OWNER, &control, &why), ERR_OK);
    assert_int_equal(control_add(control, &spec, &why), ERR_OK);
    store_close(control);
    tenants_reload(place->tenants);
}

int place_two(void **state)
{
    static struct place place;
    place_open(&place);
    place_tenant(&place, "bolt");
    *state = &place;
    return 0;
}

int place_end(void **state)
{
    place_close(*state);
    return 0;
}

void place_switch(struct place *place, const char *name)
{
    tenants_unpin(place->tenants, place->tenant);
    assert_int_equal(tenants_by_name(place->tenants, slice_str(name), &place->tenant), ERR_OK);
    place->model = NULL;
}

void place_write(struct place *place, const char *path, const char *text)
{
    write_file(arena_printf(place->arena, "%s/plugins/%s", place->home, path), text);
}

void place_plugin(struct place *place, const char *id, const char *needs)
{
    const char *requires =
        needs ? arena_printf(place->arena, ",\"requires\":{\"%s\":\"^1\"}", needs) : "";

    place_write(place, arena_printf(place->arena, "%s/plugin.json", id),
                arena_printf(place->arena,
                             "{\"id\":\"%s\",\"version\":\"1.0.0\",\"api\":1,\"title\":\"%s\"%s}",
                             id, id, requires));
}

void place_bundle(struct place *place, const char *id, const char *path, const char *text)
{
    write_file(arena_printf(place->arena, "%s/custom/%s/1.0.0/%s", place->tenant->folder, id, path),
               text);
}

static void put_state(struct place *place, const char *id, const char *state)
{
    struct tenant *tenant = place->tenant;

    assert_int_equal(store_begin(tenant->store, true), ERR_OK);
    assert_int_equal(tenant_plugin_put(tenant, id, "1.0.0", state, SLICE("{}")), ERR_OK);
    assert_int_equal(store_header_bump(tenant->store, true, false), ERR_OK);
    assert_int_equal(store_commit(tenant->store), ERR_OK);
    assert_int_equal(tenant_refresh(tenant), ERR_OK);
}

void place_enable(struct place *place, const char *id)
{
    put_state(place, id, "enabled");
}

void place_disable(struct place *place, const char *id)
{
    put_state(place, id, "disabled");
}

void place_model(struct place *place)
{
    const char *why = NULL;

    if (model_get(place->tenant, place->home, true, &place->model, &why))
        fail_msg("no model: %s", why);
    ctx_init(&place->ctx, place->arena);
    place->ctx.tenant = place->tenant;
    place->ctx.model = place->model;
    place->ctx.lang = LANG_ZH;
    place->ctx.as_system = true;
}

void place_ready(struct place *place, ...)
{
    va_list list;

    va_start(list, place);
    for (const char *id; (id = va_arg(list, const char *)) != NULL;)
        place_enable(place, id);
    va_end(list);
    place_model(place);
}

void place_sales(struct place *place, const char *path, const char *text)
{
    place_bundle(place, "acme.sales", "plugin.json",
                 "{\"id\":\"acme.sales\",\"version\":\"1.0.0\",\"api\":1,\"title\":\"t\","
                 "\"requires\":{\"leads\":\"^1\"}}");
    place_bundle(place, "acme.sales", path, text);
    place_ready(place, "people", "leads", "acme.sales", NULL);
}

void place_row(struct place *place, const char *entity)
{
    const struct store_set set = {"id", value_int(1), false};
    const char *table = place_entity(place, entity)->table;

    assert_int_equal(store_insert(place->tenant->store, table, &set, 1, NULL), ERR_OK);
}

const struct json *place_json(struct place *place, const char *text)
{
    const struct json *out = NULL;
    const char *why = NULL;

    if (json_parse(place->arena, slice_str(text), &out, &why))
        fail_msg("%s: %s", text, why);
    return out;
}

const struct entity *place_entity(struct place *place, const char *name)
{
    const struct entity *entity = model_entity(place->model, slice_str(name));
    assert_non_null(entity);
    return entity;
}

const struct field *place_field(struct place *place, const char *entity, const char *field)
{
    const struct field *found = entity_field(place_entity(place, entity), slice_str(field));
    assert_non_null(found);
    return found;
}

const char *place_broken(struct place *place, const char *id)
{
    for (int i = 0; i < place->model->plugins_count; i++)
        if (strcmp(place->model->plugins[i]->id, id) == 0) {
            assert_non_null(place->model->plugins[i]->broken);
            return place->model->plugins[i]->broken;
        }
    fail_msg("%s is not among the plugins", id);
    return "";
}
