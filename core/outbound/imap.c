/* imap - see imap.h.
 *
 * libcurl speaks the protocol; what it leaves to its callers is read here: the answers to a command
 * of one's own come line by line.
 *
 * SPDX-License-Identifier: MIT
 */
#include "outbound/imap.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "outbound/curl.h"

#define LINES_BYTES_MAX (1 << 20) /* of the answers to one command */

struct imap {
    struct curl_run run;
    struct arena *arena; /* borrowed */
    const char *base;    /* "imaps://host:993/INBOX" */
    struct imap_box place;
    struct buf lines; /* what the server said of the mailbox */
    struct buf *body; /* where what was asked for goes */
    size_t most;
    bool is_over; /* more came than may */
};

/* --- what comes ---------------------------------------------------------------------------------
 */

static size_t take_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct imap *imap = arg;
    size_t n = size * count;
    imap->is_over = imap->is_over || imap->body->len + n > imap->most;
    if (imap->is_over)
        return 0;
    buf_put_slice(imap->body, slice_of(bytes, n));
    return n;
}

static size_t take_line(char *bytes, size_t size, size_t count, void *arg)
{
    struct imap *imap = arg;
    size_t n = size * count;
    if (imap->lines.len + n <= LINES_BYTES_MAX)
        buf_put_slice(&imap->lines, slice_of(bytes, n));
    return n;
}

/* The number behind `word` in the text, 0 without one. */
static int64_t number_after(struct slice text, const char *word)
{
    int64_t at = slice_find(text, slice_str(word)), n = 0;
    if (at < 0)
        return 0;
    size_t i = (size_t)at + strlen(word);
    for (; i < text.len && text.at[i] >= '0' && text.at[i] <= '9' && n < INT64_MAX / 20; i++)
        n = n * 10 + (text.at[i] - '0');
    return n;
}

/* "17-Jul-2026 02:44:25 -0700" */
static int64_t date_after(struct slice text, const char *word)
{
    static const char *const months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t at = slice_find(text, slice_str(word));
    int day, year, hour, minute, second, zone;
    char month[4] = {0}, copy[40] = {0};
    if (at < 0)
        return 0;
    size_t from = (size_t)at + strlen(word), n = text.len - from;
    memcpy(copy, text.at + from, n < sizeof copy - 1 ? n : sizeof copy - 1);
    if (sscanf(copy, "%2d-%3s-%4d %2d:%2d:%2d %5d", &day, month, &year, &hour, &minute, &second,
               &zone) != 7)
        return 0;
    const char *found = strstr(months, month);
    if (!found || (found - months) % 3)
        return 0;
    struct date date = {year, (int)(found - months) / 3 + 1, day};
    if (!date_is_valid(date))
        return 0;
    int64_t minutes = (zone / 100) * 60 + zone % 100;
    return date_to_days(date) * 86400000 + ((hour * 60 + minute) * 60 + second) * 1000LL -
           minutes * 60000;
}

/* "* 5 FETCH (UID 17 RFC822.SIZE 4123 INTERNALDATE "…")": the members in any order. */
static bool read_mail(struct slice line, struct imap_mail *out)
{
    if (!slice_starts(line, SLICE("* ")) || slice_find(line, SLICE(" FETCH (")) < 0)
        return false;
    *out = (struct imap_mail){.uid = number_after(line, "UID "),
                              .bytes = number_after(line, "RFC822.SIZE "),
                              .at_ms = date_after(line, "INTERNALDATE \"")};
    return out->uid > 0;
}

/* Lowest first; a server may give them in any order, and "7:*" gives the last one even below 7. */
static void insert(struct imap_mail *mails, int max, int *count, const struct imap_mail *mail)
{
    int at = *count;
    while (at > 0 && mails[at - 1].uid > mail->uid)
        at--;
    if (at == max || (at > 0 && mails[at - 1].uid == mail->uid))
        return;
    int last = *count < max ? *count : max - 1;
    memmove(mails + at + 1, mails + at, (size_t)(last - at) * sizeof *mails);
    mails[at] = *mail;
    *count = *count < max ? *count + 1 : max;
}

/* --- the session --------------------------------------------------------------------------------
 */

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static const char *escaped(struct arena *arena, const char *text)
{
    struct buf out = BUF_INIT;
    for (; *text; text++)
        if (is_plain(*text))
            buf_put_char(&out, *text);
        else
            buf_printf(&out, "%%%02X", (unsigned char)*text);
    const char *copy = arena_str(arena, buf_slice(&out));
    buf_release(&out);
    return copy;
}

static void set(struct imap *imap, const struct mail_server *server)
{
    CURLcode failed = CURLE_OK;
    long ssl = server->tls == MAIL_TLS_NONE ? (long)CURLUSESSL_NONE : (long)CURLUSESSL_ALL;
#define SET(option, value)                                                                         \
    if (!failed)                                                                                   \
        failed = imap->run.api->easy_setopt(imap->run.easy, option, value);
    SET(CURLOPT_USE_SSL, ssl)
    SET(CURLOPT_WRITEFUNCTION, take_body)
    SET(CURLOPT_WRITEDATA, imap)
    SET(CURLOPT_HEADERFUNCTION, take_line)
    SET(CURLOPT_HEADERDATA, imap)
    if (server->user && server->password) {
        SET(CURLOPT_USERNAME, server->user)
        SET(CURLOPT_PASSWORD, server->password)
    }
#undef SET
    ASSERT(failed == CURLE_OK);
}

enum err imap_new(struct arena *arena, const struct imap_server *server, struct imap **out,
                  const char **why)
{
    ASSERT(arena && server && server->server.host && server->folder && out && why);
    const struct mail_server *s = &server->server;
    bool whole = s->tls == MAIL_TLS_WHOLE, is_v6 = strchr(s->host, ':') != NULL;
    *out = NULL;
    if (s->tls == MAIL_TLS_NONE && s->password) {
        *why = "a password is never sent without TLS";
        return ERR_FORBIDDEN;
    }
    struct imap *imap = calloc(1, sizeof *imap);
    ASSERT(imap);
    imap->arena = arena;
    const char *protocol = whole ? "imaps" : "imap";
    enum err e = curl_run_init(&imap->run, protocol, s->host, IMAP_TIMEOUT_MS, why);
    if (e) {
        free(imap);
        return e;
    }
    imap->base = arena_printf(arena, "%s://%s%s%s:%d/%s", protocol, is_v6 ? "[" : "", s->host,
                              is_v6 ? "]" : "", s->port, escaped(arena, server->folder));
    curl_run_keep(&imap->run);
    set(imap, s);
    *out = imap;
    return ERR_OK;
}

void imap_free(struct imap *imap)
{
    if (!imap)
        return;
    curl_run_release(&imap->run);
    buf_release(&imap->lines);
    free(imap);
}

static enum err ask(struct imap *imap, const char *url, const char *command, struct buf *out,
                    size_t most, const char **why)
{
    CURLcode failed = imap->run.api->easy_setopt(imap->run.easy, CURLOPT_URL, url);
    if (!failed)
        failed = imap->run.api->easy_setopt(imap->run.easy, CURLOPT_CUSTOMREQUEST, command);
    ASSERT(failed == CURLE_OK);
    imap->body = out;
    imap->most = most;
    imap->is_over = false;
    enum err e = curl_run_go(&imap->run, imap->arena, why);
    if (e && imap->is_over) {
        *why = "it is larger than it may be";
        return ERR_TOO_LARGE;
    }
    return e;
}

/* One command; the mailbox's own numbers are told when it is selected, before the first answer. */
static enum err tell(struct imap *imap, const char *command, struct buf *body, const char **why)
{
    buf_clear(&imap->lines);
    enum err e = ask(imap, imap->base, command, body, LINES_BYTES_MAX, why);
    if (!e && slice_find(buf_slice(&imap->lines), SLICE("[UIDVALIDITY ")) >= 0) {
        imap->place.validity = number_after(buf_slice(&imap->lines), "[UIDVALIDITY ");
        imap->place.next = number_after(buf_slice(&imap->lines), "[UIDNEXT ");
    }
    return e;
}

static enum err list(struct imap *imap, const char *set, struct imap_mail *mails, int max,
                     int *count, const char **why)
{
    struct buf body = BUF_INIT;
    const char *command =
        arena_printf(imap->arena, "UID FETCH %s (UID RFC822.SIZE INTERNALDATE)", set);
    enum err e = tell(imap, command, &body, why);
    struct slice rest = buf_slice(&body);
    while (!e && rest.len) {
        struct imap_mail mail;
        if (read_mail(slice_split(&rest, '\n'), &mail))
            insert(mails, max, count, &mail);
    }
    buf_release(&body);
    return e;
}

/* In steps, because the library gives up where one answer has a few hundred lines: wider ones over
 * what is empty, back to the narrow one where that was too much. */
static enum err list_from(struct imap *imap, int64_t from, struct imap_mail *mails, int max,
                          int *count, const char **why)
{
    int64_t end = imap->place.next, width = max;
    enum err e = ERR_OK;
    if (!end) { /* not told: behind the last letter */
        e = list(imap, "*", mails, max, count, why);
        end = *count ? mails[*count - 1].uid + 1 : 0;
        *count = 0;
        imap->place.next = end;
    }
    while (!e && from < end && !*count) {
        const char *set =
            arena_printf(imap->arena, "%lld:%lld", (long long)from, (long long)(from + width - 1));
        e = list(imap, set, mails, max, count, why);
        if (e && width > max) {
            width = max;
            e = ERR_OK;
        } else {
            from += width;
            width *= 2;
        }
    }
    return e;
}

enum err imap_look(struct imap *imap, int64_t from, struct imap_mail *mails, int max, int *count,
                   struct imap_box *box, const char **why)
{
    ASSERT(imap && mails && max > 0 && count && box && why);
    struct buf body = BUF_INIT;
    *count = 0;
    enum err e = tell(imap, "NOOP", &body, why);
    buf_release(&body);
    *box = imap->place; /* told once, when the mailbox is selected */
    if (!e && !box->validity) {
        *why = "the server tells no UIDVALIDITY";
        e = ERR_IO;
    }
    if (!e && from > 0)
        e = list_from(imap, from, mails, max, count, why);
    box->next = imap->place.next;
    return e;
}

enum err imap_fetch(struct imap *imap, const struct imap_box *box, int64_t uid, struct buf *out,
                    const char **why)
{
    ASSERT(imap && box && uid > 0 && out && why);
    const char *url = arena_printf(imap->arena, "%s;UIDVALIDITY=%lld/;UID=%lld", imap->base,
                                   (long long)box->validity, (long long)uid);
    buf_clear(out);
    enum err e = ask(imap, url, NULL, out, MESSAGE_BYTES_MAX, why);
    if (imap->run.code == CURLE_REMOTE_FILE_NOT_FOUND || (!e && !out->len))
        return ERR_NOT_FOUND;
    return e;
}
