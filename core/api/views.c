/* views - lists and boards that people keep for themselves or share, and their own dashboards.
 *
 * A dashboard belongs to no entity, and is kept under the name of the declared one that it is a
 * copy of, or under a name of its own.
 *
 * A view holds nothing that its reader could not ask for anyway: what it shows is read under the
 * rights of who opens it. It is checked when saved, so that it works for who saved it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/admin.h"
#include "api/body.h"
#include "api/handlers.h"
#include "api/page.h"
#include "auth/row.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/jsonschema.h"
#include "base/limits.h"
#include "record/filter.h"
#include "record/list.h"
#include "record/rights.h"

#define VIEWS "/api/v1/views"

/* Kinds that show records; forms and menus are made by who administers. */
static const char *const kinds[] = {"list",  "board", "calendar",  "timeline",
                                    "chart", "tree",  "dashboard", NULL};

struct view {
    int64_t id, owner, version, updated_at_ms;
    const char *entity, *kind, *name;
    bool is_shared;
    const struct json *body;
};

/* --- reading ------------------------------------------------------------------------------------
 */

/* Columns the reader may not see are left out; the rest is the view's own. */
static bool column_is_seen(struct ctx *ctx, const struct entity *entity, const struct json *column)
{
    struct slice path =
        column->type == JSON_STRING ? column->text : json_str(column, "field", SLICE(""));
    const struct field *field = entity_field(entity, slice_split(&path, '.'));
    struct rights_field right;
    return !field ||
           (!rights_field(ctx, entity, field, ROLE_READ, &right) && right.access != ROLE_NONE);
}

static void put_body(struct call *call, const struct view *view)
{
    struct buf *out = &call->resp->body;
    const struct entity *entity = model_entity(call->ctx->model, slice_str(view->entity));
    buf_put_char(out, '{');
    json_each(member, view->body)
    {
        json_put_key(out, arena_str(call->ctx->arena, member->key));
        if (!entity || !slice_is(member->key, "columns")) {
            json_put(out, member);
            continue;
        }
        buf_put_char(out, '[');
        json_each(column, member)
        {
            if (!column_is_seen(call->ctx, entity, column))
                continue;
            json_put_comma(out);
            json_put(out, column);
        }
        buf_put_char(out, ']');
    }
    buf_put_char(out, '}');
}

static int64_t caller(const struct call *call)
{
    const struct actor *actor = call->ctx->actor;
    if (actor && actor->within) /* who looks at a preview has his own */
        actor = actor->within;
    return actor ? actor->user : 0;
}

static void put_view(struct call *call, const struct view *view)
{
    struct buf *out = &call->resp->body;
    char id[ID_TEXT_LEN + 1], owner[ID_TEXT_LEN + 1], at[25];
    id_text(view->id, id);
    id_text(view->owner, owner);
    time_text(view->updated_at_ms, at);
    buf_printf(out, "{\"id\":\"%s\",\"version\":%lld", id, (long long)view->version);
    json_put_key(out, "entity");
    json_put_cstr(out, *view->entity ? view->entity : NULL);
    json_put_key(out, "kind");
    json_put_cstr(out, view->kind);
    json_put_key(out, "name");
    json_put_cstr(out, view->name);
    json_put_key(out, "scope");
    json_put_cstr(out, view->is_shared ? "shared" : "mine");
    json_put_key(out, "owner");
    json_put_cstr(out, view->owner ? owner : NULL);
    json_put_key(out, "is_mine");
    json_put_bool(out, view->owner == caller(call));
    buf_printf(out, ",\"updated_at\":\"%s\"", at);
    json_put_key(out, "body");
    put_body(call, view);
    buf_put_char(out, '}');
}

static const char *const view_columns[] = {"id",    "entity",  "kind",       "name", "scope",
                                           "owner", "version", "updated_at", "body"};
#define COLUMNS_COUNT ((int)(sizeof view_columns / sizeof *view_columns))

static void view_of(struct arena *arena, const struct value *v, struct view *out)
{
    *out = (struct view){
        .id = v[0].integer,
        .entity = arena_str(arena, v[1].bytes),
        .kind = arena_str(arena, v[2].bytes),
        .name = arena_str(arena, v[3].bytes),
        .is_shared = slice_is(v[4].bytes, "shared"),
        .owner = v[5].integer,
        .version = v[6].integer,
        .updated_at_ms = v[7].integer,
    };
    if (json_parse(arena, arena_slice(arena, v[8].bytes), &out->body, NULL))
        out->body = json_new(arena, JSON_OBJECT);
}

static bool put_row(struct page *page, const struct store_row *row)
{
    struct value values[COLUMNS_COUNT];
    struct view view;
    for (int i = 0; i < COLUMNS_COUNT; i++)
        values[i] = store_row_value(row, i);
    view_of(page->call->ctx->arena, values, &view);
    put_view(page->call, &view);
    return true;
}

/* Own and shared ones, of entities the caller may read or of none. */
static const struct expr *visible(struct call *call)
{
    struct arena *arena = call->ctx->arena;
    const struct model *model = call->ctx->model;
    struct value *names = arena_array(arena, struct value, (size_t)model->entities_count + 1);
    int count = 0;
    names[count++] = value_text(SLICE(""));
    for (int i = 0; i < model->entities_count; i++)
        if (!rights_action(call->ctx, model->entity_list[i], ROLE_READ))
            names[count++] = value_text(slice_str(model->entity_list[i]->name));
    call->ctx->err.detail = NULL; /* what was refused while asking is no failure */
    return expr_and(arena, expr_in(arena, "entity", names, count),
                    expr_or(arena, expr_cmp(arena, EXPR_EQ, "owner", value_int(caller(call))),
                            expr_cmp(arena, EXPR_EQ, "scope", value_text(SLICE("shared")))));
}

enum err views_list(struct call *call)
{
    static const char *const filters[] = {"entity", "kind", NULL};
    static const struct query_order by_id[] = {{.column = {0, "id"}}};
    struct arena *arena = call->ctx->arena;
    struct query_column columns[COLUMNS_COUNT] = {0};
    struct page page;
    enum err e = page_begin(call, 1, filters, &page);
    if (e)
        return e;
    for (int i = 0; i < COLUMNS_COUNT; i++)
        columns[i].column.column = view_columns[i];
    struct query query = {.table = "view",
                          .select = columns,
                          .select_count = COLUMNS_COUNT,
                          .where = visible(call),
                          .order = by_id,
                          .order_count = 1};
    for (int i = 0; filters[i]; i++) {
        struct slice asked = req_query(call->req, filters[i]);
        if (asked.at)
            query.where = expr_and(arena, query.where,
                                   expr_cmp(arena, EXPR_EQ, filters[i], value_text(asked)));
    }
    page.put = put_row;
    return page_read(&page, &query);
}

/* Others' own views are not there. */
static enum err load(struct call *call, struct view *out)
{
    struct arena *arena = call->ctx->arena;
    struct value values[COLUMNS_COUNT];
    int64_t id;
    enum err e = call_id(call, 0, &id);
    if (!e)
        e = row_read(call->ctx->tenant->store, arena, "view", view_columns, COLUMNS_COUNT,
                     expr_and(arena, expr_cmp(arena, EXPR_EQ, "id", value_int(id)), visible(call)),
                     values);
    if (!e)
        view_of(arena, values, out);
    return e;
}

/* --- checking -----------------------------------------------------------------------------------
 */

/* "/columns/2/field" → "body.columns.2.field". */
static const char *dotted(struct arena *arena, const char *pointer)
{
    char *path = arena_printf(arena, "body%s", pointer);
    for (char *at = path; *at; at++)
        if (*at == '/')
            *at = '.';
    return path;
}

static enum err check_shape(struct call *call, const struct json *body)
{
    struct arena *arena = call->ctx->arena;
    const struct json *schema;
    const char *path = arena_printf(arena, "%s/schemas/view.schema.json", call->app->config->home);
    if (body->type != JSON_OBJECT) {
        body_bad(call, "body", "not_an_object", NULL);
        return ERR_OK;
    }
    if (json_load(arena, path, &schema, &call->ctx->err.detail))
        return ERR_INTERNAL;
    const struct json *known = json_get(schema, "properties");
    json_each(member, body)
    {
        if (!json_get_slice(known, member->key))
            body_bad(call, arena_printf(arena, "body." SLICE_FMT, SLICE_ARG(member->key)),
                     "unknown_field", NULL);
    }
    const struct jsonschema_fault *fault = jsonschema_check(arena, schema, body);
    for (; fault; fault = fault->next)
        body_say(call, dotted(arena, fault->pointer), "bad_view", fault->what);
    return ERR_OK;
}

/* One path under the rights of the caller; a refusal of a hidden field is a complaint here. */
static enum err check_path(struct call *call, const struct entity *entity, const char *place,
                           struct slice path, const struct field **out)
{
    struct filter_joins joins = {0};
    struct filter_scope scope = {.entity = entity, .joins = &joins, .name = place};
    const struct field *field;
    *out = NULL;
    const struct expr *only_when;
    int join, before = call->ctx->err.count;
    enum err e = filter_path(call->ctx, &scope, path, &field, &join, &only_when);
    if (e == ERR_FORBIDDEN || e == ERR_VALIDATION) {
        if (call->ctx->err.count == before)
            body_bad(call, place, "unknown_field", NULL);
        return ERR_OK;
    }
    *out = e ? NULL : field;
    return e;
}

static bool is_time(const struct field *field)
{
    enum field_kind kind = field_result_type(field)->kind;
    return kind == KIND_DATE || kind == KIND_DATETIME;
}

/* Numbers by any measure; times by their first and last alone. */
static bool can_measure(const struct field *field, bool is_extreme)
{
    enum field_kind kind = field_result_type(field)->kind;
    bool is_number = kind == KIND_INT || kind == KIND_DECIMAL || kind == KIND_MONEY;
    return is_number || (is_extreme && is_time(field));
}

/* What stands below a column: of all that the list finds. */
static void check_total(struct call *call, const char *place, const struct json *column,
                        const struct field *field)
{
    struct slice agg = json_str(column, "agg", SLICE(""));
    bool is_extreme = slice_is(agg, "min") || slice_is(agg, "max");
    bool is_sum = slice_is(agg, "sum") || slice_is(agg, "avg");
    if (!agg.len || slice_is(agg, "count") || !field)
        return;
    place = arena_printf(call->ctx->arena, "%s.agg", place);
    if (!is_extreme && !is_sum)
        body_bad(call, place, "not_in_list", NULL);
    else if (!can_measure(field, is_extreme))
        body_bad(call, place, "not_measurable", NULL);
}

static enum err check_columns(struct call *call, const struct entity *entity,
                              const struct json *body)
{
    static const char *const paths[] = {"group", "group_by", NULL};
    struct arena *arena = call->ctx->arena;
    const struct field *field;
    int at = 0;
    enum err e = ERR_OK;
    json_each(column, json_get(body, "columns"))
    {
        struct slice path =
            column->type == JSON_STRING ? column->text : json_str(column, "field", SLICE(""));
        const char *place = arena_printf(arena, "body.columns[%d]", at++);
        if (path.len && !e)
            e = check_path(call, entity, place, path, &field);
        if (path.len && !e)
            check_total(call, place, column, field);
    }
    for (int i = 0; paths[i] && !e; i++) {
        struct slice path = json_str(body, paths[i], SLICE(""));
        if (path.len)
            e = check_path(call, entity, arena_printf(arena, "body.%s", paths[i]), path, &field);
    }
    return e;
}

/* The filter and the order are tried out: what one record needs is what all need. */
static enum err check_query(struct call *call, const struct entity *entity, const struct json *body)
{
    const struct expr *compiled;
    struct filter_joins joins = {0};
    struct filter_scope scope = {.entity = entity, .joins = &joins, .name = "body.filter"};
    enum err e = filter_compile(call->ctx, &scope, json_get(body, "filter"), &compiled);
    if (e)
        return e;
    struct buf unused = BUF_INIT;
    struct list_query query = {.entity = entity,
                               .sort = json_str(body, "sort", SLICE("")),
                               .fields = SLICE("id"),
                               .limit = 1};
    e = list_run(call->ctx, &query, &unused);
    buf_release(&unused);
    return e;
}

static enum err try_filter(struct call *call, const struct entity *entity, const char *place,
                           const struct json *filter)
{
    const struct expr *compiled;
    struct filter_joins joins = {0};
    struct filter_scope scope = {.entity = entity, .joins = &joins, .name = place};
    return filter ? filter_compile(call->ctx, &scope, filter, &compiled) : ERR_OK;
}

/* "count", "sum.amount" or a named part; "place" says where it stands. */
static enum err check_measure(struct call *call, const struct entity *entity, const char *place,
                              struct slice measure)
{
    const struct field *field;
    struct slice path = measure, word = slice_split(&path, '.');
    if (slice_is(measure, "count"))
        return ERR_OK;
    bool is_extreme = slice_is(word, "min") || slice_is(word, "max");
    if (!path.len || (!is_extreme && !slice_is(word, "sum") && !slice_is(word, "avg"))) {
        body_bad(call, place, "not_in_list", NULL);
        return ERR_OK;
    }
    enum err e = check_path(call, entity, place, path, &field);
    if (!e && field && !can_measure(field, is_extreme))
        body_bad(call, place, "not_measurable", NULL);
    return e;
}

/* A date that a period narrows. */
static enum err check_date(struct call *call, const struct entity *entity, const char *place,
                           const struct json *holder)
{
    const struct field *field;
    struct slice path = json_str(holder, "date_field", SLICE(""));
    place = arena_printf(call->ctx->arena, "%s.date_field", place);
    enum err e = path.len ? check_path(call, entity, place, path, &field) : ERR_OK;
    if (!e && path.len && field && !is_time(field))
        body_bad(call, place, "wrong_type", "\"type\":\"date\"");
    return e;
}

static enum err check_widget_query(struct call *call, const struct entity *entity,
                                   const char *place, const struct json *query)
{
    struct arena *arena = call->ctx->arena;
    const struct field *field;
    int at = 0;
    enum err e = try_filter(call, entity, arena_printf(arena, "%s.filter", place),
                            json_get(query, "filter"));
    json_each(group, json_get(query, "group"))
    {
        struct slice path =
            group->type == JSON_STRING ? group->text : json_str(group, "f", SLICE(""));
        const char *name = arena_printf(arena, "%s.group[%d]", place, at++);
        if (!e)
            e = check_path(call, entity, name, path, &field);
    }
    at = 0;
    json_each(measure, json_get(query, "measure"))
    {
        const char *name = arena_printf(arena, "%s.measure[%d]", place, at++);
        if (!e && measure->type == JSON_STRING)
            e = check_measure(call, entity, name, measure->text);
    }
    return e;
}

/* Of a goal: a number, a measure, a setting that is a number, or what other records say. */
static enum err check_target(struct call *call, const struct entity *entity, const char *place,
                             const struct json *target)
{
    struct ctx *ctx = call->ctx;
    const struct json *setting = json_get(target, "config");
    const struct field *field;
    if (target->type == JSON_STRING)
        return check_measure(call, entity, place, target->text);
    if (setting && !model_setting_is_number(model_setting(ctx->model, setting->text)))
        body_bad(call, arena_printf(ctx->arena, "%s.config", place), "not_in_list", NULL);
    if (!json_get(target, "entity"))
        return ERR_OK;
    const struct entity *other = model_entity(ctx->model, json_str(target, "entity", SLICE("")));
    if (!other || rights_action(ctx, other, ROLE_READ)) {
        ctx->err.detail = NULL;
        body_bad(call, arena_printf(ctx->arena, "%s.entity", place), "unknown_entity", NULL);
        return ERR_OK;
    }
    struct slice owner = json_str(target, "owner_field", SLICE(""));
    enum err e = check_widget_query(call, other, arena_printf(ctx->arena, "%s.query", place),
                                    json_get(target, "query"));
    if (!e)
        e = check_date(call, other, place, target);
    place = arena_printf(ctx->arena, "%s.owner_field", place);
    return e || !owner.len ? e : check_path(call, other, place, owner, &field);
}

/* What a widget shows: a declared view, or a query that could be asked. */
static enum err check_widget(struct call *call, const struct entity *entity, const char *place,
                             const struct json *widget)
{
    struct arena *arena = call->ctx->arena;
    const char *report = json_cstr(widget, "report", NULL), *list = json_cstr(widget, "view", NULL);
    if (report && !model_view(call->ctx->model, entity->name, "report", report))
        body_bad(call, arena_printf(arena, "%s.report", place), "not_in_list", NULL);
    if (list && !model_view(call->ctx->model, entity->name, "list", list))
        body_bad(call, arena_printf(arena, "%s.view", place), "not_in_list", NULL);
    const struct json *target = json_get(widget, "target");
    enum err e = check_widget_query(call, entity, arena_printf(arena, "%s.query", place),
                                    json_get(widget, "query"));
    if (!e)
        e = check_date(call, entity, place, widget);
    place = arena_printf(arena, "%s.target", place);
    if (!e && !target && strcmp(json_cstr(widget, "kind", ""), "goal") == 0)
        body_bad(call, place, "required", NULL);
    return e || !target ? e : check_target(call, entity, place, target);
}

static enum err check_dashboard(struct call *call, const struct json *body)
{
    struct arena *arena = call->ctx->arena;
    const struct json *widgets = json_get(body, "widgets");
    int at = 0;
    enum err e = check_shape(call, body);
    if (!e && widgets && widgets->count > DASHBOARD_WIDGETS_MAX)
        body_bad(call, "body.widgets", "too_many", "\"max\":%d", DASHBOARD_WIDGETS_MAX);
    if (!e)
        e = body_done(call);
    json_each(widget, e ? NULL : widgets)
    {
        const char *place = arena_printf(arena, "body.widgets[%d]", at++);
        const struct entity *entity =
            model_entity(call->ctx->model, json_str(widget, "entity", SLICE("")));
        if (!entity || rights_action(call->ctx, entity, ROLE_READ))
            body_bad(call, arena_printf(arena, "%s.entity", place), "unknown_entity", NULL);
        else if (!e)
            e = check_widget(call, entity, place, widget);
    }
    return e ? e : body_done(call);
}

static enum err check_body(struct call *call, const char *entity_name, const struct json *body)
{
    if (!*entity_name)
        return check_dashboard(call, body);
    const struct entity *entity = model_entity(call->ctx->model, slice_str(entity_name));
    ASSERT(entity);
    enum err e = check_shape(call, body);
    if (!e)
        e = body_done(call);
    if (!e)
        e = check_columns(call, entity, body);
    if (!e)
        e = check_query(call, entity, body);
    return e ? e : body_done(call);
}

static bool may_share(const struct call *call)
{
    return call->is_operator || (call->ctx->actor && actor_may_admin(call->ctx->actor, "views"));
}

/* NULL: not given. */
static const char *read_scope(struct call *call)
{
    const char *scope = body_text(call, "scope", 10);
    if (scope && strcmp(scope, "mine") != 0 && strcmp(scope, "shared") != 0)
        body_bad(call, "scope", "not_in_list", NULL);
    return scope;
}

static bool is_kind(const char *kind)
{
    for (const char *const *known = kinds; *known; known++)
        if (strcmp(kind, *known) == 0)
            return true;
    return false;
}

/* --- writing ------------------------------------------------------------------------------------
 */

static enum err answer(struct call *call, int64_t id)
{
    struct value values[COLUMNS_COUNT];
    struct view view;
    struct arena *arena = call->ctx->arena;
    enum err e = row_read(call->ctx->tenant->store, arena, "view", view_columns, COLUMNS_COUNT,
                          expr_cmp(arena, EXPR_EQ, "id", value_int(id)), values);
    if (e)
        return e;
    view_of(arena, values, &view);
    put_view(call, &view);
    call_etag(call, view.id, view.version);
    return ERR_OK;
}

static enum err insert(struct call *call, struct view *view)
{
    const char *body = body_json(call->ctx->arena, view->body);
    view->id = id_next();
    struct store_set sets[] = {
        {.column = "id", .value = value_int(view->id)},
        {.column = "entity", .value = value_text(slice_str(view->entity))},
        {.column = "kind", .value = value_text(slice_str(view->kind))},
        {.column = "name", .value = value_text(slice_str(view->name))},
        {.column = "scope", .value = value_text(slice_str(view->is_shared ? "shared" : "mine"))},
        {.column = "owner", .value = value_int(view->owner)},
        {.column = "body", .value = value_text(slice_str(body))},
        {.column = "version", .value = value_int(1)},
        {.column = "updated_at", .value = value_int(call->ctx->now_ms)},
    };
    return store_insert(call->ctx->tenant->store, "view", sets, 9, NULL);
}

static void read_new(struct call *call, struct view *view)
{
    view->entity = body_text(call, "entity", NAME_BYTES_MAX);
    view->kind = body_text(call, "kind", NAME_BYTES_MAX);
    view->name = body_text(call, "name", VIEW_NAME_CHARS_MAX);
    view->body = body_member(call, "body");
    const char *scope = read_scope(call);
    view->is_shared = scope && strcmp(scope, "shared") == 0;
    if (!view->kind)
        view->kind = "list";
    if (!is_kind(view->kind))
        body_bad(call, "kind", "not_in_list", NULL);
    if (!view->name)
        body_bad(call, "name", "required", NULL);
    if (!view->body)
        view->body = json_new(call->ctx->arena, JSON_OBJECT);
    const struct entity *entity =
        view->entity ? model_entity(call->ctx->model, slice_str(view->entity)) : NULL;
    bool is_global = strcmp(view->kind, "dashboard") == 0;
    if (is_global && view->entity)
        body_bad(call, "entity", "unknown_field", NULL);
    else if (is_global)
        view->entity = "";
    else if (!view->entity)
        body_bad(call, "entity", "required", NULL);
    else if (!entity || rights_action(call->ctx, entity, ROLE_READ))
        body_bad(call, "entity", "unknown_entity", NULL);
}

static enum err check_count(struct call *call)
{
    int64_t count;
    enum err e = store_count(call->ctx->tenant->store, "view",
                             expr_cmp(call->ctx->arena, EXPR_EQ, "owner", value_int(caller(call))),
                             VIEWS_PER_USER_MAX, &count);
    if (!e && count >= VIEWS_PER_USER_MAX)
        e = admin_refuse(call, ERR_CONFLICT, "too_many_views", NULL);
    return e;
}

enum err views_create(struct call *call)
{
    static const char *const members[] = {"entity", "kind", "name", "scope", "body", NULL};
    const struct json *body;
    struct view view = {.owner = caller(call)};
    enum err e = call_object(call, &body);
    if (!e)
        e = call_only(call, members);
    if (e)
        return e;
    read_new(call, &view);
    e = body_done(call);
    if (!e)
        e = check_body(call, view.entity, view.body);
    if (!e && view.is_shared && !may_share(call))
        e = ERR_FORBIDDEN;
    if (!e)
        e = check_count(call);
    if (!e)
        e = insert(call, &view);
    if (!e)
        e = answer(call, view.id);
    if (!e)
        call_created(call, VIEWS, view.id);
    return e;
}

/* A shared view belongs to all, so it is changed by who administers views. */
static enum err may_change(const struct call *call, const struct view *view)
{
    if (view->is_shared)
        return may_share(call) ? ERR_OK : ERR_FORBIDDEN;
    return ERR_OK;
}

static enum err update(struct call *call, const struct view *view, int64_t version)
{
    struct arena *arena = call->ctx->arena;
    const char *body = body_json(arena, view->body);
    struct store_set sets[] = {
        {.column = "name", .value = value_text(slice_str(view->name))},
        {.column = "scope", .value = value_text(slice_str(view->is_shared ? "shared" : "mine"))},
        {.column = "body", .value = value_text(slice_str(body))},
        {.column = "version", .value = value_int(1), .how = STORE_ADD},
        {.column = "updated_at", .value = value_int(call->ctx->now_ms)},
    };
    if (version && version != view->version) {
        call->ctx->err.extra = arena_printf(arena, "\"version\":%lld", (long long)view->version);
        return ERR_VERSION;
    }
    return store_update(call->ctx->tenant->store, "view",
                        expr_cmp(arena, EXPR_EQ, "id", value_int(view->id)), sets, 5, NULL, NULL);
}

enum err views_update(struct call *call)
{
    static const char *const members[] = {"name", "scope", "body", "version", NULL};
    const struct json *body;
    struct view view;
    int64_t version;
    enum err e = load(call, &view);
    if (!e)
        e = may_change(call, &view);
    if (!e)
        e = call_object(call, &body);
    if (!e)
        e = call_only(call, members);
    if (!e)
        e = call_version(call, view.id, &version);
    if (e)
        return e;
    const char *name = body_text(call, "name", VIEW_NAME_CHARS_MAX), *scope = read_scope(call);
    view.name = name ? name : view.name;
    if (body_has(call, "name") && !name)
        body_bad(call, "name", "required", NULL);
    view.is_shared = scope ? strcmp(scope, "shared") == 0 : view.is_shared;
    if (body_member(call, "body"))
        view.body = body_member(call, "body");
    e = body_done(call);
    if (!e && body_member(call, "body"))
        e = check_body(call, view.entity, view.body);
    if (!e)
        e = may_change(call, &view);
    if (!e)
        e = update(call, &view, version);
    return e ? e : answer(call, view.id);
}

enum err views_delete(struct call *call)
{
    struct view view;
    enum err e = load(call, &view);
    if (!e)
        e = may_change(call, &view);
    if (!e)
        e = store_delete(call->ctx->tenant->store, "view",
                         expr_cmp(call->ctx->arena, EXPR_EQ, "id", value_int(view.id)), NULL);
    if (!e)
        call->resp->status = 204;
    return e;
}
