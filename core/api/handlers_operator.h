/* handlers_operator - the functions behind the operator's routes; part of handlers.h.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/call.h"

/* operator.c: the command line's own, for the server's owner */
enum err operator_tenants_list(struct call *call);
enum err operator_tenants_create(struct call *call);
enum err operator_tenants_get(struct call *call);
enum err operator_tenants_state(struct call *call);
enum err operator_tenants_delete(struct call *call);
enum err operator_tenants_move(struct call *call);
enum err operator_backup(struct call *call);
enum err operator_restore(struct call *call);
enum err operator_check(struct call *call);
enum err operator_upgrade(struct call *call);
enum err operator_repl(struct call *call); /* repl.c */
/* operator_plan.c, operator_erase.c, operator_keys.c */
enum err operator_limits_get(struct call *call);
enum err operator_limits_put(struct call *call);
enum err operator_erase(struct call *call);
enum err operator_person(struct call *call); /* privacy.c */
enum err operator_keys_list(struct call *call);
enum err operator_keys_rotate(struct call *call);
enum err operator_keys_rewrap(struct call *call);
