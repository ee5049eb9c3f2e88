/* client - requests of the command line, over the operator socket or in this process.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/jobs.h"
#include "api/pipeline.h"
#include "base/crypto.h"
#include "base/id.h"
#include "cli/local.h"
#include "net/frame.h"

#define CLIENT_WAIT_MS       (10 * 60 * 1000)
#define CLIENT_POLL_FIRST_MS 100
#define CLIENT_POLL_MAX_MS   1000

struct client {
    struct cli *cli;
    int fd; /* -1 = local */
    struct local *local;
    uint64_t last_tag;
};

int client_open(struct cli *cli, struct client **out)
{
    struct client *client = arena_make(cli_arena(cli), struct client);
    client->cli = cli;
    client->fd = -1;
    const char *socket = arena_printf(cli_arena(cli), "%s/operator.sock", cli_data(cli));
    if (frame_connect(socket, &client->fd)) {
        client->fd = -1;
        const char *why = NULL;
        if (local_open(cli_arena(cli), cli_data(cli), &client->local, &why))
            return cli_refuse(cli, "%s", why);
    }
    *out = client;
    return CLI_OK;
}

void client_close(struct client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    local_close(client->local);
}

bool client_is_local(const struct client *client)
{
    return client->fd < 0;
}

static enum err call_remote(struct client *client, const struct req *req, const char *tenant,
                            struct resp *resp)
{
    struct buf b = BUF_INIT;
    (void)tenant;
    req_encode(req, &b);
    uint64_t tag = ++client->last_tag;
    enum err e = frame_write(client->fd, FRAME_REQUEST, tag, buf_slice(&b));
    enum frame_kind kind = FRAME_NONE;
    uint64_t answered = 0;
    while (!e && (kind != FRAME_ANSWER || answered != tag))
        e = frame_read(client->fd, CLIENT_WAIT_MS, &kind, &answered, &b);
    if (!e)
        e = resp_decode(cli_arena(client->cli), buf_slice(&b), resp);
    buf_release(&b);
    return e;
}

static void req_fill(struct arena *arena, struct req *req, enum http_method method,
                     const char *path, const char *tenant)
{
    const char *lang = getenv("LC_ALL");
    lang = lang && *lang ? lang : getenv("LANG");
    uint8_t trace[8];
    crypto_random(trace, sizeof(trace));
    struct buf hex = BUF_INIT;
    crypto_put_hex(&hex, slice_of((const char *)trace, sizeof(trace)));
    struct slice rest = slice_str(path);
    *req = (struct req){.method = method,
                        .minor = 1,
                        .target = slice_str(path),
                        .path = slice_split(&rest, '?'),
                        .host = SLICE("localhost"),
                        .content_length = -1,
                        .is_operator = true,
                        .address = "local",
                        .trace = arena_str(arena, buf_slice(&hex))};
    buf_release(&hex);
    req->headers = arena_array(arena, struct req_pair, 4);
    struct slice zh = SLICE("zh-CN"), en = SLICE("en");
    req->headers[req->headers_count++] =
        (struct req_pair){SLICE("accept-language"), lang && strncmp(lang, "zh", 2) == 0 ? zh : en};
    if (tenant)
        req->headers[req->headers_count++] =
            (struct req_pair){SLICE("x-perigee-tenant"), slice_str(tenant)};
    req->query = arena_array(arena, struct req_pair, 8);
    while (rest.len && req->query_count < 8) {
        struct slice pair = slice_split(&rest, '&');
        struct slice name = slice_split(&pair, '=');
        req->query[req->query_count++] = (struct req_pair){name, pair};
    }
}

/* "leads: phone: not a phone number; name: required" in one line. */
static int answer_refuse(struct client *client, const struct client_answer *answer)
{
    const struct json *error = json_get(answer->json, "error");
    if (!error)
        return cli_refuse(client->cli, "refused with status %d", answer->status);
    struct buf line = BUF_INIT;
    /* That fields need attention is said by what is wrong with them. */
    bool is_plain = slice_is(json_str(error, "code", SLICE("")), err_code(ERR_VALIDATION));
    const struct json *fields = json_get(error, "fields");
    if (!is_plain || !fields || !fields->count)
        buf_put_slice(&line, json_str(error, "message", SLICE("refused")));
    const char *before = line.len ? " " : "";
    json_each(field, fields)
    {
        json_each(complaint, field)
        {
            buf_printf(&line, "%s%.*s%s%s;", before, SLICE_ARG(field->key),
                       field->key.len ? ": " : "",
                       json_cstr(complaint, "message", json_cstr(complaint, "code", "")));
            before = " ";
        }
    }
    if (line.len && line.at[line.len - 1] == ';')
        buf_truncate(&line, line.len - 1);
    int status = cli_refuse(client->cli, "%s", buf_cstr(&line));
    buf_release(&line);
    return status;
}

static int call_run(struct client *client, struct req *req, const char *tenant,
                    struct client_answer *answer)
{
    struct arena *arena = cli_arena(client->cli);
    struct resp resp;
    enum err e = ERR_OK;
    if (client->fd >= 0) {
        e = call_remote(client, req, tenant, &resp);
    } else {
        resp_init(&resp, arena);
        local_call(client->local, arena, req, &resp);
    }
    if (e)
        return cli_refuse(client->cli, "the server went away before it answered (%s)", err_code(e));
    *answer = (struct client_answer){.status = resp.status,
                                     .body = arena_slice(arena, buf_slice(&resp.body)),
                                     .file_path = arena_strdup(arena, resp.file_path),
                                     .file_is_temporary = resp.file_is_temporary};
    resp_release(&resp);
    if (answer->body.len && json_parse(arena, answer->body, &answer->json, NULL))
        answer->json = NULL;
    return answer->status < 300 ? CLI_OK : answer_refuse(client, answer);
}

int client_call(struct client *client, enum http_method method, const char *path,
                const char *tenant, const char *body, struct client_answer *answer)
{
    struct req req;
    req_fill(cli_arena(client->cli), &req, method, path, tenant);
    if (body) {
        req.has_body = true;
        req.body = slice_str(body);
        req.content_length = req.body_bytes = (int64_t)req.body.len;
        req.headers[req.headers_count++] =
            (struct req_pair){SLICE("content-type"), SLICE("application/json")};
    }
    return call_run(client, &req, tenant, answer);
}

int client_upload(struct client *client, const char *path, const char *tenant,
                  const char *content_type, const char *file, struct client_answer *answer)
{
    struct req req;
    struct stat st;
    if (stat(file, &st) != 0)
        return cli_refuse(client->cli, "%s cannot be read", file);
    req_fill(cli_arena(client->cli), &req, HTTP_POST, path, tenant);
    req.has_body = true;
    req.body_path = file;
    req.content_length = req.body_bytes = st.st_size;
    req.headers[req.headers_count++] =
        (struct req_pair){SLICE("content-type"), slice_str(content_type)};
    return call_run(client, &req, tenant, answer);
}

int client_wait(struct client *client, const char *path, const char *tenant,
                struct client_answer *answer)
{
    int wait_ms = CLIENT_POLL_FIRST_MS;
    for (;;) {
        int status = client_call(client, HTTP_GET, path, tenant, NULL, answer);
        if (status)
            return status;
        struct slice state = json_str(answer->json, "state", SLICE("done"));
        if (slice_is(state, "done") || slice_is(state, "failed") || slice_is(state, "cancelled") ||
            slice_is(state, "undone"))
            return CLI_OK;
        usleep((useconds_t)wait_ms * 1000);
        if (wait_ms < CLIENT_POLL_MAX_MS)
            wait_ms += CLIENT_POLL_FIRST_MS;
    }
}
