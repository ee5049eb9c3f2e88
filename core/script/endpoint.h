/* endpoint - routes of plugins: what was registered, what a request has to bring, and its call.
 *
 * They lie below /api/v1/x/<plugin>/ and so stand in nobody's way. Who may call, how often and with
 * which body is declared, and asked before Lua is entered (api/plugin_routes.c asks who).
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/limits.h"
#include "http/req.h"
#include "record/blob.h"
#include "script/vm.h"

#define ENDPOINT_TYPES(X)                                                                          \
    X(TEXT, "text")                                                                                \
    X(INT, "int")                                                                                  \
    X(DECIMAL, "decimal")                                                                          \
    X(MONEY, "money")                                                                              \
    X(BOOL, "bool")                                                                                \
    X(DATE, "date")                                                                                \
    X(DATETIME, "datetime")                                                                        \
    X(ID, "id")                                                                                    \
    X(JSON, "json")

enum endpoint_type {
#define X(name, text) ENDPOINT_##name,
    ENDPOINT_TYPES(X)
#undef X
        ENDPOINT_TYPES_COUNT
};

/* One member of a body or parameter of a query: "amount" = "money!", "tags" = "text[]". */
struct endpoint_field {
    const char *name;
    enum endpoint_type type;
    bool is_required, is_list;
};

enum endpoint_auth {
    ENDPOINT_SESSION, /* a user: signed in, or by API key */
    ENDPOINT_KEY,     /* an API key only */
    ENDPOINT_HMAC,    /* another system that signs with a secret of the plugin's settings */
    ENDPOINT_WEBHOOK, /* the same, but of a request only time and body, as webhooks are signed */
    ENDPOINT_PUBLIC,  /* anybody */
};

struct endpoint {
    const char *plugin, *path, *summary; /* path begins with '/' */
    enum http_method method;
    enum endpoint_auth auth;
    const char *secret;    /* HMAC, WEBHOOK: the setting's name */
    bool has_body, is_raw; /* a body is declared; or taken as text, whatever it is */
    const struct endpoint_field *body, *query;
    int body_count, query_count;
    int rate, rate_period_s; /* at most so many in so long; 0 = only the general rate */
    const char **roles;      /* one of them is needed; NULL-terminated, or NULL */
    const char *right;       /* "lead:update", or NULL */
};

/* What the plugins have registered, by plugin and path. Lives as long as the vm. */
const struct endpoint *endpoint_all(const struct vm *vm, int *count);
/* Under this name calls of a route are counted (hook/hookstat.h). */
const char *endpoint_stat_name(struct arena *arena, const struct endpoint *endpoint);
/* "text!" and the like; false for anything else. */
bool endpoint_type_parse(struct slice text, struct endpoint_field *out);
const char *endpoint_type_name(enum endpoint_type type);

/* The route for a method and the path behind the plugin's name, with what its captures took.
 * Literal segments go before captures. ERR_NOT_FOUND; ERR_METHOD with *allowed as router_match. */
struct endpoint_match {
    const struct endpoint *endpoint;
    struct slice params[ENDPOINT_PARAMS_MAX];
};
MUST_USE enum err endpoint_find(const struct vm *vm, const char *plugin, enum http_method method,
                                struct slice path, struct endpoint_match *out, unsigned *allowed);

/* Complains about what is missing, unknown or of another type: ERR_VALIDATION. */
MUST_USE enum err endpoint_check(struct ctx *ctx, const struct endpoint_field *fields, int count,
                                 const struct json *given);
/* {"amount": "1234.50", "currency": "CNY"}, {"minor": 123450, …}, or an amount in the tenant's
 * currency; false for anything else. */
bool endpoint_money(const struct ctx *ctx, const struct json *value, int64_t *minor,
                    struct slice *currency);
/* Query parameters as JSON of the declared types, ready to be checked. What cannot be read as its
 * type stays text, so that the check complains. */
const struct json *endpoint_query(struct ctx *ctx, const struct endpoint *endpoint,
                                  const struct req *req);

struct endpoint_call {
    const struct endpoint_match *match;
    const struct req *req;
    struct slice text;               /* the body as it came */
    const struct json *body, *query; /* checked; body NULL = none */
    /* the answer */
    int status;           /* 0: 200, or 204 where there is no body */
    const char *type;     /* media type, or NULL: JSON */
    const char *filename; /* it is a download of that name; or NULL */
    bool has_file;        /* it is a stored file, which who asks may have */
    struct blob_file file;
    struct buf out; /* the caller's */
};
/* Outside any transaction. ERR_VALIDATION when it refused, ERR_PLUGIN when it failed, ERR_NOT_FOUND
 * when it answers with a file that who asks may not have. */
MUST_USE enum err endpoint_run(struct vm *vm, struct ctx *ctx, struct endpoint_call *call,
                               const struct vm_host *host);
