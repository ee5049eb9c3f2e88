/* field_email - an e-mail address; its domain is kept in lower case (RFC 5321 section 2.4).
 *
 * The shape is checked, not whether anybody is there.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

#define EMAIL_BYTES_MAX 254 /* RFC 3696 erratum 1690 */
#define EMAIL_LOCAL_MAX 64  /* RFC 5321 section 4.5.3.1.1 */
#define EMAIL_LABEL_MAX 63  /* RFC 1035 section 2.3.4 */

static bool is_local_ok(struct slice s)
{
    if (s.len == 0 || s.len > EMAIL_LOCAL_MAX || s.at[0] == '.' || s.at[s.len - 1] == '.')
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (c <= ' ' || c == 0x7f || strchr("\"(),:;<>@[\\]", (char)c))
            return false;
        if (c == '.' && s.at[i + 1] == '.')
            return false;
    }
    return true;
}

static bool is_label_ok(struct slice s)
{
    if (s.len == 0 || s.len > EMAIL_LABEL_MAX || s.at[0] == '-' || s.at[s.len - 1] == '-')
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c >= 0x80;
        if (!ok)
            return false;
    }
    return true;
}

static bool is_domain_ok(struct slice s)
{
    int labels = 0;
    struct slice rest = s, label = {"", 0};

    if (s.len == 0 || s.at[s.len - 1] == '.')
        return false;
    while (rest.len) {
        label = slice_split(&rest, '.');
        if (!is_label_ok(label))
            return false;
        labels++;
    }
    return labels >= 2 && label.len >= 2;
}

bool email_clean(struct slice typed, struct buf *out)
{
    struct slice s = slice_trim(typed);
    ptrdiff_t at = slice_find(s, SLICE("@"));

    if (s.len > EMAIL_BYTES_MAX || at < 0)
        return false;
    struct slice local = slice_of(s.at, (size_t)at);
    struct slice domain = slice_of(s.at + at + 1, s.len - (size_t)at - 1);
    if (!is_local_ok(local) || !is_domain_ok(domain))
        return false;
    buf_put_slice(out, local);
    buf_put_char(out, '@');
    for (size_t i = 0; i < domain.len; i++) {
        char c = domain.at[i];
        buf_put_char(out, (char)(c >= 'A' && c <= 'Z' ? c + 32 : c));
    }
    return true;
}

static enum err email_parse(struct ctx *ctx, const struct field *field, const char *path,
                            const struct json *in, struct value *out)
{
    (void)field;
    if (in->type != JSON_STRING)
        return field_bad(ctx, path, "bad_email", NULL);
    if (slice_trim(in->text).len == 0) {
        *out = value_null();
        return ERR_OK;
    }
    struct buf b = BUF_INIT;
    bool ok = email_clean(in->text, &b);
    if (ok)
        *out = value_text(arena_slice(ctx->arena, buf_slice(&b)));
    buf_release(&b);
    return ok ? ERR_OK : field_bad(ctx, path, "bad_email", NULL);
}

/* A whole address is compared as it is kept; a part of one as it was typed. */
static enum err email_operand(struct ctx *ctx, const struct field *field, const struct json *in,
                              struct value *out, int *column)
{
    struct buf b = BUF_INIT;

    *column = 0;
    if (in->type != JSON_STRING)
        return field_bad(ctx, field->name, "bad_email", NULL);
    bool whole = email_clean(in->text, &b);
    *out = value_text(whole ? arena_slice(ctx->arena, buf_slice(&b)) : in->text);
    buf_release(&b);
    return ERR_OK;
}

static enum err list_parse(struct ctx *ctx, const struct field *field, const char *path,
                           const struct json *in, struct value *out)
{
    return field_list_parse(ctx, field, path, field_list_split(ctx->arena, in), email_parse, out);
}

static const struct field_type list = {
    .name = "email",
    .kind = KIND_LIST,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_TEXT},
    .is_searchable = true,
    .parse = list_parse,
    .put = field_put_json,
    .put_text = field_put_list_text,
    .operand = email_operand,
    .operators = FIELD_OPS_LIST,
};

const struct field_type field_type_email = {
    .name = "email",
    .kind = KIND_TEXT,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_TEXT},
    .is_searchable = true,
    .parse = email_parse,
    .put = field_put_string,
    .put_text = field_put_plain,
    .operand = email_operand,
    .operators = FIELD_OPS_TEXT,
    .many = &list,
};
