/* user - making, disabling and listing accounts.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/user.h"

#include "auth/audit.h"
#include "auth/row.h"
#include "auth/session.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/token.h"

/* --- checks --- */

void user_login_fold(struct buf *out, struct slice login)
{
    ASSERT(out);
    text_fold(out, login);
}

bool user_login_is_valid(struct slice login)
{
    if (login.len == 0 || login.len > LOGIN_BYTES_MAX || !text_is_utf8(login))
        return false;
    for (size_t i = 0; i < login.len; i++)
        if ((unsigned char)login.at[i] <= ' ' || login.at[i] == 0x7f)
            return false;
    return true;
}

enum err user_roles_check(struct ctx *ctx, const char *const *roles)
{
    ASSERT(ctx && ctx->tenant);
    enum err e = ERR_OK;
    int count = 0;
    for (; roles && roles[count]; count++) {
        const struct role *role = NULL;
        enum err found = actor_role(ctx->tenant, roles[count], &role);
        if (found)
            return found;
        if (!role) {
            struct buf args = BUF_INIT;
            buf_put_str(&args, "{\"role\":");
            json_put_cstr(&args, roles[count]);
            buf_put_char(&args, '}');
            e = err_field(&ctx->err, "roles", "unknown_role", buf_cstr(&args));
            buf_release(&args);
        }
    }
    if (count > ROLES_PER_USER_MAX)
        e = err_field(&ctx->err, "roles", "too_many", NULL);
    return e;
}

/* A reference to a live row, or 0. */
static enum err reference_check(struct ctx *ctx, const char *table, int64_t id, const char *field,
                                enum err so_far)
{
    if (id == 0)
        return so_far;
    static const char *const columns[] = {"id"};
    struct expr nodes[3];
    struct value v;
    enum err e = row_read(ctx->tenant->store, ctx->arena, table, columns, 1,
                          row_live(nodes, "id", value_int(id)), &v);
    if (e == ERR_NOT_FOUND)
        return err_field(&ctx->err, field, "not_found", NULL);
    return e ? e : so_far;
}

static enum err spec_check(struct ctx *ctx, const struct user_spec *spec)
{
    enum err e = user_roles_check(ctx, spec->roles);
    if (e && e != ERR_VALIDATION)
        return e;
    struct slice login = slice_str(spec->login);
    if (login.len == 0)
        e = err_field(&ctx->err, "login", "required", NULL);
    else if (!user_login_is_valid(login))
        e = err_field(&ctx->err, "login", "bad_login", NULL);
    e = reference_check(ctx, "department", spec->department, "department", e);
    if (!e || e == ERR_VALIDATION)
        e = reference_check(ctx, "team", spec->team, "team", e);
    if (!e || e == ERR_VALIDATION)
        e = reference_check(ctx, "user", spec->manager, "manager", e);
    return e;
}

/* --- values --- */

static struct value int_or_null(int64_t n)
{
    return n ? value_int(n) : value_null();
}

static struct value text_or_null(const char *text)
{
    return text ? value_text(slice_str(text)) : value_null();
}

struct value user_roles_text(struct arena *arena, const char *const *roles)
{
    struct buf b = BUF_INIT;
    buf_put_char(&b, '[');
    for (int i = 0; roles && roles[i]; i++) {
        json_put_comma(&b);
        json_put_cstr(&b, roles[i]);
    }
    buf_put_char(&b, ']');
    struct value text = value_text(arena_slice(arena, buf_slice(&b)));
    buf_release(&b);
    return text;
}

static struct value sort_key(struct arena *arena, const char *name, bool is_person)
{
    struct buf b = BUF_INIT;
    token_sort_key(&b, slice_str(name), is_person);
    struct value key = value_text(arena_slice(arena, buf_slice(&b)));
    buf_release(&b);
    return key;
}

static struct value login_text(struct arena *arena, const char *login)
{
    struct buf b = BUF_INIT;
    user_login_fold(&b, slice_str(login));
    struct value text = value_text(arena_slice(arena, buf_slice(&b)));
    buf_release(&b);
    return text;
}

/* --- writing --- */

static enum err user_insert(struct ctx *ctx, const struct user_spec *spec, int64_t id)
{
    struct value by = int_or_null(ctx->actor ? ctx->actor->user : 0);
    const char *name = spec->name && *spec->name ? spec->name : spec->login;
    struct store_set sets[] = {
        {.column = "id", .value = value_int(id)},
        {.column = "version", .value = value_int(1)},
        {.column = "created_at", .value = value_int(ctx->now_ms)},
        {.column = "updated_at", .value = value_int(ctx->now_ms)},
        {.column = "created_by", .value = by},
        {.column = "updated_by", .value = by},
        {.column = "origin", .value = text_or_null(ctx_source_name(ctx->source))},
        {.column = "team", .value = int_or_null(spec->team)},
        {.column = "department", .value = int_or_null(spec->department)},
        {.column = "login", .value = login_text(ctx->arena, spec->login)},
        {.column = "name", .value = value_text(slice_str(name))},
        {.column = "name_s", .value = sort_key(ctx->arena, name, true)},
        {.column = "email", .value = text_or_null(spec->email)},
        {.column = "phone", .value = text_or_null(spec->phone)},
        {.column = "locale", .value = text_or_null(spec->locale)},
        {.column = "timezone", .value = text_or_null(spec->timezone)},
        {.column = "manager", .value = int_or_null(spec->manager)},
        {.column = "roles", .value = user_roles_text(ctx->arena, spec->roles)},
        {.column = "active", .value = value_int(1)},
        {.column = "password", .value = text_or_null(spec->encoded)},
        {.column = "password_at", .value = spec->encoded ? value_int(ctx->now_ms) : value_null()},
    };
    enum err e = store_insert(ctx->tenant->store, "user", sets, sizeof sets / sizeof *sets, NULL);
    return e == ERR_CONFLICT ? err_field(&ctx->err, "login", "taken", NULL) : e;
}

enum err user_create(struct ctx *ctx, const struct user_spec *spec, int64_t *id)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(spec && id);
    ASSERT(store_in_tx(ctx->tenant->store));
    enum err e = spec_check(ctx, spec);
    if (e)
        return e;
    int64_t made = id_next();
    e = user_insert(ctx, spec, made);
    if (!e)
        e = store_header_bump(ctx->tenant->store, false, true);
    if (!e) {
        struct value roles = user_roles_text(ctx->arena, spec->roles);
        e = audit_put(ctx, "user.create", "user", made,
                      arena_printf(ctx->arena, "{\"roles\":%s}", roles.bytes.at));
    }
    if (!e)
        *id = made;
    return e;
}

/* One changed column of a live user. */
static enum err user_change(struct ctx *ctx, int64_t user, const char *column, struct value value)
{
    struct expr nodes[3];
    struct store_set sets[] = {
        {.column = column, .value = value},
        {.column = "updated_at", .value = value_int(ctx->now_ms)},
        {.column = "updated_by", .value = int_or_null(ctx->actor ? ctx->actor->user : 0)},
        {.column = "version", .value = value_int(1), .how = STORE_ADD},
    };
    int64_t changed = 0;
    enum err e = store_update(ctx->tenant->store, "user", row_live(nodes, "id", value_int(user)),
                              sets, 4, &changed, NULL);
    if (!e && changed == 0)
        return ERR_NOT_FOUND;
    return e ? e : store_header_bump(ctx->tenant->store, false, true);
}

enum err user_set_active(struct ctx *ctx, int64_t user, bool active)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(store_in_tx(ctx->tenant->store));
    enum err e = user_change(ctx, user, "active", value_int(active));
    if (!e && !active)
        e = session_end_others(ctx, user, 0);
    return e ? e : audit_put(ctx, active ? "user.enable" : "user.disable", "user", user, NULL);
}

enum err user_set_roles(struct ctx *ctx, int64_t user, const char *const *roles)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(store_in_tx(ctx->tenant->store));
    enum err e = user_roles_check(ctx, roles);
    if (e)
        return e;
    struct value text = user_roles_text(ctx->arena, roles);
    e = user_change(ctx, user, "roles", text);
    if (e)
        return e;
    return audit_put(ctx, "user.roles", "user", user,
                     arena_printf(ctx->arena, "{\"roles\":%s}", text.bytes.at));
}

/* --- listing --- */

struct listing {
    struct arena *arena;
    user_list_cb cb;
    void *arg;
};

static bool take_user(void *arg, const struct store_row *row)
{
    struct listing *listing = arg;
    arena_clear(listing->arena);
    struct user_info user = {
        .id = store_row_int(row, 0),
        .created_at_ms = store_row_int(row, 1),
        .password_at_ms = store_row_int(row, 2),
        .login = arena_str(listing->arena, store_row_bytes(row, 3)),
        .name = arena_str(listing->arena, store_row_bytes(row, 4)),
        .email = arena_str(listing->arena, store_row_bytes(row, 5)),
        .roles = arena_str(listing->arena, store_row_bytes(row, 6)),
        .active = store_row_int(row, 7) != 0,
    };
    return listing->cb(listing->arg, &user);
}

enum err user_list(struct tenant *tenant, user_list_cb cb, void *arg)
{
    ASSERT(tenant && cb);
    static const struct query_column columns[] = {
        {.column = {0, "id"}},    {.column = {0, "created_at"}}, {.column = {0, "password_at"}},
        {.column = {0, "login"}}, {.column = {0, "name"}},       {.column = {0, "email"}},
        {.column = {0, "roles"}}, {.column = {0, "active"}},
    };
    static const struct query_order by_login[] = {{.column = {0, "login"}}};
    struct expr live = {.op = EXPR_NULL, .column = {0, "deleted_at"}};
    struct query query = {.table = "user",
                          .select = columns,
                          .select_count = 8,
                          .where = &live,
                          .order = by_login,
                          .order_count = 1};
    struct listing listing = {arena_new(), cb, arg};
    enum err e = store_read(tenant->store, &query, take_user, &listing);
    arena_free(listing.arena);
    return e;
}

/* --- departments and teams --- */

static enum err group_insert(struct ctx *ctx, const char *table, const char *name,
                             const struct store_set *own, int own_count, int64_t id)
{
    struct value by = int_or_null(ctx->actor ? ctx->actor->user : 0);
    struct store_set sets[12] = {
        {.column = "id", .value = value_int(id)},
        {.column = "version", .value = value_int(1)},
        {.column = "created_at", .value = value_int(ctx->now_ms)},
        {.column = "updated_at", .value = value_int(ctx->now_ms)},
        {.column = "created_by", .value = by},
        {.column = "updated_by", .value = by},
        {.column = "origin", .value = text_or_null(ctx_source_name(ctx->source))},
        {.column = "name", .value = value_text(slice_str(name))},
        {.column = "name_s", .value = sort_key(ctx->arena, name, false)},
    };
    int count = 9;
    for (int i = 0; i < own_count; i++)
        sets[count++] = own[i];
    enum err e = store_insert(ctx->tenant->store, table, sets, count, NULL);
    if (!e)
        e = store_header_bump(ctx->tenant->store, false, true);
    return e ? e : audit_put(ctx, "group.create", table, id, NULL);
}

enum err user_department_create(struct ctx *ctx, const char *name, int64_t parent, int64_t *id)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(name && *name && id);
    ASSERT(store_in_tx(ctx->tenant->store));
    const char *above = "/";
    if (parent) {
        static const char *const columns[] = {"path"};
        struct expr nodes[3];
        struct value path;
        enum err e = row_read(ctx->tenant->store, ctx->arena, "department", columns, 1,
                              row_live(nodes, "id", value_int(parent)), &path);
        if (e == ERR_NOT_FOUND)
            return err_field(&ctx->err, "parent", "not_found", NULL);
        if (e)
            return e;
        above = row_text(&path) ? row_text(&path) : above;
    }
    int64_t made = id_next();
    char text[ID_TEXT_LEN + 1];
    id_text(made, text);
    struct store_set own[] = {
        {.column = "parent", .value = int_or_null(parent)},
        {.column = "path", .value = text_or_null(arena_printf(ctx->arena, "%s%s/", above, text))},
    };
    enum err e = group_insert(ctx, "department", name, own, 2, made);
    if (!e)
        *id = made;
    return e;
}

enum err user_team_create(struct ctx *ctx, const char *name, int64_t lead, int64_t *id)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(name && *name && id);
    ASSERT(store_in_tx(ctx->tenant->store));
    int64_t made = id_next();
    struct store_set own[] = {{.column = "lead", .value = int_or_null(lead)}};
    enum err e = group_insert(ctx, "team", name, own, 1, made);
    if (!e)
        *id = made;
    return e;
}
