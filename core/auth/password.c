/* password - the rules for a new password, and storing its hash.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/password.h"

#include <ctype.h>

#include "auth/actor.h"
#include "auth/audit.h"
#include "auth/row.h"
#include "auth/session.h"
#include "base/crypto.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/text.h"

#define CLASSES_MIN   3 /* of small and capital letters, digits, others */
#define NAME_PART_MIN 3 /* shorter names are in half of all words */

/* One name within the other, whatever the case: "anna2024" for anna. */
static bool contains_name(struct slice password, struct slice name)
{
    if (text_chars(name) < NAME_PART_MIN)
        return false;
    struct buf one = BUF_INIT, other = BUF_INIT;
    text_fold(&one, password);
    text_fold(&other, name);
    bool found = other.len > 0 && slice_find(buf_slice(&one), buf_slice(&other)) >= 0 &&
                 other.len * 2 >= one.len; /* a long password may hold a name */
    buf_release(&one);
    buf_release(&other);
    return found;
}

static int classes_of(struct slice password)
{
    bool small = false, capital = false, digit = false, other = false;
    for (size_t i = 0; i < password.len; i++) {
        unsigned char c = (unsigned char)password.at[i];
        small = small || islower(c);
        capital = capital || isupper(c);
        digit = digit || isdigit(c);
        other = other || !isalnum(c);
    }
    return small + capital + digit + other;
}

enum err password_check(struct ctx *ctx, struct slice password, struct slice login,
                        const char *field)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(field);
    if (!text_is_utf8(password))
        return err_field(&ctx->err, field, "password_text", NULL);
    if (password.len > PASSWORD_BYTES_MAX)
        return err_field(&ctx->err, field, "password_long",
                         arena_printf(ctx->arena, "{\"max\":%d}", PASSWORD_BYTES_MAX));
    const struct policy *policy;
    enum err e = actor_policy(ctx->tenant, &policy);
    if (e)
        return e;
    if (text_chars(password) < PASSWORD_CHARS_MIN)
        return err_field(&ctx->err, field, "password_short",
                         arena_printf(ctx->arena, "{\"min\":%d}", PASSWORD_CHARS_MIN));
    struct slice mailbox = login;
    struct slice account = slice_split(&mailbox, '@');
    if (contains_name(password, login) || contains_name(password, account) ||
        contains_name(password, slice_str(ctx->tenant->name)) ||
        contains_name(password, slice_str(ctx->tenant->title)))
        e = err_field(&ctx->err, field, "password_login", NULL);
    if (password_is_common(password))
        e = err_field(&ctx->err, field, "password_common", NULL);
    if (policy->dengbao && classes_of(password) < CLASSES_MIN)
        e = err_field(&ctx->err, field, "password_classes", NULL);
    return e;
}

/* --- those that were --- */

struct past {
    struct arena *arena;
    const char *encoded[PASSWORD_PAST_MAX];
    int64_t oldest; /* id of the last one kept */
    int count;
};

static bool take_past(void *arg, const struct store_row *row)
{
    struct past *past = arg;
    past->oldest = store_row_int(row, 0);
    past->encoded[past->count++] = arena_str(past->arena, store_row_bytes(row, 1));
    return past->count < PASSWORD_PAST_MAX;
}

static enum err past_read(struct ctx *ctx, int64_t user, struct past *past)
{
    static const struct query_column columns[] = {{.column = {0, "id"}},
                                                  {.column = {0, "encoded"}}};
    static const struct query_order newest = {.column = {0, "id"}, .descending = true};
    struct expr of_user = row_eq("user", value_int(user));
    struct query query = {.table = "password_past",
                          .select = columns,
                          .select_count = 2,
                          .where = &of_user,
                          .order = &newest,
                          .order_count = 1,
                          .limit = PASSWORD_PAST_MAX};
    *past = (struct past){.arena = ctx->arena};
    return store_read(ctx->tenant->store, &query, take_past, past);
}

enum err password_check_past(struct ctx *ctx, int64_t user, struct slice password,
                             const char *field)
{
    ASSERT(ctx && ctx->tenant && field);
    const struct policy *policy;
    struct past past;
    char *present = NULL;
    enum err e = actor_policy(ctx->tenant, &policy);
    if (e || !policy->dengbao)
        return e;
    e = password_encoded(ctx->tenant, ctx->arena, user, &present);
    if (e == ERR_NOT_FOUND)
        e = ERR_OK;
    if (!e)
        e = past_read(ctx, user, &past);
    if (e)
        return e;
    bool again = present && crypto_password_verify(password, present);
    for (int i = 0; i < past.count && !again; i++)
        again = crypto_password_verify(password, past.encoded[i]);
    return again ? err_field(&ctx->err, field, "password_past",
                             arena_printf(ctx->arena, "{\"max\":%d}", PASSWORD_PAST_MAX))
                 : ERR_OK;
}

/* Kept in every profile: the stricter one may be chosen later. */
static enum err past_write(struct ctx *ctx, int64_t user, const char *encoded)
{
    struct past past;
    struct store_set sets[] = {
        {.column = "id", .value = value_int(id_next())},
        {.column = "user", .value = value_int(user)},
        {.column = "encoded", .value = value_text(slice_str(encoded))},
        {.column = "at", .value = value_int(ctx->now_ms)},
    };
    enum err e = store_insert(ctx->tenant->store, "password_past", sets, 4, NULL);
    if (!e)
        e = past_read(ctx, user, &past);
    if (e || past.count < PASSWORD_PAST_MAX)
        return e;
    struct expr older = {.op = EXPR_LT, .column = {0, "id"}, .value = value_int(past.oldest)};
    struct expr of_user = row_eq("user", value_int(user));
    of_user.next = &older;
    struct expr both = {.op = EXPR_AND, .first = &of_user};
    return store_delete(ctx->tenant->store, "password_past", &both, NULL);
}

enum err password_store(struct ctx *ctx, int64_t user, const char *encoded, int64_t keep_session)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(encoded && encoded[0] == '$');
    ASSERT(store_in_tx(ctx->tenant->store));
    struct expr nodes[3];
    struct store_set sets[] = {
        {.column = "password", .value = value_text(slice_str(encoded))},
        {.column = "password_at", .value = value_int(ctx->now_ms)},
        {.column = "updated_at", .value = value_int(ctx->now_ms)},
        {.column = "version", .value = value_int(1), .how = STORE_ADD},
    };
    int64_t changed = 0;
    enum err e = store_update(ctx->tenant->store, "user", row_live(nodes, "id", value_int(user)),
                              sets, 4, &changed, NULL);
    if (!e && changed == 0)
        return ERR_NOT_FOUND;
    if (!e)
        e = past_write(ctx, user, encoded);
    if (!e)
        e = session_end_others(ctx, user, keep_session);
    if (!e)
        e = store_header_bump(ctx->tenant->store, false, true);
    return e ? e : audit_put(ctx, "password.change", "user", user, NULL);
}

enum err password_encoded(struct tenant *tenant, struct arena *arena, int64_t user, char **encoded)
{
    static const char *const columns[] = {"password"};
    struct expr where[3];
    struct value value;
    enum err e = row_read(tenant->store, arena, "user", columns, 1,
                          row_live(where, "id", value_int(user)), &value);
    if (e)
        return e;
    if (!row_text(&value))
        return ERR_NOT_FOUND;
    *encoded = arena_str(arena, value.bytes);
    return ERR_OK;
}
