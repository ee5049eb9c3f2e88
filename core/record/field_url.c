/* field_url - a web address, http or https only, without a user name in it.
 *
 * "www.example.com" becomes "https://www.example.com": what a person types is shown as a link, so
 * nothing but these two schemes may ever be kept.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

#define URL_BYTES_MAX 2000

static bool has_scheme(struct slice s, struct slice *rest)
{
    if (s.len > 8 && slice_eq_nocase(slice_of(s.at, 8), SLICE("https://")))
        *rest = slice_of(s.at + 8, s.len - 8);
    else if (s.len > 7 && slice_eq_nocase(slice_of(s.at, 7), SLICE("http://")))
        *rest = slice_of(s.at + 7, s.len - 7);
    else
        return false;
    return true;
}

static bool is_host_ok(struct slice host)
{
    if (host.len == 0 || host.at[0] == '.' || host.at[0] == ':')
        return false;
    for (size_t i = 0; i < host.len; i++) {
        unsigned char c = (unsigned char)host.at[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '.' || c == ':' || c == '[' || c == ']' || c >= 0x80;
        if (!ok)
            return false;
    }
    return true;
}

bool url_clean(struct slice typed, struct buf *out)
{
    struct slice s = slice_trim(typed), rest = s;

    if (s.len == 0 || s.len > URL_BYTES_MAX)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.at[i] <= ' ' || s.at[i] == 0x7f || strchr("\"<>\\^`{|}", s.at[i]))
            return false;
    bool named = has_scheme(s, &rest);
    size_t n = 0;
    while (n < rest.len && !strchr("/?#", rest.at[n]))
        n++;
    struct slice host = slice_of(rest.at, n);
    if (!is_host_ok(host))
        return false;
    if (!named && (slice_find(host, SLICE(".")) < 0 || slice_find(host, SLICE(":")) >= 0))
        return false;
    if (!named)
        buf_put_str(out, "https://");
    else
        buf_put_str(out, rest.at - s.at == 8 ? "https://" : "http://");
    buf_put_slice(out, rest);
    return true;
}

static enum err url_parse(struct ctx *ctx, const struct field *field, const char *path,
                          const struct json *in, struct value *out)
{
    (void)field;
    if (in->type != JSON_STRING)
        return field_bad(ctx, path, "bad_url", NULL);
    if (slice_trim(in->text).len == 0) {
        *out = value_null();
        return ERR_OK;
    }
    struct buf b = BUF_INIT;
    bool ok = url_clean(in->text, &b);
    if (ok)
        *out = value_text(arena_slice(ctx->arena, buf_slice(&b)));
    buf_release(&b);
    return ok ? ERR_OK : field_bad(ctx, path, "bad_url", NULL);
}

static enum err url_operand(struct ctx *ctx, const struct field *field, const struct json *in,
                            struct value *out, int *column)
{
    *column = 0;
    if (in->type != JSON_STRING)
        return field_bad(ctx, field->name, "bad_url", NULL);
    *out = value_text(in->text);
    return ERR_OK;
}

const struct field_type field_type_url = {
    .name = "url",
    .kind = KIND_TEXT,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_TEXT},
    .is_searchable = true,
    .parse = url_parse,
    .put = field_put_string,
    .put_text = field_put_plain,
    .operand = url_operand,
    .operators = FIELD_OPS_TEXT,
};
