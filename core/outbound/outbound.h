/* outbound - who may reach the network at all, and the operator's word on it.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

struct outbound_policy {
    const char *const *exceptions; /* see guard.h; NULL-terminated, or NULL: none */
    const char *ca_file;           /* certificates trusted instead of the system's; NULL: those */
};

/* What fetch_may_reach judges by, in a process that makes no calls itself. What policy points to
 * must stay. */
void outbound_judge_by(const struct outbound_policy *policy);
/* Called once by runners and by commands that do their own work. Without it every call answers
 * ERR_NOT_SUPPORTED, and libcurl is never loaded. What policy points to must stay. */
void outbound_permit(const struct outbound_policy *policy);
