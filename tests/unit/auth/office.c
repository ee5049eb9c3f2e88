/* office - two tenants with open stores and a unit of work, for the tests of identity.
 *
 * SPDX-License-Identifier: MIT
 */
#include "office.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "tenant/folder.h"

static void tenant_add(struct office *o, struct store *control, const char *name)
{
    const char *why = "";
    struct control_tenant spec = {.name = name, .title = name, .worker = -1};
    assert_int_equal(tenant_create(o->data, &spec, &why), ERR_OK);
    assert_int_equal(control_add(control, &spec, &why), ERR_OK);
}

int office_setup(void **state)
{
    static struct office office;
    struct office *o = &office;
    memset(o, 0, sizeof *o);
    strcpy(o->folder, "/tmp/perigee-test-XXXXXX");
    assert_non_null(mkdtemp(o->folder));
    strcpy(o->data, o->folder);
    strcat(o->data, "/data");
    o->arena = arena_new();
    id_init(1, 0);
    clock_fix(OFFICE_NOON);

    const char *why = "";
    struct store *control;
    assert_int_equal(control_init(o->data, &why), ERR_OK);
    assert_int_equal(control_open(o->data, STORE_OWNER, &control, &why), ERR_OK);
    tenant_add(o, control, "acme");
    tenant_add(o, control, "bolt");
    store_close(control);
    o->config.data = o->data;
    assert_int_equal(tenants_new(&o->config, STORE_OWNER, 1, &o->tenants, &why), ERR_OK);
    assert_int_equal(tenants_by_name(o->tenants, SLICE("acme"), &o->acme), ERR_OK);
    assert_int_equal(tenants_by_name(o->tenants, SLICE("bolt"), &o->bolt), ERR_OK);
    ctx_init(&o->ctx, o->arena);
    o->ctx.tenant = o->acme;
    o->ctx.source = CTX_COMMAND;
    *state = o;
    return 0;
}

int office_teardown(void **state)
{
    struct office *o = *state;
    clock_fix(-1);
    tenants_free(o->tenants);
    assert_int_equal(folder_remove(o->folder), ERR_OK);
    arena_free(o->arena);
    return 0;
}

void office_wait(struct office *office, int64_t ms)
{
    office->ctx.now_ms += ms;
    clock_fix(office->ctx.now_ms);
}

void office_begin(struct office *office)
{
    err_info_clear(&office->ctx.err);
    assert_int_equal(store_begin(office->ctx.tenant->store, true), ERR_OK);
    assert_int_equal(tenant_refresh(office->ctx.tenant), ERR_OK);
}

enum err office_end(struct office *office, enum err e)
{
    if (e)
        store_rollback(office->ctx.tenant->store);
    else
        assert_int_equal(store_commit(office->ctx.tenant->store), ERR_OK);
    assert_int_equal(tenant_refresh(office->ctx.tenant), ERR_OK);
    return e;
}

int64_t office_user(struct office *office, const char *login, const char *role)
{
    const char *roles[] = {role, NULL};
    struct user_spec spec = {.login = login, .roles = roles};
    int64_t id = 0;
    office_begin(office);
    assert_int_equal(office_end(office, user_create(&office->ctx, &spec, &id)), ERR_OK);
    return id;
}

void office_role(struct office *office, const char *name, const char *body)
{
    struct store_set sets[] = {
        {.column = "name", .value = value_text(slice_str(name))},
        {.column = "body", .value = value_text(slice_str(body))},
    };
    struct store *store = office->ctx.tenant->store;
    office_begin(office);
    enum err e = store_put(store, "role", sets, 2);
    if (!e)
        e = store_header_bump(store, false, true);
    assert_int_equal(office_end(office, e), ERR_OK);
}

int64_t office_count(struct office *office, const char *table)
{
    int64_t n = -1;
    assert_int_equal(store_count(office->ctx.tenant->store, table, NULL, 1000000, &n), ERR_OK);
    return n;
}
