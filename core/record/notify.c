/* notify - see notify.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/notify.h"

#include "auth/actor.h"
#include "auth/row.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/text.h"
#include "hook/job.h"
#include "record/field_kit.h"
#include "record/list_group.h"
#include "record/model.h"

#define DAILY_HOUR   8
#define EACH_WAIT_MS 10000
#define HOUR_MS      (3600 * 1000LL)

struct addressee {
    int64_t id;
    enum lang lang;
    const char *mail, *timezone; /* mail: none, each, daily */
};

static const struct entity *notification(const struct ctx *ctx)
{
    const struct entity *entity = model_entity(ctx->model, SLICE(NOTIFY_ENTITY));
    ASSERT(entity);
    return entity;
}

static const char *column_of(const struct entity *entity, const char *field)
{
    const struct field *f = entity_field(entity, slice_str(field));
    ASSERT(f);
    return f->column;
}

/* --- who ----------------------------------------------------------------------------------------
 */

static enum lang lang_of(const struct ctx *ctx, const char *locale)
{
    if (!locale)
        locale = ctx->tenant->locale ? ctx->tenant->locale : "";
    return slice_starts(slice_str(locale), SLICE("en")) ? LANG_EN : LANG_ZH;
}

/* ERR_NOT_FOUND: nobody who could be told anything. */
static enum err reader_load(struct ctx *ctx, int64_t id, struct addressee *out, const char **email,
                            const char **name)
{
    static const char *const columns[] = {"active",   "locale", "notify_mail",
                                          "timezone", "email",  "name"};
    struct expr nodes[3];
    struct value v[6];
    enum err e = row_read(ctx->tenant->store, ctx->arena, "user", columns, 6,
                          row_live(nodes, "id", value_int(id)), v);
    if (!e && !v[0].integer)
        e = ERR_NOT_FOUND;
    if (e)
        return e;
    *out = (struct addressee){id, lang_of(ctx, row_text(&v[1])), row_text(&v[2]), row_text(&v[3])};
    if (email)
        *email = row_text(&v[4]);
    if (name)
        *name = row_text(&v[5]);
    return ERR_OK;
}

/* --- writing ------------------------------------------------------------------------------------
 */

static void set_text(struct ctx *ctx, struct record *record, const char *field, const char *text,
                     size_t most)
{
    const struct field *f = entity_field(record->entity, slice_str(field));
    ASSERT(f);
    if (!text || !*text)
        return;
    struct slice s = slice_str(text);
    s = text_head(s, most);
    struct value value = value_text(arena_slice(ctx->arena, s));
    enum err e = record_set_values(ctx, record, f, &value);
    ASSERT(!e); /* it is new and open */
}

/* May the reader see the record it is about, by the roles that one has now? */
static enum err sees(struct ctx *ctx, const struct entity *entity, int64_t record, int64_t user,
                     bool *out)
{
    const struct actor *before = ctx->actor, *reader = NULL;
    bool as_system = ctx->as_system;
    struct err_info said = ctx->err;
    struct buf titles = BUF_INIT;
    enum err e = actor_load(ctx->tenant, user, &reader);
    if (!e) {
        ctx->actor = reader;
        ctx->as_system = false;
        e = list_titles(ctx, entity, &record, 1, &titles);
        ctx->actor = before;
        ctx->as_system = as_system;
    }
    ctx->err = said;
    *out = !e && titles.len > 0;
    buf_release(&titles);
    return e == ERR_FORBIDDEN || e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* The words of the text as this reader may have them: what the record is called, "what", is told to
 * who may see it; others read which kind of record it is. */
static enum err words_for(struct ctx *ctx, const struct notify *n, const struct addressee *reader,
                          const char **args)
{
    const struct json *words = NULL;
    const struct entity *entity = n->about ? model_entity(ctx->model, slice_str(n->about)) : NULL;
    bool may = false;
    *args = n->args;
    if (!entity || !n->args || json_parse(ctx->arena, slice_str(n->args), &words, NULL) ||
        !json_get(words, "what"))
        return ERR_OK;
    enum err e = sees(ctx, entity, n->record, reader->id, &may);
    if (e || may)
        return e;
    const char *label =
        model_text(ctx->model, ctx->arena, reader->lang, entity->plugin, entity->label, NULL);
    struct json *others = json_new(ctx->arena, JSON_OBJECT);
    json_each(word, words)
    {
        const struct json *told =
            slice_is(word->key, "what") ? json_new_str(ctx->arena, slice_str(label)) : word;
        json_add(ctx->arena, others, arena_str(ctx->arena, word->key), json_copy(ctx->arena, told));
    }
    struct buf text = BUF_INIT;
    json_put(&text, others);
    *args = arena_str(ctx->arena, buf_slice(&text));
    buf_release(&text);
    return ERR_OK;
}

static enum err fill(struct ctx *ctx, const struct notify *n, const struct addressee *reader,
                     struct record *record)
{
    const char *plugin = n->plugin ? n->plugin : "core", *args = NULL;
    enum err e = words_for(ctx, n, reader, &args);
    if (e)
        return e;
    set_text(ctx, record, "title",
             model_text(ctx->model, ctx->arena, reader->lang, plugin, n->text, args),
             NOTIFY_TITLE_MAX);
    if (n->body)
        set_text(ctx, record, "body",
                 model_text(ctx->model, ctx->arena, reader->lang, plugin, n->body, args),
                 NOTIFY_BODY_MAX);
    set_text(ctx, record, "kind", n->kind, NAME_BYTES_MAX);
    set_text(ctx, record, "tone", n->tone, NAME_BYTES_MAX);
    set_text(ctx, record, "link", n->link, NOTIFY_TITLE_MAX);
    set_text(ctx, record, "plugin", plugin, NAME_BYTES_MAX);
    set_text(ctx, record, "dedupe", n->dedupe, NOTIFY_TITLE_MAX);
    struct value owner = value_int(reader->id);
    e = record_set_values(ctx, record, entity_field(record->entity, SLICE("owner")), &owner);
    if (e || !n->about)
        return e;
    struct value about[2] = {value_int(n->record), value_text(slice_str(n->about))};
    return record_set_values(ctx, record, entity_field(record->entity, SLICE("about")), about);
}

static enum err is_told(struct ctx *ctx, const struct notify *n, int64_t user, bool *out)
{
    const struct entity *entity = notification(ctx);
    int64_t count = 0;
    *out = false;
    if (!n->dedupe)
        return ERR_OK;
    struct arena *a = ctx->arena;
    const struct expr *same = expr_and(
        a, expr_cmp(a, EXPR_EQ, "owner", value_int(user)),
        expr_cmp(a, EXPR_EQ, column_of(entity, "dedupe"), value_text(slice_str(n->dedupe))));
    const struct expr *unread =
        expr_and(a, expr_cmp(a, EXPR_NULL, column_of(entity, "read_at"), value_null()),
                 expr_cmp(a, EXPR_NULL, "deleted_at", value_null()));
    enum err e =
        store_count(ctx->tenant->store, entity->table, expr_and(a, same, unread), 1, &count);
    *out = count > 0;
    return e;
}

/* What is old is nobody's news any more. */
static enum err trim(struct ctx *ctx, int64_t user)
{
    struct arena *a = ctx->arena;
    const struct expr *old =
        expr_and(a, expr_cmp(a, EXPR_EQ, "owner", value_int(user)),
                 expr_cmp(a, EXPR_LT, "created_at", value_int(ctx->now_ms - NOTIFY_KEEP_MS)));
    return store_delete(ctx->tenant->store, notification(ctx)->table, old, NULL);
}

/* The next morning of the reader, or soon. */
static int64_t digest_at(const struct ctx *ctx, const struct addressee *reader)
{
    if (strcmp(reader->mail, "each") == 0)
        return ctx->now_ms + EACH_WAIT_MS;
    const struct zone *zone = reader->timezone ? zone_find(reader->timezone) : NULL;
    if (!zone)
        zone = ctx->tenant->zone;
    int64_t day = zone_day(zone, ctx->now_ms);
    int64_t at = zone_day_start_ms(zone, day) + DAILY_HOUR * HOUR_MS;
    return at > ctx->now_ms ? at : zone_day_start_ms(zone, day + 1) + DAILY_HOUR * HOUR_MS;
}

static enum err ask_letter(struct ctx *ctx, const struct addressee *reader)
{
    int64_t id;
    if (!reader->mail || strcmp(reader->mail, "none") == 0)
        return ERR_OK;
    struct json *body = json_new(ctx->arena, JSON_OBJECT);
    json_add(ctx->arena, body, "user", json_new_int(ctx->arena, reader->id));
    struct job job = {.queue = NOTIFY_QUEUE,
                      .dedupe = arena_printf(ctx->arena, "notify:%lld", (long long)reader->id),
                      .run_at_ms = digest_at(ctx, reader),
                      .body = body};
    return job_put(ctx, &job, &id);
}

static enum err put_one(struct ctx *ctx, const struct notify *n, int64_t user, bool *written)
{
    struct addressee reader;
    struct record *record;
    bool told = false;
    *written = false;
    enum err e = reader_load(ctx, user, &reader, NULL, NULL);
    if (!e)
        e = is_told(ctx, n, user, &told);
    if (e || told)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    e = trim(ctx, user);
    if (!e)
        e = record_new(ctx, notification(ctx), &record);
    if (!e)
        e = fill(ctx, n, &reader, record);
    if (!e)
        e = record_save(ctx, record, 0);
    *written = !e;
    return e ? e : ask_letter(ctx, &reader);
}

enum err notify_put(struct ctx *ctx, const struct notify *notify, const int64_t *users, int count,
                    int *written)
{
    ASSERT(ctx && ctx->model && notify && notify->text);
    ASSERT(store_in_write(ctx->tenant->store));
    struct unit unit;
    bool before = ctx->as_system, has_unit = ctx->unit != NULL;
    enum err e = ERR_OK;
    int done = 0;
    if (count > NOTIFY_USERS_MAX)
        return err_field(&ctx->err, "users", "too_many_values", NULL);
    if (!has_unit)
        unit_begin(ctx, &unit, NULL);
    ctx->as_system = true;
    for (int i = 0; i < count && !e; i++) {
        bool one = false;
        e = put_one(ctx, notify, users[i], &one);
        done += one;
    }
    ctx->as_system = before;
    if (!has_unit)
        unit_end(ctx);
    if (written)
        *written = done;
    return e;
}

/* --- administrators -----------------------------------------------------------------------------
 */

struct admins {
    struct ctx *ctx;
    const char *area;
    int64_t ids[NOTIFY_USERS_MAX];
    const char *roles[NOTIFY_USERS_MAX];
    int count;
};

static bool take_user(void *arg, const struct store_row *row)
{
    struct admins *admins = arg;
    admins->ids[admins->count] = store_row_int(row, 0);
    admins->roles[admins->count++] = arena_str(admins->ctx->arena, store_row_bytes(row, 1));
    return admins->count < NOTIFY_USERS_MAX;
}

/* Roles are read when no row is open: they come from the store too. */
static bool may_admin(struct admins *admins, const char *roles)
{
    const struct json *list;
    if (json_parse(admins->ctx->arena, slice_str(roles), &list, NULL))
        return false;
    json_each(name, list)
    {
        const struct role *role = NULL;
        const char *text = arena_str(admins->ctx->arena, name->text);
        if (actor_role(admins->ctx->tenant, text, &role) == ERR_OK && role &&
            role_may_admin(role, admins->area))
            return true;
    }
    return false;
}

enum err notify_admins(struct ctx *ctx, const char *area, const struct notify *notify, int *written)
{
    struct arena *a = ctx->arena;
    struct admins admins = {.ctx = ctx, .area = area};
    static const struct query_column columns[] = {{.column = {0, "id"}}, {.column = {0, "roles"}}};
    const struct expr *active =
        expr_and(a, expr_cmp(a, EXPR_NULL, "deleted_at", value_null()),
                 expr_and(a, expr_cmp(a, EXPR_EQ, "active", value_int(1)),
                          expr_cmp(a, EXPR_NE, "roles", value_text(SLICE("[]")))));
    static const struct query_order oldest[] = {{.column = {0, "id"}}};
    int64_t ids[NOTIFY_USERS_MAX], from = 0;
    int count = 0;
    enum err e = ERR_OK;
    do { /* page by page: most people of a company administer nothing */
        admins.count = 0;
        struct query query = {.table = "user",
                              .select = columns,
                              .select_count = 2,
                              .where =
                                  expr_and(a, active, expr_cmp(a, EXPR_GT, "id", value_int(from))),
                              .order = oldest,
                              .order_count = 1};
        e = store_read(ctx->tenant->store, &query, take_user, &admins);
        for (int i = 0; i < admins.count && !e && count < NOTIFY_USERS_MAX; i++)
            if (may_admin(&admins, admins.roles[i]))
                ids[count++] = admins.ids[i];
        from = admins.count ? admins.ids[admins.count - 1] : 0;
    } while (!e && admins.count == NOTIFY_USERS_MAX && count < NOTIFY_USERS_MAX);
    return e ? e : notify_put(ctx, notify, ids, count, written);
}

/* --- letters ------------------------------------------------------------------------------------
 */

struct gather {
    struct ctx *ctx;
    struct notify_digest *digest;
    struct json *items;
};

static bool take_item(void *arg, const struct store_row *row)
{
    struct gather *g = arg;
    struct arena *a = g->ctx->arena;
    struct json *item = json_new(a, JSON_OBJECT);
    g->digest->ids[g->digest->count++] = store_row_int(row, 0);
    json_add(a, item, "title", json_new_str(a, arena_slice(a, store_row_bytes(row, 1))));
    json_add(a, item, "body", json_new_str(a, arena_slice(a, store_row_bytes(row, 2))));
    json_add(a, g->items, NULL, item);
    return g->digest->count < NOTIFY_DIGEST_MAX;
}

static enum err gather(struct ctx *ctx, int64_t user, struct gather *g)
{
    const struct entity *entity = notification(ctx);
    struct arena *a = ctx->arena;
    const struct query_column columns[] = {{.column = {0, "id"}},
                                           {.column = {0, column_of(entity, "title")}},
                                           {.column = {0, column_of(entity, "body")}}};
    const struct expr *where = expr_and(
        a, expr_cmp(a, EXPR_EQ, "owner", value_int(user)),
        expr_and(a, expr_cmp(a, EXPR_NULL, column_of(entity, "read_at"), value_null()),
                 expr_and(a, expr_cmp(a, EXPR_NULL, column_of(entity, "mailed_at"), value_null()),
                          expr_cmp(a, EXPR_NULL, "deleted_at", value_null()))));
    static const struct query_order oldest[] = {{.column = {0, "id"}}};
    struct query query = {.table = entity->table,
                          .select = columns,
                          .select_count = 3,
                          .where = where,
                          .order = oldest,
                          .order_count = 1};
    return store_read(ctx->tenant->store, &query, take_item, g);
}

enum err notify_digest(struct ctx *ctx, int64_t user, struct notify_digest *out)
{
    ASSERT(ctx && ctx->model && out);
    struct addressee reader;
    struct arena *a = ctx->arena;
    const char *email = NULL, *name = NULL;
    *out = (struct notify_digest){.ids = arena_array(a, int64_t, NOTIFY_DIGEST_MAX)};
    enum err e = reader_load(ctx, user, &reader, &email, &name);
    if (e || !email || !*email || !reader.mail || strcmp(reader.mail, "none") == 0)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    struct gather g = {ctx, out, json_new(a, JSON_ARRAY)};
    e = gather(ctx, user, &g);
    if (e || !out->count)
        return e;
    struct json *data = json_new(a, JSON_OBJECT);
    const char *company = ctx->tenant->title ? ctx->tenant->title : ctx->tenant->name;
    json_add(a, data, "name", json_new_str(a, slice_str(name ? name : "")));
    json_add(a, data, "company", json_new_str(a, slice_str(company)));
    json_add(a, data, "count", json_new_int(a, out->count));
    json_add(a, data, "items", g.items);
    out->data = data;
    out->to = email;
    out->lang = reader.lang;
    return ERR_OK;
}

enum err notify_mailed(struct ctx *ctx, const struct notify_digest *digest)
{
    const struct entity *entity = notification(ctx);
    struct value *ids = arena_array(ctx->arena, struct value, (size_t)digest->count);
    for (int i = 0; i < digest->count; i++)
        ids[i] = value_int(digest->ids[i]);
    const struct store_set set = {column_of(entity, "mailed_at"), value_int(ctx->now_ms), false};
    return store_update(ctx->tenant->store, entity->table,
                        expr_in(ctx->arena, "id", ids, digest->count), &set, 1, NULL, NULL);
}
