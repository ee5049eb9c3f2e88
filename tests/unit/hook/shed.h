/* shed - one store in a temporary folder with the tables of a tenant, and a unit of work on it.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tenant/ctx.h"

#define OK(call)     assert_int_equal((call), ERR_OK)
#define SHED_NOW_MS  1000000
#define SHED_ANN     1 /* two runners */
#define SHED_BOB     2
#define SHED_HOUR_MS 3600000LL

struct shed {
    char folder[64]; /* gone at the end */
    struct arena *arena;
    struct tenant tenant; /* in Asia/Shanghai */
    struct ctx ctx;       /* now_ms is SHED_NOW_MS */
};

int shed_setup(void **state);    /* *state = struct shed */
int shed_tx_setup(void **state); /* the same, in a write transaction that is rolled back */
int shed_teardown(void **state);
