/* shop - see shop.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "shop.h"

#include "base/id.h"
#include "record/change.h"

static const char customer[] =
    "{\"name\":\"customer\",\"title\":\"name\",\"owner\":true,\"fields\":["
    "{\"no\":1,\"name\":\"name\",\"type\":\"text\",\"required\":true,\"search\":true,"
    "\"person\":true},"
    "{\"no\":2,\"name\":\"code\",\"type\":\"text\",\"unique\":true,\"import_alias\":\"kennung\"},"
    "{\"no\":3,\"name\":\"number\",\"type\":\"autonumber\",\"pattern\":\"C-{counter:3}\"},"
    "{\"no\":4,\"name\":\"phone\",\"type\":\"phone\",\"search\":true},"
    "{\"no\":5,\"name\":\"level\",\"type\":\"enum\","
    "\"values\":[{\"value\":\"a\",\"label\":\"Gold\"},\"b\"],\"default\":\"b\"},"
    "{\"no\":6,\"name\":\"vip_note\",\"type\":\"text\",\"required_when\":{\"level\":\"a\"}},"
    "{\"no\":7,\"name\":\"status\",\"type\":\"state\",\"default\":\"new\","
    "\"values\":[\"new\",\"active\",\"closed\"],"
    "\"flow\":{\"new\":[\"active\"],\"active\":[\"closed\",\"new\"]},"
    "\"requires\":{\"closed\":[\"reason\"]}},"
    "{\"no\":8,\"name\":\"reason\",\"type\":\"text\"},"
    "{\"no\":9,\"name\":\"amount\",\"type\":\"money\"},"
    "{\"no\":10,\"name\":\"parent\",\"type\":\"ref\",\"entity\":\"customer\","
    "\"on_delete\":\"clear\"},"
    "{\"no\":11,\"name\":\"since\",\"type\":\"date\",\"default\":\"$today\"},"
    "{\"no\":12,\"name\":\"orders\",\"type\":\"rollup\",\"from\":\"order\",\"by\":\"customer\","
    "\"op\":\"count\"},"
    "{\"no\":13,\"name\":\"total\",\"type\":\"rollup\",\"from\":\"order\",\"by\":\"customer\","
    "\"op\":\"sum\",\"field\":\"amount\",\"where\":{\"status\":\"open\"}},"
    "{\"no\":14,\"name\":\"biggest\",\"type\":\"rollup\",\"from\":\"order\",\"by\":\"customer\","
    "\"op\":\"max\",\"field\":\"qty\"},"
    "{\"no\":15,\"name\":\"shout\",\"type\":\"computed\",\"fn\":\"shop.shout\","
    "\"deps\":[\"name\"],\"result\":\"text\"},"
    "{\"no\":16,\"name\":\"score\",\"type\":\"int\",\"readonly\":true},"
    "{\"no\":17,\"name\":\"cost\",\"type\":\"int\"},"
    "{\"no\":18,\"name\":\"called_at\",\"type\":\"datetime\"},"
    "{\"no\":19,\"name\":\"smallest\",\"type\":\"rollup\",\"from\":\"order\",\"by\":\"customer\","
    "\"op\":\"min\",\"field\":\"qty\",\"where\":{\"status\":\"open\"}},"
    "{\"no\":20,\"name\":\"dearest\",\"type\":\"rollup\",\"from\":\"order\",\"by\":\"customer\","
    "\"op\":\"max\",\"field\":\"amount\"}]}";
static const char order[] =
    "{\"name\":\"order\",\"title\":\"subject\",\"owner\":true,\"fields\":["
    "{\"no\":1,\"name\":\"subject\",\"type\":\"text\",\"required\":true},"
    "{\"no\":2,\"name\":\"customer\",\"type\":\"ref\",\"entity\":\"customer\","
    "\"on_delete\":\"cascade\"},"
    "{\"no\":3,\"name\":\"amount\",\"type\":\"money\"},"
    "{\"no\":4,\"name\":\"qty\",\"type\":\"int\"},"
    "{\"no\":5,\"name\":\"status\",\"type\":\"enum\",\"values\":[\"open\",\"void\"],"
    "\"default\":\"open\"}]}";
static const char invoice[] =
    "{\"name\":\"invoice\",\"title\":\"name\",\"fields\":["
    "{\"no\":1,\"name\":\"name\",\"type\":\"text\",\"required\":true},"
    "{\"no\":2,\"name\":\"customer\",\"type\":\"ref\",\"entity\":\"customer\","
    "\"on_delete\":\"refuse\"}]}";
static const char note[] = "{\"name\":\"note\",\"title\":\"name\",\"fields\":["
                           "{\"no\":1,\"name\":\"name\",\"type\":\"text\",\"required\":true},"
                           "{\"no\":2,\"name\":\"customer\",\"type\":\"ref\","
                           "\"entity\":\"customer\",\"on_delete\":\"clear\"}]}";

static void learn(struct shop *shop)
{
    shop->ctx->lang = LANG_EN;
    shop->customer = place_entity(&shop->place, "customer");
    shop->order = place_entity(&shop->place, "order");
    shop->invoice = place_entity(&shop->place, "invoice");
    shop->note = place_entity(&shop->place, "note");
    shop->user = place_entity(&shop->place, "user");
    shop->department = place_entity(&shop->place, "department");
}

int shop_products_setup(void **state)
{
    int failed = shop_setup(state);
    struct shop *shop = *state;
    place_ready(&shop->place, "people", "leads", NULL);
    learn(shop);
    return failed;
}

int shop_setup(void **state)
{
    struct shop *shop = calloc(1, sizeof *shop);
    place_open(&shop->place);
    place_plugin(&shop->place, "shop", NULL);
    place_write(&shop->place, "shop/entities/customer.json", customer);
    place_write(&shop->place, "shop/entities/order.json", order);
    place_write(&shop->place, "shop/entities/invoice.json", invoice);
    place_write(&shop->place, "shop/entities/note.json", note);
    place_ready(&shop->place, "shop", NULL);
    for (int i = 0; i < shop->place.model->plugins_count; i++)
        if (shop->place.model->plugins[i]->broken)
            fail_msg("%s", shop->place.model->plugins[i]->broken);
    shop->ctx = &shop->place.ctx;
    learn(shop);
    *state = shop;
    return 0;
}

int shop_teardown(void **state)
{
    struct shop *shop = *state;
    buf_release(&shop->log);
    place_close(&shop->place);
    free(shop);
    return 0;
}

/* --- transactions --- */

void shop_begin(struct shop *shop)
{
    err_info_clear(&shop->ctx->err);
    OK(tenant_refresh(shop->place.tenant));
    OK(store_begin(shop->place.tenant->store, true));
    unit_begin(shop->ctx, &shop->unit, shop->hooks);
}

void shop_commit(struct shop *shop)
{
    unit_end(shop->ctx);
    OK(store_commit(shop->place.tenant->store));
}

void shop_rollback(struct shop *shop)
{
    unit_end(shop->ctx);
    store_rollback(shop->place.tenant->store);
}

static enum err finish(struct shop *shop, enum err e)
{
    if (e)
        shop_rollback(shop);
    else
        shop_commit(shop);
    return e;
}

enum err shop_create(struct shop *shop, const struct entity *entity, const char *json, int64_t *id)
{
    shop_begin(shop);
    return finish(shop,
                  record_create_json(shop->ctx, entity, place_json(&shop->place, json), id, NULL));
}

enum err shop_update(struct shop *shop, const struct entity *entity, int64_t id, const char *json,
                     int64_t version)
{
    shop_begin(shop);
    return finish(shop, record_update_json(shop->ctx, entity, id, place_json(&shop->place, json),
                                           version, NULL));
}

enum err shop_delete(struct shop *shop, const struct entity *entity, int64_t id)
{
    shop_begin(shop);
    return finish(shop, record_delete(shop->ctx, entity, id, 0));
}

int64_t shop_make(struct shop *shop, const struct entity *entity, const char *json)
{
    int64_t id = 0;
    enum err e = shop_create(shop, entity, json, &id);
    if (e)
        fail_msg("%s: %s %s (%s) %s", json, err_code(e), shop_complaints(shop),
                 shop->ctx->err.detail ? shop->ctx->err.detail : "",
                 store_why(shop->place.tenant->store));
    return id;
}

/* --- looking --- */

struct cell {
    struct arena *arena;
    const struct field *field;
    struct value values[4];
    bool found;
};

static bool take_cell(void *arg, const struct store_row *row)
{
    struct cell *cell = arg;
    cell->found = true;
    for (int i = 0; i < cell->field->type->columns; i++) {
        struct value v = store_row_value(row, i);
        cell->values[i] = value_copy(cell->arena, &v);
    }
    return false;
}

static struct cell read_cell(struct shop *shop, const struct entity *entity, int64_t id,
                             const char *name)
{
    struct cell cell = {.arena = shop->place.arena, .field = entity_field(entity, slice_str(name))};
    struct query_column select[4];
    memset(select, 0, sizeof select);
    assert_non_null(cell.field);
    for (int i = 0; i < cell.field->type->columns; i++)
        select[i].column.column = entity->columns[cell.field->slot + i];
    struct query query = {.table = entity->table,
                          .select = select,
                          .select_count = cell.field->type->columns,
                          .where = shop_eq(shop, "id", id)};
    OK(store_read(shop->place.tenant->store, &query, take_cell, &cell));
    assert_true(cell.found);
    return cell;
}

const char *shop_get(struct shop *shop, const struct entity *entity, int64_t id, const char *name)
{
    struct cell cell = read_cell(shop, entity, id, name);
    struct buf out = BUF_INIT;
    if (cell.values[0].type == VALUE_NULL)
        buf_put_str(&out, "null");
    else if (cell.field->type->put_text)
        cell.field->type->put_text(cell.field, cell.values, &out);
    else
        cell.field->type->put(cell.field, cell.values, &out);
    const char *text = arena_str(shop->place.arena, buf_slice(&out));
    buf_release(&out);
    return text;
}

int64_t shop_int(struct shop *shop, const struct entity *entity, int64_t id, const char *name)
{
    return read_cell(shop, entity, id, name).values[0].integer;
}

int64_t shop_count(struct shop *shop, const char *table, const struct expr *where)
{
    int64_t count;
    OK(store_count(shop->place.tenant->store, table, where, 1000000, &count));
    return count;
}

const struct expr *shop_eq(struct shop *shop, const char *column, int64_t n)
{
    return expr_cmp(shop->place.arena, EXPR_EQ, column, value_int(n));
}

const char *shop_complaints(struct shop *shop)
{
    struct buf out = BUF_INIT;
    for (const struct err_field *f = shop->ctx->err.first; f; f = f->next)
        buf_printf(&out, "%s%s:%s", out.len ? " " : "", f->field, f->code);
    const char *text = arena_strdup(shop->place.arena, buf_cstr(&out));
    buf_release(&out);
    return text;
}

const char *shop_id(struct shop *shop, int64_t id)
{
    char text[ID_TEXT_LEN + 1];
    id_text(id, text);
    return arena_printf(shop->place.arena, "\"%s\"", text);
}

/* --- acting --- */

void shop_as(struct shop *shop, int64_t user, const char *role_json)
{
    struct actor *actor = arena_make(shop->place.arena, struct actor);
    const struct role **roles = arena_array(shop->place.arena, const struct role *, 1);
    struct role *role;
    const char *why = "";
    shop->ctx->as_system = user == 0;
    shop->ctx->actor = NULL;
    if (!user)
        return;
    if (role_parse(shop->place.arena, place_json(&shop->place, role_json), &role, &why))
        fail_msg("%s", why);
    roles[0] = role;
    *actor = (struct actor){.user = user, .roles = roles, .roles_count = 1, .active = true};
    shop->ctx->actor = actor;
}

void shop_on(struct shop *shop, const char *entity, enum hook_moment moment, const char *id, int at,
             hook_cb cb, void *arg)
{
    struct hook_spec spec = {.entity = entity,
                             .moment = moment,
                             .plugin = "shop",
                             .id = id,
                             .where = "shop/init.lua:1",
                             .at = at,
                             .field = moment == HOOK_TRANSITION ? "status" : NULL};
    if (!shop->hooks)
        shop->hooks = hooks_new(shop->place.arena);
    OK(hook_add(shop->hooks, &spec, cb, arg));
}

void shop_seal(struct shop *shop)
{
    const char *why = "";
    if (hooks_seal(shop->hooks, shop->place.arena, &why))
        fail_msg("%s", why);
}

enum err shop_log(struct ctx *ctx, struct event *event, void *arg)
{
    struct shop *shop = (struct shop *)((char *)ctx - offsetof(struct place, ctx));
    (void)event;
    buf_printf(&shop->log, "%s%s", shop->log.len ? " " : "", (const char *)arg);
    return ERR_OK;
}
