/* staff - see staff.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/staff.h"

#include "auth/user.h"
#include "base/limits.h"
#include "base/token.h"
#include "record/field_kit.h"
#include "record/number.h"
#include "record/record_in.h"

#define PATHS_AT_ONCE 200 /* departments of one level that are moved together */

static bool is_staff(const struct entity *entity)
{
    return entity->is_system &&
           (strcmp(entity->name, "user") == 0 || strcmp(entity->name, "team") == 0 ||
            strcmp(entity->name, "department") == 0);
}

enum err staff_moved(struct ctx *ctx, const struct entity *entity)
{
    if (!is_staff(entity))
        return ERR_OK;
    ctx->unit->moved_auth = true;
    return store_header_bump(ctx->tenant->store, false, true);
}

/* --- departments --- */

static bool take_path(void *arg, const struct store_row *row)
{
    struct buf *path = arg;
    buf_put_slice(path, store_row_bytes(row, 0));
    return false;
}

static enum err path_of(struct ctx *ctx, int64_t id, struct buf *out)
{
    struct query_column select = {.column = {0, "path"}};
    struct query query = {.table = "department",
                          .select = &select,
                          .select_count = 1,
                          .where = record_has_id(ctx->arena, id),
                          .limit = 1};
    return store_read(ctx->tenant->store, &query, take_path, out);
}

static enum err set_path(struct ctx *ctx, int64_t id, const char *path)
{
    struct store_set set = {"path", value_text(slice_str(path)), false};
    return store_update(ctx->tenant->store, "department", record_has_id(ctx->arena, id), &set, 1,
                        NULL, NULL);
}

/* How many departments a path names, its own included. */
static int levels_of(struct slice path)
{
    int slashes = 0;
    for (size_t i = 0; i < path.len; i++)
        slashes += path.at[i] == '/';
    return slashes - 1;
}

static enum err check_levels(struct ctx *ctx, const char *path)
{
    return levels_of(slice_str(path)) <= DEPARTMENT_DEPTH_MAX
               ? ERR_OK
               : field_bad(ctx, "parent", "too_many_levels", "\"max\":%d", DEPARTMENT_DEPTH_MAX);
}

/* Level by level, and of one level some at a time. */
static enum err paths_below(struct ctx *ctx, int64_t id, const char *path)
{
    struct arena *arena = ctx->arena;
    const struct expr *below = expr_cmp(arena, EXPR_EQ, "parent", value_int(id));
    enum err e = check_levels(ctx, path);
    int count = PATHS_AT_ONCE;
    for (int64_t after = 0; count == PATHS_AT_ONCE && !e;) {
        int64_t *ids = NULL;
        const struct expr *next = expr_cmp(arena, EXPR_GT, "id", value_int(after));
        e = record_ids(ctx, "department", expr_and(arena, below, next), PATHS_AT_ONCE, &ids,
                       &count);
        for (int i = 0; i < count && !e; i++) {
            const char *own = arena_printf(arena, "%s%lld/", path, (long long)ids[i]);
            e = set_path(ctx, ids[i], own);
            if (!e)
                e = paths_below(ctx, ids[i], own);
            after = ids[i];
        }
    }
    return e;
}

static const struct field *parent_field(const struct entity *entity)
{
    const struct field *field = entity_field(entity, SLICE("parent"));
    ASSERT(field);
    return field;
}

/* The path is a value like any other: it is stored with the row. */
static enum err department_place(struct ctx *ctx, struct record *record)
{
    const struct field *field = parent_field(record->entity);
    const struct field *path_field = entity_field(record->entity, SLICE("path"));
    const struct value *parent = &record->now[field->slot];
    int64_t id = record->now[SLOT_ID].integer;
    struct buf path = BUF_INIT;
    enum err e = ERR_OK;
    ASSERT(path_field);
    if (!record->is_new && !record_field_changed(record, field))
        return ERR_OK;
    const char *own = arena_printf(ctx->arena, "/%lld/", (long long)id);
    if (parent->type == VALUE_INT)
        e = path_of(ctx, parent->integer, &path);
    if (!e && (parent->integer == id || slice_find(buf_slice(&path), slice_str(own)) >= 0))
        e = field_bad(ctx, field->name, "below_itself", NULL);
    own = arena_printf(ctx->arena, "%s%lld/", path.len ? buf_cstr(&path) : "/", (long long)id);
    buf_release(&path);
    if (!e)
        e = check_levels(ctx, own);
    if (!e)
        record_put(record, path_field->slot, value_text(slice_str(own)));
    return e;
}

static enum err department_saved(struct ctx *ctx, const struct record *record)
{
    const struct field *path = entity_field(record->entity, SLICE("path"));
    if (record->is_new || !record_field_changed(record, path))
        return ERR_OK;
    return paths_below(ctx, record->now[SLOT_ID].integer,
                       arena_str(ctx->arena, record->now[path->slot].bytes));
}

/* --- logins --- */

/* "Anna Snelling" → "anna.snelling", 张小伟 → "zhang.xiao.wei": letters and digits of the reading.
 */
static void login_base(struct slice name, struct buf *out)
{
    struct buf key = BUF_INIT;
    token_sort_key(&key, name, true);
    for (size_t i = 0; i < key.len && out->len < LOGIN_BYTES_MAX / 2; i++) {
        char c = key.at[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (is_word)
            buf_put_char(out, c);
        else if (out->len && out->at[out->len - 1] != '.')
            buf_put_char(out, '.');
    }
    while (out->len && out->at[out->len - 1] == '.')
        buf_truncate(out, out->len - 1);
    if (out->len == 0)
        buf_put_str(out, "user");
    buf_release(&key);
}

static enum err fold_login(struct ctx *ctx, struct record *record, const struct field *login)
{
    struct slice given = record->now[login->slot].bytes;
    struct buf folded = BUF_INIT;
    if (!user_login_is_valid(given))
        return field_bad(ctx, login->name, "bad_login", NULL);
    user_login_fold(&folded, given);
    record_put(record, login->slot, value_text(arena_slice(ctx->arena, buf_slice(&folded))));
    buf_release(&folded);
    return ERR_OK;
}

struct naming {
    const struct field *login;
    const char *base;
};

/* The first has the plain name, the others a number behind it. */
static const char *login_text(struct arena *arena, const struct naming *naming, int64_t n)
{
    return n == 1 ? naming->base : arena_printf(arena, "%s%lld", naming->base, (long long)n);
}

static enum err login_taken(struct ctx *ctx, void *arg, int64_t n, bool *out)
{
    const struct naming *naming = arg;
    struct value text = value_text(slice_str(login_text(ctx->arena, naming, n)));
    const struct expr *where = expr_and(ctx->arena, record_is_live(ctx->arena),
                                        expr_cmp(ctx->arena, EXPR_EQ, naming->login->column, text));
    int64_t count = 0;
    enum err e = store_count(ctx->tenant->store, "user", where, 1, &count);
    *out = count > 0;
    return e;
}

static enum err fill_login(struct ctx *ctx, struct record *record)
{
    const struct field *login = entity_field(record->entity, SLICE("login"));
    const struct field *name = entity_field(record->entity, SLICE("name"));
    struct buf base = BUF_INIT;
    ASSERT(login && name);
    if (!field_is_empty(login, record->now))
        return fold_login(ctx, record, login);
    if (field_is_empty(name, record->now))
        return ERR_OK;
    login_base(record->now[name->slot].bytes, &base);
    struct naming naming = {login, arena_strdup(ctx->arena, buf_cstr(&base))};
    int64_t n;
    buf_release(&base);
    enum err e = number_search(ctx, 0, login_taken, &naming, &n);
    if (!e)
        record_put(record, login->slot, value_text(slice_str(login_text(ctx->arena, &naming, n))));
    return e;
}

/* --- saving --- */

enum err staff_prepare(struct ctx *ctx, struct record *record)
{
    if (!is_staff(record->entity))
        return ERR_OK;
    if (strcmp(record->entity->name, "department") == 0)
        return department_place(ctx, record);
    return ERR_OK;
}

enum err staff_defaults(struct ctx *ctx, struct record *record)
{
    if (!record->entity->is_system || strcmp(record->entity->name, "user") != 0 ||
        !record->is_new || ctx->source != CTX_IMPORT)
        return ERR_OK;
    return fill_login(ctx, record);
}

enum err staff_saved(struct ctx *ctx, const struct record *record)
{
    enum err e = ERR_OK;
    if (!is_staff(record->entity))
        return ERR_OK;
    if (strcmp(record->entity->name, "department") == 0)
        e = department_saved(ctx, record);
    return e ? e : staff_moved(ctx, record->entity);
}
