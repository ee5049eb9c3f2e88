/* place - a data folder of its own for each test.
 *
 * SPDX-License-Identifier: MIT
 */
#include "place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "tenant/folder.h"

void place_open(struct place *place)
{
    strcpy(place->folder, "/tmp/perigee-test-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    (void)snprintf(place->data, sizeof place->data, "%s/data", place->folder);
    place->arena = arena_new();
    id_init(1, 0);
}

void place_close(struct place *place)
{
    assert_int_equal(folder_remove(place->folder), ERR_OK);
    arena_free(place->arena);
}

void place_fill(struct place *place, const char *const *names)
{
    const char *why = NULL;
    struct store *control;
    assert_int_equal(control_init(place->data, &why), ERR_OK);
    assert_int_equal(control_open(place->data, STORE_OWNER, &control, &why), ERR_OK);
    for (; *names; names++) {
        const char *hosts[] = {arena_printf(place->arena, "%s.test", *names), NULL};
        struct control_tenant spec = {
            .name = *names, .title = *names, .worker = -1, .hosts = hosts};
        assert_int_equal(tenant_create(place->data, &spec, &why), ERR_OK);
        assert_int_equal(control_add(control, &spec, &why), ERR_OK);
    }
    store_close(control);
}
