/* session - signing in and out, and telling who a token is.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/session.h"

#include <string.h>

#include "auth/address.h"
#include "auth/audit.h"
#include "auth/bearer.h"
#include "auth/row.h"
#include "auth/signin.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/text.h"

#define CSRF_RANDOM_BYTES 16
#define AGENT_BYTES_MAX   300

/* What nobody's password is verified against: the cost of crypto_password_hash, no known password.
 */
#define DUMMY_ENCODED                                                                              \
    "$argon2id$v=19$m=19456,t=2,p=1$cGVyaWdlZS1ub2JvZHktMQ$"                                       \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

/* --- signing in --- */

enum err session_attempt(struct ctx *ctx, struct slice login, const char *address, int64_t *user,
                         char **encoded)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(user && encoded);
    ASSERT(store_in_tx(ctx->tenant->store));

    enum err e = signin_count(ctx, login, address);
    if (e)
        return e;
    int64_t id = 0;
    e = actor_by_login(ctx->tenant, login, &id);
    if (e && e != ERR_NOT_FOUND)
        return e;

    /* unknown users cost the same reads: id 0 is nobody's */
    static const char *const columns[] = {"password", "active"};
    struct expr nodes[3];
    struct value v[2] = {{.type = VALUE_NULL}};
    e = row_read(ctx->tenant->store, ctx->arena, "user", columns, 2,
                 row_live(nodes, "id", value_int(id)), v);
    if (e && e != ERR_NOT_FOUND)
        return e;
    bool may = !e && v[0].type == VALUE_TEXT && v[1].integer != 0;
    *user = may ? id : 0;
    *encoded = arena_strdup(ctx->arena, may ? row_text(&v[0]) : DUMMY_ENCODED);
    return ERR_OK;
}

static void csrf_new(char out[23])
{
    uint8_t random[CSRF_RANDOM_BYTES];
    crypto_random(random, sizeof random);
    struct buf b = BUF_INIT;
    crypto_put_base64url(&b, slice_of((const char *)random, sizeof random));
    ASSERT(b.len == 22);
    memcpy(out, buf_cstr(&b), 23);
    buf_release(&b);
}

static enum err session_insert(struct ctx *ctx, int64_t user, const char *address,
                               const char *agent, struct session_new *out)
{
    const struct policy *policy;
    enum err e = actor_policy(ctx->tenant, &policy);
    if (e)
        return e;
    uint8_t hash[CRYPTO_SHA256_LEN];
    bearer_new(BEARER_SESSION, out->token, hash);
    csrf_new(out->csrf);
    out->id = id_next();
    out->expires_at_ms = ctx->now_ms + policy->life_ms;
    struct slice shown = slice_str(agent);
    if (!text_is_utf8(shown))
        shown = SLICE("");
    if (shown.len > AGENT_BYTES_MAX)
        shown = text_head(shown, AGENT_BYTES_MAX / 4);
    struct store_set sets[] = {
        {.column = "id", .value = value_int(out->id)},
        {.column = "user", .value = value_int(user)},
        {.column = "hash", .value = value_blob(slice_of((const char *)hash, sizeof hash))},
        {.column = "csrf", .value = value_text(slice_str(out->csrf))},
        {.column = "created_at", .value = value_int(ctx->now_ms)},
        {.column = "seen_at", .value = value_int(ctx->now_ms)},
        {.column = "expires_at", .value = value_int(out->expires_at_ms)},
        {.column = "address", .value = address ? value_text(slice_str(address)) : value_null()},
        {.column = "agent", .value = value_text(shown)},
    };
    return store_insert(ctx->tenant->store, "session", sets, sizeof sets / sizeof *sets, NULL);
}

/* The person signing in is the actor of the audit row, whoever ctx belongs to so far. */
static enum err audit_as(struct ctx *ctx, int64_t user, const char *action, const char *address,
                         const char *detail)
{
    struct actor self = {.user = user};
    const struct actor *actor = ctx->actor;
    const char *from = ctx->address;
    ctx->actor = user ? &self : NULL;
    ctx->address = address;
    enum err e = audit_put(ctx, action, "user", user, detail);
    ctx->actor = actor;
    ctx->address = from;
    return e;
}

enum err session_confirm(struct ctx *ctx, int64_t user, const char *encoded)
{
    ASSERT(ctx && ctx->tenant && encoded);
    ASSERT(store_in_tx(ctx->tenant->store));
    static const char *const columns[] = {"password"};
    struct expr nodes[3];
    struct value now;
    enum err e = row_read(ctx->tenant->store, ctx->arena, "user", columns, 1,
                          row_live(nodes, "id", value_int(user)), &now);
    if (e && e != ERR_NOT_FOUND)
        return e;
    bool is_same = !e && now.type == VALUE_TEXT && slice_is(now.bytes, encoded);
    return is_same ? ERR_OK : ERR_BAD_CREDENTIALS;
}

enum err session_create(struct ctx *ctx, int64_t user, const char *address, const char *agent,
                        struct session_new *out)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(user && out);
    ASSERT(store_in_tx(ctx->tenant->store));

    static const char *const columns[] = {"login", "active"};
    struct expr nodes[3];
    struct value v[2];
    enum err e = row_read(ctx->tenant->store, ctx->arena, "user", columns, 2,
                          row_live(nodes, "id", value_int(user)), v);
    if (e == ERR_NOT_FOUND || (!e && v[1].integer == 0))
        return ERR_BAD_CREDENTIALS;
    if (!e)
        e = signin_take_back(ctx, v[0].bytes, address);
    struct session_new made = {0};
    if (!e)
        e = session_insert(ctx, user, address, agent, &made);
    if (!e)
        e = audit_as(ctx, user, "signin.ok", address, NULL);
    if (!e)
        *out = made;
    return e;
}

enum err session_refused(struct ctx *ctx, struct slice login, const char *address)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(store_in_tx(ctx->tenant->store));
    int64_t user = 0;
    enum err e = actor_by_login(ctx->tenant, login, &user);
    if (e && e != ERR_NOT_FOUND)
        return e;
    struct buf detail = BUF_INIT;
    buf_put_str(&detail, "{\"login\":");
    bool readable = text_is_utf8(login);
    json_put_string(&detail, readable ? text_head(login, LOGIN_BYTES_MAX) : SLICE("?"));
    buf_put_char(&detail, '}');
    /* nobody has been identified: the user is what it was about, not who did it */
    const char *from = ctx->address;
    ctx->address = address;
    e = audit_put(ctx, "signin.refused", "user", user, buf_cstr(&detail));
    ctx->address = from;
    buf_release(&detail);
    return e;
}

/* --- telling who --- */

static enum err actor_active(struct tenant *tenant, int64_t user, const struct actor **out)
{
    enum err e = actor_load(tenant, user, out);
    if (e == ERR_NOT_FOUND || (!e && !(*out)->active))
        return ERR_UNAUTHENTICATED;
    return e;
}

static enum err identify_session(struct tenant *tenant, struct arena *arena,
                                 const uint8_t hash[CRYPTO_SHA256_LEN], int64_t now_ms,
                                 const struct actor **out, const char **csrf, bool *seen_due)
{
    static const char *const columns[] = {"id", "user", "csrf", "seen_at", "expires_at"};
    struct expr where = row_eq("hash", value_blob(slice_of((const char *)hash, CRYPTO_SHA256_LEN)));
    struct value v[5];
    const struct policy *policy;
    const struct actor *base;
    enum err e = row_read(tenant->store, arena, "session", columns, 5, &where, v);
    if (e)
        return e == ERR_NOT_FOUND ? ERR_UNAUTHENTICATED : e;
    e = actor_policy(tenant, &policy);
    if (e)
        return e;
    int64_t idle_ms = now_ms - v[3].integer;
    if (now_ms >= v[4].integer || idle_ms >= policy->idle_ms)
        return ERR_UNAUTHENTICATED;
    e = actor_active(tenant, v[1].integer, &base);
    if (e)
        return e;
    *out = actor_for_request(arena, base, v[0].integer, 0, NULL);
    if (csrf)
        *csrf = row_text(&v[2]);
    *seen_due = idle_ms >= SESSION_SEEN_MS;
    return ERR_OK;
}

static bool address_allowed(const char *address, const struct json *ranges)
{
    if (!ranges)
        return true;
    json_each(range, ranges)
    {
        if (address_in(address, range->text.at))
            return true;
    }
    return false;
}

/* NULL text is a NULL tree; what cannot be read is corrupt, and so refused. */
static enum err tree_of(struct arena *arena, const struct value *text, const struct json **out)
{
    *out = NULL;
    if (text->type == VALUE_NULL)
        return ERR_OK;
    enum err e = json_parse(arena, text->bytes, out, NULL);
    return e || (*out)->type != JSON_ARRAY ? ERR_CORRUPT : ERR_OK;
}

static enum err identify_key(struct tenant *tenant, struct arena *arena,
                             const uint8_t hash[CRYPTO_SHA256_LEN], const char *address,
                             int64_t now_ms, const struct actor **out, bool *seen_due)
{
    static const char *const columns[] = {"id",         "user",    "scopes",    "addresses",
                                          "expires_at", "seen_at", "revoked_at"};
    struct expr where = row_eq("hash", value_blob(slice_of((const char *)hash, CRYPTO_SHA256_LEN)));
    struct value v[7];
    const struct json *scopes = NULL, *ranges = NULL;
    const struct actor *base;
    enum err e = row_read(tenant->store, arena, "api_key", columns, 7, &where, v);
    if (e)
        return e == ERR_NOT_FOUND ? ERR_UNAUTHENTICATED : e;
    e = tree_of(arena, &v[2], &scopes);
    if (!e)
        e = tree_of(arena, &v[3], &ranges);
    if (e)
        return e;
    bool expired = v[4].integer != 0 && now_ms >= v[4].integer;
    if (expired || v[6].type != VALUE_NULL || !address_allowed(address, ranges))
        return ERR_UNAUTHENTICATED;
    e = actor_active(tenant, v[1].integer, &base);
    if (e)
        return e;
    *out = actor_for_request(arena, base, 0, v[0].integer, scopes);
    *seen_due = now_ms - v[5].integer >= SESSION_SEEN_MS;
    return ERR_OK;
}

enum err session_identify(struct tenant *tenant, struct arena *arena, struct slice token,
                          const char *address, int64_t now_ms, const struct actor **out,
                          const char **csrf, bool *seen_due)
{
    ASSERT(tenant && arena);
    ASSERT(out && seen_due);
    if (csrf)
        *csrf = NULL;
    uint8_t hash[CRYPTO_SHA256_LEN];
    if (bearer_hash(token, BEARER_SESSION, hash))
        return identify_session(tenant, arena, hash, now_ms, out, csrf, seen_due);
    if (bearer_hash(token, BEARER_KEY, hash))
        return identify_key(tenant, arena, hash, address, now_ms, out, seen_due);
    return ERR_UNAUTHENTICATED;
}

enum err session_seen(struct tenant *tenant, int64_t session, int64_t api_key, int64_t now_ms)
{
    ASSERT(tenant);
    ASSERT((session == 0) != (api_key == 0));
    ASSERT(store_in_tx(tenant->store));
    struct expr where = row_eq("id", value_int(session ? session : api_key));
    struct store_set set = {.column = "seen_at", .value = value_int(now_ms)};
    return store_update(tenant->store, session ? "session" : "api_key", &where, &set, 1, NULL,
                        NULL);
}

/* --- ending --- */

/* Which of them it was: the audit log outlives the row. */
static enum err put_ended(struct ctx *ctx, int64_t id, struct buf *detail)
{
    static const char *const columns[] = {"address", "agent"};
    struct expr where = row_eq("id", value_int(id));
    struct value v[2];
    enum err e = row_read(ctx->tenant->store, ctx->arena, "session", columns, 2, &where, v);
    if (e)
        return e;
    buf_put_str(detail, "{\"from\":");
    json_put_string(detail, v[0].type == VALUE_TEXT ? v[0].bytes : SLICE(""));
    json_put_key(detail, "agent");
    json_put_string(detail, v[1].type == VALUE_TEXT ? v[1].bytes : SLICE(""));
    buf_put_char(detail, '}');
    return ERR_OK;
}

enum err session_end(struct ctx *ctx, int64_t user, int64_t id)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(user);
    ASSERT(store_in_tx(ctx->tenant->store));
    struct expr one = row_eq("id", value_int(id));
    struct expr theirs = row_eq("user", value_int(user));
    theirs.next = id ? &one : NULL;
    struct expr where = {.op = EXPR_AND, .first = &theirs};
    struct buf detail = BUF_INIT;
    int64_t ended = 0;
    enum err e = id ? put_ended(ctx, id, &detail) : ERR_OK;
    if (!e)
        e = store_delete(ctx->tenant->store, "session", &where, &ended);
    if (!e && id && ended == 0)
        e = ERR_NOT_FOUND;
    if (!e)
        e = store_header_bump(ctx->tenant->store, false, true);
    if (!e)
        e = audit_put(ctx, id ? "session.end" : "session.end_all", "user", user,
                      id ? buf_cstr(&detail) : NULL);
    buf_release(&detail);
    return e;
}

enum err session_end_others(struct ctx *ctx, int64_t user, int64_t keep)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(store_in_tx(ctx->tenant->store));
    struct expr not_kept = {.op = EXPR_NE, .column = {0, "id"}, .value = value_int(keep)};
    struct expr theirs = row_eq("user", value_int(user));
    theirs.next = &not_kept;
    struct expr where = {.op = EXPR_AND, .first = &theirs};
    return store_delete(ctx->tenant->store, "session", &where, NULL);
}

enum err session_sweep(struct tenant *tenant, int64_t now_ms)
{
    ASSERT(tenant);
    ASSERT(store_in_tx(tenant->store));
    struct expr where = {.op = EXPR_LTE, .column = {0, "expires_at"}, .value = value_int(now_ms)};
    return store_delete(tenant->store, "session", &where, NULL);
}

struct infos {
    struct arena *arena;
    struct session_info *items; /* LIST_MAX of them */
    int count;
};

static bool take_info(void *arg, const struct store_row *row)
{
    struct infos *infos = arg;
    infos->items[infos->count++] = (struct session_info){
        .id = store_row_int(row, 0),
        .created_at_ms = store_row_int(row, 1),
        .seen_at_ms = store_row_int(row, 2),
        .expires_at_ms = store_row_int(row, 3),
        .address = arena_str(infos->arena, store_row_bytes(row, 4)),
        .agent = arena_str(infos->arena, store_row_bytes(row, 5)),
    };
    return infos->count < LIST_MAX;
}

enum err session_list(struct tenant *tenant, struct arena *arena, int64_t user, int64_t now_ms,
                      struct session_info **out, int *count)
{
    ASSERT(tenant && arena);
    ASSERT(out && count);
    static const struct query_column columns[] = {
        {.column = {0, "id"}},         {.column = {0, "created_at"}}, {.column = {0, "seen_at"}},
        {.column = {0, "expires_at"}}, {.column = {0, "address"}},    {.column = {0, "agent"}},
    };
    static const struct query_order newest[] = {{.column = {0, "id"}, .descending = true}};
    const struct policy *policy;
    enum err e = actor_policy(tenant, &policy);
    if (e)
        return e;
    struct expr awake = {
        .op = EXPR_GT, .column = {0, "seen_at"}, .value = value_int(now_ms - policy->idle_ms)};
    struct expr alive = {.op = EXPR_GT, .column = {0, "expires_at"}, .value = value_int(now_ms)};
    struct expr theirs = row_eq("user", value_int(user));
    theirs.next = &alive;
    alive.next = &awake;
    struct expr where = {.op = EXPR_AND, .first = &theirs};
    struct query query = {.table = "session",
                          .select = columns,
                          .select_count = 6,
                          .where = &where,
                          .order = newest,
                          .order_count = 1,
                          .limit = LIST_MAX};
    struct infos infos = {.arena = arena};
    infos.items = arena_array(arena, struct session_info, LIST_MAX);
    e = store_read(tenant->store, &query, take_info, &infos);
    *out = infos.items;
    *count = infos.count;
    return e;
}
