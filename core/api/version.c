/* version - see version.h
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/version.h"

#include "base/hash.h"
#include "http/etag.h"

#define VERSION_MASK ((UINT64_C(1) << 52) - 1) /* JavaScript's numbers are exact up to 2^53 */

int64_t version_of(struct slice stored)
{
    return (int64_t)(hash_sip(0, 0, stored) & VERSION_MASK) + 1;
}

static const char *tag_of(struct call *call, const char *name, int64_t version)
{
    return arena_printf(call->ctx->arena, "\"%s-%lld\"", name, (long long)version);
}

static enum err refuse(struct call *call, int64_t version)
{
    if (version)
        call->ctx->err.extra =
            arena_printf(call->ctx->arena, "\"version\":%lld", (long long)version);
    return err_say(&call->ctx->err, ERR_VERSION, NULL, "%s", "@error.version_mismatch");
}

enum err version_check_head(struct call *call, const char *name, int64_t version)
{
    struct slice match = req_header(call->req, "if-match");
    struct slice none = slice_trim(req_header(call->req, "if-none-match"));
    bool is_same = version && etag_in(match, slice_str(tag_of(call, name, version)));
    if ((match.at && !is_same) || (version && slice_is(none, "*")))
        return refuse(call, version);
    return ERR_OK;
}

enum err version_check(struct call *call, const char *name, int64_t version)
{
    const struct json *member = json_get(call->body, "version");
    enum err e = version_check_head(call, name, version);
    if (e || !member)
        return e;
    if (member->type != JSON_INT || member->integer < 1)
        return err_field(&call->ctx->err, "version", "not_a_number", NULL);
    return member->integer == version ? ERR_OK : refuse(call, version);
}

void version_tag(struct call *call, const char *name, int64_t version)
{
    resp_header(call->resp, "ETag", tag_of(call, name, version));
}

void version_put(struct buf *out, int64_t version)
{
    json_put_key(out, "version");
    json_put_int(out, version);
}
