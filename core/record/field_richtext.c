/* field_richtext - formatted text: HTML cut down to a list of harmless tags.
 *
 * The cleaner is strict and knows no repair: it copies text, re-writes the tags of the list without
 * their attributes (links keep an http, https or mailto address, images an own file's address), and
 * drops every other tag; what stands inside script, style and the like is dropped with it. Output
 * is made only of what is written here, so odd input cannot come through unread.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

#include "base/limits.h"

static const char *const kept_tags[] = {
    "p",     "br", "b",  "strong", "i",  "em", "u",          "s",    "ul",  "ol",    "li",
    "h1",    "h2", "h3", "h4",     "h5", "h6", "blockquote", "code", "pre", "table", "thead",
    "tbody", "tr", "td", "th",     "hr", "a",  "img",        "span", "div", "sub",   "sup",
};
/* Dropped with everything up to their end. */
static const char *const dropped_tags[] = {
    "script", "style",  "iframe",   "object", "embed", "svg",      "math",    "template",
    "title",  "select", "textarea", "xmp",    "head",  "noscript", "noembed", "frameset",
};

static bool is_one_of(struct slice name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq_nocase(name, slice_str(list[i])))
            return true;
    return false;
}
#define IS_ONE_OF(name, list) is_one_of((name), (list), sizeof(list) / sizeof *(list))

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '/';
}

/* Takes a name from the front. */
static struct slice take_name(struct slice *rest)
{
    size_t n = 0;
    while (n < rest->len && is_name_char(rest->at[n]))
        n++;
    struct slice name = slice_of(rest->at, n);
    *rest = slice_of(rest->at + n, rest->len - n);
    return name;
}

static void skip_space(struct slice *rest)
{
    while (rest->len && is_space(*rest->at))
        *rest = slice_of(rest->at + 1, rest->len - 1);
}

/* The next attribute before the tag's end; false at the end. A nameless byte is skipped. */
static bool take_attribute(struct slice *rest, struct slice *name, struct slice *value)
{
    skip_space(rest);
    if (!rest->len || *rest->at == '>')
        return false;
    *name = take_name(rest);
    *value = slice_of("", 0);
    if (name->len == 0) {
        *rest = slice_of(rest->at + 1, rest->len - 1);
        return true;
    }
    skip_space(rest);
    if (!rest->len || *rest->at != '=')
        return true;
    *rest = slice_of(rest->at + 1, rest->len - 1);
    skip_space(rest);
    char quote = rest->len && (*rest->at == '"' || *rest->at == '\'') ? *rest->at : 0;
    size_t n = quote ? 1 : 0;
    while (n < rest->len &&
           (quote ? rest->at[n] != quote : rest->at[n] != '>' && rest->at[n] != ' '))
        n++;
    *value = slice_of(rest->at + (quote ? 1 : 0), n - (quote ? 1 : 0));
    n += quote && n < rest->len;
    *rest = slice_of(rest->at + n, rest->len - n);
    return true;
}

/* Addresses are kept only when they begin as they must and hold nothing that could end the
 * attribute or hide a scheme. */
static bool is_safe_address(struct slice value, bool is_image)
{
    for (size_t i = 0; i < value.len; i++)
        if ((unsigned char)value.at[i] <= ' ' || strchr("\"'<>`\\", value.at[i]))
            return false;
    if (is_image)
        return slice_starts(value, SLICE("/api/v1/files/"));
    return slice_starts(value, SLICE("https://")) || slice_starts(value, SLICE("http://")) ||
           slice_starts(value, SLICE("mailto:"));
}

static void put_tag(struct buf *out, struct slice name, bool closes, struct slice address)
{
    buf_put_str(out, closes ? "</" : "<");
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        buf_put_char(out, (char)(c >= 'A' && c <= 'Z' ? c + 32 : c));
    }
    if (address.len) {
        buf_put_str(out, slice_eq_nocase(name, SLICE("img")) ? " src=\"" : " href=\"");
        buf_put_slice(out, address);
        buf_put_str(out, slice_eq_nocase(name, SLICE("img")) ? "\"" : "\" rel=\"noopener\"");
    }
    buf_put_char(out, '>');
}

/* Drops text up to the end tag of `name`; all of it when there is none. */
static void skip_element(struct slice *rest, struct slice name)
{
    for (size_t i = 0; i + 2 + name.len <= rest->len; i++) {
        if (rest->at[i] != '<' || rest->at[i + 1] != '/' ||
            !slice_eq_nocase(slice_of(rest->at + i + 2, name.len), name))
            continue;
        *rest = slice_of(rest->at + i, rest->len - i);
        return;
    }
    *rest = slice_of(rest->at + rest->len, 0);
}

/* After '<': a comment, a declaration, a tag, or a lone character. */
static void clean_tag(struct slice *rest, struct buf *out)
{
    if (rest->len && (*rest->at == '!' || *rest->at == '?')) {
        ptrdiff_t end = slice_starts(*rest, SLICE("!--")) ? slice_find(*rest, SLICE("-->"))
                                                          : slice_find(*rest, SLICE(">"));
        size_t skip = end < 0 ? rest->len : (size_t)end + (rest->at[end] == '-' ? 3 : 1);
        *rest = slice_of(rest->at + skip, rest->len - skip);
        return;
    }
    bool closes = rest->len && *rest->at == '/';
    if (closes)
        *rest = slice_of(rest->at + 1, rest->len - 1);
    struct slice name = take_name(rest);
    if (name.len == 0) {
        buf_put_str(out, closes ? "&lt;/" : "&lt;");
        return;
    }
    bool is_image = slice_eq_nocase(name, SLICE("img"));
    bool is_link = slice_eq_nocase(name, SLICE("a"));
    struct slice address = {"", 0}, attribute, value;
    while (take_attribute(rest, &attribute, &value))
        if (slice_eq_nocase(attribute, is_image ? SLICE("src") : SLICE("href")) &&
            (is_image || is_link) && is_safe_address(value, is_image))
            address = value;
    if (!rest->len)
        return; /* a tag that never ends is none */
    *rest = slice_of(rest->at + 1, rest->len - 1);
    if (!closes && IS_ONE_OF(name, dropped_tags))
        skip_element(rest, name);
    else if (IS_ONE_OF(name, kept_tags) && !(is_image && !address.len))
        put_tag(out, name, closes, closes ? slice_of("", 0) : address);
}

void richtext_clean(struct slice html, struct buf *out)
{
    struct slice rest = html;

    while (rest.len) {
        char c = *rest.at;
        rest = slice_of(rest.at + 1, rest.len - 1);
        if (c == '<')
            clean_tag(&rest, out);
        else if (c == '>')
            buf_put_str(out, "&gt;");
        else if ((unsigned char)c >= ' ' || c == '\n' || c == '\t')
            buf_put_char(out, c);
    }
}

static enum err richtext_parse(struct ctx *ctx, const struct field *field, const char *path,
                               const struct json *in, struct value *out)
{
    if (in->type != JSON_STRING)
        return field_bad(ctx, path, "not_a_text", NULL);
    if (in->text.len > LONGTEXT_BYTES_MAX)
        return field_bad(ctx, path, "too_long", "\"max\":%d", field->length_max);
    struct buf b = BUF_INIT;
    richtext_clean(in->text, &b);
    struct slice kept = arena_slice(ctx->arena, slice_trim(buf_slice(&b)));
    buf_release(&b);
    enum err e = field_check_length(ctx, field, path, kept);
    if (e)
        return e;
    *out = kept.len ? value_text(kept) : value_null();
    return ERR_OK;
}

/* --- the words alone --- */

/* A line ends where one of these begins or ends; the cells of a row stand apart. */
static const char *const line_tags[] = {
    "p",  "br", "div", "ul", "ol", "li", "h1",         "h2",  "h3",
    "h4", "h5", "h6",  "tr", "td", "th", "blockquote", "pre", "hr",
};
static const struct {
    const char *name, *text;
} entities[] = {
    {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}, {"&nbsp;", " "},
};

static void end_line(struct buf *out, size_t begin)
{
    struct slice said = buf_slice(out);
    if (said.len > begin && said.at[said.len - 1] != '\n')
        buf_put_char(out, '\n');
}

/* The text without its tags, for tables and search: words of two blocks are not one. */
static void richtext_put_text(const struct field *field, const struct value *values,
                              struct buf *out)
{
    struct slice rest = values[0].bytes;
    size_t begin = buf_slice(out).len;

    (void)field;
    while (rest.len) {
        size_t took = 1;
        if (*rest.at == '<') {
            struct slice name = slice_of(rest.at + 1, rest.len - 1);
            if (name.len && *name.at == '/')
                name = slice_of(name.at + 1, name.len - 1);
            name = take_name(&name);
            ptrdiff_t end = slice_find(rest, SLICE(">"));
            took = end < 0 ? rest.len : (size_t)end + 1;
            if (IS_ONE_OF(name, line_tags))
                end_line(out, begin);
        } else if (*rest.at == '&') {
            for (size_t i = 0; i < sizeof entities / sizeof *entities && took == 1; i++)
                if (slice_starts(rest, slice_str(entities[i].name))) {
                    took = strlen(entities[i].name);
                    buf_put_str(out, entities[i].text);
                }
            if (took == 1)
                buf_put_char(out, '&');
        } else {
            buf_put_char(out, *rest.at);
        }
        rest = slice_of(rest.at + took, rest.len - took);
    }
    struct slice said = buf_slice(out);
    if (said.len > begin && said.at[said.len - 1] == '\n')
        buf_truncate(out, said.len - 1);
}

const struct field_type field_type_richtext = {
    .name = "richtext",
    .kind = KIND_TEXT,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_TEXT},
    .is_searchable = true,
    .parse = richtext_parse,
    .put = field_put_string,
    .put_text = richtext_put_text,
    .operand = field_operand_parse,
    .operators = FIELD_OP(NULL) | FIELD_OP(CONTAINS),
};
