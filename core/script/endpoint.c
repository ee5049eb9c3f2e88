/* endpoint - see endpoint.h: finding a route, and checking what a request brings.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/endpoint.h"

#include "base/decimal.h"
#include "base/id.h"
#include "base/text.h"
#include "script/plan.h"
#include "script/vm_in.h"

static const char *const type_names[] = {
#define X(name, text) [ENDPOINT_##name] = text,
    ENDPOINT_TYPES(X)
#undef X
};

const char *endpoint_type_name(enum endpoint_type type)
{
    ASSERT(type < ENDPOINT_TYPES_COUNT);
    return type_names[type];
}

bool endpoint_type_parse(struct slice text, struct endpoint_field *out)
{
    struct endpoint_field field = {.name = out->name};
    if (slice_ends(text, SLICE("!"))) {
        field.is_required = true;
        text.len--;
    }
    if (slice_ends(text, SLICE("[]"))) {
        field.is_list = true;
        text.len -= 2;
    }
    for (int i = 0; i < ENDPOINT_TYPES_COUNT; i++)
        if (slice_is(text, type_names[i])) {
            field.type = (enum endpoint_type)i;
            *out = field;
            return true;
        }
    return false;
}

const struct endpoint *endpoint_all(const struct vm *vm, int *count)
{
    ASSERT(vm && count);
    *count = vm->plan->endpoints_count;
    return vm->plan->endpoints;
}

/* --- finding --- */

static struct slice segment(struct slice *path)
{
    if (path->len && path->at[0] == '/')
        *path = slice_of(path->at + 1, path->len - 1);
    size_t n = 0;
    while (n < path->len && path->at[n] != '/')
        n++;
    struct slice one = slice_of(path->at, n);
    *path = slice_of(path->at + n, path->len - n);
    return one;
}

/* -1: it does not match; else a number whose bits say which segments are literal, the first one
 * highest. */
static int match_path(struct slice pattern, struct slice path, struct slice *params)
{
    int literal = 0, count = 0;
    for (int i = 0; i < ENDPOINT_SEGMENTS_MAX; i++) {
        bool over = pattern.len == 0;
        if (over || path.len == 0)
            return over && path.len == 0 ? literal << (ENDPOINT_SEGMENTS_MAX - i) : -1;
        struct slice want = segment(&pattern), have = segment(&path);
        if (have.len == 0)
            return -1;
        literal <<= 1;
        if (slice_starts(want, SLICE("{")))
            params[count++] = have;
        else if (slice_eq(want, have))
            literal |= 1;
        else
            return -1;
    }
    return pattern.len == 0 && path.len == 0 ? literal : -1;
}

enum err endpoint_find(const struct vm *vm, const char *plugin, enum http_method method,
                       struct slice path, struct endpoint_match *out, unsigned *allowed)
{
    ASSERT(vm && plugin && out && allowed);
    int best = -1;
    *allowed = 0;
    if (method == HTTP_HEAD)
        method = HTTP_GET;
    for (int i = 0; i < vm->plan->endpoints_count; i++) {
        const struct endpoint *endpoint = &vm->plan->endpoints[i];
        struct endpoint_match match = {.endpoint = endpoint};
        if (strcmp(endpoint->plugin, plugin) != 0)
            continue;
        int rank = match_path(slice_str(endpoint->path), path, match.params);
        if (rank < 0)
            continue;
        *allowed |= 1U << endpoint->method | (endpoint->method == HTTP_GET ? 1U << HTTP_HEAD : 0);
        if (endpoint->method == method && rank > best) {
            best = rank;
            *out = match;
        }
    }
    if (best >= 0)
        return ERR_OK;
    return *allowed ? ERR_METHOD : ERR_NOT_FOUND;
}

/* --- checking --- */

static bool is_decimal(const struct json *value)
{
    int64_t units;
    if (value->type == JSON_INT)
        return true;
    return (value->type == JSON_STRING || value->type == JSON_REAL) &&
           decimal_parse(value->text, ENDPOINT_DECIMAL_SCALE, &units);
}

/* The code of the complaint, or NULL. */
static const char *check_text(enum endpoint_type type, struct slice text)
{
    int64_t n;
    if (type == ENDPOINT_DATE)
        return date_parse(text, &n) ? NULL : "bad_date";
    if (type == ENDPOINT_DATETIME)
        return time_parse(text, &n) ? NULL : "bad_datetime";
    if (type == ENDPOINT_ID)
        return id_parse(text, &n) && n > 0 ? NULL : "bad_id";
    return text.len > LONGTEXT_BYTES_MAX ? "too_long" : NULL;
}

bool endpoint_money(const struct ctx *ctx, const struct json *value, int64_t *minor,
                    struct slice *currency)
{
    const char *own = ctx->tenant ? ctx->tenant->currency : NULL;
    bool is_object = value->type == JSON_OBJECT;
    const struct json *amount = is_object ? json_get(value, "amount") : value;
    const struct json *units = is_object ? json_get(value, "minor") : NULL;
    *currency = slice_str(own ? own : "CNY");
    json_each(member, is_object ? value : NULL)
    {
        if (member != amount && member != units && !slice_is(member->key, "currency"))
            return false;
    }
    if (is_object)
        *currency = json_str(value, "currency", *currency);
    int digits = currency->len == 3 ? currency_digits(*currency) : -1;
    if (digits < 0 || !amount == !units)
        return false;
    if (units) {
        *minor = units->integer;
        return units->type == JSON_INT;
    }
    if (amount->type == JSON_INT) {
        struct slice text = slice_str(arena_printf(ctx->arena, "%lld", (long long)amount->integer));
        return decimal_parse(text, digits, minor);
    }
    return (amount->type == JSON_STRING || amount->type == JSON_REAL) &&
           decimal_parse(amount->text, digits, minor);
}

static const char *check_money(const struct ctx *ctx, const struct json *value)
{
    int64_t minor;
    struct slice currency;
    return endpoint_money(ctx, value, &minor, &currency) ? NULL : "bad_money";
}

static const char *check_one(const struct ctx *ctx, enum endpoint_type type,
                             const struct json *value)
{
    switch (type) {
    case ENDPOINT_JSON:
        return NULL;
    case ENDPOINT_INT:
        return value->type == JSON_INT ? NULL : "not_a_number";
    case ENDPOINT_BOOL:
        return value->type == JSON_BOOL ? NULL : "not_a_bool";
    case ENDPOINT_DECIMAL:
        return is_decimal(value) ? NULL : "not_a_decimal";
    case ENDPOINT_MONEY:
        return check_money(ctx, value);
    default:
        return value->type == JSON_STRING ? check_text(type, value->text) : "not_a_text";
    }
}

static void complain(struct ctx *ctx, const char *name, const char *code)
{
    const char *args = NULL; /* what the sentence of that code names */
    if (strcmp(code, "too_long") == 0)
        args = arena_printf(ctx->arena, "{\"max\":%d}", LONGTEXT_BYTES_MAX);
    else if (strcmp(code, "not_a_decimal") == 0)
        args = arena_printf(ctx->arena, "{\"scale\":%d}", ENDPOINT_DECIMAL_SCALE);
    else if (strcmp(code, "bad_money") == 0)
        args = "{\"digits\":2}";
    (void)!err_field(&ctx->err, name, code, args);
}

static void check_field(struct ctx *ctx, const struct endpoint_field *field,
                        const struct json *value)
{
    const char *code = NULL;
    int i = 0;
    if (!value || value->type == JSON_NULL) {
        if (field->is_required)
            complain(ctx, field->name, "required");
        return;
    }
    if (!field->is_list) {
        code = check_one(ctx, field->type, value);
        if (code)
            complain(ctx, field->name, code);
        return;
    }
    if (value->type != JSON_ARRAY) {
        complain(ctx, field->name, "not_a_list");
        return;
    }
    json_each(item, value)
    {
        code = check_one(ctx, field->type, item);
        if (code)
            complain(ctx, arena_printf(ctx->arena, "%s[%d]", field->name, i), code);
        i++;
    }
}

static const struct endpoint_field *find_field(const struct endpoint_field *fields, int count,
                                               struct slice name)
{
    for (int i = 0; i < count; i++)
        if (slice_is(name, fields[i].name))
            return &fields[i];
    return NULL;
}

enum err endpoint_check(struct ctx *ctx, const struct endpoint_field *fields, int count,
                        const struct json *given)
{
    ASSERT(ctx);
    int before = ctx->err.count;
    json_each(member, given)
    {
        if (!find_field(fields, count, member->key))
            complain(ctx, arena_str(ctx->arena, member->key), "unknown_field");
    }
    for (int i = 0; i < count; i++)
        check_field(ctx, &fields[i], json_get(given, fields[i].name));
    return ctx->err.count > before ? ERR_VALIDATION : ERR_OK;
}

/* --- query parameters --- */

static struct json *query_value(struct arena *arena, enum endpoint_type type, struct slice text)
{
    int64_t n;
    if (type == ENDPOINT_INT && slice_to_int(text, &n))
        return json_new_int(arena, n);
    if (type == ENDPOINT_BOOL && (slice_is(text, "true") || slice_is(text, "false")))
        return json_new_bool(arena, slice_is(text, "true"));
    return json_new_str(arena, text);
}

/* A list's values stand one behind the other: tag=a&tag=b. */
static struct json *query_list(struct arena *arena, const struct endpoint_field *field,
                               const struct req *req)
{
    struct json *list = json_new(arena, JSON_ARRAY);
    for (int i = 0; i < req->query_count; i++)
        if (slice_is(req->query[i].name, field->name))
            json_add(arena, list, NULL, query_value(arena, field->type, req->query[i].value));
    return list;
}

const struct json *endpoint_query(struct ctx *ctx, const struct endpoint *endpoint,
                                  const struct req *req)
{
    ASSERT(ctx && endpoint && req);
    struct json *out = json_new(ctx->arena, JSON_OBJECT);
    for (int i = 0; i < req->query_count; i++) {
        const struct req_pair *pair = &req->query[i];
        const struct endpoint_field *field =
            find_field(endpoint->query, endpoint->query_count, pair->name);
        if (json_get_slice(out, pair->name))
            continue; /* the first counts */
        json_add(ctx->arena, out, arena_str(ctx->arena, pair->name),
                 field && field->is_list
                     ? query_list(ctx->arena, field, req)
                     : query_value(ctx->arena, field ? field->type : ENDPOINT_TEXT, pair->value));
    }
    return out;
}
