/* rules - what a request must be beyond being parseable.
 *
 * SPDX-License-Identifier: MIT
 */
#include "http/rules.h"

#include "http/host.h"
#include "http/target.h"

/* ---- request line ---- */

static bool is_token(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
              (c != '\0' && strchr("!#$%&'*+-.^_`|~", c))))
            return false;
    }
    return s.len > 0;
}

enum err rules_line(struct slice line, struct req *req, const char **why)
{
    struct slice rest = line;
    struct slice method = slice_split(&rest, ' ');
    struct slice target = slice_split(&rest, ' ');
    struct slice version = rest;

    *why = "request_line";
    if (!is_token(method) || target.len == 0 || version.len != 8 ||
        !slice_starts(version, SLICE("HTTP/")) || version.at[6] != '.')
        return ERR_MALFORMED;
    char major = version.at[5], minor = version.at[7];
    if (major < '0' || major > '9' || minor < '0' || minor > '9')
        return ERR_MALFORMED;
    if (major != '1' || minor > '1') {
        *why = "version";
        return ERR_HTTP_VERSION;
    }
    if (!http_method_find(method, &req->method)) {
        *why = "method";
        return ERR_METHOD;
    }
    req->minor = minor - '0';
    req->target = target;
    return ERR_OK;
}

/* ---- headers ---- */

/* The headers that decide who is asked and where the request ends, found in one pass. */
struct head {
    struct arena *arena;
    struct req *req;
    int hosts, lengths, encodings, expects, upgrades;
    struct slice host, length, encoding, expect;
    bool says_close, says_keep_alive, says_upgrade;
};

static void connection_note(struct head *head, struct slice list)
{
    while (list.len > 0) {
        struct slice token = slice_trim(slice_split(&list, ','));
        if (slice_eq_nocase(token, SLICE("close")))
            head->says_close = true;
        else if (slice_eq_nocase(token, SLICE("keep-alive")))
            head->says_keep_alive = true;
        else if (slice_eq_nocase(token, SLICE("upgrade")))
            head->says_upgrade = true;
    }
}

static void header_note(struct head *head, const struct req_pair *header)
{
    switch (header->name.len) {
    case 4:
        if (slice_is(header->name, "host") && ++head->hosts)
            head->host = header->value;
        break;
    case 6:
        if (slice_is(header->name, "expect") && ++head->expects)
            head->expect = header->value;
        break;
    case 7:
        head->upgrades += slice_is(header->name, "upgrade");
        break;
    case 10:
        if (slice_is(header->name, "connection"))
            connection_note(head, header->value);
        break;
    case 14:
        if (slice_is(header->name, "content-length") && ++head->lengths)
            head->length = header->value;
        break;
    case 17:
        if (slice_is(header->name, "transfer-encoding") && ++head->encodings)
            head->encoding = header->value;
        break;
    default:
        break;
    }
}

/* Only on 1.1, once, and nothing but chunked: any other coding leaves the length to guesswork. */
static enum err rule_transfer_encoding(struct head *head)
{
    if (head->encodings == 0)
        return ERR_OK;
    if (head->encodings > 1 || head->req->minor == 0 ||
        !slice_eq_nocase(head->encoding, SLICE("chunked")))
        return ERR_MALFORMED;
    head->req->has_body = true;
    return ERR_OK;
}

/* One decimal number, not a list of equal ones. */
static enum err rule_content_length(struct head *head)
{
    head->req->content_length = -1;
    if (head->lengths == 0)
        return ERR_OK;
    if (head->lengths > 1 || head->length.len == 0)
        return ERR_MALFORMED;
    for (size_t i = 0; i < head->length.len; i++) {
        if (head->length.at[i] < '0' || head->length.at[i] > '9')
            return ERR_MALFORMED;
    }
    int64_t n = 0;
    if (!slice_to_int(head->length, &n))
        return ERR_TOO_LARGE;
    head->req->content_length = n;
    head->req->has_body = head->req->has_body || n > 0;
    return ERR_OK;
}

/* Both together is the classic smuggling request. */
static enum err rule_one_framing(struct head *head)
{
    return head->encodings > 0 && head->lengths > 0 ? ERR_MALFORMED : ERR_OK;
}

static enum err rule_upgrade(struct head *head)
{
    return head->upgrades > 0 || head->says_upgrade ? ERR_MALFORMED : ERR_OK;
}

/* RFC 9110 section 10.1.1: a 1.0 client cannot mean it; nothing but 100-continue is known. */
static enum err rule_expect(struct head *head)
{
    struct req *req = head->req;
    if (head->expects == 0 || req->minor == 0)
        return ERR_OK;
    if (head->expects > 1 || !slice_eq_nocase(head->expect, SLICE("100-continue")))
        return ERR_MALFORMED;
    req->expects_continue = req->has_body;
    return ERR_OK;
}

static enum err rule_host(struct head *head)
{
    int port;
    if (head->hosts != 1 || !host_parse(head->arena, head->host, &head->req->host, &port))
        return ERR_MALFORMED;
    return ERR_OK;
}

/* An absolute form that names another server than Host would be routed by one and logged by other.
 */
static enum err authority_agrees(struct head *head, struct slice authority, int scheme_port)
{
    struct slice host, same;
    int port, host_port;
    if (!host_parse(head->arena, authority, &host, &port) ||
        !host_parse(head->arena, head->host, &same, &host_port) || !slice_eq(host, same))
        return ERR_MALFORMED;
    if ((port ? port : scheme_port) != (host_port ? host_port : scheme_port))
        return ERR_MALFORMED;
    return ERR_OK;
}

static const struct {
    const char *why;
    enum err (*check)(struct head *head);
} rules[] = {
    {"transfer_encoding", rule_transfer_encoding},
    {"content_length", rule_content_length},
    {"framing", rule_one_framing},
    {"upgrade", rule_upgrade},
    {"expectation", rule_expect},
    {"host", rule_host},
};

enum err rules_head(struct arena *arena, struct req *req, const char **why)
{
    ASSERT(req->target.len > 0);
    struct head head = {.arena = arena, .req = req};

    for (int i = 0; i < req->headers_count; i++)
        header_note(&head, &req->headers[i]);
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        *why = rules[i].why;
        enum err e = rules[i].check(&head);
        if (e)
            return e;
    }
    req->keep_alive = !head.says_close && (req->minor >= 1 || head.says_keep_alive);

    struct slice authority;
    int scheme_port;
    if (!target_parse(arena, req, &authority, &scheme_port, why))
        return ERR_MALFORMED;
    if (authority.len > 0) {
        *why = "authority";
        return authority_agrees(&head, authority, scheme_port);
    }
    return ERR_OK;
}
