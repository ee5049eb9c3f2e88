/* operator - what the operator's routes share: tenants by name, tenants that nobody serves yet.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/call.h"

/* In the arena of the call. ERR_NOT_FOUND. */
MUST_USE enum err operator_find(struct call *call, const char *name,
                                const struct control_tenant **out);
/* Neither the name nor a host is taken: ERR_CONFLICT says by whom. */
MUST_USE enum err operator_free(struct call *call, const struct control_tenant *spec);
/* An array of host names in canonical form, NULL-terminated. Complains about `field`. */
MUST_USE enum err operator_hosts(struct call *call, const char *field, const struct json *hosts,
                                 const char ***out);
/* The worker it lives on; in a command the one it was given, -1 = by its name. */
int operator_worker(struct call *call, const struct control_tenant *tenant);
/* Opens a tenant's folder that is not (or not any more) served, as its only user. */
MUST_USE enum err operator_open(struct call *call, const char *folder,
                                const struct control_tenant *spec, struct tenant *out);
void operator_close(struct tenant *tenant);
/* data/tenants/<name> */
const char *operator_folder(struct call *call, const char *name);
/* A fresh folder name beside the tenants that no tenant can have and that tenant_sweep removes. */
const char *operator_fresh(struct call *call, const char *name);
