/* policy - how strict a tenant is about passwords and sessions (security.md section 7).
 *
 * Stored as the setting "security": {"passwords": "asvs" | "dengbao", "mfa": "offered" | "admins" |
 * "all", "idle_minutes": n, "life_minutes": n}. Times can only be shortened, and `dengbao` asks at
 * least administrators for a second factor. Who must have one and has none, or whose password is
 * too old, may do nothing but mend that (actor.due). Cached with the actors under auth_version, so
 * a change goes through policy_put.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "tenant/ctx.h"

enum policy_mfa { MFA_OFFERED, MFA_ADMINS, MFA_ALL };
const char *policy_mfa_name(enum policy_mfa mfa);

struct policy {
    bool dengbao; /* the profile of 等保: character classes, stricter lock and times */
    int64_t idle_ms, life_ms; /* of a session: without a request, and in all */
    enum policy_mfa mfa;      /* who must have a second factor */
    int64_t password_ms;      /* the age at which a password is changed; 0 = never by age */
    int account_fails;        /* failed sign-ins of one account from all addresses */
};

/* The profile's values, shortened by what is stored. */
MUST_USE enum err policy_load(struct tenant *tenant, struct policy *out);
/* In a write turn: checks and stores the setting, moves auth_version, audits. ERR_VALIDATION. */
MUST_USE enum err policy_put(struct ctx *ctx, const struct json *value);
