/* message - see message.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "outbound/message.h"

#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/text.h"
#include "outbound/gmime.h"

struct reading {
    const struct gmime_api *api;
    struct arena *arena;
    struct message *out;
    struct slice plain, html;
    bool has_plain, has_html;
    size_t files_bytes;
    int parts;
};

/* --- text ---------------------------------------------------------------------------------------
 */

/* Converts all of it, or nothing. */
static bool convert(struct arena *arena, const char *charset, struct slice in, struct slice *out)
{
    iconv_t cd = iconv_open("UTF-8", charset);
    if (cd == (iconv_t)-1)
        return false;
    size_t room = in.len * 4 + 16, left = room, from = in.len;
    char *text = malloc(room);
    ASSERT(text);
    char *at = (char *)in.at, *to = text;
    bool ok = iconv(cd, &at, &from, &to, &left) != (size_t)-1 && from == 0 &&
              iconv(cd, NULL, NULL, &to, &left) != (size_t)-1;
    if (ok)
        *out = arena_slice(arena, slice_of(text, room - left));
    free(text);
    (void)iconv_close(cd);
    return ok && text_is_utf8(*out);
}

static struct slice utf8_of(struct arena *arena, const char *charset, struct slice in)
{
    struct slice out = in, name = slice_str(charset ? charset : "");
    bool is_gb = slice_eq_nocase(name, SLICE("gb2312")) || slice_eq_nocase(name, SLICE("gbk")) ||
                 slice_eq_nocase(name, SLICE("x-gbk")) || slice_eq_nocase(name, SLICE("cp936"));
    if (charset && convert(arena, is_gb ? "GB18030" : charset, in, &out))
        return out;
    if (text_is_utf8(in))
        return in;
    if (convert(arena, "GB18030", in, &out) || convert(arena, "ISO-8859-1", in, &out))
        return out;
    return SLICE("");
}

/* Line ends are \n, other control characters are gone; one_line: line ends are blanks. */
static struct slice clean(struct arena *arena, struct slice in, bool one_line, size_t most)
{
    struct buf out = BUF_INIT;
    in = text_is_utf8(in) ? in : utf8_of(arena, NULL, in);
    for (size_t i = 0; i < in.len; i++) {
        char c = in.at[i];
        if (c == '\r' && i + 1 < in.len && in.at[i + 1] == '\n')
            continue;
        bool ends = c == '\n' || c == '\r';
        if (ends || c == '\t')
            buf_put_char(&out, one_line ? ' ' : ends ? '\n' : '\t');
        else if ((unsigned char)c >= 0x20 && c != 0x7f)
            buf_put_char(&out, c);
    }
    struct slice text = text_head(slice_trim(buf_slice(&out)), most);
    text = arena_slice(arena, text);
    buf_release(&out);
    return text;
}

static const char *line(struct arena *arena, const char *text, size_t most)
{
    return text ? arena_str(arena, clean(arena, slice_str(text), true, most)) : NULL;
}

/* --- HTML ---------------------------------------------------------------------------------------
 */

static bool starts_tag(struct slice s, const char *name)
{
    size_t n = strlen(name);
    if (s.len < n + 1 || !slice_eq_nocase(slice_of(s.at, n), slice_str(name)))
        return false;
    char c = s.at[n];
    return c == '>' || c == '/' || c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Behind the end of an element whose content is not shown. */
static size_t skip_element(struct slice s, size_t at, const char *name)
{
    for (; at + 2 < s.len; at++)
        if (s.at[at] == '<' && s.at[at + 1] == '/' &&
            starts_tag(slice_of(s.at + at + 2, s.len - at - 2), name))
            return at;
    return s.len;
}

static size_t put_entity(struct buf *out, struct slice s)
{
    static const struct {
        const char *name, *text;
    } known[] = {{"&amp;", "&"},   {"&lt;", "<"},  {"&gt;", ">"},
                 {"&quot;", "\""}, {"&#39;", "'"}, {"&nbsp;", " "}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (slice_starts(s, slice_str(known[i].name))) {
            buf_put_str(out, known[i].text);
            return strlen(known[i].name);
        }
    char *end;
    if (s.len > 3 && s.at[1] == '#') {
        char digits[12] = {0};
        bool is_hex = s.at[2] == 'x' || s.at[2] == 'X';
        size_t from = is_hex ? 3 : 2;
        memcpy(digits, s.at + from, s.len - from < 10 ? s.len - from : 10);
        unsigned long code = strtoul(digits, &end, is_hex ? 16 : 10);
        bool fits = end != digits && *end == ';' && code >= 0x20 && code <= 0x10ffff &&
                    (code < 0xd800 || code > 0xdfff);
        if (fits) {
            text_put(out, (uint32_t)code);
            return from + (size_t)(end - digits) + 1;
        }
    }
    buf_put_char(out, '&');
    return 1;
}

/* What stands in <…>: ends lines, or hides what follows. Gives where to go on. */
static size_t take_tag(struct buf *out, struct slice s, size_t at)
{
    static const char *const hidden[] = {"script", "style", "head", "title", NULL};
    static const char *const lines[] = {"br", "p",  "div", "tr",   "li",         "h1",
                                        "h2", "h3", "/p",  "/div", "blockquote", NULL};
    struct slice rest = slice_of(s.at + at + 1, s.len - at - 1);
    if (slice_starts(rest, SLICE("!--"))) {
        int64_t end = slice_find(rest, SLICE("-->"));
        return end < 0 ? s.len : at + 1 + (size_t)end + 3;
    }
    for (const char *const *name = hidden; *name; name++)
        if (starts_tag(rest, *name))
            at = skip_element(s, at + 1, *name);
    for (const char *const *name = lines; *name; name++)
        if (starts_tag(rest, *name) && out->len && out->at[out->len - 1] != '\n')
            buf_put_char(out, '\n');
    const char *end = at < s.len ? memchr(s.at + at, '>', s.len - at) : NULL;
    return end ? (size_t)(end - s.at) + 1 : s.len;
}

struct slice message_html_text(struct arena *arena, struct slice html)
{
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < html.len;) {
        char c = html.at[i];
        if (c == '<') {
            i = take_tag(&out, html, i);
        } else if (c == '&') {
            i += put_entity(&out, slice_of(html.at + i, html.len - i));
        } else {
            bool blank = c == '\n' || c == '\r' || c == '\t' || c == ' ';
            if (!blank)
                buf_put_char(&out, c);
            else if (out.len && out.at[out.len - 1] != ' ' && out.at[out.len - 1] != '\n')
                buf_put_char(&out, ' ');
            i++;
        }
    }
    struct slice text = clean(arena, buf_slice(&out), false, MESSAGE_TEXT_MAX);
    buf_release(&out);
    return text;
}

/* --- parts --------------------------------------------------------------------------------------
 */

static struct slice bytes_of(struct reading *r, GMimePart *part)
{
    GMimeDataWrapper *content = r->api->part_content(part);
    struct slice bytes = SLICE("");
    if (!content)
        return bytes;
    GMimeStream *stream = r->api->stream_new();
    if (r->api->content_write(content, stream) >= 0) {
        const GByteArray *array = r->api->stream_bytes((GMimeStreamMem *)stream);
        if (array && array->len)
            bytes = arena_slice(r->arena, slice_of((const char *)array->data, array->len));
    }
    r->api->unref(stream);
    return bytes;
}

static const char *type_of(struct reading *r, GMimeContentType *type)
{
    char *name = type ? r->api->type_name(type) : NULL;
    char *own = arena_strdup(r->arena, name ? name : "application/octet-stream");
    if (name)
        r->api->release(name);
    for (char *c = own; *c; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
    return own;
}

/* "report.pdf" of "C:\\docs\\report.pdf". */
static const char *file_name(struct reading *r, GMimePart *part)
{
    const char *name = line(r->arena, r->api->part_filename(part), MESSAGE_NAME_MAX);
    for (const char *c = name; c && *c; c++)
        if (*c == '/' || *c == '\\')
            name = c + 1;
    return name && *name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 ? name : "file";
}

static void take_file(struct reading *r, GMimePart *part, const char *type)
{
    struct message *out = r->out;
    struct slice bytes = bytes_of(r, part);
    if (out->files_count == MESSAGE_FILES_MAX ||
        r->files_bytes + bytes.len > MESSAGE_FILES_BYTES_MAX) {
        out->files_left_out++;
        return;
    }
    r->files_bytes += bytes.len;
    out->files[out->files_count++] = (struct message_file){file_name(r, part), type, bytes};
}

static void take_part(GMimeObject *parent, GMimeObject *object, void *arg)
{
    struct reading *r = arg;
    (void)parent;
    if (!r->api->is_a((GTypeInstance *)object, r->api->part_type()))
        return;
    if (++r->parts > MESSAGE_PARTS_MAX) {
        r->out->files_left_out++; /* whatever it is */
        return;
    }
    GMimePart *part = (GMimePart *)object;
    GMimeContentType *type = r->api->content_type(object);
    const char *name = type_of(r, type);
    bool is_file = r->api->part_is_attachment(part) || r->api->part_filename(part);
    bool is_plain = strcmp(name, "text/plain") == 0, is_html = strcmp(name, "text/html") == 0;
    if (is_file || (!is_plain && !is_html)) {
        take_file(r, part, name);
        return;
    }
    if (is_plain ? r->has_plain : r->has_html)
        return; /* the first of its kind is the letter */
    struct slice text =
        utf8_of(r->arena, r->api->type_parameter(type, "charset"), bytes_of(r, part));
    *(is_plain ? &r->plain : &r->html) = text;
    *(is_plain ? &r->has_plain : &r->has_html) = true;
}

/* --- headers ------------------------------------------------------------------------------------
 */

static bool is_listed(struct slice s, const char *const *words)
{
    for (; *words; words++)
        if (slice_eq_nocase(s, slice_str(*words)))
            return true;
    return false;
}

/* RFC 3834 and what was usual before it. */
static bool is_automatic(struct reading *r, GMimeObject *message)
{
    static const char *const bulk[] = {"bulk", "junk", "list", "auto_reply", NULL};
    static const char *const marks[] = {"List-Id",
                                        "List-Unsubscribe",
                                        "X-Autoreply",
                                        "X-Autorespond",
                                        "X-Auto-Response-Suppress",
                                        "X-Loop",
                                        NULL};
    const char *said = r->api->header(message, "Auto-Submitted");
    if (said && !slice_eq_nocase(slice_trim(slice_str(said)), SLICE("no")))
        return true;
    said = r->api->header(message, "Precedence");
    if (said && is_listed(slice_trim(slice_str(said)), bulk))
        return true;
    for (const char *const *mark = marks; *mark; mark++)
        if (r->api->header(message, *mark))
            return true;
    said = r->api->header(message, "Return-Path");
    return said && slice_is(slice_trim(slice_str(said)), "<>");
}

/* "a@b" of "<a@b>"; NULL where there is none. */
static const char *next_id(struct arena *arena, struct slice *rest)
{
    int64_t from = slice_find(*rest, SLICE("<"));
    if (from < 0)
        return NULL;
    struct slice id = slice_of(rest->at + from + 1, rest->len - (size_t)from - 1);
    int64_t to = slice_find(id, SLICE(">"));
    if (to < 0)
        return NULL;
    *rest = slice_of(id.at + to + 1, id.len - (size_t)to - 1);
    return arena_str(arena, clean(arena, slice_of(id.at, (size_t)to), true, MESSAGE_ID_MAX));
}

static void take_references(struct reading *r, GMimeObject *message)
{
    const char *said = r->api->header(message, "References"), *id;
    struct slice rest = slice_str(said ? said : "");
    struct message *out = r->out;
    out->references = arena_array(r->arena, const char *, MESSAGE_REFERENCES_MAX);
    while ((id = next_id(r->arena, &rest))) {
        if (out->references_count == MESSAGE_REFERENCES_MAX) {
            memmove(out->references, out->references + 1,
                    (MESSAGE_REFERENCES_MAX - 1) * sizeof *out->references);
            out->references_count--;
        }
        out->references[out->references_count++] = id;
    }
    said = r->api->header(message, "In-Reply-To");
    rest = slice_str(said ? said : "");
    out->in_reply_to = next_id(r->arena, &rest);
}

/* The first mailbox of a list; groups are passed over. */
static const char *first_address(struct reading *r, InternetAddressList *list, const char **name)
{
    int count = list ? r->api->addresses_count(list) : 0;
    for (int i = 0; i < count && i < MESSAGE_PARTS_MAX; i++) {
        InternetAddress *one = r->api->addresses_at(list, i);
        if (!r->api->is_a((GTypeInstance *)one, r->api->mailbox_type()))
            continue;
        const char *text =
            line(r->arena, r->api->mailbox_address((InternetAddressMailbox *)one), MESSAGE_ID_MAX);
        if (!text || !strchr(text, '@'))
            continue;
        char *own = arena_strdup(r->arena, text);
        for (char *c = own; *c; c++)
            *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
        if (name)
            *name = line(r->arena, r->api->address_name(one), MESSAGE_ID_MAX);
        return own;
    }
    return NULL;
}

static void take_headers(struct reading *r, GMimeMessage *message)
{
    GMimeObject *object = (GMimeObject *)message;
    struct message *out = r->out;
    GDateTime *date = r->api->date(message);
    const char *subject = line(r->arena, r->api->subject(message), MESSAGE_SUBJECT_MAX);
    out->subject = subject ? subject : "";
    out->id = line(r->arena, r->api->message_id(message), MESSAGE_ID_MAX);
    if (out->id && !*out->id)
        out->id = NULL;
    out->from = first_address(r, r->api->from(message), &out->from_name);
    out->to = first_address(r, r->api->to(message), NULL);
    out->date_ms = date ? (int64_t)r->api->to_unix(date) * 1000 : 0;
    if (out->date_ms < 0)
        out->date_ms = 0;
    out->is_automatic = is_automatic(r, object);
    take_references(r, object);
}

static void take_text(struct reading *r)
{
    if (r->has_plain && slice_trim(r->plain).len)
        r->out->text = clean(r->arena, r->plain, false, MESSAGE_TEXT_MAX);
    else if (r->has_html)
        r->out->text = message_html_text(r->arena, r->html);
}

enum err message_read(struct arena *arena, struct slice raw, struct message *out)
{
    ASSERT(arena && out);
    static const char *charsets[] = {"utf-8", "gb18030", "iso-8859-1", NULL};
    struct reading r = {.api = gmime_api(), .arena = arena, .out = out};
    *out = (struct message){.subject = "", .text = SLICE("")};
    if (raw.len > MESSAGE_BYTES_MAX)
        return ERR_TOO_LARGE;
    if (!r.api)
        return ERR_NOT_SUPPORTED;
    out->files = arena_array(arena, struct message_file, MESSAGE_FILES_MAX);
    GMimeStream *stream = r.api->stream_of(raw.at, raw.len);
    GMimeParser *parser = r.api->parser_new(stream);
    GMimeParserOptions *options = r.api->options_new();
    r.api->options_charsets(options, charsets);
    GMimeMessage *message = r.api->parser_message(parser, options);
    if (message) {
        take_headers(&r, message);
        r.api->each_part(message, take_part, &r);
        take_text(&r);
        r.api->unref(message);
    }
    r.api->options_free(options);
    r.api->unref(parser);
    r.api->unref(stream);
    return message ? ERR_OK : ERR_MALFORMED;
}
