/* plugin_routes - the part of /api/v1/x/{plugin}/… that is the core's: who may, how often, once.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "script/vm.h"

/* In a write transaction: keeps what the scripts have registered as the setting "plugin_routes",
 * so that the OpenAPI document, which is made where no Lua runs, can name it. */
MUST_USE enum err plugin_routes_keep(struct ctx *ctx, const struct vm *vm);
