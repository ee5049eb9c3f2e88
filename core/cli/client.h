/* client - how a command does its work: as a request, like everybody else.
 *
 * While a server runs on the folder, the request goes over its operator socket. Otherwise the
 * command takes the folder's lock and runs the same route in this process, jobs included. So rules,
 * rights, hooks and audit are the same on both ways.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/json.h"
#include "cli/cli.h"
#include "http/req.h"

struct client;

struct client_answer {
    int status;
    struct slice body;
    const struct json *json; /* parsed body, or NULL when it is not JSON */
    const char *file_path; /* the answer is this file; the command may read and must not keep it */
    bool file_is_temporary;
};

/* Opens the way in; on failure the reason is on stderr. */
int client_open(struct cli *cli, struct client **out);
void client_close(struct client *client);
bool client_is_local(const struct client *client); /* no server is running */
/* Sends one request. tenant NULL: none. body: JSON text, or NULL. Gives CLI_OK on 2xx; else prints
 * the error as one line (complaints on fields included) and gives CLI_REFUSED. */
int client_call(struct client *client, enum http_method method, const char *path,
                const char *tenant, const char *body, struct client_answer *answer);
/* The same with a file as body, which lies in the tenant's tmp/ already. */
int client_upload(struct client *client, const char *path, const char *tenant,
                  const char *content_type, const char *file, struct client_answer *answer);
/* Calls `path` until its "state" is done, failed or cancelled (0.1 s to 1 s between). */
int client_wait(struct client *client, const char *path, const char *tenant,
                struct client_answer *answer);
