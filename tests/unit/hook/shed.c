/* shed - see shed.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "shed.h"

#include <unistd.h>

#include "base/id.h"
#include "tenant/folder.h"
#include "tenant/system.h"

int shed_setup(void **state)
{
    struct shed *shed = calloc(1, sizeof *shed);
    struct store_schema schema;
    assert_non_null(shed);
    shed->arena = arena_new();
    strcpy(shed->folder, "/tmp/perigee-hook-XXXXXX");
    assert_non_null(mkdtemp(shed->folder));
    const char *path = arena_printf(shed->arena, "%s/tenant.db", shed->folder);
    schema.tables = system_tables(&schema.tables_count);
    schema.hash = system_hash(schema.tables, schema.tables_count);
    id_init(1, 0);
    OK(store_create(path));
    OK(store_open(path, STORE_OWNER, &shed->tenant.store));
    OK(store_schema_apply(shed->tenant.store, &schema));
    shed->tenant.timezone = "Asia/Shanghai";
    shed->tenant.zone = zone_find(shed->tenant.timezone);
    ctx_init(&shed->ctx, shed->arena);
    shed->ctx.tenant = &shed->tenant;
    shed->ctx.now_ms = SHED_NOW_MS;
    *state = shed;
    return 0;
}

int shed_tx_setup(void **state)
{
    int failed = shed_setup(state);
    struct shed *shed = *state;
    if (!failed)
        OK(store_begin(shed->tenant.store, true));
    return failed;
}

int shed_teardown(void **state)
{
    struct shed *shed = *state;
    if (store_in_tx(shed->tenant.store))
        store_rollback(shed->tenant.store);
    store_close(shed->tenant.store);
    OK(folder_remove(shed->folder));
    arena_free(shed->arena);
    free(shed);
    return 0;
}
