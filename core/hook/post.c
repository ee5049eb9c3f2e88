/* post - see post.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hook/post.h"

#include "base/id.h"
#include "base/limits.h"
#include "hook/job.h"

/* Rough: what cannot be an address at all. The server judges the rest. */
static bool is_address(struct slice s)
{
    struct slice domain = s, local = slice_split(&domain, '@');
    if (s.len > MAIL_ADDRESS_BYTES_MAX || !local.len || !domain.len)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] <= ' ' || s.at[i] > '~' || strchr("<>,;:\"()[]\\", s.at[i]))
            return false;
    return slice_find(domain, SLICE("@")) < 0;
}

static struct json *texts(struct ctx *ctx, const struct post *post)
{
    struct json *list = json_new(ctx->arena, JSON_ARRAY);
    int count = 0;
    for (const char *const *to = post->to; to && *to; to++, count++) {
        if (!is_address(slice_str(*to)))
            (void)err_field(&ctx->err, "to", "bad_email", NULL);
        else if (count == MAIL_RECIPIENTS_MAX)
            (void)err_field(&ctx->err, "to", "too_many_values", NULL);
        json_add(ctx->arena, list, NULL, json_new_str(ctx->arena, slice_str(*to)));
    }
    if (!count)
        (void)err_field(&ctx->err, "to", "required", NULL);
    return list;
}

static struct json *ids(struct ctx *ctx, const struct post *post)
{
    struct json *list = json_new(ctx->arena, JSON_ARRAY);
    if (post->files_count > MAIL_FILES_MAX)
        (void)err_field(&ctx->err, "files", "too_many_values", NULL);
    for (int i = 0; i < post->files_count && i < MAIL_FILES_MAX; i++) {
        char text[ID_TEXT_LEN + 1];
        id_text(post->files[i], text);
        json_add(ctx->arena, list, NULL, json_new_str(ctx->arena, slice_str(text)));
    }
    return list;
}

static void add_text(struct ctx *ctx, struct json *body, const char *key, const char *text)
{
    if (text)
        json_add(ctx->arena, body, key, json_new_str(ctx->arena, slice_str(text)));
}

static void check_size(struct ctx *ctx, const struct json *body)
{
    struct buf b = BUF_INIT;
    json_put(&b, body);
    if (b.len > MAIL_DATA_BYTES_MAX)
        (void)err_field(&ctx->err, "data", "too_long", NULL);
    buf_release(&b);
}

enum err post_put(struct ctx *ctx, const struct post *post, int64_t *id)
{
    ASSERT(ctx && post && id);
    ASSERT(post->template || (post->subject && post->text));
    struct arena *arena = ctx->arena;
    struct json *body = json_new(arena, JSON_OBJECT);
    int before = ctx->err.count;
    json_add(arena, body, "to", texts(ctx, post));
    add_text(ctx, body, "template", post->template);
    if (post->data)
        json_add(arena, body, "data", json_copy(arena, post->data));
    add_text(ctx, body, "subject", post->subject);
    add_text(ctx, body, "text", post->text);
    add_text(ctx, body, "html", post->html);
    add_text(ctx, body, "lang", post->lang == LANG_EN ? "en" : "zh-CN");
    if (post->reply_to && !is_address(slice_str(post->reply_to)))
        (void)err_field(&ctx->err, "reply_to", "bad_email", NULL);
    add_text(ctx, body, "reply_to", post->reply_to);
    if (post->files_count)
        json_add(arena, body, "files", ids(ctx, post));
    if (post->by)
        json_add(arena, body, "by", json_new_int(arena, post->by));
    check_size(ctx, body);
    if (ctx->err.count > before)
        return ERR_VALIDATION;
    struct job job = {.queue = POST_QUEUE, .dedupe = post->dedupe, .body = body};
    return job_put(ctx, &job, id);
}
