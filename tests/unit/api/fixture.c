/* fixture - a server without processes.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fixture.h"

#include <stdio.h>
#include <unistd.h>

#include "api/jobs.h"
#include "auth/session.h"
#include "base/id.h"
#include "base/log.h"
#include "http/target.h"
#include "record/blob.h"
#include "tenant/folder.h"

/* --- the home -----------------------------------------------------------------------------------
 */

static const struct {
    const char *path, *text;
} FILES[] = {
    {"plugins/shop/plugin.json",
     "{\"id\":\"shop\",\"version\":\"1.2.0\",\"api\":1,\"title\":\"@title\",\"summary\":\"@title\","
     "\"config\":["
     "{\"name\":\"greeting\",\"type\":\"text\",\"default\":\"Hello\",\"label\":\"@title\"},"
     "{\"name\":\"most\",\"type\":\"int\",\"default\":30,\"min\":1,\"max\":500},"
     "{\"name\":\"share\",\"type\":\"decimal\",\"min\":0,\"max\":1},"
     "{\"name\":\"open\",\"type\":\"bool\",\"default\":true},"
     "{\"name\":\"size\",\"type\":\"enum\",\"values\":[\"small\",\"large\"]},"
     "{\"name\":\"days\",\"type\":\"multienum\",\"values\":[\"mon\",\"tue\"]},"
     "{\"name\":\"site\",\"type\":\"url\"},{\"name\":\"mail\",\"type\":\"email\"},"
     "{\"name\":\"since\",\"type\":\"date\"},{\"name\":\"boss\",\"type\":\"user\"},"
     "{\"name\":\"key\",\"type\":\"secret\"}]}"},
    {"plugins/shop/i18n/zh-CN.json",
     "{\"title\":\"商店\",\"ware\":\"商品\",\"region.east\":\"东区\"}"},
    {"plugins/shop/i18n/en.json",
     "{\"title\":\"Shop\",\"ware\":\"Ware\",\"region.east\":\"East\"}"},
    {"plugins/shop/dictionaries/region.json", "{\"name\":\"region\",\"values\":[\"east\",\"west\","
                                              "{\"value\":\"harbour\",\"parent\":\"east\"}]}"},
    {"plugins/shop/entities/ware.json",
     "{\"name\":\"ware\",\"title\":\"name\",\"fields\":["
     "{\"no\":1,\"name\":\"name\",\"type\":\"text\",\"required\":true,\"search\":true},"
     "{\"no\":2,\"name\":\"region\",\"type\":\"dict\",\"dictionary\":\"region\"},"
     "{\"no\":3,\"name\":\"cost\",\"type\":\"int\"}]}"},
    {"plugins/shop/roles/seller.json",
     "{\"name\":\"seller\",\"label\":\"@ware\",\"grants\":{\"ware\":{\"read\":\"all\","
     "\"create\":true,\"fields\":{\"cost\":\"none\"}}}}"},
    {"plugins/trade/plugin.json",
     "{\"id\":\"trade\",\"version\":\"1.0.0\",\"api\":1,\"title\":\"Trade\","
     "\"requires\":{\"shop\":\"^1\"}}"},
    {"plugins/later/plugin.json",
     "{\"id\":\"later\",\"version\":\"1.0.0\",\"api\":1,\"title\":\"Later\","
     "\"requires\":{\"shop\":\"^2\"}}"},
    {"plugins/torn/plugin.json", "{\"id\":\"torn\",\"version\":\"one\"}"},
};

static void make_home(struct fixture *f, const char *home)
{
    static const char *const linked[] = {"schemas", "plugins/core"};
    char path[FOLDER_PATH_MAX], target[FOLDER_PATH_MAX];
    folder_join(path, home, "plugins");
    assert_int_equal(folder_make(path), ERR_OK);
    for (size_t i = 0; i < sizeof linked / sizeof *linked; i++) {
        folder_join(path, home, linked[i]);
        folder_join(target, PERIGEE_SOURCE_DIR, linked[i]);
        assert_int_equal(symlink(target, path), 0);
    }
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        folder_join(path, home, FILES[i].path);
        char *folder = arena_strdup(f->arena, path);
        *strrchr(folder, '/') = 0;
        assert_int_equal(folder_make(folder), ERR_OK);
        assert_int_equal(folder_write(path, slice_str(FILES[i].text), 0600), ERR_OK);
    }
}

/* --- the server ---------------------------------------------------------------------------------
 */

static void make_tenant(struct fixture *f, struct store *control, const char *name)
{
    const char *why = "";
    const char *hosts[] = {arena_printf(f->arena, "%s.test", name), NULL};
    struct control_tenant spec = {.name = name, .title = name, .worker = -1, .hosts = hosts};
    if (tenant_create(f->config.data, &spec, &why) || control_add(control, &spec, &why))
        fail_msg("%s: %s", name, why);
}

static void enable(struct fixture *f, const char *tenant, const char *plugin)
{
    struct tenant *t;
    assert_int_equal(tenants_by_name(f->tenants, slice_str(tenant), &t), ERR_OK);
    assert_int_equal(store_begin(t->store, true), ERR_OK);
    assert_int_equal(tenant_plugin_put(t, plugin, "1.2.0", "enabled", (struct slice){0}), ERR_OK);
    assert_int_equal(store_commit(t->store), ERR_OK);
    tenants_unpin(f->tenants, t);
}

int fixture_setup(void **state)
{
    static const struct app_services services = {0};
    struct fixture *f = calloc(1, sizeof *f);
    const char *why = "";
    assert_non_null(f);
    f->arena = arena_new();
    log_init(2, LOG_ERROR, "test");
    strcpy(f->folder, "/tmp/perigee-api-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    id_init(1, 0);
    const char *home = arena_printf(f->arena, "%s/home", f->folder);
    const char *data = arena_printf(f->arena, "%s/data", f->folder);
    make_home(f, home);
    struct store *control;
    if (control_init(data, &why) || config_load(f->arena, data, home, &f->config, &why) ||
        control_open(data, STORE_OWNER, &control, &why))
        fail_msg("%s", why);
    make_tenant(f, control, "acme");
    make_tenant(f, control, "bolt");
    store_close(control);
    if (tenants_new(&f->config, STORE_OWNER, 1, &f->tenants, &why) ||
        tenants_own_control(f->tenants, STORE_OWNER, &why))
        fail_msg("%s", why);
    app_init(&f->app, APP_COMMAND, &f->config, f->tenants, &services);
    f->app.control = tenants_control(f->tenants);
    enable(f, "acme", "shop");
    enable(f, "bolt", "shop");
    fixture_user(f, "root", "[\"admin\"]");
    fixture_user(f, "root@bolt", "[\"admin\"]");
    *state = f;
    return 0;
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    app_release(&f->app);
    tenants_free(f->tenants);
    assert_int_equal(folder_remove(f->folder), ERR_OK);
    arena_free(f->arena);
    free(f);
    return 0;
}

/* --- requests -----------------------------------------------------------------------------------
 */

const char *fixture_print(struct fixture *f, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const char *text = arena_vprintf(f->arena, fmt, args);
    va_end(args);
    return text;
}

/* "anna@bolt" → "bolt"; without a tenant it is acme. */
static const char *tenant_of(const char *who)
{
    const char *at = who ? strchr(who, '@') : NULL;
    return at ? at + 1 : "acme";
}

static bool is_operator(const char *who)
{
    return who && slice_starts(slice_str(who), SLICE(OPERATOR));
}

static const char *token_of(const struct fixture *f, const char *who)
{
    for (int i = 0; i < f->users_count; i++)
        if (strcmp(f->users[i].who, who) == 0)
            return f->users[i].token;
    return who; /* a token itself */
}

static void header(struct req *req, const char *name, const char *value)
{
    if (value)
        req->headers[req->headers_count++] = (struct req_pair){slice_str(name), slice_str(value)};
}

static void fill(struct fixture *f, struct arena *arena, struct req *req, const char *who,
                 const char *method, const char *target, const char *body)
{
    struct slice authority;
    int port;
    const char *why = "";
    *req = (struct req){.minor = 1,
                        .target = slice_str(arena_strdup(arena, target)),
                        .host = slice_str(arena_printf(arena, "%s.test", tenant_of(who))),
                        .content_length = body ? (int64_t)strlen(body) : -1,
                        .has_body = body != NULL,
                        .body = slice_str(body),
                        .body_bytes = body ? (int64_t)strlen(body) : 0,
                        .address = "10.0.0.1",
                        .trace = "0123456789abcdef"};
    assert_true(http_method_find(slice_str(method), &req->method));
    if (!target_parse(arena, req, &authority, &port, &why))
        fail_msg("%s: %s", target, why);
    req->headers = arena_array(arena, struct req_pair, 10);
    header(req, "accept-language", "en");
    header(req, "content-type",
           f->content_type ? f->content_type
           : body          ? "application/json"
                           : NULL);
    header(req, "if-match", f->if_match);
    header(req, "idempotency-key", f->idempotency_key);
    header(req, "x-perigee-timestamp", f->timestamp);
    header(req, "x-perigee-signature", f->signature);
    if (is_operator(who))
        header(req, "x-perigee-tenant", tenant_of(who));
    else if (who)
        header(req, "authorization", arena_printf(arena, "Bearer %s", token_of(f, who)));
}

/* A turn of one request, where the route runs in one. */
static void run(struct call *call)
{
    int64_t body_max;
    if (pipeline_admit(call, true, &body_max))
        return;
    struct store *store = call->ctx->tenant ? call->ctx->tenant->store : NULL;
    if (call->route->runs != RUNS_WORKER || !store) {
        (void)!pipeline_run(call);
        return;
    }
    assert_int_equal(store_begin(store, true), ERR_OK);
    if (pipeline_run(call))
        store_rollback(store);
    else
        assert_int_equal(store_commit(store), ERR_OK);
}

static void keep(struct fixture *f, const struct resp *resp)
{
    struct slice file;
    f->status = resp->status;
    f->text = arena_str(f->arena, buf_slice(&resp->body));
    f->etag = f->location = f->disposition = NULL;
    f->json = NULL;
    if (resp->file_path) {
        assert_int_equal(blob_map(f->arena, resp->file_path, &file), ERR_OK);
        f->text = arena_str(f->arena, file);
    }
    if (resp->body.len)
        (void)!json_parse(f->arena, slice_str(f->text), &f->json, NULL);
    for (const struct resp_header *h = resp->headers; h; h = h->next) {
        if (strcmp(h->name, "ETag") == 0)
            f->etag = arena_strdup(f->arena, h->value);
        if (strcmp(h->name, "Location") == 0)
            f->location = arena_strdup(f->arena, h->value);
        if (strcmp(h->name, "Content-Disposition") == 0)
            f->disposition = arena_strdup(f->arena, h->value);
    }
}

int fixture_call(struct fixture *f, const char *who, const char *method, const char *target,
                 const char *body)
{
    struct arena *arena = arena_new();
    struct req req;
    struct resp resp;
    fill(f, arena, &req, who, method, target, body);
    resp_init(&resp, arena);
    struct call *call = pipeline_call_new(&f->app, arena, &req, &resp);
    call->is_operator = is_operator(who);
    run(call);
    pipeline_end(call);
    keep(f, &resp);
    f->if_match = f->idempotency_key = f->content_type = NULL;
    f->timestamp = f->signature = NULL;
    resp_release(&resp);
    arena_free(arena);
    return f->status;
}

void fixture_jobs(struct fixture *f, const char *tenant)
{
    bool more = true;
    while (more) {
        int64_t next_ms;
        struct tenant *t;
        struct arena *arena = arena_new();
        assert_int_equal(tenants_by_name(f->tenants, slice_str(tenant), &t), ERR_OK);
        assert_int_equal(jobs_step(&f->app, t, arena, &more, &next_ms), ERR_OK);
        tenants_unpin(f->tenants, t);
        arena_free(arena);
    }
}

/* --- people -------------------------------------------------------------------------------------
 */

void fixture_sign_in(struct fixture *f, const char *who, const char *id)
{
    struct session_new session;
    struct tenant *tenant;
    struct ctx ctx;
    int64_t user;
    assert_true(f->users_count < FIXTURE_USERS_MAX);
    assert_true(id_parse(slice_str(id), &user));
    assert_int_equal(tenants_by_name(f->tenants, slice_str(tenant_of(who)), &tenant), ERR_OK);
    ctx_init(&ctx, f->arena);
    ctx.tenant = tenant;
    assert_int_equal(store_begin(tenant->store, true), ERR_OK);
    assert_int_equal(tenant_refresh(tenant), ERR_OK);
    assert_int_equal(session_create(&ctx, user, "10.0.0.1", "test", &session), ERR_OK);
    assert_int_equal(store_commit(tenant->store), ERR_OK);
    tenants_unpin(f->tenants, tenant);
    f->users[f->users_count++] =
        (struct fixture_user){who, id, arena_strdup(f->arena, session.token)};
}

const char *fixture_user(struct fixture *f, const char *who, const char *roles)
{
    struct slice rest = slice_str(who), login = slice_split(&rest, '@');
    const char *body =
        fixture_print(f, "{\"login\":\"" SLICE_FMT "\",\"roles\":%s}", SLICE_ARG(login), roles);
    const char *as = fixture_print(f, OPERATOR "@%s", tenant_of(who));
    if (fixture_call(f, as, "POST", "/api/v1/admin/users", body) != 201)
        fail_msg("%s: %s", who, f->text);
    const char *id = fixture_at(f, "id");
    fixture_sign_in(f, who, id);
    return id;
}

/* --- answers ------------------------------------------------------------------------------------
 */

const char *fixture_at(struct fixture *f, const char *path)
{
    struct slice rest = slice_str(path);
    const struct json *at = f->json;
    while (at && rest.len) {
        struct slice part = slice_split(&rest, '.');
        int64_t index;
        if (at->type == JSON_ARRAY)
            at = slice_to_int(part, &index) ? json_at(at, (int)index) : NULL;
        else
            at = json_get_slice(at, part);
    }
    if (!at)
        return "";
    if (at->type == JSON_STRING)
        return at->text.at;
    struct buf b = BUF_INIT;
    json_put(&b, at);
    const char *text = arena_str(f->arena, buf_slice(&b));
    buf_release(&b);
    return text;
}

const char *fixture_complaint(struct fixture *f, const char *field)
{
    const struct json *fields = json_get(json_get(f->json, "error"), "fields");
    return json_cstr(json_at(json_get(fields, field), 0), "code", "");
}

void fixture_audited(struct fixture *f, const char *action)
{
    const char *target = fixture_print(f, "/api/v1/admin/audit?limit=1&action=%s", action);
    assert_int_equal(fixture_call(f, "root", "GET", target, NULL), 200);
    if (strcmp(fixture_at(f, "items.0.action"), action) != 0)
        fail_msg("%s is not in the audit log", action);
}
