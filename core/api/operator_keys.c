/* operator_keys - the operator's view of a tenant's data keys.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>
#include <unistd.h>

#include "api/handlers.h"
#include "api/keep.h"
#include "auth/vault.h"
#include "base/clock.h"
#include "base/id.h"
#include "hook/job.h"
#include "record/blob.h"
#include "store/query.h"

static void put_time(struct buf *out, const char *name, int64_t at_ms)
{
    char text[25];
    json_put_key(out, name);
    if (!at_ms) {
        buf_put_str(out, "null");
        return;
    }
    time_text(at_ms, text);
    json_put_cstr(out, text);
}

static void put_keys(struct buf *out, const struct vault_key_info *keys, int count)
{
    buf_put_str(out, "{\"items\":[");
    for (int i = 0; i < count; i++) {
        json_put_comma(out);
        buf_put_str(out, "{\"class\":");
        json_put_cstr(out, keys[i].class);
        json_put_key(out, "kind");
        json_put_cstr(out, keys[i].kind);
        json_put_key(out, "version");
        json_put_int(out, keys[i].version);
        json_put_key(out, "state");
        json_put_cstr(out, keys[i].is_readable ? keys[i].state : "locked");
        put_time(out, "created_at", keys[i].created_at_ms);
        put_time(out, "retired_at", keys[i].retired_at_ms);
        buf_put_char(out, '}');
    }
    buf_put_str(out, "],\"next\":null}");
}

enum err operator_keys_list(struct call *call)
{
    struct vault_key_info *keys;
    int count;
    enum err e = vault_list(call->ctx->tenant, call->ctx->arena, &keys, &count);
    if (!e)
        put_keys(&call->resp->body, keys, count);
    return e;
}

static enum err rotate_fn(struct call *call, void *arg)
{
    struct job job = {.queue = "keys", .dedupe = "keys"};
    int64_t waiting = 0;
    const struct expr *same =
        expr_cmp(call->ctx->arena, EXPR_EQ, "dedupe", value_text(SLICE("keys")));
    enum err e = store_count(call->ctx->tenant->store, "job", same, 1, &waiting);
    if (!e && waiting) /* it would retire keys that it had sealed with a moment ago */
        return err_say(&call->ctx->err, ERR_CONFLICT, "keys_busy", "%s", "@error.keys_busy");
    if (!e)
        e = vault_rotate(call->ctx);
    return e ? e : job_put(call->ctx, &job, arg);
}

/* New keys seal from now on; the job seals anew what the old ones sealed. */
enum err operator_keys_rotate(struct call *call)
{
    static const char *const members[] = {NULL};
    int64_t job;
    char id[ID_TEXT_LEN + 1];
    enum err e = call_only(call, members);
    if (!e)
        e = call_write(call, rotate_fn, &job);
    if (e)
        return e;
    id_text(job, id);
    call->resp->status = 202;
    buf_printf(&call->resp->body, "{\"job\":\"%s\"}", id);
    return ERR_OK;
}

static enum err rewrap_fn(struct call *call, void *arg)
{
    return vault_unpack_store(call->ctx, arg);
}

static enum err rewrap(struct call *call, const char *path, struct slice passphrase)
{
    struct slice text;
    struct vault_pack *pack = NULL;
    enum err e = blob_map(call->ctx->arena, path, &text);
    if (e == ERR_NOT_FOUND)
        return err_field(&call->ctx->err, "keys", "keys_missing", NULL);
    if (!e)
        e = vault_unpack_open(call->ctx, text, passphrase, &pack);
    return e ? e : call_write(call, rewrap_fn, pack);
}

/* Takes the keys that a backup brought in `keys.json` under this server's master key. */
enum err operator_keys_rewrap(struct call *call)
{
    static const char *const members[] = {"passphrase", NULL};
    struct ctx *ctx = call->ctx;
    const struct json *body;
    enum err e = call_object(call, &body);
    if (!e)
        e = call_only(call, members);
    if (e)
        return e;
    struct slice passphrase = json_str(body, "passphrase", SLICE(""));
    if (!passphrase.len)
        return err_field(&ctx->err, "passphrase", "required", NULL);
    const char *path = arena_printf(ctx->arena, "%s/" KEEP_KEYS, ctx->tenant->folder);
    e = rewrap(call, path, passphrase);
    if (e)
        return e;
    (void)unlink(path); /* the master key opens them now */
    return operator_keys_list(call);
}
