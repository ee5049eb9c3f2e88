/* mime - see mime.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "outbound/mime.h"

#include <stdio.h>
#include <time.h>

#include "base/crypto.h"
#include "base/limits.h"
#include "base/text.h"

#define WORD_BYTES      42 /* of text in one encoded word: 75 columns with its frame */
#define LINE_BYTES_MAX  998
#define BASE64_LINE     57 /* bytes that make 76 columns */
#define NAME_PART_BYTES 60 /* of an encoded file name in one line */

/* --- pieces -------------------------------------------------------------------------------------
 */

static void put_base64(struct buf *out, struct slice s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < s.len; i += 3) {
        size_t left = s.len - i;
        uint32_t n = (uint32_t)(uint8_t)s.at[i] << 16;
        n |= left > 1 ? (uint32_t)(uint8_t)s.at[i + 1] << 8 : 0;
        n |= left > 2 ? (uint32_t)(uint8_t)s.at[i + 2] : 0;
        buf_put_char(out, digits[n >> 18 & 63]);
        buf_put_char(out, digits[n >> 12 & 63]);
        buf_put_char(out, left > 1 ? digits[n >> 6 & 63] : '=');
        buf_put_char(out, left > 2 ? digits[n & 63] : '=');
    }
}

static void put_base64_lines(struct buf *out, struct slice s)
{
    for (size_t at = 0; at < s.len; at += BASE64_LINE) {
        size_t n = s.len - at < BASE64_LINE ? s.len - at : BASE64_LINE;
        put_base64(out, slice_of(s.at + at, n));
        buf_put_str(out, "\r\n");
    }
}

static bool is_control(char c)
{
    return (unsigned char)c < ' ' || c == 0x7f;
}

static bool is_ascii(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.at[i] > '~')
            return false;
    return true;
}

static struct slice without_controls(struct buf *room, struct slice s)
{
    buf_clear(room);
    for (size_t i = 0; i < s.len; i++)
        buf_put_char(room, is_control(s.at[i]) ? ' ' : s.at[i]);
    return buf_slice(room);
}

/* The longest beginning of at most `most` bytes that cuts no character. */
static struct slice head_of(struct slice s, size_t most)
{
    if (s.len <= most)
        return s;
    while (most > 0 && ((uint8_t)s.at[most] & 0xc0) == 0x80)
        most--;
    return slice_of(s.at, most);
}

/* Text of a header: as it is, or as encoded words on lines of their own. */
static void put_words(struct buf *out, struct slice raw)
{
    struct buf room = BUF_INIT;
    struct slice s = without_controls(&room, raw);
    if (is_ascii(s) && s.len <= WORD_BYTES && slice_find(s, SLICE("=?")) < 0) {
        buf_put_slice(out, s);
        buf_release(&room);
        return;
    }
    for (bool first = true; s.len; first = false) {
        struct slice part = head_of(s, WORD_BYTES);
        buf_put_str(out, first ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?");
        put_base64(out, part);
        buf_put_str(out, "?=");
        s = slice_of(s.at + part.len, s.len - part.len);
    }
    buf_release(&room);
}

static bool is_quotable(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (is_control(s.at[i]) || (unsigned char)s.at[i] > '~' || s.at[i] == '"' ||
            s.at[i] == '\\')
            return false;
    return true;
}

static void put_mailbox(struct buf *out, const char *name, const char *address)
{
    struct slice s = slice_str(name);
    if (s.len && is_quotable(s) && s.len <= WORD_BYTES) {
        buf_printf(out, "\"%s\" ", name);
    } else if (s.len) {
        put_words(out, s);
        buf_put_str(out, "\r\n ");
    }
    buf_printf(out, "<%s>", address);
}

static void put_date(struct buf *out, int64_t ms)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    if (!gmtime_r(&seconds, &tm))
        memset(&tm, 0, sizeof tm);
    buf_printf(out, "Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n", days[tm.tm_wday], tm.tm_mday,
               months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* --- bodies -------------------------------------------------------------------------------------
 */

/* With CRLF for every kind of line end. */
static void put_lines(struct buf *out, struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] == '\r' && i + 1 < s.len && s.at[i + 1] == '\n')
            continue;
        if (s.at[i] == '\n' || s.at[i] == '\r')
            buf_put_str(out, "\r\n");
        else
            buf_put_char(out, s.at[i]);
    }
    if (!s.len || s.at[s.len - 1] != '\n')
        buf_put_str(out, "\r\n");
}

static bool is_plain(struct slice s)
{
    size_t line = 0;
    for (size_t i = 0; i < s.len; i++) {
        line = s.at[i] == '\n' ? 0 : line + 1;
        bool fine = !is_control(s.at[i]) || strchr("\t\r\n", s.at[i]);
        if ((unsigned char)s.at[i] > '~' || line > LINE_BYTES_MAX - 2 || !fine || !s.at[i])
            return false;
    }
    return true;
}

static void put_body(struct buf *out, const char *kind, struct slice body)
{
    struct buf lines = BUF_INIT;
    bool plain = is_plain(body);
    put_lines(&lines, body);
    buf_printf(out,
               "Content-Type: text/%s; charset=utf-8\r\n"
               "Content-Transfer-Encoding: %s\r\n\r\n",
               kind, plain ? "7bit" : "base64");
    if (plain)
        buf_put_slice(out, buf_slice(&lines));
    else
        put_base64_lines(out, buf_slice(&lines));
    buf_release(&lines);
}

/* name="…", or name*0*=UTF-8''…; name*1*=… when it is not ASCII or long. */
static void put_file_name(struct buf *out, const char *given)
{
    static const char hex[] = "0123456789ABCDEF";
    struct buf room = BUF_INIT;
    struct slice s = without_controls(&room, slice_str(given));
    if (is_quotable(s) && s.len <= NAME_PART_BYTES) {
        buf_printf(out, "; filename=\"" SLICE_FMT "\"", SLICE_ARG(s));
        buf_release(&room);
        return;
    }
    size_t column = NAME_PART_BYTES;
    for (int part = 0; s.len; s = slice_of(s.at + 1, s.len - 1)) {
        uint8_t c = (uint8_t)s.at[0];
        bool whole = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                     c == '.' || c == '-' || c == '_';
        if (column >= NAME_PART_BYTES) {
            buf_printf(out, ";\r\n filename*%d*=%s", part, part ? "" : "UTF-8''");
            part++;
            column = 0;
        }
        column += whole ? 1 : 3;
        if (whole)
            buf_put_char(out, (char)c);
        else
            buf_printf(out, "%%%c%c", hex[c >> 4], hex[c & 15]);
    }
    buf_release(&room);
}

/* A type that came with an upload is trusted no further than its letters. */
static bool is_type(const char *type)
{
    int slashes = 0;
    size_t n = 0;
    for (const char *at = type; at && *at && *at != ';'; at++, n++) {
        bool fine = (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') ||
                    (*at >= 'A' && *at <= 'Z') || strchr("/.+-", *at);
        slashes += *at == '/';
        if (!fine)
            return false;
    }
    return slashes == 1 && n < 100;
}

static void put_file(struct buf *out, const struct mime_file *file)
{
    const char *type = is_type(file->type) ? file->type : "application/octet-stream";
    size_t n = strcspn(type, ";");
    buf_printf(out, "Content-Type: %.*s\r\nContent-Disposition: attachment", (int)n, type);
    put_file_name(out, file->name);
    buf_put_str(out, "\r\nContent-Transfer-Encoding: base64\r\n\r\n");
    put_base64_lines(out, file->bytes);
}

/* --- the whole ----------------------------------------------------------------------------------
 */

/* No encoded line and no text can hold it by chance. */
static void boundary_make(char out[48], const char *kind)
{
    uint8_t random[12];
    struct buf hex = BUF_INIT;
    crypto_random(random, sizeof random);
    crypto_put_hex(&hex, slice_of((const char *)random, sizeof random));
    snprintf(out, 48, "=_%s_%s", kind, buf_cstr(&hex));
    buf_release(&hex);
}

static void put_alternatives(struct buf *out, const struct mime_letter *letter)
{
    char edge[48];
    if (!letter->html.len || !letter->text.len) {
        put_body(out, letter->html.len ? "html" : "plain",
                 letter->html.len ? letter->html : letter->text);
        return;
    }
    boundary_make(edge, "alt");
    buf_printf(out, "Content-Type: multipart/alternative; boundary=\"%s\"\r\n\r\n--%s\r\n", edge,
               edge);
    put_body(out, "plain", letter->text);
    buf_printf(out, "--%s\r\n", edge);
    put_body(out, "html", letter->html);
    buf_printf(out, "--%s--\r\n", edge);
}

static void put_heads(struct buf *out, const struct mime_letter *letter)
{
    buf_put_str(out, "From: ");
    put_mailbox(out, letter->from_name, letter->from);
    buf_put_str(out, "\r\nTo: ");
    for (const char *const *to = letter->to; *to; to++)
        buf_printf(out, "%s<%s>", to == letter->to ? "" : ",\r\n ", *to);
    if (letter->reply_to)
        buf_printf(out, "\r\nReply-To: <%s>", letter->reply_to);
    buf_put_str(out, "\r\nSubject: ");
    put_words(out, slice_str(letter->subject));
    buf_printf(out, "\r\nMessage-ID: <%s>\r\n", letter->id);
    put_date(out, letter->date_ms);
    buf_put_str(out, "MIME-Version: 1.0\r\nAuto-Submitted: auto-generated\r\n"
                     "X-Auto-Response-Suppress: All\r\n");
}

void mime_put(struct buf *out, const struct mime_letter *letter)
{
    ASSERT(out && letter && letter->from && letter->to && letter->to[0]);
    ASSERT(letter->subject && letter->id);
    char edge[48];
    put_heads(out, letter);
    if (!letter->files_count) {
        put_alternatives(out, letter);
        return;
    }
    boundary_make(edge, "mix");
    buf_printf(out, "Content-Type: multipart/mixed; boundary=\"%s\"\r\n\r\n--%s\r\n", edge, edge);
    put_alternatives(out, letter);
    for (int i = 0; i < letter->files_count; i++) {
        buf_printf(out, "--%s\r\n", edge);
        put_file(out, &letter->files[i]);
    }
    buf_printf(out, "--%s--\r\n", edge);
}

static bool is_domain(struct slice s)
{
    bool fresh = true;
    int dots = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        dots += c == '.';
        if (!letter && (fresh || (c != '-' && c != '.')))
            return false;
        fresh = c == '.';
    }
    return s.len > 0 && !fresh && (dots > 0 || slice_is(s, "localhost"));
}

bool mime_address_is_valid(struct slice address)
{
    struct slice domain = address, local = slice_split(&domain, '@');
    if (local.len == 0 || local.len > 64 || address.len > MAIL_ADDRESS_BYTES_MAX)
        return false;
    bool fresh = true;
    for (size_t i = 0; i < local.len; i++) {
        char c = local.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        bool fine = letter || strchr("!#$%&'*+-/=?^_`{|}~", c);
        if (c == '.' ? fresh : !c || !fine)
            return false;
        fresh = c == '.';
    }
    return !fresh && is_domain(domain);
}
